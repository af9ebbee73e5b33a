// What fhir-kit-client does with a FHIR server. Each line of the output is {what, got, wanted}.
//
//   node fhir_kit_client.js BASE_URL TOKEN MANY PAGE
'use strict';

const Client = require('fhir-kit-client');

const [baseUrl, token, many, page] = process.argv.slice(2);
const client = new Client({ baseUrl, bearerToken: token });

function equal(what, got, wanted) {
  console.log(JSON.stringify({ what, got: got === undefined ? null : got, wanted }));
}

async function refused(promise) {
  try {
    await promise;
    return null;
  } catch (error) {
    return { status: error.response && error.response.status, type: error.response && error.response.data.resourceType };
  }
}

async function main() {
  const statement = await client.capabilityStatement();
  equal('reads what the server can do', statement.fhirVersion, '4.0.1');

  const patient = await client.create({
    resourceType: 'Patient',
    body: { resourceType: 'Patient', name: [{ family: 'Kit', given: ['Cleo'] }], birthDate: '1982-04-05' },
  });
  const read = await client.read({ resourceType: 'Patient', id: patient.id });
  equal('reads what it made', read.name[0].family, 'Kit');

  const updated = await client.update({ resourceType: 'Patient', id: patient.id, body: { ...read, gender: 'other' } });
  equal('its update is a new version', updated.meta.versionId, '2');

  const jsonPatch = [{ op: 'replace', path: '/gender', value: 'unknown' }, { op: 'add', path: '/active', value: true }];
  const patched = await client.patch({ resourceType: 'Patient', id: patient.id, JSONPatch: jsonPatch });
  equal('patches', [patched.gender, patched.active, patched.meta.versionId], ['unknown', true, '3']);

  const former = await client.vread({ resourceType: 'Patient', id: patient.id, version: '2' });
  equal('reads a former version', former.gender, 'other');
  const history = await client.history({ resourceType: 'Patient', id: patient.id });
  equal('reads the history', history.entry.map((entry) => entry.resource.meta.versionId), ['3', '2', '1']);

  const found = await client.search({ resourceType: 'Patient', searchParams: { family: 'kit', birthdate: '1982-04-05' } });
  equal('searches', found.entry.map((entry) => entry.resource.id), [patient.id]);
  const posted = await client.search({
    resourceType: 'Patient', searchParams: { family: 'kit' }, options: { postSearch: true },
  });
  equal('searches by POST', posted.entry.map((entry) => entry.resource.id), [patient.id]);

  const entries = Array.from({ length: Number(many) }, (_, number) => ({
    resource: {
      resourceType: 'Observation', status: 'final', code: { text: 'count' }, valueInteger: number,
      subject: { reference: `Patient/${patient.id}` },
    },
    request: { method: 'POST', url: 'Observation' },
  }));
  const done = await client.transaction({ body: { resourceType: 'Bundle', type: 'transaction', entry: entries } });
  equal('sends a transaction', done.entry.every((entry) => entry.response.status.startsWith('201')), true);

  const numbers = [];
  let bundle = await client.search({
    resourceType: 'Observation', searchParams: { subject: `Patient/${patient.id}`, _count: page },
  });
  let pages = 0;
  while (bundle) {
    pages += 1;
    numbers.push(...bundle.entry.map((entry) => entry.resource.valueInteger));
    bundle = await client.nextPage({ bundle });
  }
  numbers.sort((one, other) => one - other);
  equal('reads all pages, no resource twice', numbers, Array.from({ length: Number(many) }, (_, number) => number));
  equal('page by page', pages, Math.ceil(Number(many) / Number(page)));

  const wrong = await refused(client.create({ resourceType: 'Patient', body: { resourceType: 'Patient', gender: 'blue' } }));
  equal('hears what is wrong', wrong, { status: 400, type: 'OperationOutcome' });

  await client.delete({ resourceType: 'Patient', id: patient.id });
  const gone = await refused(client.read({ resourceType: 'Patient', id: patient.id }));
  equal('deletes', gone, { status: 410, type: 'OperationOutcome' });
}

main().catch((error) => {
  console.error(error.stack, error.response && JSON.stringify(error.response.data));
  process.exit(1);
});
