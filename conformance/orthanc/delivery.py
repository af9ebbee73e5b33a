"""A final report reaches Orthanc by C-STORE, by STOW-RS and through its own REST interface; it is listed there
under the study that it reports on, and the bytes that come back are those that were sent."""
import io

import pydicom

import orthanc
import study
from bench import read_report, unfinished
from reports import Reports

FORMATS = ('dicom-sr', 'dicom-pdf')


def run(bench):
    archive = bench.orthanc().start()
    gateway = bench.gateway(peer=peers(archive)).start()
    reports = Reports(gateway.api('radiologist'))
    sources = [read_report(path) for path in bench.seed(12, 11)]
    for peer, report in zip(('by-cstore', 'by-stow', 'by-rest'), sources):
        image_uids = study.put(archive, report)
        report_id = finalized(reports, report)
        deliver(bench, archive, reports, report, report_id, peer)
        bench.check(f'{peer}: the images are still there', all(map(archive.find_instance, image_uids)))
    bench.equal('audit verify', gateway.cli('audit', 'verify', check=False).returncode, 0)


def peers(archive):
    return [
        {'name': 'by-cstore', 'kind': 'dimse', 'host': '127.0.0.1', 'port': archive.dicom_port,
         'called_ae_title': orthanc.AE_TITLE},
        {'name': 'by-stow', 'kind': 'dicomweb', 'url': archive.dicomweb_url},
        {'name': 'by-rest', 'kind': 'orthanc', 'url': archive.url},
    ]


def finalized(reports, report):
    """Enters a report as preliminary and verifies it; its id."""
    created = reports.create(unfinished(report))
    report_id = created.json['id']
    verified = reports.act(report_id, 'finalize', created.header('etag'))
    if verified.status != 200:
        raise RuntimeError(f'finalize: {verified}')
    return report_id


def deliver(bench, archive, reports, report, report_id, peer):
    answer = reports.deliver(report_id, [peer], FORMATS)
    bench.equal(f'{peer}: the delivery is accepted', answer.status, 202)
    found = reports.wait_for_deliveries(report_id, lambda delivery: delivery['state'] == 'sent')
    bench.equal(f'{peer}: each form is sent', sorted(delivery['format'] for delivery in found), sorted(FORMATS))

    listed = {instance['MainDicomTags']['SOPInstanceUID']
              for one in archive.post('/tools/find', {'Level': 'Study', 'Expand': True, 'Query': {
                  'StudyInstanceUID': report['study']['studyInstanceUID']}})
              for instance in archive.get(f'/studies/{one["ID"]}/instances')}
    export_id = reports.export(report_id, 'dicom-sr').json['exportId']
    reports.wait_for_export(export_id)
    sent = reports.download(export_id).body
    uid = pydicom.dcmread(io.BytesIO(sent)).SOPInstanceUID
    bench.check(f'{peer}: the SR is listed under the same study', uid in listed, f'{uid} not in {listed}')
    kept = archive.file(uid)
    if peer == 'by-cstore':  # C-STORE carries no file meta information: Orthanc writes its own
        kept, sent = study.data_set_bytes(kept), study.data_set_bytes(sent)
    bench.check(f'{peer}: the bytes fetched back are equal', kept == sent)
    encapsulated(bench, archive, reports, report_id, listed, peer)


def encapsulated(bench, archive, reports, report_id, listed, peer):
    export_id = reports.export(report_id, 'pdf').json['exportId']
    reports.wait_for_export(export_id)
    pdf = reports.download(export_id).body
    kept = [pydicom.dcmread(io.BytesIO(archive.file(uid)), stop_before_pixels=True) for uid in sorted(listed)]
    enclosed = [one.EncapsulatedDocument[:one.EncapsulatedDocumentLength] for one in kept if 'EncapsulatedDocument' in one]
    bench.check(f'{peer}: the Encapsulated PDF holds the PDF', enclosed == [pdf], f'{len(enclosed)} found')
