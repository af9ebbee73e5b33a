"""50 generated reports in every form: before the foreign judges, and compared with each other."""
import json
import subprocess

import pydicom

import fhir_text
import pdf_text
import place
import plain_text
import sr_text
import validator
from rendering import render, render_all

COUNT, SEED = 50, 20261121


def run(bench):
    all_twins = render_all(bench, bench.seed(COUNT, SEED))
    bench.equal(f'{COUNT} reports are rendered', len(all_twins), COUNT)
    same_bytes_again(bench, all_twins[0])
    standards(bench, all_twins)
    contents(bench, all_twins)
    for twins in all_twins:
        inside(bench, twins)
    verify(bench, all_twins)
    validator.judge(bench, all_twins)


def files(all_twins, *forms):
    return [twins.files[form] for form in forms for twins in all_twins if form in twins.files]


def same_bytes_again(bench, twins):
    """The same version of a report gives the same bytes."""
    before = {form: path.read_bytes() for form, path in twins.files.items()}
    for form, path in render(bench, twins.source).files.items():
        bench.check(f'{form} has the same bytes when it is rendered again', path.read_bytes() == before[form])


def standards(bench, all_twins):
    """Each file is what its standard says."""
    bench.judge('judge-pdf', *files(all_twins, 'pdf'))
    bench.judge_fhir(*files(all_twins, 'fhir'))
    bench.judge('judge-sr', *files(all_twins, 'sr', 'dicom-ko', 'dicom-pdf'))


def contents(bench, all_twins):
    """Foreign readers find the texts and decimals of the report in each file."""
    readers = {'sr': sr_text, 'pdf': pdf_text, 'fhir': fhir_text, 'txt': plain_text}
    for twins in all_twins:
        for form, reader in readers.items():
            path = twins.files[form]
            faults = list(reader.faults(twins.report, path))
            bench.check(f'{path.name} says what the report says', not faults, '\n        '.join(faults[:8]))


def inside(bench, twins):
    """The PDF is in the Encapsulated PDF; the SR and a bundle are in the PDF."""
    name, pdf = twins.source.stem, twins.files['pdf']
    data_set = pydicom.dcmread(twins.files['dicom-pdf'])
    enclosed = data_set.EncapsulatedDocument[:data_set.EncapsulatedDocumentLength]
    bench.check(f'{name}: the Encapsulated PDF holds the PDF', enclosed == pdf.read_bytes())

    attached = pdf.with_suffix('.attached')
    attached.mkdir()
    subprocess.run([place.program('pdfdetach'), '-saveall', '-o', attached, pdf], check=True, capture_output=True)
    found = [path.read_bytes() for path in attached.iterdir()]
    bench.check(f'{name}: the PDF holds the SR', twins.files['sr'].read_bytes() in found)
    bench.check(f'{name}: the PDF holds a bundle', any(is_bundle(content) for content in found))


def is_bundle(content):
    try:
        return json.loads(content).get('resourceType') == 'Bundle'
    except ValueError:
        return False


def verify(bench, all_twins):
    """`causeway verify` knows twins from others."""
    for twins in all_twins:
        done = bench.causeway('verify', *(path for form, path in twins.files.items() if form != 'txt'), check=False)
        bench.equal(f'verify accepts the twins of {twins.source.stem}', done.returncode, 0)
    first, second = all_twins[:2]
    for form in ('sr', 'pdf', 'dicom-pdf'):
        done = bench.causeway('verify', first.files['fhir'], second.files[form], check=False)
        bench.check(f'verify refuses the {form} of another report', done.returncode != 0, done.stdout)
    forged(bench, first)


def forged(bench, twins):
    """A report that was changed after it was rendered is no twin, whatever digest it carries."""
    section, text = next(iter(twins.report['sections'].items()))
    word = max(text.split(), key=len)
    forged_word = word[::-1] if word != word[::-1] else word[:-1] + 'x'
    for form in ('fhir', 'sr'):
        content = twins.files[form].read_bytes()
        changed = content.replace(word.encode(), forged_word.encode())
        path = bench.directory / f'forged.{form}'
        path.write_bytes(changed)
        others = [path for other, path in twins.files.items() if other not in (form, 'txt')]
        done = bench.causeway('verify', path, *others, check=False)
        bench.check(f'verify refuses a {form} whose {section} was changed',
                    changed != content and done.returncode != 0, done.stdout)
