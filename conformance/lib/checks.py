"""What a scenario finds out: each check is printed, and they are counted."""
import traceback


class Checks:
    """The checks of a run."""

    def __init__(self):
        self.passed = 0
        self.failed = []

    def check(self, what, holds, detail=''):
        """Notes whether something holds; `detail` is shown if it does not."""
        if holds:
            self.passed += 1
            print(f'  ok    {what}', flush=True)
        else:
            self.failed.append(what)
            print(f'  FAIL  {what}' + (f'\n        {shortened(detail)}' if detail else ''), flush=True)
        return bool(holds)

    def equal(self, what, got, wanted):
        return self.check(what, got == wanted, f'is {got!r}, not {wanted!r}')

    def broken(self, what, error):
        """Notes that a scenario could not go on."""
        trace = ''.join(traceback.format_exception(error))
        self.check(what, False, trace.strip().replace('\n', '\n        '))

    def verdicts(self, judge, lines):
        """Counts the PASS and FAIL lines of a judge, a file each; how many files there were."""
        faults = {}
        for line in lines:
            word, _, rest = line.partition(' ')
            if word == 'PASS':
                faults.setdefault(rest.partition(' (')[0], [])
            elif word == 'FAIL':
                path, _, fault = rest.partition(': ')
                faults.setdefault(path, []).append(fault)
        for path, found in faults.items():
            self.check(f'{judge} {path.rpartition("/")[2]}', not found, '\n        '.join(found[:8]))
        return len(faults)


def shortened(text, limit=4000):
    text = str(text)
    return text if len(text) <= limit else text[:limit] + ' …'
