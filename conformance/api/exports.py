"""Export sessions: status by polling and by events, download with ranges and ETag, retry, statistics, cleanup."""
import json

from bench import read_report, unfinished
from reports import Reports, rows

BACKENDS = ('sqlite', 'postgres')
FORMS = {'fhir': 'application/fhir+json', 'dicom-sr': 'application/dicom', 'pdf': 'application/pdf'}


def run(bench):
    gateway = bench.gateway().start()
    reports = Reports(gateway.api('radiologist'))
    report = read_report(bench.seed(1, 19)[0])
    report_id = reports.create(unfinished(report)).json['id']
    sessions = {form: one_export(bench, reports, report_id, form, media_type) for form, media_type in FORMS.items()}
    named_before_verified(bench, reports, report)
    events(bench, reports, report_id)
    downloads(bench, reports, sessions['pdf'])
    again(bench, reports, report_id, sessions['pdf'])
    books(bench, gateway, reports, report_id, sessions)
    strangers(bench, gateway, report_id, sessions['pdf'])
    bench.equal('audit verify', gateway.cli('audit', 'verify', check=False).returncode, 0)


def one_export(bench, reports, report_id, form, media_type):
    ordered = reports.export(report_id, form, recipient='Dr. Grün', purpose='TREAT')
    bench.equal(f'{form}: the order is taken', ordered.status, 202)
    export_id = ordered.json['exportId']
    status = reports.wait_for_export(export_id)
    bench.equal(f'{form}: it is done', (status['status'], status['progress']), ('completed', 100))
    bench.equal(f'{form}: recipient and purpose are kept', (status.get('recipient'), status.get('purpose')),
                ('Dr. Grün', 'TREAT'))
    bench.check(f'{form}: it expires', status.get('expiresAt'), status)
    loaded = reports.download(export_id)
    bench.equal(f'{form}: it is loaded down', loaded.status, 200)
    bench.check(f'{form}: with its media type', (loaded.header('content-type') or '').startswith(media_type), loaded.headers)
    bench.check(f'{form}: under a name', 'filename' in (loaded.header('content-disposition') or ''), loaded.headers)
    bench.equal(f'{form}: of the length that it says', int(loaded.header('content-length') or -1), len(loaded.body))
    return export_id


def named_before_verified(bench, reports, report):
    """A report may say who will verify it before they do."""
    verifier = {'id': 'rad-1', 'name': {'family': 'Judge', 'given': ['Ada']}}
    report_id = reports.create(unfinished(report) | {'id': 'named', 'verifier': verifier}).json['id']
    for form in FORMS:
        status = reports.wait_for_export(reports.export(report_id, form).json['exportId'])
        bench.check(f'{form}: a preliminary report that names its verifier', status['status'] == 'completed', status)


def events(bench, reports, report_id):
    changed = reports.get(report_id)
    report = changed.json | {'sections': changed.json['sections'] | {'impression': 'Another version.'}}
    reports.client.put(f'/api/reports/{report_id}', report, {'if-match': changed.header('etag')})
    export_id = reports.export(report_id, 'pdf').json['exportId']
    answer, seen = reports.client.events(f'/api/reports/export/status/{export_id}/events')
    bench.equal('events are there', answer.status, 200)
    states = [json.loads(data) for _, data in seen]
    progress = [state['progress'] for state in states]
    bench.check('events show progress that never goes back', progress == sorted(progress) and progress[-1] == 100, progress)
    bench.equal('and end with the end', states[-1]['status'], 'completed')


def downloads(bench, reports, export_id):
    whole = reports.download(export_id)
    etag = whole.header('etag')
    load = lambda **headers: reports.download(export_id, {name.replace('_', '-'): value for name, value in headers.items()})
    bench.equal('If-None-Match with its ETag', load(if_none_match=etag).status, 304)
    middle = load(range='bytes=10-19')
    bench.equal('a range', (middle.status, middle.body), (206, whole.body[10:20]))
    bench.equal('it says which', middle.header('content-range'), f'bytes 10-19/{len(whole.body)}')
    bench.equal('the last bytes', load(range='bytes=-7').body, whole.body[-7:])
    bench.equal('from somewhere on', load(range='bytes=100-').body, whole.body[100:])
    bench.equal('a range beyond the end', load(range=f'bytes={len(whole.body)}-').status, 416)
    bench.equal('a range of what it was', load(range='bytes=0-3', if_range=etag).status, 206)
    bench.equal('and of what it is not', load(range='bytes=0-3', if_range='"other"').status, 200)
    head = reports.client.send('HEAD', f'/api/reports/export/download/{export_id}')
    bench.equal('HEAD', (head.status, head.body, head.header('content-length')), (200, b'', str(len(whole.body))))


def again(bench, reports, report_id, export_id):
    bench.equal('what has not failed is not tried again',
                reports.client.post(f'/api/reports/export/retry/{export_id}').status, 409)
    twice = [reports.export(report_id, 'pdf').json['exportId'] for _ in range(2)]
    for one in twice:
        reports.wait_for_export(one)
    bodies = {reports.download(one).body for one in twice}
    bench.equal('an unchanged version is the same file', len(bodies), 1)


def books(bench, gateway, reports, report_id, sessions):
    of_report = rows(reports.client.get('/api/reports/export/history', reportId=report_id, limit=100).json)
    bench.check('history has every session', {one['exportId'] for one in of_report} >= set(sessions.values()), of_report)
    failed = rows(reports.client.get('/api/reports/export/history', status='failed').json)
    bench.equal('none has failed', failed, [])
    of_all = rows(reports.client.get('/api/reports/export/history', limit=100).json)
    counted = reports.client.get('/api/reports/export/statistics')
    bench.equal('statistics count them', (counted.status, counted.json['total'], counted.json['byStatus']['completed']),
                (200, len(of_all), len(of_all)))

    gone = sessions['fhir']
    bench.equal('a session is deleted', reports.client.delete(f'/api/reports/export/{gone}').status, 204)
    bench.equal('and is gone', (reports.status(gone).status, reports.download(gone).status), (404, 404))
    bench.equal('cleanup is for those who run the gateway',
                reports.client.post('/api/reports/export/cleanup').status, 403)
    cleaned = gateway.api('admin').post('/api/reports/export/cleanup')
    bench.equal('who may, but nothing has expired', (cleaned.status, cleaned.json.get('deleted')), (200, 0))


def strangers(bench, gateway, report_id, export_id):
    path = f'/api/reports/export/download/{export_id}'
    bench.equal('without a token nothing is loaded down', gateway.api().get(path).status, 401)
    bench.equal("nor someone else's export by a clinician", gateway.api('clinician').get(path).status, 404)
    missing = Reports(gateway.api('radiologist')).export('nothing', 'pdf')
    bench.equal('there is no export of a report that is not there', missing.status, 404)
    unknown = Reports(gateway.api('radiologist')).export(report_id, 'docx')
    bench.equal('nor into a form that is not there', unknown.status, 404)
