"""Frames as samples: what the gateway gives is what pydicom and its decoders read from the same files."""
import email
import io
import warnings

import numpy as np
import pydicom
from pydicom.pixels import pixel_array

import place

JPEG_LS = '1.2.840.10008.1.2.4.80'
FIXTURES = place.TOP / 'fixtures'
FILES = ['dicom/images/CT_small.dcm', 'dicom/images/SC_rgb_expb.dcm', 'dicom/images/emri_small_RLE.dcm',
         'dicom/images/liver_1frame.dcm', 'dicom/images/examples_overlay.dcm', 'dicom/images/MR_small_bigendian.dcm',
         'dicom/images/examples_palette.dcm', 'dicom/images/SC_rgb_small_odd.dcm',
         'pixels/bits.dcm', 'pixels/big_endian_signed.dcm', 'pixels/rle_colour_16.dcm', 'pixels/jpeg_ls_12.dcm',
         'pixels/jpeg_ls_noise.dcm']


def run(bench):
    warnings.simplefilter('ignore')
    gateway = bench.gateway().start()
    api = gateway.api('integrator')
    for name in FILES:
        content = (FIXTURES / name).read_bytes()
        stored = api.send('POST', '/dicom-web/studies', related(content), {
            'content-type': 'multipart/related; type="application/dicom"; boundary=part'})
        bench.equal(f'{name} is stored', stored.status, 200)
        dataset = pydicom.dcmread(io.BytesIO(content))
        path = (f'/dicom-web/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}'
                f'/instances/{dataset.SOPInstanceUID}')
        theirs = samples(dataset)
        numbers = ','.join(str(number) for number in range(1, len(theirs) + 1))
        got = api.get(f'{path}/frames/{numbers}',
                      {'accept': 'multipart/related; type="application/octet-stream"'})
        ours = parts(got) if got.status == 200 else []
        bench.check(f'{name}: {len(theirs)} frames are pydicom\'s', ours == theirs, got.status)
        whole = api.get(path, {'accept': 'multipart/related; type="application/dicom"'})
        made = [pydicom.dcmread(io.BytesIO(part)) for part in parts(whole)] if whole.status == 200 else []
        same = [samples(one) for one in made] == [theirs]
        bench.check(f'{name}: the instance in Explicit VR Little Endian has the same samples', same, whole.status)
        packed = api.get(path, {'accept': f'multipart/related; type="application/dicom"; transfer-syntax={JPEG_LS}'})
        if dataset.BitsAllocated == 1:
            bench.equal(f'{name}: there is no JPEG-LS of single bits', packed.status, 406)
            continue
        made = [pydicom.dcmread(io.BytesIO(part)) for part in parts(packed)] if packed.status == 200 else []
        same = [samples(one) for one in made] == [theirs]
        bench.check(f'{name}: the instance in JPEG-LS has the same samples', same, packed.status)


def related(content):
    return b'--part\r\nContent-Type: application/dicom\r\n\r\n' + content + b'\r\n--part--\r\n'


def parts(answer):
    """The bodies of a multipart answer, byte for byte."""
    boundary = email.message_from_string(f'Content-Type: {answer.header("content-type")}').get_boundary()
    pieces = (b'\r\n' + answer.body).split(f'\r\n--{boundary}'.encode())
    return [piece.split(b'\r\n\r\n', 1)[1] for piece in pieces[1:-1]]


def samples(dataset):
    """Frames as little endian samples; single bits packed frame by frame."""
    pixels = pixel_array(dataset, raw=True)
    pixels = pixels.astype(pixels.dtype.newbyteorder('<'))
    frames = pixels if int(dataset.get('NumberOfFrames', 1) or 1) > 1 else [pixels]
    if dataset.BitsAllocated == 1:
        return [np.packbits(frame.reshape(-1), bitorder='little').tobytes() for frame in frames]
    return [np.ascontiguousarray(frame).tobytes() for frame in frames]
