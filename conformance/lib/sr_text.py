"""Whether a DICOM SR carries the texts and decimals of a report, as pydicom, highdicom and dsrdump read it."""
import subprocess
import unicodedata
from decimal import Decimal

import highdicom
import pydicom
from pydicom.uid import BasicTextSRStorage

import place

# Headings: PS3.16 CID 7001 as it is now (LOINC) and as it was (DCM).
HEADINGS = {
    'clinicalHistory': {'11329-0', '55752-0', '121060'},
    'technique': {'55111-9', '121064'},
    'comparison': {'55114-3', '121066'},
    'findings': {'59776-5', '121070'},
    'impression': {'19005-8', '121072'},
    'recommendations': {'18783-1', '121074'},
}
DS_LENGTH = 16


def faults(report, path):
    """What is wrong with the SR at `path` of a report, whose numbers are texts."""
    data_set = pydicom.dcmread(path)
    items = list(walk(data_set))
    read_by_highdicom(data_set)
    dump = dsrdump(path)
    return [*section_faults(report, items, dump), *finding_faults(report, items),
            *measurement_faults(report, items, dump), *image_faults(report, items, data_set)]


def read_by_highdicom(data_set):
    """It raises what it does not like. Of Basic Text SR it knows the content, but not the document."""
    if data_set.SOPClassUID == BasicTextSRStorage:
        highdicom.sr.ContentSequence.from_sequence(data_set.ContentSequence)
    else:
        highdicom.sr.srread(data_set.filename)


def walk(item):
    """All content items, in document order."""
    yield item
    for child in item.get('ContentSequence', []):
        yield from walk(child)


def concept(item):
    names = item.get('ConceptNameCodeSequence')
    return code(names[0]) if names else ''


def code(coded):
    return coded.get('CodeValue') or coded.get('LongCodeValue') or coded.get('URNCodeValue') or ''


def text_of(value):
    """DICOM breaks lines with CR LF; a report with LF."""
    return unicodedata.normalize('NFC', value.replace('\r\n', '\n'))


def section_faults(report, items, dump):
    for name, wanted in report['sections'].items():
        containers = [item for item in items if item.ValueType == 'CONTAINER' and concept(item) in HEADINGS[name]]
        texts = [[text_of(child.TextValue) for child in item.get('ContentSequence', []) if child.ValueType == 'TEXT']
                 for item in containers]
        if not any(wanted == text for section in texts for text in [*section, '\n'.join(section)]):
            yield f'pydicom: section {name} is not there or has another text'
        if printed(wanted) not in dump:
            yield f'dsrdump: section {name} is not there or has another text'


def finding_faults(report, items):
    texts = {text_of(item.TextValue) for item in items if item.ValueType == 'TEXT'}
    for index, finding in enumerate(report.get('structuredFindings', [])):
        if finding['text'] not in texts:
            yield f'structuredFindings[{index}].text is not there'


def measurement_faults(report, items, dump):
    numbers = [item for item in items if item.ValueType == 'NUM']
    measurements = report.get('measurements', [])
    if len(numbers) != len(measurements):
        yield f'{len(measurements)} measurements, but {len(numbers)} numbers'
    for index, (measurement, number) in enumerate(zip(measurements, numbers)):
        measured = number.MeasuredValueSequence[0]
        decimal, unit = measurement['value'], measurement['unit']
        # pydicom keeps the characters of a DS that it has read
        written = getattr(measured.NumericValue, 'original_string', str(measured.NumericValue)).strip()
        if len(decimal) <= DS_LENGTH and written != decimal:
            yield f'pydicom: measurements[{index}] is {decimal}, but reads {written}'
        if len(decimal) > DS_LENGTH and measured.get('FloatingPointValue') != float(Decimal(decimal)):
            yield f'pydicom: measurements[{index}] is {decimal}, but its double is another'
        if code(measured.MeasurementUnitsCodeSequence[0]) != unit:
            yield f'pydicom: measurements[{index}] has another unit'
        if f'="{written}" (' not in dump:
            yield f'dsrdump: measurements[{index}] is not there'


def image_faults(report, items, data_set):
    shown = {reference.ReferencedSOPInstanceUID for item in items for reference in item.get('ReferencedSOPSequence', [])}
    evidence = {
        reference.ReferencedSOPInstanceUID
        for name in ('CurrentRequestedProcedureEvidenceSequence', 'PertinentOtherEvidenceSequence')
        for study in data_set.get(name, [])
        for series in study.ReferencedSeriesSequence
        for reference in series.ReferencedSOPSequence
    }
    for index, image in enumerate(report.get('keyImages', [])):
        for place_name, uids in (('content', shown), ('evidence', evidence)):
            if image['sopInstanceUID'] not in uids:
                yield f'keyImages[{index}] is not in the {place_name}'


def dsrdump(path):
    done = subprocess.run([place.program('dsrdump'), '+Pl', '+U8', str(path)], capture_output=True, check=True)
    return unicodedata.normalize('NFC', done.stdout.decode('utf-8'))


def printed(text):
    """A text as dsrdump prints it, with its line breaks escaped."""
    return '="' + text.replace('\n', '\\r\\n') + '">'
