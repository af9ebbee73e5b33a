"""Who may do what: tokens, roles and scopes; and what is open to everyone."""
from bench import read_report, unfinished

BACKENDS = ('sqlite', 'postgres')


def run(bench):
    gateway = bench.gateway().start()
    report = unfinished(read_report(bench.seed(1, 20)[0]))
    radiologist = gateway.api('radiologist')
    created = radiologist.post('/api/reports', report)
    path = f'/api/reports/{created.json["id"]}'

    nobody = gateway.api().get(path)
    bench.equal('without a token', nobody.status, 401)
    bench.check('it is said how to come in', 'Bearer' in (nobody.header('www-authenticate') or ''), nobody.headers)
    broken = radiologist.get(path, {'authorization': f'Bearer {radiologist.token[:-4]}AAAA'})
    bench.equal('with a token of another signature', broken.status, 401)
    none = radiologist.get(path, {'authorization': 'Bearer ' + unsigned(radiologist.token)})
    bench.equal('with a token without a signature', none.status, 401)

    may_read = {'radiologist': 200, 'clinician': 200, 'integrator': 200, 'auditor': 403, 'admin': 403}
    for role, status in may_read.items():
        bench.equal(f'a report is read by: {role}', gateway.api(role).get(path).status, status)
    may_write = {'clinician': 403, 'auditor': 403, 'admin': 403}
    for role, status in may_write.items():
        bench.equal(f'a report is entered by: {role}', gateway.api(role).post('/api/reports', report).status, status)
    bench.equal('and verified by: integrator', gateway.api('integrator').post(f'{path}/finalize').status, 403)

    narrow = gateway.api('radiologist', scope='user/DiagnosticReport.r')
    bench.equal('a scope leaves what it names', narrow.get(path).status, 200)
    refused = narrow.post('/api/reports', report)
    bench.equal('and nothing else', refused.status, 403)
    bench.check('and says what it would take', 'insufficient_scope' in (refused.header('www-authenticate') or ''),
                refused.headers)

    fhir = radiologist.get(f'/fhir/r4/DiagnosticReport/{created.json["id"]}')
    bench.check('the report is there as FHIR', fhir.status == 200 and fhir.json['resourceType'] == 'DiagnosticReport', fhir)
    outcome = radiologist.get('/fhir/r4/DiagnosticReport/nothing')
    bench.check('what is not there is told as FHIR tells it',
                outcome.status == 404 and outcome.json['resourceType'] == 'OperationOutcome', outcome)
    metadata = gateway.api().get('/fhir/r4/metadata')
    bench.check('everyone may ask what it can do', metadata.status == 200, metadata)
    judged(bench, metadata.body, fhir.body)
    for open_path in ('/health/live', '/health/ready'):
        bench.equal(f'everyone may ask {open_path}', gateway.api().get(open_path).status, 200)
    metrics = gateway.api('admin').get('/metrics')
    bench.check('metrics are there', metrics.status == 200 and b'# TYPE' in metrics.body, metrics)
    bench.check('and name no patient', report['patient']['id'].encode() not in metrics.body)
    bench.check('nor does the log', report['patient']['id'] not in gateway.log())


def unsigned(token):
    """The same claims, with a header that says that nobody signed them."""
    return 'eyJhbGciOiJub25lIn0.' + token.split('.')[1] + '.'


def judged(bench, *resources):
    paths = []
    for number, resource in enumerate(resources):
        paths.append(bench.directory / f'resource-{number}.json')
        paths[-1].write_bytes(resource)
    bench.judge_fhir(*paths)
