"""Whether a plain text says what a report says."""


def faults(report, path):
    """What is not in the text at `path`."""
    text = path.read_text(encoding='utf-8')
    wanted = [*report['sections'].items(),
              *((f'structuredFindings[{i}]', finding['text']) for i, finding in enumerate(report.get('structuredFindings', []))),
              *((f'measurements[{i}]', f'{one["value"]} ') for i, one in enumerate(report.get('measurements', [])))]
    return [f'{name} is not there' for name, part in wanted if part not in text]
