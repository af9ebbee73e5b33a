"""Orthanc as the archive behind: what is stored here arrives there, what is put there is found here, and with Orthanc
killed queries go on and stores wait. Orthanc, pynetdicom and dicomweb-client are the judges."""
import io
import json
import sys
import time
import urllib.error
import urllib.request

import pydicom
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (StudyRootQueryRetrieveInformationModelFind,
                                  StudyRootQueryRetrieveInformationModelGet)

import place
import process

sys.path += [str(place.CONFORMANCE / area) for area in ('dicomweb', 'dimse')]
import files  # noqa: E402
import samples  # noqa: E402

BACKENDS = ('sqlite', 'postgres')
AS_STORED = {'Accept': 'multipart/related; type="application/dicom"; transfer-syntax=*'}
PATIENCE = 90
# Transfer syntaxes that may not go over the web as they are stored.
NOT_OF_THE_WEB = (files.IMPLICIT, files.BIG_ENDIAN)


def settings(archive, mode='orthanc', **more):
    return {'peer': [{'name': 'orthanc', 'kind': 'orthanc', 'url': archive.url}],
            'archive': {'mode': mode, 'orthanc': 'orthanc', 'poll': '200ms', 'stale_after': '2s', 'settle': '1s',
                        **more}}


def run(bench):
    paths, refused = taken_by_orthanc(bench)
    stored_here(bench, paths, refused)
    put_there(bench, paths)
    overwritten(bench)
    outage(bench)
    pass_through(bench)
    mirror(bench)
    if bench.backend == 'sqlite':
        another_database(bench)


def taken_by_orthanc(bench):
    """One file of each instance, and those of them that Orthanc does not take."""
    paths = samples.rounds()[0]
    refused = []
    with bench.orthanc('probe') as orthanc:
        for path in paths:
            try:
                orthanc.post('/instances', path.read_bytes())
            except urllib.error.HTTPError:
                refused.append(path)
    print(f'Orthanc takes {len(paths) - len(refused)} of {len(paths)} files')
    return [path for path in paths if path not in refused], refused


def stored_here(bench, paths, refused):
    """By C-STORE and STOW-RS here, then there; what comes back through us is what was sent."""
    archive = bench.orthanc('stored').start()
    gateway = bench.gateway('stored', **settings(archive, cache=0)).start()
    api = gateway.api('integrator')
    by_stow, by_store = paths[::2], paths[1::2]
    sent = stow_and_store(bench, gateway, api, by_stow, by_store)
    for path in refused:
        answer = files.stow(api, path.read_bytes())
        bench.check(f'{path.name} is taken although Orthanc will not', answer.status in (200, 202), answer)
    for path in paths:
        uid = samples.header(path).SOPInstanceUID
        arrived = process.wait_until(lambda: archive.file(uid), PATIENCE, f'{path.name} in Orthanc')
        bench.check(f'{path.name} is in Orthanc, byte for byte', files.data_set_bytes(arrived) == sent[uid])
    process.wait_until(lambda: metric(gateway, 'store') == 0, PATIENCE, 'nothing is on its way')
    bench.equal('nothing else is in Orthanc', archive.get('/statistics')['CountInstances'], len(paths))
    comes_back(bench, gateway, api, paths, sent, 'stored here')
    for path in refused:
        uid = files.address(samples.header(path))
        answer = api.get('/dicom-web/studies/{}/series/{}/instances/{}'.format(*uid), AS_STORED)
        bench.equal(f'{path.name}, which Orthanc refused, is still here', answer.status, 200)
    # Deleted here, it goes there; and does not come back by the feed.
    gone = samples.header(paths[0])
    bench.equal('an instance is deleted here', api.delete(files.path_of(gone)).status, 204)
    process.wait_until(lambda: not archive.find_instance(gone.SOPInstanceUID), PATIENCE, 'gone from Orthanc')
    still_gone(bench, api, gone)
    gateway.stop()
    archive.stop()


