"""With Orthanc stopped a delivery waits, and succeeds after it returns."""
import time

from bench import read_report
from delivery import FORMATS, finalized, peers
from reports import Reports


def run(bench):
    archive = bench.orthanc().start()
    gateway = bench.gateway(peer=peers(archive)).start()
    reports = Reports(gateway.api('radiologist'))
    archive.stop()
    sources = [read_report(path) for path in bench.seed(3, 12)]
    waiting = {peer: finalized(reports, report)
               for peer, report in zip(('by-cstore', 'by-stow', 'by-rest'), sources)}
    for peer, report_id in waiting.items():
        bench.equal(f'{peer}: the delivery is accepted', reports.deliver(report_id, [peer], FORMATS).status, 202)
    reports.wait_for_deliveries(waiting['by-stow'], lambda delivery: delivery['attempts'] > 1)
    for peer, report_id in waiting.items():
        states = {delivery['state'] for delivery in reports.deliveries(report_id)}
        bench.check(f'{peer}: it waits', states and states <= {'pending', 'sending'}, states)

    gateway.stop()  # what waits is on disk, not in memory
    gateway.start()
    archive.start()
    began = time.monotonic()
    for peer, report_id in waiting.items():
        found = reports.wait_for_deliveries(report_id, lambda delivery: delivery['state'] == 'sent')
        bench.check(f'{peer}: it succeeds after Orthanc has returned, after {time.monotonic() - began:.1f} s',
                    all(archive.find_instance(one['sopInstanceUID']) for one in found), found)
