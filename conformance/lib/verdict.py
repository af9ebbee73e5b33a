"""What all judges print: `PASS path (note)`, or one `FAIL path: fault` line for each fault."""
import sys
from pathlib import Path


def judge_files(paths, faults):
    """Prints the verdict on each of `paths`. `faults(path)` gives the list of what is wrong with a file, or
    that list and a note; a file that it cannot read fails. The exit code: 0 if all pass, 1 if some fail, 2 if
    there are none."""
    if not paths:
        print(f'usage: {Path(sys.argv[0]).name} FILE...', file=sys.stderr)
        return 2
    failed = [path for path in paths if not tell(path, *_faults(path, faults))]
    return 1 if failed else 0


def tell(path, faults, note=''):
    """Prints the verdict on one file; whether it passes."""
    for fault in faults:
        print(f'FAIL {path}: {" ".join(str(fault).split())}', flush=True)
    if not faults:
        print(f'PASS {path}' + (f' ({note})' if note else ''), flush=True)
    return not faults


def _faults(path, faults):
    try:
        found = faults(Path(path))
        return found if isinstance(found, tuple) else (found, '')
    except Exception as error:  # whatever a file makes a judge do, it is a verdict on the file
        return [f'cannot be judged: {type(error).__name__}: {error}'], ''
