"""Whether pdftotext finds in a PDF what a report says."""
import re
import subprocess
import unicodedata

import place

HEADINGS = {
    'clinicalHistory': 'Clinical History',
    'technique': 'Technique',
    'comparison': 'Comparison',
    'findings': 'Findings',
    'impression': 'Impression',
    'recommendations': 'Recommendations',
}
# A page is set in lines, and may show a ligature or another form of a letter: neither is content.
NOT_CONTENT = re.compile(r'[\s\u00ad\u200b-\u200f\u202a-\u202e\u2066-\u2069]+')


def faults(report, path):
    """What pdftotext does not find in the PDF at `path`."""
    text = squeezed('\n'.join(body_lines(pages(path))))
    for name, wanted in report['sections'].items():
        if squeezed(HEADINGS[name]).lower() not in text.lower():
            yield f'no heading {HEADINGS[name]}'
        if squeezed(wanted) not in text:
            yield f'section {name} is not there or has another text'
    for index, finding in enumerate(report.get('structuredFindings', [])):
        if squeezed(finding['text']) not in text:
            yield f'structuredFindings[{index}].text is not there'
    for index, measurement in enumerate(report.get('measurements', [])):
        if measurement['value'] not in text:
            yield f'measurements[{index}].value is not there'


def pages(path):
    done = subprocess.run([place.program('pdftotext'), '-enc', 'UTF-8', str(path), '-'], capture_output=True, check=True)
    return [page.splitlines() for page in done.stdout.decode('utf-8').rstrip('\f').split('\f')]


def body_lines(all_pages):
    """All lines but those that every page repeats: letterhead, patient, status."""
    if len(all_pages) == 1:
        return all_pages[0]
    repeated = set.intersection(*({numberless(line) for line in page} for page in all_pages))
    return [line for page in all_pages for line in page if numberless(line) not in repeated]


def numberless(line):
    return re.sub(r'\d+', '0', line.strip())


def squeezed(text):
    return NOT_CONTENT.sub('', unicodedata.normalize('NFKC', text))
