"""A private Orthanc with its DICOMweb plugin, from the distribution's packages."""
import json
import urllib.request

import place
import process

AE_TITLE = 'ORTHANC'


class Orthanc(process.Server):
    """One archive; it keeps what it has over a stop and a start. `settings` go into its configuration."""

    name = 'orthanc'
    # Debian builds DCMTK with Nagle's algorithm on, which stalls each DIMSE response for 40 ms.
    environment = {'TCP_NODELAY': '1'}

    def __init__(self, directory, **settings):
        super().__init__(directory)
        self.http_port = process.free_port()
        self.dicom_port = process.free_port()
        self.executable, plugin = place.need('/usr/sbin/Orthanc', '/usr/share/orthanc/plugins/libOrthancDicomWeb.so')
        self.configuration = directory / 'orthanc.json'
        self.configuration.write_text(json.dumps({
            'Name': 'conformance',
            'StorageDirectory': str(directory / 'storage'),
            'IndexDirectory': str(directory / 'storage'),
            'HttpPort': self.http_port,
            'RemoteAccessAllowed': False,
            'AuthenticationEnabled': False,
            'DicomPort': self.dicom_port,
            'DicomAet': AE_TITLE,
            'DicomCheckCalledAet': True,
            'DicomModalities': {'causeway': ['CAUSEWAY', '127.0.0.1', 11112]},
            'Plugins': [plugin],
            'DicomWeb': {'Enable': True, 'Root': '/dicom-web/'},
            **settings,
        }, indent=2))

    @property
    def url(self):
        return f'http://127.0.0.1:{self.http_port}'

    @property
    def dicomweb_url(self):
        return f'{self.url}/dicom-web'

    def command(self):
        return [self.executable, self.configuration]

    def ready(self):
        return process.port_open(self.dicom_port) and process.http_ok(f'{self.url}/system')

    def get(self, path):
        """An answer of its REST API: parsed JSON, or the bytes of anything else."""
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            body = answer.read()
            is_json = answer.headers.get_content_type() == 'application/json'
        return json.loads(body) if is_json else body

    def post(self, path, body):
        """Sends bytes, or a value as JSON; the parsed answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method='POST')
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def find_instance(self, sop_instance_uid):
        """Its id for an instance, or None."""
        found = self.post('/tools/lookup', sop_instance_uid.encode())
        return next((entry['ID'] for entry in found if entry['Type'] == 'Instance'), None)

    def file(self, sop_instance_uid):
        """The bytes of an instance as it keeps them, or None."""
        instance = self.find_instance(sop_instance_uid)
        return self.get(f'/instances/{instance}/file') if instance else None
