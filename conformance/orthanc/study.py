"""A small study of images, such as a report refers to, as an archive holds it."""
import io

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SIDE = 32


def put(archive, report):
    """Stores an image for each one that `report` refers to, and one more; their SOP instance UIDs."""
    images = references(report)
    extra = {'seriesInstanceUID': images[0]['seriesInstanceUID'] if images else generate_uid(),
             'sopInstanceUID': generate_uid()}
    for number, image in enumerate([*images, extra], start=1):
        archive.post('/instances', part10(report, image, number))
    return [image['sopInstanceUID'] for image in [*images, extra]]


def references(report):
    """Every image that the report refers to, once."""
    found = [*report.get('keyImages', []),
             *(one['image'] for one in report.get('measurements', []) if 'image' in one),
             *(image for finding in report.get('structuredFindings', []) for image in finding.get('images', []))]
    return list({image['sopInstanceUID']: image for image in found}.values())


def part10(report, image, number):
    """An image as a DICOM file: a grey ramp, as many frames as are referred to."""
    study, patient = report['study'], report['patient']
    data_set = Dataset()
    data_set.SpecificCharacterSet = 'ISO_IR 192'
    data_set.SOPClassUID = image.get('sopClassUID', CTImageStorage)
    data_set.SOPInstanceUID = image['sopInstanceUID']
    data_set.StudyInstanceUID = study['studyInstanceUID']
    data_set.SeriesInstanceUID = image['seriesInstanceUID']
    data_set.PatientID = patient['id']
    data_set.PatientName = patient_name(patient['name'])
    data_set.PatientBirthDate = patient.get('birthDate', '').replace('-', '')
    data_set.PatientSex = patient.get('sex', '')
    data_set.StudyDate = study.get('studyDate', '').replace('-', '')
    data_set.StudyTime = study.get('studyTime', '').replace(':', '')
    data_set.AccessionNumber = study.get('accessionNumber', '')
    data_set.StudyDescription = study.get('description', '')
    data_set.StudyID = 'S1'
    data_set.Modality = study.get('modality', 'CT')
    data_set.SeriesNumber = 1
    data_set.InstanceNumber = number
    frames = int(image.get('frame', 1))
    if frames > 1:
        data_set.NumberOfFrames = frames
    data_set.SamplesPerPixel = 1
    data_set.PhotometricInterpretation = 'MONOCHROME2'
    data_set.Rows = data_set.Columns = SIDE
    data_set.BitsAllocated = data_set.BitsStored = 8
    data_set.HighBit = 7
    data_set.PixelRepresentation = 0
    data_set.PixelData = bytes(range(0, 256, 256 // SIDE)) * SIDE * frames
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = data_set.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
    data_set.file_meta = meta
    file = io.BytesIO()
    pydicom.dcmwrite(file, data_set, enforce_file_format=True)
    return file.getvalue()


def patient_name(name):
    given = name.get('given', [])
    alphabetic = '^'.join([name['family'], given[0] if given else '', ' '.join(given[1:]),
                           name.get('prefix', ''), name.get('suffix', '')]).rstrip('^')
    groups = [alphabetic, name.get('ideographic', ''), name.get('phonetic', '')]
    return '='.join(groups).rstrip('=')


def data_set_bytes(content):
    """A DICOM file without its preamble and file meta information: what C-STORE carries of it."""
    assert content[128:132] == b'DICM'
    length = int.from_bytes(content[140:144], 'little')  # (0002,0000), the first element
    return content[144 + length:]
