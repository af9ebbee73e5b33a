"""Bad input: each gets an answer that names every field that is wrong, changes nothing and leaves no file."""
import copy
import os

from bench import read_report, unfinished
from reports import Reports, rows

BACKENDS = ('sqlite', 'postgres')


def run(bench):
    gateway = bench.gateway().start()
    reports = Reports(gateway.api('radiologist'))
    good = next(report for report in map(read_report, bench.seed(30, 17))
                if report.get('measurements') and report.get('structuredFindings')
                and report['status'] == 'preliminary' and not report.get('verifier'))
    kept = reports.create(good).json
    before = state(gateway, reports, kept['id'])
    for what, change, status, fields in BAD:
        body = change(copy.deepcopy(good))
        answer = reports.client.post('/api/reports', body, {'content-type': 'application/json'})
        text = answer.body.decode('utf-8', 'replace')
        bench.check(f'{what}: {status}', answer.status == status, answer)
        bench.check(f'{what}: it names {", ".join(fields) or "the fault"}',
                    (answer.header('content-type') or '').startswith('application/problem+json')
                    and all(field in text for field in fields), answer)
    bench.equal('nothing has changed, and no file is left', state(gateway, reports, kept['id']), before)
    media_types(bench, reports)


def state(gateway, reports, report_id):
    """What is there: the list of reports, the report, the number of files."""
    files = sum(len(names) for path, _, names in os.walk(gateway.directory / 'data') if 'blob' in path)
    return rows(reports.client.get('/api/reports').json), reports.get(report_id).json, files


def put(path, value):
    """A change of a report: sets the value at a path like `study.studyDate` or `measurements.0.unit`."""
    def change(report):
        *parents, last = [int(part) if part.isdigit() else part for part in path.split('.')]
        at = report
        for part in parents:
            at = at[part]
        at[last] = value
        return report
    return change


def both(*changes):
    def change(report):
        for one in changes:
            report = one(report)
        return report
    return change


def same_ids(report):
    report['measurements'].append(report['measurements'][0])
    return report


BAD = [
    ('not JSON', lambda _: b'{"status": "draft"', 400, []),
    ('not an object', lambda _: b'[]', 400, []),
    ('a key twice', lambda _: b'{"status": "draft", "status": "final"}', 400, ['status']),
    ('not UTF-8', lambda _: b'{"status": "\xff"}', 400, []),
    ('nested without end', lambda _: b'[' * 100_000, 400, []),
    ('an unknown field', put('colour', 'red'), 400, ['colour']),
    ('an unknown field further in', put('patient.colour', 'red'), 400, ['patient.colour']),
    ('two faults at once', both(put('patient.birthDate', '2025-02-30'), put('measurements.0.unit', 'furlong per')), 400,
     ['patient.birthDate', 'measurements[0].unit']),
    ('an impossible date', put('study.studyDate', '2023-02-29'), 400, ['study.studyDate']),
    ('an impossible time', put('study.studyTime', '25:00:00'), 400, ['study.studyTime']),
    ('a UID over 64 characters', put('study.studyInstanceUID', '1.' + '2' * 63), 400, ['study.studyInstanceUID']),
    ('a UID with a leading zero', put('study.studyInstanceUID', '1.2.03'), 400, ['study.studyInstanceUID']),
    ('an unknown status', put('status', 'done'), 400, ['status']),
    ('a PN with too many parts', put('patient.name.ideographic', 'a^b^c^d^e^f'), 400, ['patient.name.ideographic']),
    ('a separator of PN in a part of it', put('patient.name.family', 'Doe^Jane'), 400, ['patient.name.family']),
    ('a unit that is not UCUM', put('measurements.0.unit', 'millimetres'), 400, ['measurements[0].unit']),
    ('NaN', put('measurements.0.value', 'NaN'), 400, ['measurements[0].value']),
    ('NaN as a number', lambda _: b'{"measurements": [{"value": NaN}]}', 400, []),
    ('a control character', put('sections.findings', 'a\u0007b'), 400, ['sections.findings']),
    ('NUL', put('patient.id', 'a\u0000b'), 400, ['patient.id']),
    ('measurements with the same id', same_ids, 400, ['measurements[']),
    ('a text of 50 MB', put('sections.findings', 'x' * 50_000_000), 413, []),
    ('no patient', lambda report: {key: value for key, value in report.items() if key != 'patient'}, 400, ['patient']),
    ('an id that is none', put('id', 'no/id'), 400, ['id']),
]


def media_types(bench, reports):
    answer = reports.client.post('/api/reports', b'<report/>', {'content-type': 'application/xml'})
    bench.equal('a body of another type', answer.status, 415)
    answer = reports.client.send('PATCH', '/api/reports', b'{}')
    bench.equal('a method that is not there', answer.status, 405)
    bench.equal('a path that is not there', reports.client.get('/api/nothing').status, 404)
    bench.equal('a report that is not there', reports.get('nothing').status, 404)
    bench.equal('a parameter that is not there', reports.client.get('/api/reports', colour='red').status, 400)
    bench.equal('a cursor that is none', reports.client.get('/api/reports', cursor='x').status, 400)
