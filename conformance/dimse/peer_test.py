"""`causeway peer test` says of real peers what they can do, and in plain words what is wrong with each way of having
set one up badly; what it stores it takes away again where it can. `import dicom` follows a DICOMDIR."""
import json
import shutil

import pydicom

import orthanc
import process
import samples

STUDY = '2.25.171839462750183645091827364550918273601'
INSTANCE = '2.25.171839462750183645091827364550918273603'


def run(bench):
    archive = bench.orthanc().start()
    other = bench.gateway('other', http={'allowed_origins': ['https://viewer.example']}).start()
    token = other.api('integrator').token
    free = process.free_port()
    near = {'kind': 'dimse', 'host': '127.0.0.1', 'port': archive.dicom_port, 'called_ae_title': orthanc.AE_TITLE}
    web = {'kind': 'dicomweb', 'url': f'{other.url}/dicom-web', 'auth': {'type': 'bearer', 'token': token}}
    gateway = bench.gateway(peer=[
        {'name': 'orthanc-dimse', **near},
        {'name': 'orthanc-rest', 'kind': 'orthanc', 'url': archive.url},
        {'name': 'orthanc-web', 'kind': 'dicomweb', 'url': archive.dicomweb_url},
        {'name': 'causeway-dimse', 'kind': 'dimse', 'host': '127.0.0.1', 'port': other.dimse_port,
         'called_ae_title': 'CAUSEWAY'},
        {'name': 'causeway-web', **web},
        {'name': 'wrong-title', **near, 'called_ae_title': 'SOMEBODY'},
        {'name': 'nobody', **near, 'port': free},
        {'name': 'wrong-protocol', **near, 'port': archive.http_port,
         'timeouts': {'association_seconds': 3}},
        {'name': 'wrong-token', **web, 'auth': {'type': 'bearer', 'token': 'x' * 40}},
        {'name': 'wrong-path', **web, 'url': f'{other.url}/dicom'},
    ]).start()

    dimse = tested(bench, gateway, 'orthanc-dimse', True)
    says(bench, dimse, 'good', 'echo answered', 'basic text SR is accepted', 'has taken the test object',
         'finds the test object')
    says(bench, dimse, 'notice', 'stays there')
    kept = archive.file(INSTANCE)
    bench.check('the test object says what it is', kept is not None and b'may be deleted' in kept)
    bench.check('it speaks of no person', pydicom.dcmread(pydicom.filebase.DicomBytesIO(kept)).PatientID
                == 'CAUSEWAY-TEST')

    rest = tested(bench, gateway, 'orthanc-rest', True)
    says(bench, rest, 'good', 'is Orthanc', 'has the DICOMweb plugin', 'has taken the test object',
         'has deleted it again')
    bench.equal('nothing is left of it in Orthanc', archive.file(INSTANCE), None)
    tested(bench, gateway, 'orthanc-web', None)

    dimse = tested(bench, gateway, 'causeway-dimse', True)
    says(bench, dimse, 'good', 'commits storage', 'finds the test object', 'GET is accepted')
    web = tested(bench, gateway, 'causeway-web', True, '--origin', 'https://viewer.example')
    says(bench, web, 'good', 'answers searches', 'has taken the test object', 'gives metadata as JSON',
         'metadata where the Accept has a list', 'an instance in parts', 'an instance as it is kept',
         'an instance as one file', 'has deleted the test object', 'pages of https://viewer.example may ask it')
    web = tested(bench, gateway, 'causeway-web', True, '--origin', 'https://elsewhere.example')
    says(bench, web, 'notice', 'pages of https://elsewhere.example may not ask it')
    bench.equal('nothing is left of it', other.api('integrator').get(f'/dicom-web/studies/{STUDY}/metadata').status, 404)
    quiet = tested(bench, gateway, 'causeway-web', True, '--without-storing')
    bench.check('without storing nothing is stored', 'test object' not in json.dumps(quiet), quiet)

    says(bench, tested(bench, gateway, 'wrong-title', False), 'problem', 'check called_ae_title')
    says(bench, tested(bench, gateway, 'nobody', False), 'problem', 'check host and port')
    says(bench, tested(bench, gateway, 'wrong-protocol', False), 'problem', 'check port')
    says(bench, tested(bench, gateway, 'wrong-token', False), 'problem', 'check auth')
    says(bench, tested(bench, gateway, 'wrong-path', False), 'problem', 'check the path of url')
    medium(bench, gateway)


def tested(bench, gateway, name, is_good, *options):
    """What `peer test` finds; whether it calls the peer good."""
    done = gateway.cli('peer', 'test', name, '--json', *options, check=False)
    if is_good is not None:
        bench.equal(f'{name}: exit {"0" if is_good else "1"}', done.returncode, 0 if is_good else 1)
    print(f'        {done.stdout.strip()[:2000]}')
    return json.loads(done.stdout)['findings']


def says(bench, findings, level, *texts):
    for text in texts:
        bench.check(f'{level}: {text}', any(finding['level'] == level and text in finding['text']
                                            for finding in findings), findings)


def medium(bench, gateway):
    """A medium whose names are in lower case with versions, with a file missing, one too many, and one that leads
    out."""
    folder = bench.directory / 'medium'
    studies = samples.FILES / 'studies'
    named = {path.stem.split('_')[-1]: path for path in studies.glob('*_*.dcm')}
    directory = pydicom.dcmread(studies / 'DICOMDIR.dcm')
    expected = 0
    for record in directory.DirectoryRecordSequence:
        parts = record.get('ReferencedFileID')
        if parts and (source := named.get(parts[-1])):
            path = folder.joinpath(*[part.lower() for part in parts[:-1]], f'{parts[-1].lower()}.;1')
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, path)
            expected += 1
    shutil.copy(studies / 'DICOMDIR.dcm', folder / 'dicomdir;1')
    shutil.copy(samples.FILES / 'images' / 'CT_small.dcm', folder / 'unnamed.dcm')
    done = gateway.cli('import', 'dicom', folder, '--json', check=False)
    told = json.loads(done.stdout)
    bench.equal('the files that the DICOMDIR names are imported', told['imported'], expected)
    bench.equal('those that are missing are failures', (done.returncode, told['failed']), (1, 31 - expected))
    bench.equal('the file that it does not name is said', [path.rpartition('/')[2] for path in told['unnamed']],
                ['unnamed.dcm'])
