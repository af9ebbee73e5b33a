"""Whether pdftotext finds in a PDF what a report says.

It is asked twice: in the order in which the page was drawn, where a text stays in one piece beside others, and in
reading order, where it puts words that run from right to left in theirs. What a page adds is taken away: head,
foot, and the letters of a word across the page.
"""
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
ACROSS_THE_PAGE = ('DRAFT', 'PRELIMINARY', 'CANCELLED', 'ENTEREDINERROR')
# A text is set in lines, broken at spaces and hyphens: neither tells whether it is the same text.
NOT_COMPARED = re.compile(r'[\s\u00ad\u200b-\u200f\u202a-\u202e\u2066-\u2069\u2010\u2011-]+')
RIGHT_TO_LEFT = re.compile('[\u0590-\u08ff]')
# pdftotext turns the letters of a ligature of lam and alef round, too.
LAM_ALEF = re.compile('[\u0622\u0623\u0625\u0627\u0644]{2,}')
FOOT = re.compile(r'Page \d+ of \d+$')


def faults(report, path):
    """What pdftotext does not find in the PDF at `path`."""
    patient_id = report['patient']['id']
    drawn, read = (list(body(pages(path, mode), patient_id)) for mode in (['-raw'], []))
    texts = [squeezed('\n'.join(lines)) for lines in (drawn, read)]
    for name, wanted in report['sections'].items():
        if not any(squeezed(HEADINGS[name]) in text for text in texts):
            yield f'no heading {HEADINGS[name]}'
        if not found(wanted, texts):
            yield f'section {name} is not there or has another text'
    for index, finding in enumerate(report.get('structuredFindings', [])):
        if not words_found(finding['text'], texts):  # a cell of a table may go on on the next page
            yield f'structuredFindings[{index}].text is not there'
    # As it is drawn, the line with the value of a measurement begins with it.
    rest = iter(line.split()[0] for line in drawn)
    for index, measurement in enumerate(report.get('measurements', [])):
        if measurement['value'] not in rest:  # which goes on behind the one before
            yield f'measurements[{index}].value is not there'


def found(wanted, texts):
    """Whether a text is there in one piece; of one from right to left, whether each of its words is there."""
    if RIGHT_TO_LEFT.search(wanted):
        return words_found(wanted, texts)
    return any(squeezed(wanted) in text for text in texts)


def words_found(wanted, texts):
    return all(any(squeezed(word) in text for text in texts) for word in wanted.split())


def squeezed(text):
    text = NOT_COMPARED.sub('', unicodedata.normalize('NFKC', text))
    return LAM_ALEF.sub(lambda run: ''.join(sorted(run.group())), text)


def pages(path, mode):
    """The lines of each page that are not empty."""
    done = subprocess.run([place.program('pdftotext'), *mode, '-enc', 'UTF-8', str(path), '-'],
                          capture_output=True, check=True)
    texts = done.stdout.decode('utf-8').removesuffix('\f').split('\f')
    return [[line.strip() for line in text.splitlines() if line.strip() and not is_across(line)] for text in texts]


def is_across(line):
    """Whether a line is a piece of a word across the page: a few of its letters."""
    letters = NOT_COMPARED.sub('', line)
    return len(letters) <= 3 and any(letters in word or letters[::-1] in word for word in ACROSS_THE_PAGE)


def body(all_pages, patient_id):
    """The lines of all pages without their feet, and without the head of those that follow the first: it ends
    with the patient's id."""
    feet = [page[::-1] for page in all_pages]
    feet = [page[next((at for at, line in enumerate(page) if FOOT.search(line)), 0):] for page in feet]
    foot = common(feet) if len(feet) > 1 else 0
    for number, page in enumerate(feet):
        lines = page[foot:][::-1]
        head = next((at for at, line in enumerate(lines[:5], start=1) if f'ID {patient_id}' in line), 0) if number else 0
        yield from lines[head:]


def common(all_pages):
    """How many first lines all pages share, but for the numbers in them."""
    count = 0
    for lines in zip(*all_pages):
        if len({re.sub(r'\d+', '0', line) for line in lines}) > 1:
            break
        count += 1
    return count
