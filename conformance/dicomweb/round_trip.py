"""Every valid file goes in by STOW-RS and comes out by WADO-RS with the same data set; its metadata is what pydicom
reads out of the file; deleted, it is gone. dicomweb-client and pydicom are the judges."""
import json

from pydicom.dataset import Dataset

import files

BACKENDS = ('sqlite', 'postgres')
AS_STORED = {'Accept': 'multipart/related; type="application/dicom"; transfer-syntax=*'}
# What is text in a data set, and so has to come out letter by letter.
TEXTS = {'AE', 'AS', 'CS', 'DA', 'DS', 'DT', 'IS', 'LO', 'LT', 'PN', 'SH', 'ST', 'TM', 'UC', 'UI', 'UR', 'UT'}


def run(bench):
    gateway = bench.gateway().start()
    api = gateway.api('integrator')
    client = files.client(api)
    for path in files.valid():
        content = path.read_bytes()
        original = files.read(content)
        stored = files.stow(api, content)
        if not bench.check(f'{path.name} is stored', stored.status in (200, 202), stored):
            continue
        comes_back(bench, api, path, content, original)
        metadata_is_the_files(bench, api, client, path, original)
        client.delete_instance(*files.address(original))
        gone = api.get(files.path_of(original), AS_STORED)
        bench.check(f'{path.name} is gone once it is deleted', gone.status in (404, 410), gone)
    whole_studies(bench, client)


def comes_back(bench, api, path, content, original):
    answer = api.get(files.path_of(original), AS_STORED)
    if not bench.equal(f'{path.name} comes back', answer.status, 200):
        return
    (head, back), = files.parts(answer)
    syntax = str(original.file_meta.TransferSyntaxUID)
    if syntax in (files.IMPLICIT, files.BIG_ENDIAN):
        # Those two may not go over the web: the values are the same, the bytes cannot be.
        again = files.read(back)
        differences = [element.tag for element in plain(original)
                       if element.tag != 0x7FE00010 and again.get(element.tag) != element]
        bench.check(f'{path.name} has the same pixels', pixels(original, syntax) == pixels(again, files.IMPLICIT))
        bench.check(f'{path.name} has the same values', not differences, differences)
        bench.check(f'{path.name} is sent in Explicit VR Little Endian', 'transfer-syntax=1.2.840.10008.1.2.1' in head, head)
    else:
        bench.check(f'{path.name} has the same data set', files.data_set_bytes(back) == files.data_set_bytes(content))
        bench.check(f'{path.name} is sent as it is stored', f'transfer-syntax={syntax}' in head, head)
    bench.check(f'{path.name}: nothing of the sender stands in front', back[:128] == bytes(128))


def pixels(data_set, syntax):
    """Pixel data in little endian."""
    value = data_set.get('PixelData', b'')
    if syntax == files.BIG_ENDIAN and data_set['PixelData'].VR == 'OW':
        return b''.join(value[at:at + 2][::-1] for at in range(0, len(value), 2))
    return value


def plain(data_set):
    """The elements without group lengths, and those that hold pixels last."""
    return [element for element in data_set if element.tag.element != 0 and element.tag != 0xFFFCFFFC]


def metadata_is_the_files(bench, api, client, path, original):
    metadata = client.retrieve_instance_metadata(*files.address(original))
    base = api.base.geturl()
    foreign = [uri for uri in uris(metadata) if not uri.startswith(f'{base}/dicom-web/')]
    bench.check(f'{path.name}: every URI is ours', not foreign, foreign)
    read = Dataset.from_json(metadata, bulk_data_uri_handler=lambda tag, vr, uri: None)
    wrong = []
    for element in plain(original):
        # What is private and without a VR is known to pydicom by its own dictionary.
        if element.VR not in TEXTS or element.tag.is_private or element.tag.group == 2 or element.tag == 0x00080005:
            continue
        if texts(read.get(element.tag)) != texts(element):
            wrong.append((str(element.tag), texts(read.get(element.tag)), texts(element)))
    bench.check(f'{path.name}: metadata has the texts of the file', not wrong, wrong)
    sequences = {element.tag for element in original if element.VR == 'SQ'}
    counts = [tag for tag in sequences if tag not in read or len(read[tag].value) != len(original[tag].value)]
    bench.check(f'{path.name}: metadata has the sequences of the file', not counts, counts)
    for uri in uris(metadata):
        answer = api.get(uri.removeprefix(base), {'Accept': '*/*'})
        bench.check(f'{path.name}: {uri.rpartition("/")[2]} can be fetched', answer.status in (200, 406), answer.status)


def uris(metadata):
    """All BulkDataURI in a data set of JSON."""
    found = []
    json.loads(json.dumps(metadata), object_hook=lambda member: found.append(member['BulkDataURI'])
               if 'BulkDataURI' in member else member)
    return found


def texts(element):
    """The values of an element as texts; numbers as numbers, since DS has many forms of one."""
    if element is None or element.value is None or element.value == '':
        return []
    values = element.value if element.VM > 1 else [element.value]
    kept = [float(value) if element.VR in ('DS', 'IS') and value != '' else str(value).strip() for value in values]
    return kept if any(value != '' for value in kept) else []


def whole_studies(bench, client):
    """Stored and retrieved by dicomweb-client itself, study by study."""
    originals = [files.read(path.read_bytes()) for path in files.valid() if path.parent.name == 'studies']
    client.store_instances(originals)
    for study in sorted({str(original.StudyInstanceUID) for original in originals}):
        wanted = sorted(original.SOPInstanceUID for original in originals if original.StudyInstanceUID == study)
        got = sorted(instance.SOPInstanceUID for instance in client.retrieve_study(study))
        bench.equal(f'study {study} is retrieved whole', got, wanted)
        bench.equal(f'study {study} has all its metadata', len(client.retrieve_study_metadata(study)), len(wanted))
        client.delete_study(study)
    bench.equal('nothing is left', client.search_for_studies(), [])
