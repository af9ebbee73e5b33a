"""Lists of reports: filters, and pages by keyset."""
from bench import read_report, unfinished
from reports import Reports, rows

BACKENDS = ('sqlite', 'postgres')
COUNT, PAGE = 30, 7


def run(bench):
    gateway = bench.gateway().start()
    reports = Reports(gateway.api('radiologist'))
    entered = [reports.create(unfinished(read_report(path))).json for path in bench.seed(COUNT, 18)]
    ids = {report['id'] for report in entered}

    walked = pages(reports, limit=PAGE)
    bench.equal('the pages are full', [len(page) for page in walked], [7, 7, 7, 7, 2])
    bench.equal('every report is on one page', sorted(one['id'] for page in walked for one in page), sorted(ids))
    later = newcomer(reports, entered[0])
    bench.equal('a report that comes while someone turns the pages moves none of them', later, 0)

    for name, value_of in FILTERS.items():
        values = {value_of(report) for report in entered} - {None}
        for value in sorted(values)[:4]:
            wanted = sorted(report['id'] for report in entered if value_of(report) == value)
            found = sorted(one['id'] for page in pages(reports, limit=100, **{name: value}) for one in page
                           if one['id'] in ids)
            bench.equal(f'{name}={value}', found, wanted)
    dates = sorted(report['study']['studyDate'] for report in entered if report['study'].get('studyDate'))
    first, last = dates[len(dates) // 4], dates[3 * len(dates) // 4]
    wanted = sorted(report['id'] for report in entered if first <= report['study'].get('studyDate', '') <= last)
    found = sorted(one['id'] for page in pages(reports, limit=100, **{'from': first, 'to': last}) for one in page
                   if one['id'] in ids)
    bench.equal(f'from={first}&to={last}', found, wanted)


FILTERS = {
    'patientId': lambda report: report['patient']['id'],
    'studyInstanceUID': lambda report: report['study']['studyInstanceUID'],
    'accessionNumber': lambda report: report['study'].get('accessionNumber'),
    'status': lambda report: report['status'],
    'modality': lambda report: report['study'].get('modality'),
}


def pages(reports, **query):
    found = []
    while True:
        answer = reports.client.get('/api/reports', **query)
        if answer.status != 200:
            raise RuntimeError(f'{query}: {answer}')
        found.append(rows(answer.json))
        if not answer.json.get('next'):
            return found
        query['cursor'] = answer.json['next']


def newcomer(reports, report):
    """How many rows two pages have in common between which a report was entered."""
    first = reports.client.get('/api/reports', limit=PAGE).json
    reports.create({key: value for key, value in report.items() if key != 'id'})
    second = reports.client.get('/api/reports', limit=PAGE, cursor=first['next']).json
    return len({one['id'] for one in rows(first)} & {one['id'] for one in rows(second)})
