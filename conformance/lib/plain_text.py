"""Whether a plain text says what a report says."""
import re


def faults(report, path):
    """What is not in the text at `path`."""
    text = path.read_text(encoding='utf-8')
    for name, wanted in report['sections'].items():
        if wanted not in text:
            yield f'section {name} is not there'
    for index, finding in enumerate(report.get('structuredFindings', [])):
        if finding['text'] not in text:
            yield f'structuredFindings[{index}].text is not there'
    for index, measurement in enumerate(report.get('measurements', [])):
        if not re.search(rf'(?<![\d.-]){re.escape(measurement["value"])}(?![\d.])', text):
            yield f'measurements[{index}].value is not there'
