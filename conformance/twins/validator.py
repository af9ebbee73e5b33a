"""DicomSRValidator on the generated SR documents: on 8 of different kinds in every run, on all in a long one,
whose result is written to `conformance/results/`."""
import subprocess

import place
from checks import shortened

EVERY_RUN = 8
LARGEST = 30_000  # bytes
RESULT = place.CONFORMANCE / 'results' / 'dicom-sr-validator.txt'


def judge(bench, all_twins):
    chosen = all_twins if bench.is_long else of_different_kinds(all_twins)
    said = bench.judge('judge-sr-validator', *(twins.files['sr'] for twins in chosen))
    if bench.is_long:
        write(said)


def of_different_kinds(all_twins):
    """Each time the one that has most that no other had. Its time grows with the square of the size: the large
    ones are for the long run."""
    small = [twins for twins in all_twins if twins.files['sr'].stat().st_size <= LARGEST]
    chosen = small[:1]
    while len(chosen) < EVERY_RUN:
        seen = [{twins.kind[part] for twins in chosen} for part in range(len(chosen[0].kind))]
        rest = [twins for twins in small if twins not in chosen]
        chosen.append(max(rest, key=lambda twins: sum(value not in seen[part] for part, value in enumerate(twins.kind))))
    return chosen


def write(said):
    """The result of a long run, without the paths of the machine."""
    version = subprocess.run(['dpkg-query', '-W', '-f', '${Version}', 'libpixelmed-java'], capture_output=True, text=True)
    verdicts = [word_and_name(line) for line in said.splitlines() if line.startswith(('PASS', 'FAIL'))]
    passed = sum(line.startswith('PASS') for line in verdicts)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(f'DicomSRValidator (libpixelmed-java {version.stdout}) on all generated SR documents.\n'
                      f'Made by: conformance/run --long twins\n{passed} of {len(verdicts)} pass.\n\n'
                      + '\n'.join(verdicts) + '\n')


def word_and_name(line):
    word, _, rest = line.partition(' ')
    return f'{word} {shortened(rest.rpartition("/")[2], 400)}'
