"""What is broken, endless or too much, over DIMSE and DICOMweb: each is refused, nothing of it can be seen, memory
comes back, and the server goes on."""
import io
import struct
import time
import warnings
import zlib
from urllib.parse import quote

import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import generate_uid

import process
import raw
import samples
from raw import CT, DEFLATED, EXPLICIT, IMPLICIT, VERIFICATION, Connection

BROKEN = samples.FILES / 'broken'
CUT = ('images/CT_small.dcm', 'images/emri_small_RLE.dcm', 'images/MR_small_bigendian.dcm', 'images/liver_deflate.dcm',
       'images/MR_small_jp2klossless.dcm', 'sr/test-SR.dcm', 'rt/rtplan.dcm', 'charset/chrH31.dcm')
# Broken, but an archive can keep them, each as what it says that it is.
KEPT = {'badVR', 'JPEG2000-embedded-sequence-delimiter', 'no_meta_group_length', 'reportsi_with_empty_number_tags',
        'sr_num_in_basic_text', 'sr_text_without_value', 'sr_verified_without_observer', 'same_uid_different_content',
        'rtstruct', 'UN_sequence', 'priv_SQ', 'nested_priv_SQ', 'uid_too_long', 'bad_uid_chars'}
MEGABYTE = 1 << 20
# What an allocator may keep, in MB: less than any of the bombs.
SPARE = 96


def run(bench):
    warnings.simplefilter('ignore')
    gateway = bench.gateway(
        dimse={'artim': '2s', 'idle': '3s', 'message_timeout': '3s', 'associations': 200,
               'associations_per_caller': 200},
        archive={'max_instance': '32MiB'}, dicomweb={'max_parts': 500}).start()
    web = Web(gateway)
    good = (samples.FILES / 'images' / 'CT_small.dcm').read_bytes()
    bench.equal('a good instance is stored', web.stow(good), 200)
    warm(gateway, web)
    before, quiet = web.instances(), memory(gateway)
    broken_files(bench, gateway, web)
    cut_files(bench, gateway, web)
    crafted(bench, gateway, web)
    bodies(bench, web)
    bench.equal('nothing of all that can be found', web.instances(), before)
    units(bench, gateway)
    silence(bench, gateway)
    crowd(bench, gateway)
    searches(bench, web)
    character_sets(bench, web)
    readable(bench, web)
    bench.equal('C-ECHO is answered', echo(gateway), 0)
    bench.equal('the server is well', gateway.api().get('/health/ready').status, 200)
    bench.check('nothing is left of what was refused', not left_over(gateway), left_over(gateway))
    process.wait_until(lambda: memory(gateway) < quiet + SPARE, 20, 'memory to come back')
    after = memory(gateway)
    bench.check(f'memory is back ({quiet} MB, then {after} MB)', after < quiet + SPARE)
    bench.check('nothing in it panicked', 'panicked' not in gateway.log(), gateway.log()[-3000:])


class Web:
    """DICOMweb by hand."""

    def __init__(self, gateway):
        self.api = gateway.api('integrator')

    def stow(self, content, media='application/dicom'):
        return self.api.send('POST', '/dicom-web/studies', content, {'content-type': media}).status

    def instances(self):
        found = self.api.get('/dicom-web/instances', limit=1000)
        return sorted(row['00080018']['Value'][0] for row in found.json)


def memory(gateway):
    """Resident memory in MB."""
    status = open(f'/proc/{gateway.process.pid}/status', encoding='ascii').read()
    return int(status.split('VmRSS:')[1].split()[0]) // 1024


def warm(gateway, web):
    """What is built once is there before memory is measured."""
    for _ in range(3):
        web.stow(b'\0' * (8 * MEGABYTE))
        echo(gateway)
    web.instances()


def echo(gateway):
    with Connection(gateway.dimse_port) as connection:
        if not connection.associated([(VERIFICATION, [IMPLICIT])]):
            return None
        connection.message(1, raw.echo_request())
        return connection.status()


def store(gateway, data, sop_class=CT, instance='1.2.3', syntax=EXPLICIT):
    """The status of a C-STORE of these bytes; None if there was no answer."""
    with Connection(gateway.dimse_port) as connection:
        if not connection.associated([(sop_class, [syntax])]):
            return None
        connection.message(1, raw.store_request(sop_class, instance), data)
        return connection.status()


def is_refusal(status):
    return status is not None and status != 0 and not 0xB000 <= status <= 0xBFFF


