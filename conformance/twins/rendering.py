"""Renders reports in every form, as someone without a server does."""
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench import read_report

EXTENSIONS = {'fhir': 'json', 'sr': 'sr.dcm', 'pdf': 'pdf', 'dicom-pdf': 'pdf.dcm', 'dicom-ko': 'ko.dcm', 'txt': 'txt'}


@dataclass
class Twins:
    """A report and its renditions by form; there is no Key Object Selection of a report without key images."""

    source: Path
    report: dict
    files: dict

    @property
    def kind(self):
        """What makes its SR another kind of document than that of another report."""
        name = self.report['patient']['name']
        return (bool(self.report.get('measurements')), self.report['status'], self.report['study'].get('modality'),
                'ideographic' in name, self.report.get('language'))


def render_all(bench, sources):
    """The twins of all of `sources`, rendered by as many processes as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda source: render(bench, source), sources))


def render(bench, source):
    report = read_report(source)
    forms = [form for form in EXTENSIONS if form != 'dicom-ko' or report.get('keyImages')]
    out = bench.directory / 'twins'
    out.mkdir(exist_ok=True)
    files = {form: out / f'{source.stem}.{EXTENSIONS[form]}' for form in forms}
    for form, path in files.items():
        bench.causeway('report', 'render', source, '--format', form, '--out', path)
    return Twins(source, report, files)
