"""The life of a report through the HTTP API: what may follow what, versions, and optimistic locking."""
from bench import read_report, unfinished
from reports import Reports, rows

BACKENDS = ('sqlite', 'postgres')
# The fields of a report that are the sender's; the gateway adds its own around them.
CONTENT = ('patient', 'study', 'sections', 'structuredFindings', 'measurements', 'keyImages', 'author', 'language')


def run(bench):
    gateway = bench.gateway().start()
    reports = Reports(gateway.api('radiologist'))
    sources = [read_report(path) for path in bench.seed(8, 16)]
    draft_to_final(bench, reports, sources[0])
    amendments(bench, reports, sources[1])
    locking(bench, reports, sources[2])
    ends(bench, reports, sources[3:6])
    all_is_there_after_a_restart(bench, gateway, reports, sources[6])
    bench.equal('audit verify', gateway.cli('audit', 'verify', check=False).returncode, 0)


def content(report):
    return {name: report[name] for name in CONTENT if report.get(name)}


def draft_to_final(bench, reports, report):
    created = reports.create(unfinished(report, 'draft'))
    if not bench.check('a draft is created', created.status == 201, created):
        return
    report_id = created.json['id']
    bench.check('its Location names it', (created.header('location') or '').endswith(f'/api/reports/{report_id}'),
                created.headers)
    read = reports.get(report_id)
    bench.equal('what is read is what was entered, digit for digit', content(read.json), content(report))
    bench.equal('it has the ETag of its creation', read.header('etag'), created.header('etag'))

    changed = unfinished(report) | {'id': report_id, 'sections': report['sections'] | {'impression': 'Changed.\nΔ = 1.50 mm'}}
    updated = reports.client.put(f'/api/reports/{report_id}', changed, {'if-match': read.header('etag')})
    bench.equal('it becomes preliminary', (updated.status, updated.json.get('status')), (200, 'preliminary'))
    verified = reports.act(report_id, 'finalize', updated.header('etag'))
    bench.equal('it is verified', (verified.status, verified.json.get('status')), (200, 'final'))
    late = reports.client.put(f'/api/reports/{report_id}', changed, {'if-match': verified.header('etag')})
    bench.equal('a final report cannot be overwritten', late.status, 422)
    bench.equal('nor deleted', reports.client.delete(f'/api/reports/{report_id}',
                                                     {'if-match': verified.header('etag')}).status, 422)
    bench.equal('and it is as it was', reports.get(report_id).json, verified.json)
    versions = rows(reports.client.get(f'/api/reports/{report_id}/history').json)
    bench.equal('its history has every version', [one['status'] for one in versions][::-1],
                ['draft', 'preliminary', 'final'])


def amendments(bench, reports, report):
    created = reports.create(unfinished(report))
    report_id = created.json['id']
    before = reports.act(report_id, 'finalize', created.header('etag'))
    etag = before.header('etag')
    changed = {name: value for name, value in before.json.items() if name != 'meta'} \
        | {'status': 'amended', 'sections': report['sections'] | {'impression': 'Amended.'}}
    amendment = {'report': changed, 'reason': 'The level was wrong.'}
    amended = reports.act(report_id, 'amend', etag, amendment)
    bench.equal('a final report is amended', (amended.status, amended.json.get('status')), (200, 'amended'))
    bench.equal('the amended text is read', reports.get(report_id).json['sections']['impression'], 'Amended.')
    meta = amended.json['meta']
    bench.equal('the new version names the one before it', meta.get('predecessorVersionId'), before.json['meta']['versionId'])
    bench.equal('and the reason', meta.get('reason'), 'The level was wrong.')
    former = reports.client.get(f'/api/reports/{report_id}/versions/{before.json["meta"]["versionId"]}')
    bench.equal('the version before is still read', (former.status, former.json), (200, before.json))
    withdrawn = reports.act(report_id, 'enter-in-error', amended.header('etag'))
    bench.equal('it is withdrawn', (withdrawn.status, withdrawn.json.get('status')), (200, 'entered-in-error'))
    again = reports.act(report_id, 'amend', withdrawn.header('etag'), amendment)
    bench.equal('and nothing may follow', again.status, 422)


def locking(bench, reports, report):
    created = reports.create(unfinished(report, 'draft'))
    report_id, etag = created.json['id'], created.header('etag')
    body = unfinished(report, 'draft') | {'id': report_id}
    put = lambda headers: reports.client.put(f'/api/reports/{report_id}', body, headers).status
    bench.equal('without If-Match nothing is overwritten', put({}), 428)
    bench.equal('with the ETag it is', put({'if-match': etag}), 200)
    bench.equal('a stale ETag is refused', put({'if-match': etag}), 412)
    bench.equal('and one that never was', put({'if-match': 'W/"999"'}), 412)


def ends(bench, reports, sources):
    given_up = reports.create(unfinished(sources[0]))
    cancelled = reports.act(given_up.json['id'], 'cancel', given_up.header('etag'))
    bench.equal('a preliminary report is given up', (cancelled.status, cancelled.json.get('status')), (200, 'cancelled'))
    again = reports.act(given_up.json['id'], 'finalize', cancelled.header('etag'))
    bench.equal('and cannot be verified then', again.status, 422)

    draft = reports.create(unfinished(sources[1], 'draft'))
    path = f'/api/reports/{draft.json["id"]}'
    bench.equal('a draft is deleted', reports.client.delete(path, {'if-match': draft.header('etag')}).status, 204)
    bench.equal('and is gone', reports.client.get(path).status, 410)
    twice = reports.create(unfinished(sources[2], 'draft') | {'id': 'same-id'})
    bench.equal('an id of the sender is kept', (twice.status, twice.json.get('id')), (201, 'same-id'))
    bench.equal('and not taken twice', reports.create(unfinished(sources[2], 'draft') | {'id': 'same-id'}).status, 409)


def all_is_there_after_a_restart(bench, gateway, reports, report):
    before = reports.create(unfinished(report))
    bench.equal('it stops when asked', gateway.stop(), 0)
    gateway.start()
    after = reports.get(before.json['id'])
    bench.equal('a report outlives a restart', (after.status, after.json), (200, before.json))
