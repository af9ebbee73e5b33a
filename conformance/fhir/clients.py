"""Client libraries that others wrote create, read, search, page, update and patch: fhirclient and fhirpy (PyPI),
fhir-kit-client (npm). fhirclient has no patch; it updates instead."""
import json
import subprocess
from pathlib import Path

import place
from fhir import Fhir
from fhirclient import client as fhirclient
from fhirclient.models import humanname, identifier, observation, patient, quantity
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

BACKENDS = ('sqlite', 'postgres')

# More than one page of them is made and read.
MANY, PAGE = 25, 10


def run(bench):
    gateway = bench.gateway().start()
    server = Fhir(gateway, 'integrator')
    with_fhirclient(bench, server)
    with_fhirpy(bench, server)
    with_fhir_kit_client(bench, server)


def with_fhirclient(bench, server):
    smart = fhirclient.FHIRClient(settings={'app_id': 'conformance', 'api_base': server.url})
    smart.server.session.headers['Authorization'] = f'Bearer {server.token}'
    smart.prepare()
    bench.equal('fhirclient: reads what the server can do', smart.server.capabilityStatement.fhirVersion, '4.0.1')

    one = patient.Patient({'name': [{'family': 'Fhirclient', 'given': ['Ada']}], 'birthDate': '1980-02-03'})
    made = one.create(smart.server)
    identity = made['id']
    read = patient.Patient.read(identity, smart.server)
    bench.equal('fhirclient: reads what it made', (read.name[0].family, read.birthDate.isostring),
                ('Fhirclient', '1980-02-03'))
    read.active = True
    read.identifier = [identifier.Identifier({'system': 'urn:oid:1.2.3', 'value': 'F-1'})]
    read.update(smart.server)
    again = patient.Patient.read(identity, smart.server)
    bench.equal('fhirclient: its update is a new version', (again.active, again.meta.versionId), (True, '2'))

    found = patient.Patient.where({'family': 'fhirclient', 'birthdate': 'ge1980', 'identifier': 'urn:oid:1.2.3|F-1'})
    bench.equal('fhirclient: searches', [each.id for each in found.perform_resources(smart.server)], [identity])
    for number in range(MANY):
        seen = observation.Observation({
            'status': 'final', 'code': {'text': 'count'}, 'subject': {'reference': f'Patient/{identity}'}})
        seen.valueQuantity = quantity.Quantity({'value': number, 'unit': '1'})
        seen.create(smart.server)
    paged = observation.Observation.where({'subject': f'Patient/{identity}', '_count': str(PAGE)})
    numbers = sorted(int(each.valueQuantity.value) for each in paged.perform_resources_iter(smart.server))
    bench.equal('fhirclient: reads all pages, no resource twice', numbers, list(range(MANY)))
    included = observation.Observation.where({'subject': f'Patient/{identity}', '_count': '1'}).include('subject')
    kinds = sorted(each.resource.resource_type for each in included.perform(smart.server).entry)
    bench.equal('fhirclient: gets what is referred to', kinds, ['Observation', 'Patient'])
    other = patient.Patient()
    other.name = [humanname.HumanName({'family': 'Deleted'})]
    other.id = other.create(smart.server)['id']
    other.delete(smart.server) if other.origin_server else smart.server.delete_json(f'Patient/{other.id}')
    bench.equal('fhirclient: deletes', server.get(f'/Patient/{other.id}').status, 410)


def with_fhirpy(bench, server):
    client = SyncFHIRClient(server.url, authorization=f'Bearer {server.token}')
    one = client.resource('Patient', name=[{'family': 'Fhirpy', 'given': ['Bea']}], birthDate='1981-03-04')
    one.save()
    read = client.reference('Patient', one.id).to_resource()
    bench.equal('fhirpy: reads what it made', read.get_by_path(['name', 0, 'family']), 'Fhirpy')
    read['gender'] = 'female'
    read.save()
    bench.equal('fhirpy: its update is a new version', read['meta']['versionId'], '2')
    patching = SyncFHIRClient(server.url, authorization=f'Bearer {server.token}',
                              extra_headers={'Content-Type': 'application/json-patch+json'})
    patch = [{'op': 'add', 'path': '/active', 'value': True}]
    patched = patching.execute(f'Patient/{one.id}', method='patch', data=patch)
    bench.equal('fhirpy: patches', (patched['active'], patched['meta']['versionId']), (True, '3'))
    read.refresh()
    bench.equal('fhirpy: refreshes', read.get('active'), True)

    patients = client.resources('Patient')
    bench.equal('fhirpy: counts', patients.search(family='fhirpy').count(), 1)
    found = patients.search(name='Fhirpy', birthdate__ge='1981-01-01').first()
    bench.equal('fhirpy: searches', found and found.id, one.id)
    for number in range(MANY):
        client.resource('Observation', status='final', code={'text': 'count'}, subject=one.to_reference(),
                        valueInteger=number).save()
    paged = client.resources('Observation').search(subject=one.to_reference()).limit(PAGE)
    numbers = sorted(each['valueInteger'] for each in paged.fetch_all())
    bench.equal('fhirpy: reads all pages, no resource twice', numbers, list(range(MANY)))
    twin = {'resourceType': 'Patient', 'name': [{'family': 'Fhirpy'}]}
    careful = SyncFHIRClient(server.url, authorization=f'Bearer {server.token}',
                             extra_headers={'If-None-Exist': 'family=fhirpy'})
    bench.equal('fhirpy: creates only what is not there', careful.execute('Patient', data=twin)['id'], one.id)
    try:  # it writes the criteria into the URL, which R4 does not know
        patients.search(family='fhirpy').get_or_create(client.resource('Patient', name=[{'family': 'Fhirpy'}]))
        bench.check('fhirpy: its own way to create only what is not there is refused', False)
    except OperationOutcome as error:
        bench.check('fhirpy: its own way to create only what is not there is refused',
                    'If-None-Exist' in json.dumps(error.resource), error.resource)
    bench.equal('fhirpy: there is still one', patients.search(family='fhirpy').count(), 1)
    gone = client.resource('Patient', name=[{'family': 'Gone'}])
    gone.save()
    gone.delete()
    try:
        client.reference('Patient', gone.id).to_resource()
        bench.check('fhirpy: what is deleted is not read', False)
    except (ResourceNotFound, OperationOutcome) as error:
        bench.check('fhirpy: what is deleted is not read', True, error)
    try:
        client.resource('Patient', gender='blue').save()
        bench.check('fhirpy: hears what is wrong', False)
    except OperationOutcome as error:
        bench.check('fhirpy: hears what is wrong', 'Patient.gender' in json.dumps(error.resource), error.resource)


def with_fhir_kit_client(bench, server):
    node, packages = place.node()
    script = packages / 'fhir_kit_client.js'
    script.write_text((Path(__file__).parent / 'fhir_kit_client.js').read_text())
    done = subprocess.run([node, script, server.url, server.token, str(MANY), str(PAGE)], capture_output=True,
                          text=True, timeout=300)
    bench.check('fhir-kit-client: runs to its end', done.returncode == 0, done.stderr)
    count = 0
    for line in done.stdout.splitlines():
        verdict = json.loads(line)
        count += 1
        bench.equal(f'fhir-kit-client: {verdict["what"]}', verdict['got'], verdict['wanted'])
    bench.check('fhir-kit-client: did all that it should', count == 13, count)
