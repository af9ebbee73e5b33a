"""What a peer refuses is shown as refused, instance by instance, and a warning is not a success."""
import orthanc
from bench import read_report
from delivery import finalized
from reports import Reports
from storage_scp import StorageScp

# DIMSE statuses of C-STORE, PS3.4 table B.2-1, by the form that is sent, and the state that they end in.
ANSWERS = {'dicom-sr': (0xA900, 'refused'), 'dicom-pdf': (0xB000, 'sent-with-warning')}


def run(bench):
    archive = bench.orthanc(DicomAlwaysAllowStore=False, DicomModalities={}).start()
    with StorageScp({'SR': ANSWERS['dicom-sr'][0], 'DOC': ANSWERS['dicom-pdf'][0]}) as scp:
        gateway = bench.gateway(peer=[
            {'name': 'picky', 'kind': 'dimse', 'host': '127.0.0.1', 'port': scp.port, 'called_ae_title': 'PICKY'},
            {'name': 'misnamed', 'kind': 'dimse', 'host': '127.0.0.1', 'port': archive.dicom_port,
             'called_ae_title': 'NOBODY'},
            {'name': 'closed', 'kind': 'dimse', 'host': '127.0.0.1', 'port': archive.dicom_port,
             'called_ae_title': orthanc.AE_TITLE},
        ]).start()
        reports = Reports(gateway.api('radiologist'))
        first, second, third = [finalized(reports, read_report(path)) for path in bench.seed(3, 13)]
        by_instance(bench, reports, first)
        for report_id, peer in ((second, 'misnamed'), (third, 'closed')):
            reports.deliver(report_id, [peer], ['dicom-sr'])
            found = reports.wait_for_deliveries(report_id, lambda one: one['attempts'] >= 1 and one.get('answer'))
            bench.check(f'{peer}: what Orthanc does not take is not sent',
                        not any(one['state'].startswith('sent') for one in found), found)
        bench.equal('Orthanc has nothing', archive.get('/instances'), [])


def by_instance(bench, reports, report_id):
    reports.deliver(report_id, ['picky'], list(ANSWERS))
    found = reports.wait_for_deliveries(report_id, lambda one: one['state'] not in ('pending', 'sending'))
    for one in found:
        status, state = ANSWERS[one['format']]
        bench.equal(f'{one["format"]}: an answer of {status:04X}H', one['state'], state)
        bench.check(f'{one["format"]}: the status is shown', f'{status:04X}' in str(one).upper(), one)
