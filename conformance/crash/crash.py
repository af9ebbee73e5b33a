"""kill -9 at 50 random moments during 200 exports and deliveries: what was acknowledged is there and gets done."""
import io
import os
import random
import time

import pydicom

import orthanc
import process
from api import Unreachable
from bench import read_report, unfinished
from clients import Clients
from reports import ENDED, Reports, rows

BACKENDS = ('sqlite', 'postgres')
KILLS, REPORTS = 50, 40
EXPORTS, PEERS = ('fhir', 'dicom-sr', 'pdf'), ('by-cstore', 'by-stow')
# The moment of each kill: so long after the orders of its turn were let in. An export takes about as long.
LONGEST_WAIT = 1.5


def run(bench):
    archive = bench.orthanc().start()
    gateway = bench.gateway(peer=[
        {'name': 'by-cstore', 'kind': 'dimse', 'host': '127.0.0.1', 'port': archive.dicom_port,
         'called_ae_title': orthanc.AE_TITLE},
        {'name': 'by-stow', 'kind': 'dicomweb', 'url': archive.dicomweb_url}]).start()
    reports = Reports(gateway.api('radiologist'))
    entered = enter(bench, reports)
    orders = [(report_id, 'export', form) for report_id in entered for form in EXPORTS] \
        + [(report_id, 'deliver', peer) for report_id in entered for peer in PEERS]
    bench.equal('exports and deliveries', len(orders), 200)

    seed = int(os.environ.get('CRASH_SEED') or random.SystemRandom().randrange(10**9))
    rng = random.Random(seed)
    rng.shuffle(orders)
    print(f'        CRASH_SEED={seed}', flush=True)
    clients = Clients(reports, orders)
    kill_again_and_again(gateway, clients, rng, len(orders))
    clients.wait_for(len(orders))
    settle(reports, entered)
    clients.end()

    bench.equal('every order was acknowledged as it should be', clients.surprises, [])
    nothing_lost(bench, reports, entered)
    exports_done(bench, reports, clients)
    deliveries_done(bench, reports, archive, entered)
    verified = gateway.cli('audit', 'verify', check=False)
    bench.check('audit verify is clean', verified.returncode == 0, verified.stdout + verified.stderr)
    bench.equal('it stops when asked', gateway.stop(), 0)


def enter(bench, reports):
    """Final reports, by id, as they were acknowledged."""
    sources = [read_report(path) for path in bench.seed(REPORTS, 15)]
    entered = {}
    for report in sources:
        created = reports.create(unfinished(report))
        verified = reports.act(created.json['id'], 'finalize', created.header('etag'))
        if verified.status != 200:
            raise RuntimeError(f'finalize: {verified}')
        entered[verified.json['id']] = verified.json
    return entered


def kill_again_and_again(gateway, clients, rng, orders):
    for turn in range(1, KILLS + 1):
        clients.allow(orders * turn // KILLS - orders * (turn - 1) // KILLS)
        time.sleep(rng.uniform(0, LONGEST_WAIT))
        gateway.kill()
        gateway.start()


def settle(reports, entered):
    """Waits until nothing is under way any more."""
    def idle():
        try:
            running = [one for one in history(reports) if one['status'] not in ENDED]
            waiting = [one for report_id in entered for one in reports.deliveries(report_id) if one['state'] != 'sent']
        except (Unreachable, RuntimeError):
            return False
        return not running and not waiting
    try:
        process.wait_until(idle, 300, 'exports and deliveries to end', 1)
    except process.NotReady as stuck:  # the checks say what
        print(f'        {stuck}')


def history(reports):
    """All export sessions, page by page."""
    found, query = [], {'limit': 100}
    while True:
        answer = reports.client.get('/api/reports/export/history', **query)
        if answer.status != 200:
            raise RuntimeError(f'history: {answer}')
        found += rows(answer.json)
        if not answer.json.get('next'):
            return found
        query['cursor'] = answer.json['next']


def nothing_lost(bench, reports, entered):
    for report_id, acknowledged in entered.items():
        answer = reports.get(report_id)
        bench.check(f'report {report_id} is as acknowledged', answer.status == 200 and answer.json == acknowledged, answer)


def exports_done(bench, reports, clients):
    running = [one for one in history(reports) if one['status'] not in ENDED]
    bench.equal('no export is stuck', running, [])
    for (report_id, kind, form), answer in clients.acknowledged.items():
        if kind != 'export':
            continue
        status = reports.status(answer['exportId'])
        done = status.status == 200 and status.json['status'] == 'completed'
        body = reports.download(answer['exportId']).body if done else b''
        bench.check(f'{form} of {report_id} is exported whole', done and whole(form, body), status)


def whole(form, body):
    if form == 'dicom-sr':
        return 'ContentSequence' in pydicom.dcmread(io.BytesIO(body))
    if form == 'pdf':
        return body.startswith(b'%PDF-') and body.rstrip().endswith(b'%%EOF')
    return body.startswith(b'{') and body.rstrip().endswith(b'}')


def deliveries_done(bench, reports, archive, entered):
    for report_id in entered:
        found = reports.deliveries(report_id)
        bench.equal(f'deliveries of {report_id}', sorted({(one['peer'], one['format']) for one in found}),
                    sorted((peer, form) for peer in PEERS for form in ('dicom-sr', 'dicom-pdf')))
        for one in found:
            what = f'{one["format"]} of {report_id} to {one["peer"]}'
            bench.check(f'{what} is sent, and Orthanc has it',
                        one['state'] == 'sent' and archive.find_instance(one['sopInstanceUID']), one)
