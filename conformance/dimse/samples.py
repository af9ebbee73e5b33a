"""The DICOM files of `fixtures/dicom`, and what they are."""
import pydicom

import place

FILES = place.TOP / 'fixtures' / 'dicom'


# Files that name no study, or whose file meta information names another instance than they are.
NOT_TO_BE_STORED = ('DICOMDIR', 'chrSQEncoding', 'HTJ2K_08_RGB', 'JPEGLSNearLossless_08', 'rtdose', 'rtplan')


def whole():
    """Files that are valid, by name; several may be one instance in many transfer syntaxes."""
    return [path for path in sorted(FILES.rglob('*.dcm'))
            if 'broken' not in path.parts and path.stem not in NOT_TO_BE_STORED]


def rounds():
    """Those files in groups in which each SOP instance stands once."""
    groups = []
    for path in whole():
        uid = header(path).SOPInstanceUID
        for group in groups:
            if uid not in group:
                group[uid] = path
                break
        else:
            groups.append({uid: path})
    return [list(group.values()) for group in groups]


def header(path):
    return pydicom.dcmread(path, stop_before_pixels=True)


def says_the_same(one, other):
    """Whether two files hold the same elements: a tool may have written them in another transfer syntax."""
    first, second = pydicom.dcmread(one), pydicom.dcmread(other)
    for data_set in (first, second):
        # Fills a file up and says nothing; dcmtk leaves it out.
        data_set.pop(0xFFFCFFFC, None)
    return {each.tag: each.value for each in first} == {each.tag: each.value for each in second}


def data_set_bytes(path):
    """What follows the file meta information, as it is in the file."""
    content = path.read_bytes()
    meta = pydicom.filereader.read_file_meta_info(path)
    start = 144 + meta.FileMetaInformationGroupLength if 'FileMetaInformationGroupLength' in meta else None
    if start is None:
        with open(path, 'rb') as file:
            pydicom.filereader.read_preamble(file, False)
            pydicom.filereader._read_file_meta_info(file)
            start = file.tell()
    return content[start:]
