"""Where things lie, and how what is missing gets there: Debian packages, Python, Node.js and Maven packages.

Everything that is made goes below `CONFORMANCE_DIR` (default `target/conformance`), nothing into the source
tree. What cannot be had ends the run with `Unavailable`: a judge that is missing is never skipped.
"""
import contextlib
import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
CONFORMANCE = TOP / 'conformance'
WORK = Path(os.environ.get('CONFORMANCE_DIR') or TOP / 'target' / 'conformance').resolve()

# What has to be there, a program's name or a path pattern, and the Debian package that brings it.
PACKAGES = {
    '/usr/lib/postgresql/*/bin/initdb': 'postgresql',
    '/usr/sbin/Orthanc': 'orthanc',
    '/usr/share/orthanc/plugins/libOrthancDicomWeb.so': 'orthanc-dicomweb',
    '/usr/share/java/pixelmed.jar': 'libpixelmed-java',
    'chromium': 'chromium',
    'dciodvfy': 'dicom3tools',
    'dcmsend': 'dcmtk',
    'dsrdump': 'dcmtk',
    'echoscu': 'dcmtk',
    'findscu': 'dcmtk',
    'getscu': 'dcmtk',
    'movescu': 'dcmtk',
    'storescu': 'dcmtk',
    'javac': 'default-jdk-headless',
    'mvn': 'maven',
    'node': 'nodejs',
    'npm': 'npm',
    'pdfdetach': 'poppler-utils',
    'pdfimages': 'poppler-utils',
    'pdftotext': 'poppler-utils',
}


class Unavailable(Exception):
    """Something that the run needs is not there and cannot be installed."""


def program(name):
    """The path of a program or file of PACKAGES, installed if it is missing."""
    return need(name)[0]


def need(*names):
    """The paths of programs or files of PACKAGES, installed if they are missing."""
    missing = [name for name in names if not _found(name)]
    if missing:
        with _alone('apt'):
            _apt([PACKAGES[name] for name in missing if not _found(name)])
    paths = [_found(name) for name in names]
    if None in paths:
        raise Unavailable(f'{names[paths.index(None)]} is not there although its package is installed')
    return paths


def _found(name):
    if '/' in name:
        return next(iter(sorted(glob.glob(name), reverse=True)), None)
    return shutil.which(name)


def _apt(packages):
    if not packages:
        return
    command = ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', *packages]
    if os.geteuid() != 0:
        raise Unavailable('missing packages; as root: ' + ' '.join(command))
    environment = os.environ | {'DEBIAN_FRONTEND': 'noninteractive'}
    _run(['apt-get', 'update', '-qq'], env=environment)
    _run(command, env=environment)


def python():
    """The interpreter of the Python environment with the packages of requirements.txt."""
    wanted = CONFORMANCE / 'requirements.txt'
    home = WORK / 'venv'
    stamp = home / 'installed'
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()
    with _alone('venv'):
        if not stamp.exists() or stamp.read_text() != digest:
            shutil.rmtree(home, ignore_errors=True)
            _run([getattr(sys, '_base_executable', sys.executable), '-m', 'venv', home])
            _run([home / 'bin' / 'pip', 'install', '-q', '--disable-pip-version-check', '-r', wanted])
            stamp.write_text(digest)
    return home / 'bin' / 'python'


def inside_environment():
    """Starts the running script again with `python()`, unless that runs it already."""
    wanted = python()
    if Path(sys.prefix).resolve() != wanted.parents[1]:
        os.execv(wanted, [wanted, *sys.argv])


def node():
    """The node program, and the directory that has the packages of package.json in `node_modules`."""
    program_of_node, npm = need('node', 'npm')
    wanted = CONFORMANCE / 'package.json'
    home = WORK / 'node'
    stamp = home / 'installed'
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()
    with _alone('node'):
        if not stamp.exists() or stamp.read_text() != digest:
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            shutil.copy(wanted, home)
            _run([npm, 'install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'], cwd=home)
            stamp.write_text(digest)
    return program_of_node, home


def npm_files(package, folder):
    """A folder of an npm package `name@version`, as it is published and without what it depends on."""
    npm = program('npm')
    home = WORK / 'npm' / package.replace('/', '+')
    with _alone('npm'):
        if not (home / 'unpacked').exists():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            _run([npm, 'pack', package, '--silent', '--pack-destination', home], cwd=home)
            archive = next(home.glob('*.tgz'))
            with tarfile.open(archive) as files:
                for member in files:
                    wanted = member.name.startswith(f'package/{folder}/') and not member.name.endswith('.map')
                    if wanted and member.isfile() and '..' not in member.name:
                        path = home / member.name
                        path.parent.mkdir(parents=True, exist_ok=True)
                        path.write_bytes(files.extractfile(member).read())
            archive.unlink()
            (home / 'unpacked').touch()
    return home / 'package' / folder


def java_judge(name):
    """The class path of the Java judge `conformance/judges/<name>`, built if it is not or has changed."""
    judges = CONFORMANCE / 'judges'
    out = WORK / 'judges'
    stamp = out / 'built'
    sources = sorted([*judges.glob('**/*.java'), *judges.glob('**/pom.xml')])
    digest = hashlib.sha256(b''.join(path.read_bytes() for path in sources)).hexdigest()
    class_path = out / name / 'classpath'
    with _alone('judges'):
        built = stamp.exists() and stamp.read_text() == digest and class_path.exists()
        if not built or not all(Path(jar).exists() for jar in class_path.read_text().split(':')):
            need('javac', 'mvn')
            _run(['mvn', '-q', '-B', '-f', judges / 'pom.xml', f'-Djudges.out={out}', 'process-classes'])
            stamp.write_text(digest)
    return f'{out / name / "classes"}:{class_path.read_text()}'


@contextlib.contextmanager
def _alone(name):
    """Only one process at a time installs or builds `name`."""
    WORK.mkdir(parents=True, exist_ok=True)
    with open(WORK / f'{name}.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command, **options):
    command = [str(part) for part in command]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        raise Unavailable(f'{" ".join(command)} failed:\n{done.stdout[-4000:]}')