def stow_and_store(bench, gateway, api, by_stow, by_store):
    """The data sets that went in, by SOP instance."""
    sent = {}
    for path in by_stow:
        content = path.read_bytes()
        answer = files.stow(api, content)
        bench.check(f'{path.name} by STOW-RS', answer.status in (200, 202), answer)
        sent[samples.header(path).SOPInstanceUID] = samples.data_set_bytes(path)
    entity = AE(ae_title='WORKSTATION')
    for kind in kinds(by_store):
        entity.add_requested_context(kind[0], [kind[1]])

    def note(event):
        uid = event.message.command_set.get('AffectedSOPInstanceUID')
        if uid and event.message.data_set is not None:
            sent[uid] = event.message.data_set.getvalue()

    association = entity.associate('127.0.0.1', gateway.dimse_port, ae_title='CAUSEWAY',
                                   evt_handlers=[(evt.EVT_DIMSE_SENT, note)])
    for path in by_store:
        status = association.send_c_store(path).get('Status')
        bench.check(f'{path.name} by C-STORE', status in (0x0000, 0xB007), f'status {status}')
    association.release()
    return sent


def kinds(paths):
    return sorted({(header.SOPClassUID, header.file_meta.TransferSyntaxUID)
                   for header in map(samples.header, paths)})


def comes_back(bench, gateway, api, paths, sent, how):
    """WADO-RS and C-GET give the data sets, and single frames can be had."""
    for path in paths:
        header = samples.header(path)
        answer = api.get(files.path_of(header), AS_STORED)
        if bench.equal(f'{path.name}, {how}, by WADO-RS', answer.status, 200) \
                and header.file_meta.TransferSyntaxUID not in NOT_OF_THE_WEB:
            (_, back), = files.parts(answer)
            bench.check(f'{path.name}, {how}: the same data set by WADO-RS',
                        files.data_set_bytes(back) == sent[header.SOPInstanceUID])
    got = by_get(bench, gateway, paths)
    for path in paths:
        uid = samples.header(path).SOPInstanceUID
        bench.check(f'{path.name}, {how}: the same data set by C-GET', got.get(uid) == sent[uid])
    small = samples.header(samples.FILES / 'images' / 'CT_small.dcm')
    for request in ('/frames/1', '/rendered', '/metadata'):
        answer = api.get(files.path_of(small) + request, {'Accept': '*/*'})
        bench.equal(f'CT_small, {how}: {request}', answer.status, 200)


def by_get(bench, gateway, paths):
    got = {}

    def keep(event):
        got[event.request.AffectedSOPInstanceUID] = event.request.DataSet.getvalue()
        return 0x0000

    entity = AE(ae_title='WORKSTATION')
    entity.add_requested_context(StudyRootQueryRetrieveInformationModelGet)
    roles = []
    for sop_class, syntax in kinds(paths):
        entity.add_requested_context(sop_class, [syntax])
        roles.append(build_role(sop_class, scp_role=True))
    association = entity.associate('127.0.0.1', gateway.dimse_port, ae_title='CAUSEWAY', ext_neg=roles,
                                   evt_handlers=[(evt.EVT_C_STORE, keep)])
    bench.check('C-GET: associated', association.is_established)
    for study in sorted({samples.header(path).StudyInstanceUID for path in paths}):
        identifier = Dataset()
        identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = 'STUDY', study
        for _status in association.send_c_get(identifier, StudyRootQueryRetrieveInformationModelGet):
            pass
    association.release()
    return got


def still_gone(bench, api, header):
    """The feed has gone on since, and has not brought it back."""
    process.wait_until(lambda: not is_stale(api), PATIENCE, 'the feed is up to date')
    found = api.get('/dicom-web/instances', SOPInstanceUID=header.SOPInstanceUID)
    bench.equal('what was deleted does not come back', found.json, [])


def is_stale(api):
    answer = api.get('/dicom-web/studies', limit=1)
    return '110' in (answer.header('warning') or '')