def broken_files(bench, gateway, web):
    for path in sorted(BROKEN.glob('*.dcm')):
        status = web.stow(path.read_bytes())
        if path.stem in KEPT:
            bench.check(f'{path.stem} is kept or refused ({status})', status in (200, 202, 400, 409), status)
        else:
            bench.check(f'{path.stem} is refused', status in (400, 409), status)
    for study in {row['0020000D']['Value'][0] for row in web.api.get('/dicom-web/studies', limit=1000).json}:
        metadata = web.api.get(f'/dicom-web/studies/{study}/metadata')
        bench.equal(f'the metadata of {study[-16:]} is read', metadata.status, 200)
    for path in sorted(BROKEN.glob('*.dcm')):
        if path.stem in KEPT:
            forget(web, path)


def forget(web, path):
    """Takes a broken file that was kept away again, as long as it is not the good one."""
    dataset = pydicom.dcmread(path, force=True, stop_before_pixels=True)
    study = dataset.get('StudyInstanceUID')
    good = pydicom.dcmread(samples.FILES / 'images' / 'CT_small.dcm', stop_before_pixels=True)
    if study and study != good.StudyInstanceUID:
        web.api.delete(f'/dicom-web/studies/{quote(str(study))}')
    elif study and dataset.get('SOPInstanceUID') not in (None, good.SOPInstanceUID):
        web.api.delete(f'/dicom-web/studies/{study}/series/{quote(str(dataset.SeriesInstanceUID))}'
                       f'/instances/{quote(str(dataset.SOPInstanceUID))}')


def cut_files(bench, gateway, web):
    """Files and data sets that end at every 1,000th byte."""
    for name in CUT:
        content = (samples.FILES / name).read_bytes()
        header = samples.header(samples.FILES / name)
        start = 144 + struct.unpack_from('<I', content, 140)[0]
        taken = [at for at in range(0, len(content), 1000) if web.stow(content[:at]) not in (400, 409)]
        bench.equal(f'{name} cut anywhere is refused by STOW-RS', taken, [])
        data = content[start:]
        taken = [at for at in range(0, len(data), 1000)
                 if not is_refusal(store(gateway, data[:at], str(header.SOPClassUID), str(header.SOPInstanceUID),
                                         str(header.file_meta.TransferSyntaxUID)))]
        bench.equal(f'{name} cut anywhere is refused by C-STORE', taken, [])


def element(group, number, vr, content, length=None):
    length = len(content) if length is None else length
    if vr in (b'OB', b'OW', b'SQ', b'UN', b'UT', b'OV'):
        return struct.pack('<HH2sHI', group, number, vr, 0, length) + content
    return struct.pack('<HH2sH', group, number, vr, length) + content


def identified(instance, *more, sop_class=CT):
    """A data set that names an instance, and more elements behind."""
    def text(uid):
        return uid.encode() + b'\0' * (len(uid) % 2)
    return (element(8, 0x16, b'UI', text(sop_class)) + element(8, 0x18, b'UI', text(instance))
            + element(0x20, 0xD, b'UI', b'1.2.9.1\0') + element(0x20, 0xE, b'UI', b'1.2.9.2\0') + b''.join(more))


