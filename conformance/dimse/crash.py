"""kill -9 at random moments of a parallel C-STORE and STOW-RS load: what was acknowledged is there once, whole, found by
query and readable; what is there at all is whole."""
import io
import os
import random
import time

import pydicom

import process
from storers import Storers, Study

BACKENDS = ('sqlite', 'postgres')
KILLS, KILLS_LONG = 8, 100
# Of a turn: what is begun, and so long at most until the kill.
LONGEST_WAIT = 1.0
# Every fifth instance is no short file, and so lies beside the database.
SHORT_ROWS, LONG_ROWS = 24, 320


def run(bench):
    kills = int(os.environ.get('CRASH_KILLS') or (KILLS_LONG if bench.is_long else KILLS))
    seed = int(os.environ.get('CRASH_SEED') or random.SystemRandom().randrange(10**9))
    print(f'        CRASH_SEED={seed}', flush=True)
    rng = random.Random(seed)
    gateway = bench.gateway().start()
    web = gateway.api('integrator')
    storers = Storers(gateway, web)
    for turn in range(kills):
        study = Study(turn, [LONG_ROWS if number % 5 == 4 else SHORT_ROWS for number in range(60)], rng)
        storers.begin(study)
        time.sleep(rng.uniform(0, LONGEST_WAIT))
        gateway.kill()
        storers.end()
        gateway.start()
        nothing_lost(bench, web, study, turn)
        # What was under way is sent once more: nothing of its first coming is in its way.
        storers.begin(study)
        process.wait_until(lambda: study.is_acknowledged() or storers.are_idle(), 120, 'the rest to be stored')
        storers.end()
        bench.check(f'kill {turn + 1}: the rest of the study is taken', study.is_acknowledged(), study.missing())
        nothing_lost(bench, web, study, turn)
    bench.equal('nothing was refused', storers.surprises, [])
    verified = gateway.cli('audit', 'verify', check=False)
    bench.check('audit verify is clean', verified.returncode == 0, verified.stdout + verified.stderr)
    bench.equal('it stops when asked', gateway.stop(), 0)


def nothing_lost(bench, web, study, turn):
    """Query and retrieval name the same instances, each once, and each of them is as it was sent."""
    what = f'kill {turn + 1}'
    acknowledged = set(study.acknowledged)
    listed = named(web, study)
    bench.equal(f'{what}: no instance is named twice', len(listed), len(set(listed)))
    bench.equal(f'{what}: every acknowledged instance is named', sorted(acknowledged - set(listed)), [])
    damaged = [uid for uid in listed if not is_whole(web, study, uid)]
    bench.equal(f'{what}: every instance that is named is whole', damaged, [])
    counted = counts(web, study)
    bench.equal(f'{what}: the study counts its instances', counted, len(listed))


def named(web, study):
    answer = web.get(f'/dicom-web/studies/{study.uid}/instances', limit=1000)
    if answer.status not in (200, 204):
        raise RuntimeError(f'query: {answer}')
    return [row['00080018']['Value'][0] for row in answer.json] if answer.status == 200 and answer.body else []


def counts(web, study):
    answer = web.get('/dicom-web/studies', StudyInstanceUID=study.uid, includefield='00201208')
    rows = answer.json if answer.status == 200 and answer.body else []
    return int(rows[0]['00201208']['Value'][0]) if rows else 0


def is_whole(web, study, uid):
    path = f'/dicom-web/studies/{study.uid}/series/{study.series}/instances/{uid}'
    answer = web.get(path, {'Accept': 'application/dicom; transfer-syntax=*'})
    return answer.status == 200 and pydicom.dcmread(io.BytesIO(answer.body)) == study.sent[uid]
