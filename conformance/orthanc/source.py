"""Facts of the study and its key images come from Orthanc; without it a report still goes out, and says what is
missing."""
import io
import json
import subprocess

import pydicom

import place
import study
from bench import read_report, unfinished
from reports import Reports


def run(bench):
    archive = bench.orthanc().start()
    gateway = bench.gateway(peer=[{'name': 'archive', 'kind': 'orthanc', 'url': archive.url}],
                            archive={'peer': 'archive', 'timeout': '2s'}).start()
    reports = Reports(gateway.api('radiologist'))
    with_images = [report for report in map(read_report, bench.seed(20, 14)) if report.get('keyImages')]
    first, second = with_images[:2]

    uids = study.put(archive, first)
    made = exports(reports, first)
    evidence = str(pydicom.dcmread(io.BytesIO(made['dicom-sr'][1])).CurrentRequestedProcedureEvidenceSequence)
    bench.check('every instance of the study is in the evidence', all(uid in evidence for uid in uids))
    imaging_study = next(entry['resource'] for entry in json.loads(made['fhir'][1])['entry']
                         if entry['resource']['resourceType'] == 'ImagingStudy')
    bench.equal('ImagingStudy counts its instances', imaging_study.get('numberOfInstances'), len(uids))
    bench.equal('the key images are in the PDF', image_count(bench, made['pdf'][1]), len(first['keyImages']))

    archive.stop()
    made = exports(reports, second)
    for form, (status, _) in made.items():
        bench.check(f'{form} without Orthanc: the loss report says so', status.get('losses'), status)
    bench.equal('there are no key images in the PDF', image_count(bench, made['pdf'][1]), 0)


def exports(reports, report):
    """Status and bytes of the three twins of a new report."""
    report_id = reports.create(unfinished(report)).json['id']
    ids = {form: reports.export(report_id, form).json['exportId'] for form in ('dicom-sr', 'fhir', 'pdf')}
    return {form: (reports.wait_for_export(one), reports.download(one).body) for form, one in ids.items()}


def image_count(bench, pdf):
    path = bench.directory / 'report.pdf'
    path.write_bytes(pdf)
    listed = subprocess.run([place.program('pdfimages'), '-list', path], capture_output=True, text=True, check=True)
    return sum(line.split()[2] == 'image' for line in listed.stdout.splitlines()[2:])