def crafted(bench, gateway, web):
    deep = (element(0x40, 0xA730, b'SQ', b'', 0xFFFFFFFF) + b'\xfe\xff\x00\xe0\xff\xff\xff\xff') * 10_000
    long = element(0x7FE0, 0x10, b'OW', b'\0' * 600, 0xFFFFFFFE)
    item_long = element(0x40, 0xA730, b'SQ', b'\xfe\xff\x00\xe0\xf0\xff\xff\xff' + b'\0' * 100, 0xFFFFFFFF)
    group = b'\x08\x00\x00\x00UL\x04\x00\xff\xff\xff\x7f'
    bomb = squeezed(identified('1.2.9.3') + struct.pack('<HH2sHI', 0x7FE0, 0x10, b'OB', 0, 1 << 30), 1 << 30)
    endless = squeezed(identified('1.2.9.3') + element(0x7FE0, 0x10, b'OB', b'', 0xFFFFFFFF), 1 << 29)
    before = memory(gateway)
    for name, data, syntax in [
        ('10,000 sequences within each other', identified('1.2.9.3', deep), EXPLICIT),
        ('a value of 4 GB in 1 KB', identified('1.2.9.3', long), EXPLICIT),
        ('an item of 4 GB in 1 KB', identified('1.2.9.3', item_long), EXPLICIT),
        ('a sequence that does not end', identified('1.2.9.3', element(0x40, 0xA730, b'SQ', b'', 0xFFFFFFFF)), EXPLICIT),
        ('a gigabyte of zeros, deflated', bomb, DEFLATED),
        ('fragments without an end, deflated', endless, DEFLATED),
        ('what is not deflated at all', identified('1.2.9.3'), DEFLATED),
        ('noise', bytes(range(256)) * 40, EXPLICIT),
        ('nothing', b'', EXPLICIT),
        ('a VR that does not exist', identified('1.2.9.3', element(0x10, 0x10, b'zz', b'ab')), EXPLICIT),
    ]:
        status = store(gateway, data, CT, '1.2.9.3', syntax)
        bench.check(f'{name} is refused by C-STORE', is_refusal(status), status)
        answer = web.stow(part10(data, syntax))
        bench.check(f'{name} is refused by STOW-RS', answer in (400, 409, 413), answer)
    bench.check(f'none of it takes memory ({before} MB, then {memory(gateway)} MB)', memory(gateway) < before + SPARE)
    wrong = part10(group + identified('1.2.9.3'), EXPLICIT)
    status = web.stow(wrong)
    bench.check(f'a wrong group length breaks nothing ({status})', status in (200, 202, 400, 409), status)
    web.api.delete('/dicom-web/studies/1.2.9.1')