def put_there(bench, paths):
    """Put into Orthanc itself, before and after the gateway starts; deleted there, gone here."""
    archive = bench.orthanc('put').start()
    before, after = paths[:len(paths) // 2], paths[len(paths) // 2:]
    sent = {}
    for path in before:
        archive.post('/instances', path.read_bytes())
    gateway = bench.gateway('put', **settings(archive)).start()
    api = gateway.api('integrator')
    found_here(bench, gateway, api, before, 'there before')
    gateway.stop()
    for path in after:
        archive.post('/instances', path.read_bytes())
    gateway.start()
    found_here(bench, gateway, api, paths, 'put there meanwhile')
    for path in paths:
        uid = samples.header(path).SOPInstanceUID
        sent[uid] = files.data_set_bytes(archive.file(uid))
    comes_back(bench, gateway, api, paths, sent, 'put there')
    audited = gateway.cli('audit', 'export', check=False)
    if audited.returncode == 0:
        stores = audited.stdout.count('"study.store"')
        bench.check('each instance was taken in once', stores <= len(paths), f'{stores} of {len(paths)}')

    radiologist = gateway.api('radiologist')
    study = samples.header(paths[0]).StudyInstanceUID

    def imaging_studies():
        found = radiologist.get('/fhir/r4/ImagingStudy', identifier=f'urn:dicom:uid|urn:oid:{study}')
        return [entry['resource']['id'] for entry in found.json.get('entry', [])]

    process.wait_until(imaging_studies, PATIENCE, 'an ImagingStudy')
    bench.equal('there is one ImagingStudy', len(imaging_studies()), 1)
    whole, = archive.post('/tools/find', {'Level': 'Study', 'Query': {'StudyInstanceUID': study}})
    remove(archive, f'/studies/{whole}')
    process.wait_until(lambda: api.get('/dicom-web/studies', StudyInstanceUID=study).json == [], PATIENCE,
                       'a study that was deleted in Orthanc to go')
    bench.equal('its metadata is gone', api.get(f'/dicom-web/studies/{study}/metadata').status, 404)
    bench.equal('its ImagingStudy is gone', imaging_studies(), [])
    left = [path for path in paths if samples.header(path).StudyInstanceUID != study]
    found_here(bench, gateway, api, left, 'left there')
    gateway.stop()
    archive.stop()


def found_here(bench, gateway, api, paths, how):
    """QIDO-RS and C-FIND know just these instances."""
    wanted = sorted(samples.header(path).SOPInstanceUID for path in paths)

    def found():
        answer = api.get('/dicom-web/instances', limit=1000)
        return sorted(one['00080018']['Value'][0] for one in answer.json)

    try:
        process.wait_until(lambda: found() == wanted, PATIENCE, 'the index')
    except process.NotReady:
        pass
    bench.equal(f'QIDO-RS finds what is {how}', found(), wanted)
    entity = AE(ae_title='WORKSTATION')
    entity.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
    association = entity.associate('127.0.0.1', gateway.dimse_port, ae_title='CAUSEWAY')
    identifier = Dataset()
    identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = 'STUDY', ''
    studies = sorted(answer.StudyInstanceUID for status, answer in
                     association.send_c_find(identifier, StudyRootQueryRetrieveInformationModelFind) if answer)
    association.release()
    bench.equal(f'C-FIND finds the studies of what is {how}', studies,
                sorted({samples.header(path).StudyInstanceUID for path in paths}))


def overwritten(bench):
    """An Orthanc that overwrites makes another instance under the same UIDs: it is that one which is found and read."""
    archive = bench.orthanc('overwriting', OverwriteInstances=True).start()
    gateway = bench.gateway('overwriting', **settings(archive, cache=0)).start()
    api = gateway.api('integrator')
    small = pydicom.dcmread(samples.FILES / 'images' / 'CT_small.dcm')
    process.wait_until(lambda: not is_stale(api), PATIENCE, 'the feed to be followed')
    bench.equal('an instance is stored here', files.stow(api, encoded(small)).status, 200)
    process.wait_until(lambda: archive.find_instance(small.SOPInstanceUID) and metric(gateway, 'store') == 0, PATIENCE,
                       'it in Orthanc')
    time.sleep(1)  # it is read back, and let go of here

    def found():
        answer = api.get('/dicom-web/instances', includefield='00100010', SOPInstanceUID=small.SOPInstanceUID)
        return [one['00100010']['Value'][0]['Alphabetic'] for one in answer.json]

    for name in ('Corrected^One', 'Corrected^Two'):
        # Of the first one, Orthanc forgets all that it has told.
        if name == 'Corrected^Two':
            files.stow(api, (samples.FILES / 'images' / 'MR_small.dcm').read_bytes())
            process.wait_until(lambda: archive.get('/statistics')['CountInstances'] == 2, PATIENCE, 'two in Orthanc')
        small.PatientName = name
        archive.post('/instances', encoded(small))
        try:
            process.wait_until(lambda: found() == [name], PATIENCE, 'the other instance')
        except process.NotReady:
            pass
        bench.equal(f'{name} is found', found(), [name])
        answer = api.get(files.path_of(small), AS_STORED)
        if bench.equal(f'{name} is read', answer.status, 200):
            (_, back), = files.parts(answer)
            bench.check(f'{name} is what Orthanc has',
                        files.data_set_bytes(back) == files.data_set_bytes(archive.file(small.SOPInstanceUID)))
    verified = gateway.cli('audit', 'verify', check=False)
    bench.equal('audit verify', verified.returncode, 0)
    gateway.stop()
    archive.stop()


def encoded(data_set):
    content = io.BytesIO()
    data_set.save_as(content)
    return content.getvalue()


def remove(archive, path):
    urllib.request.urlopen(urllib.request.Request(archive.url + path, method='DELETE'), timeout=30).close()


def outage(bench):
    """Orthanc is killed in the middle: queries answer and say so, stores wait, over a restart of ours too."""
    archive = bench.orthanc('outage').start()
    gateway = bench.gateway('outage', **settings(archive, cache=0, cache_age='1m')).start()
    api = gateway.api('integrator')
    paths = [path for path in files.valid() if path.parent.name == 'studies']
    first, second = paths[:len(paths) // 2], paths[len(paths) // 2:]
    archive.post('/instances', first[0].read_bytes())
    for path in first[1:]:
        files.stow(api, path.read_bytes())
    process.wait_until(lambda: metric(gateway, 'store') == 0 and count(api) == len(first), PATIENCE, 'the first half')
    process.wait_until(lambda: not is_stale(api), PATIENCE, 'fresh answers')
    archive.kill()
    process.wait_until(lambda: is_stale(api), PATIENCE, 'answers that are marked stale')
    answer = api.get('/dicom-web/studies')
    bench.equal('queries answer without Orthanc', answer.status, 200)
    bench.equal('and are marked', answer.header('warning'), '110 - "Response is Stale"')
    bench.check('and say since when', 'since=' in (answer.header('causeway-archive') or ''), answer.headers)
    ready = api.get('/health/ready')
    bench.equal('the gateway serves', ready.status, 200)
    bench.equal('and says what does not', ready.json['parts'].get('archive'), 'down')
    there = samples.header(first[0])
    unread = api.get(files.path_of(there), AS_STORED)
    bench.equal('what is only in Orthanc cannot be read now', unread.status, 503)
    bench.equal('by C-GET neither', get_status(gateway, there), 0xA702)
    bench.equal('its metadata can', api.get(files.path_of(there) + '/metadata').status, 200)
    for path in second:
        stored = files.stow(api, path.read_bytes())
        bench.equal(f'{path.name} is stored without Orthanc', stored.status, 200)
    bench.equal('what waits is found', count(api), len(paths))
    waiting = api.get(files.path_of(samples.header(second[0])), AS_STORED)
    bench.equal('and read', waiting.status, 200)
    deleted = samples.header(first[1])
    bench.equal('an instance is deleted without Orthanc', api.delete(files.path_of(deleted)).status, 204)
    gateway.kill()  # what waits is on disk, not in memory
    gateway.start()
    bench.equal('what waits is found after a kill', count(api), len(paths) - 1)
    archive.start()
    for path in second:
        uid = samples.header(path).SOPInstanceUID
        arrived = process.wait_until(lambda: archive.file(uid), PATIENCE, f'{path.name} in Orthanc')
        bench.check(f'{path.name} arrives after Orthanc has returned',
                    files.data_set_bytes(arrived) == samples.data_set_bytes(path))
    process.wait_until(lambda: not archive.find_instance(deleted.SOPInstanceUID), PATIENCE, 'the deletion')
    process.wait_until(lambda: not is_stale(api), PATIENCE, 'fresh answers')
    bench.equal('nothing came back, nothing is there twice', count(api), len(paths) - 1)
    bench.equal('Orthanc has the same number', archive.get('/statistics')['CountInstances'], len(paths) - 1)
    bench.equal('what is in Orthanc is read again', api.get(files.path_of(there), AS_STORED).status, 200)
    gateway.stop()
    archive.stop()


def count(api):
    return len(api.get('/dicom-web/instances', limit=1000).json)


def get_status(gateway, header):
    entity = AE(ae_title='WORKSTATION')
    entity.add_requested_context(StudyRootQueryRetrieveInformationModelGet)
    entity.add_requested_context(header.SOPClassUID, [header.file_meta.TransferSyntaxUID])
    association = entity.associate('127.0.0.1', gateway.dimse_port, ae_title='CAUSEWAY',
                                   ext_neg=[build_role(header.SOPClassUID, scp_role=True)])
    identifier = Dataset()
    identifier.QueryRetrieveLevel = 'IMAGE'
    identifier.StudyInstanceUID, identifier.SeriesInstanceUID, identifier.SOPInstanceUID = files.address(header)
    statuses = [status.get('Status') for status, _ in
                association.send_c_get(identifier, StudyRootQueryRetrieveInformationModelGet)]
    association.release()
    return statuses[-1] if statuses else None


def metric(gateway, what):
    """What is to be done in the archive behind; unknown before it was first looked."""
    text = gateway.api('integrator').get('/metrics').body.decode()
    lines = [line for line in text.splitlines() if line.startswith('causeway_archive_waiting') and f'"{what}"' in line]
    return int(float(lines[0].rpartition(' ')[2])) if lines else None


def pass_through(bench):
    """What the list names goes through, for those who may; nothing else does, however it is written."""
    archive = bench.orthanc('pass', AuthenticationEnabled=True, RegisteredUsers={'gateway': 'secret-of-orthanc'})
    archive.ready = lambda: process.port_open(archive.http_port)
    archive.start()
    own = settings(archive)
    own['peer'][0]['auth'] = {'type': 'basic', 'username': 'gateway', 'password': 'secret-of-orthanc'}
    gateway = bench.gateway('pass', **own).start()
    api = gateway.api('integrator')
    files.stow(api, (samples.FILES / 'images' / 'CT_small.dcm').read_bytes())
    process.wait_until(lambda: api.get('/orthanc/instances').json, PATIENCE, 'an instance in Orthanc')
    bench.equal('/orthanc/system', api.get('/orthanc/system').json.get('DicomAet'), 'ORTHANC')
    instance, = api.get('/orthanc/instances').json
    bench.equal('a file goes through', api.get(f'/orthanc/instances/{instance}/file').body[128:132], b'DICM')
    bench.equal('a preview goes through', api.get(f'/orthanc/instances/{instance}/preview').body[:4], b'\x89PNG')
    found = api.post('/orthanc/tools/find', {'Level': 'Instance', 'Query': {}})
    bench.equal('a search goes through', found.json, [instance])
    bench.equal('an unknown instance is unknown', api.get('/orthanc/instances/1-2-3-4-5').status, 404)
    for path in ('/orthanc/tools/execute-script', '/orthanc/modalities', '/orthanc/', '/orthanc/plugins',
                 '/orthanc/instances/../modalities', '/orthanc/instances/%2e%2e/modalities',
                 '/orthanc/instances/..%2Fmodalities', '/orthanc/instances//x', '/orthanc/system/',
                 '/orthanc/instances/..;/modalities', '/orthanc/%73ystem', '/orthanc//system'):
        bench.equal(f'{path} does not', api.get(path).status, 404)
    bench.equal('nothing is deleted', api.delete(f'/orthanc/instances/{instance}').status, 404)
    bench.equal('nothing is stored', api.post('/orthanc/instances', b'x', {'Content-Type': 'x/y'}).status, 404)
    bench.equal('no script runs', api.post('/orthanc/tools/execute-script', b'return 1', {'Content-Type': 'x/y'}).status, 404)
    bench.equal('nobody without a token', gateway.api().get('/orthanc/system').status, 401)
    for role in ('admin', 'radiologist', 'clinician', 'auditor'):
        bench.equal(f'not {role}', gateway.api(role).get('/orthanc/system').status, 403)
    narrow = gateway.api('integrator', scope='user/DiagnosticReport.rs')
    bench.equal('not with a token for something else', narrow.get('/orthanc/system').status, 403)
    answer = api.get('/orthanc/system')
    bench.check('nothing of Orthanc between the lines',
                not any(name in answer.headers for name in ('set-cookie', 'www-authenticate', 'keep-alive')),
                answer.headers)
    archive.kill()
    bench.equal('without Orthanc it is busy', api.get('/orthanc/system').status, 503)
    gateway.stop()

    local = bench.gateway('alone').start()
    bench.equal('without an archive behind there is nothing', local.api('integrator').get('/orthanc/system').status, 404)
    local.stop()


def mirror(bench):
    """In both: what is stored here is there, what is put there is here, and is read while Orthanc is away."""
    archive = bench.orthanc('mirror').start()
    gateway = bench.gateway('mirror', **settings(archive, 'mirror')).start()
    api = gateway.api('integrator')
    paths = [path for path in files.valid() if path.parent.name == 'studies']
    here, there = paths[::2], paths[1::2]
    for path in here:
        files.stow(api, path.read_bytes())
    for path in there:
        archive.post('/instances', path.read_bytes())
    process.wait_until(lambda: count(api) == len(paths), PATIENCE, 'all of them here')
    process.wait_until(lambda: archive.get('/statistics')['CountInstances'] == len(paths), PATIENCE, 'all of them there')
    process.wait_until(lambda: metric(gateway, 'store') == 0, PATIENCE, 'nothing on its way')
    archive.kill()
    for path in paths:
        answer = api.get(files.path_of(samples.header(path)), AS_STORED)
        bench.equal(f'{path.name} is read without Orthanc', answer.status, 200)
    # An empty Orthanc at the same address is filled again, and takes nothing away here.
    empty = bench.orthanc('mirror-anew')
    empty.http_port = archive.http_port
    configuration = json.loads(empty.configuration.read_text()) | {'HttpPort': archive.http_port}
    empty.configuration.write_text(json.dumps(configuration))
    empty.start()
    process.wait_until(lambda: empty.get('/statistics')['CountInstances'] == len(paths), PATIENCE, 'a mirror filled anew')
    bench.equal('nothing is lost here', count(api), len(paths))
    remove(empty, f'/instances/{empty.find_instance(samples.header(paths[0]).SOPInstanceUID)}')
    process.wait_until(lambda: count(api) == len(paths) - 1, PATIENCE, 'what was deleted there to go here')
    gateway.stop()
    empty.stop()


def another_database(bench):
    """Another database at the address of the first: the index becomes that of the new one."""
    first, second = [path for path in files.valid() if path.parent.name == 'studies'][:2]
    archive = bench.orthanc('first').start()
    archive.post('/instances', first.read_bytes())
    gateway = bench.gateway('another', **settings(archive)).start()
    api = gateway.api('integrator')
    found_here(bench, gateway, api, [first], 'in the first database')
    archive.kill()
    time.sleep(1.1)  # Orthanc dates its changes by the second; two databases are not made within one
    other = bench.orthanc('second')
    other.http_port = archive.http_port
    configuration = json.loads(other.configuration.read_text()) | {'HttpPort': archive.http_port}
    other.configuration.write_text(json.dumps(configuration))
    other.start()
    other.post('/instances', second.read_bytes())
    found_here(bench, gateway, api, [second], 'in the second database')
    gateway.stop()
    other.stop()
