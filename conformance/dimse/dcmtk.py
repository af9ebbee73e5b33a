"""dcmtk as a modality and a workstation: echo, store, query, move, get, plain and within TLS."""
import os
import subprocess

import place
import process
import pydicom
import samples

BACKENDS = ('sqlite', 'postgres')
TLS = place.TOP / 'fixtures' / 'tls'


def run(bench):
    place.need('echoscu', 'storescu', 'dcmsend', 'findscu', 'movescu', 'getscu')
    tls_port, receiver_port = process.free_port(), process.free_port()
    gateway = bench.gateway(
        dimse={'tls_listen': f'127.0.0.1:{tls_port}', 'tls_certificate_file': str(TLS / 'server.pem'),
               'tls_key_file': str(TLS / 'server-key.pem'), 'tls_client_ca_file': str(TLS / 'ca.pem')},
        peer=[{'name': 'receiver', 'kind': 'dimse', 'host': '127.0.0.1', 'port': receiver_port,
               'called_ae_title': 'RECEIVER'}]).start()
    tools = Tools(bench, gateway.dimse_port)
    bench.equal('echoscu', tools.run('echoscu', *tools.where).returncode, 0)
    bench.check('echoscu with a wrong AE title is rejected',
                tools.run('echoscu', '-aec', 'OTHER', '127.0.0.1', gateway.dimse_port).returncode != 0)
    stored(bench, tools)
    queried(bench, tools)
    retrieved(bench, tools, receiver_port)
    within_tls(bench, tools, tls_port)
    bench.equal('echoscu, after all of it', tools.run('echoscu', *tools.where).returncode, 0)
    bench.equal('audit verify', gateway.cli('audit', 'verify', check=False).returncode, 0)


class Tools:
    """The programs of dcmtk, towards one gateway."""

    def __init__(self, bench, port):
        self.directory = bench.directory
        self.where = ['-aec', 'CAUSEWAY', '127.0.0.1', port]

    def run(self, *command, directory=None):
        return subprocess.run([str(part) for part in command], cwd=directory or self.directory, capture_output=True,
                              text=True, errors='replace', timeout=300, env=os.environ | {'TCP_NODELAY': '1'})


# Newer than Debian's dcmtk.
UNKNOWN_TO_DCMTK = ('1.2.840.10008.1.2.8.1', '1.2.840.10008.1.2.4.201', '1.2.840.10008.1.2.4.202',
                    '1.2.840.10008.1.2.4.203')


def known():
    """Files that dcmtk can send."""
    return [path for path in samples.rounds()[0]
            if samples.header(path).file_meta.TransferSyntaxUID not in UNKNOWN_TO_DCMTK]


def uncompressed():
    """Files that a stock sender proposes contexts for."""
    plain = ('1.2.840.10008.1.2', '1.2.840.10008.1.2.1')
    return [path for path in samples.rounds()[0] if samples.header(path).file_meta.TransferSyntaxUID in plain]


def stored(bench, tools):
    files = uncompressed()
    sent = tools.run('storescu', '-v', *tools.where, *files[:10])
    bench.check('storescu stores', sent.returncode == 0 and 'Success' in sent.stdout + sent.stderr, sent.stderr)
    sent = tools.run('dcmsend', '-v', *tools.where, *known())
    bench.check('dcmsend stores files of many classes and transfer syntaxes', sent.returncode == 0,
                sent.stdout + sent.stderr)
    for name, option in (('JPEG 2000 lossless', '-xv'), ('RLE', '-xr'), ('JPEG-LS lossless', '-xt'),
                         ('deflated', '-xd'), ('big endian', '-xb')):
        # As another instance: in another transfer syntax it is not the one that is there.
        sent = tools.run('storescu', '+II', option, *tools.where, files[0])
        bench.check(f'storescu proposing {name}', sent.returncode == 0, sent.stderr)


def queried(bench, tools):
    found = tools.run('findscu', '-S', *tools.where, '-k', 'QueryRetrieveLevel=STUDY', '-k', 'StudyInstanceUID=',
                      '-k', 'PatientName=', '-X')
    answers = sorted(tools.directory.glob('rsp*.dcm'))
    studies = {samples.header(path).StudyInstanceUID for path in known()}
    listed = {pydicom.dcmread(path, force=True).get('StudyInstanceUID') for path in answers}
    bench.check('findscu lists the studies', found.returncode == 0 and studies <= listed,
                f'{len(studies - listed)} of {len(studies)} are missing\n{found.stderr}')
    for path in answers:
        path.unlink()
    one = samples.header(uncompressed()[0])
    found = tools.run('findscu', '-P', *tools.where, '-k', 'QueryRetrieveLevel=PATIENT', '-k',
                      f'PatientID={one.PatientID}', '-k', 'PatientName=')
    bench.check('findscu finds a patient', found.returncode == 0 and 'Pending' in found.stdout + found.stderr,
                found.stdout + found.stderr)
    wrong = tools.run('findscu', '-v', '-S', *tools.where, '-k', 'QueryRetrieveLevel=SERIES', '-k', 'SeriesInstanceUID=')
    bench.check('findscu hears that the study is missing', 'DataSetDoesNotMatchSOPClass' in wrong.stdout + wrong.stderr,
                wrong.stdout + wrong.stderr)


def retrieved(bench, tools, port):
    path = next(path for path in uncompressed() if samples.header(path).Modality == 'CT')
    study = samples.header(path).StudyInstanceUID
    keys = ['-k', 'QueryRetrieveLevel=STUDY', '-k', f'StudyInstanceUID={study}']
    for name, command in (
            ('getscu', ['getscu', '-S', '+B', '-od', '.', *tools.where, *keys]),
            ('movescu', ['movescu', '-S', '-aet', 'RECEIVER', '-aem', 'RECEIVER', '--port', port, '+B', '-od', '.',
                         *tools.where, *keys])):
        out = tools.directory / name
        out.mkdir()
        done = tools.run(*command, directory=out)
        came = {samples.header(file).SOPInstanceUID: file for file in out.iterdir()}
        mine = came.get(samples.header(path).SOPInstanceUID)
        bench.check(f'{name} brings the study', done.returncode == 0 and mine is not None, done.stdout + done.stderr)
        if mine:
            bench.check(f'{name}: the data set says the same', samples.says_the_same(mine, path))
    unknown = tools.run('movescu', '-S', '-aem', 'NOBODY', '--no-port', *tools.where, *keys)
    bench.check('movescu hears that the destination is unknown', 'MoveDestinationUnknown' in unknown.stdout + unknown.stderr,
                unknown.stdout + unknown.stderr)


def within_tls(bench, tools, port):
    where = ['-aec', 'CAUSEWAY', 'localhost', port]
    known = ['+tls', TLS / 'client-key.pem', TLS / 'client.pem', '+cf', TLS / 'ca.pem']
    secured = tools.run('echoscu', *known, *where)
    bench.check('echoscu within TLS', secured.returncode == 0, secured.stderr)
    sent = tools.run('storescu', *known, *where, uncompressed()[0])
    bench.check('storescu within TLS', sent.returncode == 0, sent.stderr)
    stranger = tools.run('echoscu', '+tla', '+cf', TLS / 'ca.pem', *where)
    bench.check('echoscu without a certificate is refused', stranger.returncode != 0)
    plain = tools.run('echoscu', *where)
    bench.check('echoscu without TLS is refused', plain.returncode != 0)
