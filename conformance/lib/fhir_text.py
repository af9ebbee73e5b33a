"""Whether a FHIR bundle says what a report says; read as JSON, with the digits of numbers kept."""
import base64
import json


def faults(report, path):
    """What is missing from the bundle at `path`."""
    bundle = json.loads(path.read_text(encoding='utf-8'), parse_float=str, parse_int=str)
    resources = [entry['resource'] for entry in bundle['entry']]
    of_type = lambda name: [resource for resource in resources if resource['resourceType'] == name]
    reports = of_type('DiagnosticReport')
    if len(reports) != 1:
        return [f'{len(reports)} DiagnosticReports']
    return [*section_faults(report, reports[0]), *measurement_faults(report, of_type('Observation')),
            *finding_faults(report, of_type('Observation'))]


def section_faults(report, resource):
    texts = [base64.b64decode(form['data']).decode('utf-8') for form in resource.get('presentedForm', [])
             if form.get('contentType', '').startswith('text/plain') and 'data' in form]
    for name, wanted in report['sections'].items():
        if not any(wanted in text for text in texts):
            yield f'section {name} is in no plain text of presentedForm'
    impression = report['sections'].get('impression')
    if impression is not None and resource.get('conclusion') != impression:
        yield 'conclusion is not the impression'


def measurement_faults(report, observations):
    wanted = [(one['value'], one['unit']) for one in report.get('measurements', [])]
    quantities = [one['valueQuantity'] for one in observations if 'valueQuantity' in one]
    found = [(quantity['value'], quantity['code']) for quantity in quantities]
    if found != wanted:
        yield f'the quantities are not those of the measurements: {found[:5]} …, not {wanted[:5]} …'


def finding_faults(report, observations):
    texts = json.dumps(observations, ensure_ascii=False)
    for index, finding in enumerate(report.get('structuredFindings', [])):
        if json.dumps(finding['text'], ensure_ascii=False)[1:-1] not in texts:
            yield f'structuredFindings[{index}].text is in no Observation'
