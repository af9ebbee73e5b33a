"""The DICOM files of fixtures/dicom, and how they go in and come out by hand."""
import io

import pydicom
import requests
from dicomweb_client.api import DICOMwebClient

import place

FIXTURES = place.TOP / 'fixtures' / 'dicom'
VALID = ('charset', 'images', 'rt', 'sr', 'studies')
# A directory of files is no instance; of the others required UIDs are missing, or the file meta information speaks of
# another instance.
NO_INSTANCES = {'DICOMDIR.dcm', 'chrSQEncoding.dcm', 'HTJ2K_08_RGB.dcm', 'JPEGLSNearLossless_08.dcm', 'rtdose.dcm',
                'rtplan.dcm'}
BOUNDARY = 'a-boundary-of-its-own-6d1c'
IMPLICIT, BIG_ENDIAN = '1.2.840.10008.1.2', '1.2.840.10008.1.2.2'


def valid():
    """Paths of the files that an archive has to take."""
    return [path for folder in VALID for path in sorted((FIXTURES / folder).glob('*.dcm'))
            if path.name not in NO_INSTANCES]


def client(api):
    """A dicomweb-client with the token of an API client."""
    session = requests.Session()
    session.headers['Authorization'] = f'Bearer {api.token}'
    return DICOMwebClient(f'{api.base.geturl()}/dicom-web', session=session)


def stow(api, *contents, path='/dicom-web/studies'):
    """Stores files as they are; the answer."""
    body = b''.join(f'--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n'.encode() + content + b'\r\n'
                    for content in contents) + f'--{BOUNDARY}--\r\n'.encode()
    kind = f'multipart/related; type="application/dicom"; boundary="{BOUNDARY}"'
    return api.send('POST', path, body, {'Content-Type': kind})


def parts(answer):
    """Heads and contents of the parts of an answer."""
    boundary = b'--' + answer.header('content-type').partition('boundary=')[2].strip('"').encode()
    found = []
    for part in (b'\r\n' + answer.body).split(b'\r\n' + boundary)[1:-1]:
        head, _, content = part[2:].partition(b'\r\n\r\n')
        found.append((head.decode(), content))
    return found


def read(content):
    return pydicom.dcmread(io.BytesIO(content), force=True)


def data_set_bytes(content):
    """A file without its preamble and file meta information."""
    assert content[128:132] == b'DICM'
    return content[144 + int.from_bytes(content[140:144], 'little'):]


def address(data_set):
    return data_set.StudyInstanceUID, data_set.SeriesInstanceUID, data_set.SOPInstanceUID


def path_of(data_set):
    return '/dicom-web/studies/{}/series/{}/instances/{}'.format(*address(data_set))
