"""Searches at every level by every kind of matching find what a look through the files finds; dicomweb-client asks."""
from collections import defaultdict

from pydicom.dataset import Dataset

import files

BACKENDS = ('sqlite', 'postgres')


def run(bench):
    gateway = bench.gateway().start()
    api = gateway.api('integrator')
    client = files.client(api)
    originals = [path.read_bytes() for path in files.valid() if path.parent.name == 'studies']
    bench.equal('the studies are stored', files.stow(api, *originals).status, 200)
    instances = [files.read(content) for content in originals]
    studies, series = defaultdict(list), defaultdict(list)
    for instance in instances:
        studies[str(instance.StudyInstanceUID)].append(instance)
        series[str(instance.SeriesInstanceUID)].append(instance)
    counted(bench, client, studies, series, instances)
    matched(bench, client, studies)
    paged(bench, client, studies)
    refused(bench, api)


def uids(rows, keyword):
    return sorted(Dataset.from_json(row)[keyword].value for row in rows)


def counted(bench, client, studies, series, instances):
    rows = [Dataset.from_json(row) for row in client.search_for_studies()]
    bench.equal('all studies are found', sorted(row.StudyInstanceUID for row in rows), sorted(studies))
    for row in rows:
        inside = studies[row.StudyInstanceUID]
        modalities = sorted({instance.Modality for instance in inside})
        named = row.ModalitiesInStudy if isinstance(row.ModalitiesInStudy, str) else list(row.ModalitiesInStudy)
        bench.equal(f'{row.StudyInstanceUID} has its modalities', sorted([named] if isinstance(named, str) else named),
                    modalities)
        bench.equal(f'{row.StudyInstanceUID} counts its instances', row.NumberOfStudyRelatedInstances, len(inside))
        bench.equal(f'{row.StudyInstanceUID} has its patient', (row.PatientID, str(row.PatientName)),
                    (inside[0].PatientID, str(inside[0].PatientName)))
        found = client.search_for_series(row.StudyInstanceUID)
        bench.equal(f'{row.StudyInstanceUID} has its series', uids(found, 'SeriesInstanceUID'),
                    sorted({str(instance.SeriesInstanceUID) for instance in inside}))
    bench.equal('all series are found', uids(client.search_for_series(), 'SeriesInstanceUID'), sorted(series))
    bench.equal('all instances are found', uids(client.search_for_instances(), 'SOPInstanceUID'),
                sorted(str(instance.SOPInstanceUID) for instance in instances))


def matched(bench, client, studies):
    def wanted(holds):
        return sorted(uid for uid, inside in studies.items() if any(holds(instance) for instance in inside))

    first = next(iter(studies.values()))[0]
    name, patient, date = str(first.PatientName), first.PatientID, first.StudyDate
    family = name.partition('^')[0]
    for filters, holds in [
        ({'PatientID': patient}, lambda one: one.PatientID == patient),
        ({'00100020': patient}, lambda one: one.PatientID == patient),
        ({'PatientID': patient[:3] + '*'}, lambda one: one.PatientID.startswith(patient[:3])),
        ({'PatientID': '?' * len(patient)}, lambda one: len(one.PatientID) == len(patient)),
        ({'PatientName': name.upper()}, lambda one: str(one.PatientName).upper() == name.upper()),
        ({'PatientName': family.lower() + '*'}, lambda one: str(one.PatientName).lower().startswith(family.lower())),
        ({'StudyDate': date}, lambda one: one.StudyDate == date),
        ({'StudyDate': f'{date}-'}, lambda one: one.StudyDate >= date),
        ({'StudyDate': f'-{date}'}, lambda one: one.StudyDate <= date),
        ({'StudyDate': '19000101-19000102'}, lambda one: False),
        ({'ModalitiesInStudy': 'CT'}, lambda one: one.Modality == 'CT'),
        ({'ModalitiesInStudy': 'MR'}, lambda one: one.Modality == 'MR'),
        ({'StudyInstanceUID': first.StudyInstanceUID}, lambda one: one.StudyInstanceUID == first.StudyInstanceUID),
        ({'StudyInstanceUID': ','.join(studies)}, lambda one: True),
        ({'PatientID': patient, 'StudyDate': date}, lambda one: one.PatientID == patient and one.StudyDate == date),
        ({'PatientID': '%'}, lambda one: False),
        ({'PatientID': '_' * len(patient)}, lambda one: False),
    ]:
        found = client.search_for_studies(search_filters=filters)
        bench.equal(f'studies by {filters}', uids(found, 'StudyInstanceUID'), wanted(holds))
    one = client.search_for_studies(search_filters={'PatientName': family[:-1]}, fuzzymatching=True)
    bench.check('fuzzy matching finds a name by its beginning', one, family)
    asked = client.search_for_studies(fields=['StudyDescription', '00080060'])
    bench.check('fields that are asked for are there', all('00081030' in row for row in asked))


def paged(bench, client, studies):
    seen = []
    for offset in range(len(studies) + 1):
        seen += uids(client.search_for_studies(limit=1, offset=offset), 'StudyInstanceUID')
    bench.equal('page by page, each study comes once', sorted(seen), sorted(studies))


def refused(bench, api):
    for query in ('FooBar=1', 'StudyDate=2026-11-20', 'limit=-1', 'Rows=1', 'PatientID=a&PatientID=b'):
        bench.equal(f'{query} is refused', api.get(f'/dicom-web/studies?{query}').status, 400)