def squeezed(head, zeros):
    """A deflated data set: a head, and zeros behind it."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    out = [deflate.compress(head)]
    out += [deflate.compress(b'\0' * MEGABYTE) for _ in range(zeros // MEGABYTE)]
    return b''.join(out) + deflate.flush()


def part10(data, syntax):
    meta = element(2, 2, b'UI', (CT + '\0' * (len(CT) % 2)).encode()) + element(2, 3, b'UI', b'1.2.9.3\0')
    meta += element(2, 0x10, b'UI', (syntax + '\0' * (len(syntax) % 2)).encode())
    meta = element(2, 1, b'OB', b'\0\1') + meta
    return bytes(128) + b'DICM' + element(2, 0, b'UL', struct.pack('<I', len(meta))) + meta + data


def bodies(bench, web):
    """Requests whose parts are no parts."""
    related = 'multipart/related; type="application/dicom"'
    for name, media, body, statuses in [
        ('parts without a boundary', related, b'--x\r\n\r\nabc\r\n--x--\r\n', (400,)),
        ('an empty boundary', related + '; boundary=""', b'--\r\n\r\nabc\r\n----\r\n', (400,)),
        ('a boundary that never comes', related + '; boundary=x', b'abc' * 1000, (400,)),
        ('a boundary of 10 KB', related + f'; boundary={"x" * 10_000}', b'', (400, 431)),
        ('parts that do not end', related + '; boundary=x', b'--x\r\nContent-Type: application/dicom\r\n\r\nabc', (400,)),
        ('a head of a megabyte', related + '; boundary=x', b'--x\r\nA: ' + b'b' * MEGABYTE + b'\r\n\r\n--x--', (400, 413)),
        ('100,000 empty parts', related + '; boundary=x', b'--x\r\n\r\n\r\n' * 100_000 + b'--x--\r\n', (400, 409, 413)),
        ('no part at all', related + '; boundary=x', b'--x--\r\n', (400,)),
        ('an empty body', related + '; boundary=x', b'', (400,)),
        ('another type', 'text/plain', b'abc', (415,)),
        ('metadata that is no JSON', 'multipart/related; type="application/dicom+json"; boundary=x',
         b'--x\r\nContent-Type: application/dicom+json\r\n\r\n[{]\r\n--x--\r\n', (400,)),
        ('metadata that is deep', 'multipart/related; type="application/dicom+json"; boundary=x',
         b'--x\r\nContent-Type: application/dicom+json\r\n\r\n' + b'[' * 100_000 + b'\r\n--x--\r\n', (400,)),
    ]:
        status = web.stow(body, media)
        bench.check(f'{name}: {" or ".join(map(str, statuses))}', status in statuses, status)


def units(bench, gateway):
    """Units of wrong shapes: the association ends, and soon."""
    right = raw.associate([(VERIFICATION, [IMPLICIT])])
    many = raw.associate([(VERIFICATION, [IMPLICIT])] * 127)
    for name, contents in {
        'a unit of no kind': [raw.unit(9, b'abc')],
        'data before an association': [raw.unit(raw.DATA, b'')],
        'a request of 4 GB': [raw.unit(1, b'', 0xFFFFFFFF)],
        'a request that says less than it is': [raw.unit(1, right[6:], 10)],
        'a request of zeros': [raw.unit(1, bytes(200))],
        'a request whose items overrun': [right[:-8] + b'\xff' * 8],
        'a context with an even number': [with_context(right, 2)],
        'a context with the number 0': [with_context(right, 0)],
        'two requests': [right, right],
        'HTTP': [b'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
        'TLS': [b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + bytes(500)],
        'a value of a context that is not there': [right, raw.unit(raw.DATA, raw.value(77, True, True, raw.echo_request()))],
        'a value longer than its unit': [right, raw.unit(raw.DATA, struct.pack('>IBB', 5000, 1, 3) + b'abc')],
        'a value of no length': [right, raw.unit(raw.DATA, struct.pack('>I', 0))],
        'a unit longer than agreed': [right, raw.unit(raw.DATA, b'', 1 << 24)],
        'a command that is none': [right, raw.unit(raw.DATA, raw.value(1, True, True, b'\xff' * 100))],
        'a command of a megabyte': [right, *[raw.unit(raw.DATA, raw.value(1, True, False, bytes(16000)))] * 70],
        'a data set without a command': [right, raw.unit(raw.DATA, raw.value(1, False, True, b'abc'))],
        'a response to nothing': [right, raw.unit(raw.DATA, raw.value(1, True, True, raw.command(
            {0x0100: 0x8030, 0x0120: 1, 0x0800: 0x0101, 0x0900: 0})))],
        'an accept': [right, raw.unit(raw.ACCEPT, bytes(100))],
        'half a unit, then nothing': [right, raw.unit(raw.DATA, b'abc', 1000)],
    }.items():
        began = time.monotonic()
        with Connection(gateway.dimse_port, 15) as connection:
            for content in contents:
                connection.send(content)
            last = [connection.receive()[0]]
            while last[-1] not in (0, raw.ABORT, raw.REJECT):
                last.append(connection.receive()[0])
        bench.check(f'{name} ends the association', time.monotonic() - began < 12, last)
    with Connection(gateway.dimse_port) as connection:
        connection.send(many)
        bench.check('127 contexts are accepted', connection.receive()[0] == raw.ACCEPT)
        for byte in raw.unit(raw.DATA, raw.value(1, True, True, raw.echo_request())):
            connection.send(bytes([byte]))
        bench.equal('a unit that comes byte by byte is understood', connection.status(), 0)


def with_context(request, number):
    """An association request whose first context has another number."""
    at = request.index(b'\x20\x00\x00') + 4
    return request[:at] + bytes([number]) + request[at + 1:]


def silence(bench, gateway):
    """Who says nothing is hung up on; who speaks is heard meanwhile."""
    connections = [Connection(gateway.dimse_port, 20) for _ in range(50)]
    for connection in connections[25:]:
        connection.send(raw.associate([(VERIFICATION, [IMPLICIT])]))
    bench.equal('C-ECHO is answered while others are silent', echo(gateway), 0)
    began, ends = time.monotonic(), []
    for connection in connections:
        while (kind := connection.receive()[0]) not in (0, raw.ABORT):
            pass
        ends.append(kind)
        connection.socket.close()
    bench.check('the silent ones are gone in time', time.monotonic() - began < 12, ends)


def crowd(bench, gateway):
    """A thousand associations at once: as many as may be are accepted, the others hear why not."""
    connections, kinds = [], []
    for _ in range(1000):
        connection = Connection(gateway.dimse_port, 20)
        connection.send(raw.associate([(VERIFICATION, [IMPLICIT])]))
        connections.append(connection)
    for connection in connections:
        kinds.append(connection.receive())
    accepted = sum(kind == raw.ACCEPT for kind, _ in kinds)
    others = {body[1:4] for kind, body in kinds if kind == raw.REJECT}
    unheard = sum(kind not in (raw.ACCEPT, raw.REJECT) for kind, _ in kinds)
    bench.check(f'of a thousand associations {accepted} are accepted', 200 <= accepted < 1000, accepted)
    bench.check('the others are rejected as transient, local limit exceeded', others <= {bytes([2, 3, 2])}, others)
    bench.equal('each is answered', unheard, 0)
    for connection, (kind, _) in zip(connections, kinds):
        if kind == raw.ACCEPT:
            connection.send(raw.unit(raw.RELEASE, bytes(4)))
    for connection in connections:
        connection.socket.close()
    process.wait_until(lambda: echo(gateway) == 0, 10, 'a place for an association')
    bench.check('afterwards there is a place again', True)


def searches(bench, web):
    for name, value in {'stars': '*' * 10_000, 'question marks': '?' * 10_000, 'both': '*?' * 5_000,
                        'letters': 'a' * 10_000, 'stars and letters': '*a' * 120, 'percent': '%' * 200 + '*',
                        'bad UTF-8': b'\xff\xfe*', 'a backslash': 'a\\b*', 'NUL': 'a\0b', 'brackets': '[a-z]*' * 30}.items():
        began = time.monotonic()
        status = web.api.get(f'/dicom-web/studies?PatientName={quote(value)}').status
        took = time.monotonic() - began
        bench.check(f'a search for {name} is answered at once ({status})', status in (200, 400, 414) and took < 3,
                    f'{status} after {took:.1f} s')
    uids = ','.join(f'1.2.3.{number}' for number in range(1500))
    status = web.api.get(f'/dicom-web/studies?StudyInstanceUID={uids}').status
    bench.check(f'a search for 1,500 UIDs is answered ({status})', status in (200, 400, 414), status)
    status = web.api.get('/dicom-web/studies?' + '&'.join('includefield=00100010' for _ in range(500))).status
    bench.check(f'a search with 500 fields is answered ({status})', status in (200, 400), status)


def character_sets(bench, web):
    """Names in odd character sets come out in JSON as they are."""
    for charset, name in [(['', 'ISO 2022 IR 87'], 'Yamada^Tarou=山田^太郎=やまだ^たろう'),
                          (['ISO 2022 IR 13', 'ISO 2022 IR 87'], 'ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう'),
                          (['', 'ISO 2022 IR 149'], 'Hong^Gildong=洪^吉洞=홍^길동'), (['ISO_IR 126'], 'Διονυσιος'),
                          (['GB18030'], 'Wang^XiaoDong=王^小东'), (['GBK'], 'Wang^XiaoDong=王^小东'),
                          (['ISO_IR 192'], 'Wang^XiaoDong=王^小東='), (['ISO_IR 144'], 'Люкceмбypг'),
                          (['ISO_IR 166'], 'นามสกุล'), (['', 'ISO 2022 IR 58'], 'Zhang^XiaoDong=张^小东')]:
        content, study = named(charset, name)
        bench.equal(f'{"+".join(charset)} is stored', web.stow(content), 200)
        found = web.api.get(f'/dicom-web/studies?StudyInstanceUID={study}').json
        groups = (found[0]['00100010'].get('Value') or [{}])[0]
        got = [groups.get(kind, '') for kind in ('Alphabetic', 'Ideographic', 'Phonetic')]
        bench.equal(f'{"+".join(charset)} comes out in JSON', '='.join(got).rstrip('='), name.rstrip('='))
        metadata = web.api.get(f'/dicom-web/studies/{study}/metadata').json[0]
        bench.equal(f'{"+".join(charset)} comes out in metadata', metadata['00100010']['Value'][0], groups)
        web.api.delete(f'/dicom-web/studies/{study}')


def named(charset, name):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CT, generate_uid()
    meta.TransferSyntaxUID = EXPLICIT
    dataset = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    dataset.SpecificCharacterSet = charset
    dataset.SOPClassUID, dataset.SOPInstanceUID = CT, meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.Modality, dataset.PatientID, dataset.PatientName = 'CT', 'P', name
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue(), dataset.StudyInstanceUID


def readable(bench, web):
    """Everything that can be found is there as a whole."""
    for row in web.api.get('/dicom-web/instances', limit=1000).json:
        study, series, instance = (row[tag]['Value'][0] for tag in ('0020000D', '0020000E', '00080018'))
        answer = web.api.get(f'/dicom-web/studies/{study}/series/{series}/instances/{instance}',
                             {'accept': 'application/dicom'})
        whole = answer.status == 200 and isinstance(pydicom.dcmread(io.BytesIO(answer.body)), Dataset)
        bench.check(f'{instance[-16:]} is there as a whole', whole, answer.status)


def left_over(gateway):
    """Files of instances that were never finished, beside the locks of those who write."""
    staging = gateway.directory / 'data' / 'blobs' / '.staging'
    return [path.name for path in staging.rglob('*') if path.is_file() and path.name != 'lock']
