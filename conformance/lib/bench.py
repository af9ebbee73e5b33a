"""What a scenario has at hand: the checks, a directory, and the servers that it starts."""
import contextlib
import json
import subprocess

import gateway
import orthanc
import place

US_CORE = place.TOP / 'fixtures' / 'fhir' / 'us_core_610.tgz'
DEFINITIONS = place.TOP / 'src' / 'fhir' / 'definitions'


class Bench:
    """The bench of one scenario on one database."""

    def __init__(self, name, backend, binary, checks, cluster, is_long):
        self.backend = backend
        self.binary = binary
        self.is_long = is_long
        self.check = checks.check
        self.equal = checks.equal
        self.verdicts = checks.verdicts
        self.directory = place.WORK / 'runs' / f'{name}-{backend}'
        self._cluster = cluster
        self._servers = contextlib.ExitStack()
        self._databases = 0

    def gateway(self, name='gateway', **settings):
        """A gateway with an empty database of its own, not started yet."""
        url = None
        if self.backend == 'postgres':
            self._databases += 1
            url = self._cluster().create(f'{self.directory.name.replace("-", "_")}_{self._databases}')
        return self._own(gateway.Gateway(self.binary, self.directory / name, url, **settings))

    def orthanc(self, name='orthanc', **settings):
        """An empty Orthanc, not started yet."""
        return self._own(orthanc.Orthanc(self.directory / name, **settings))

    def seed(self, count, seed):
        """Files of generated reports in the report's own JSON, the same ones for the same seed."""
        out = self.directory / 'reports'
        self.causeway('seed', '--reports', count, '--seed', seed, '--out', out)
        return sorted(out.glob('*.json'))

    def causeway(self, *arguments, check=True):
        """Runs a command of the binary that needs no server."""
        self.directory.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([str(part) for part in (self.binary, *arguments)], cwd=self.directory,
                              capture_output=True, text=True, timeout=600)
        if check and done.returncode != 0:
            raise RuntimeError(f'causeway {" ".join(map(str, arguments))}: exit {done.returncode}\n{done.stderr}')
        return done

    def judge(self, name, *arguments):
        """The verdicts of a foreign judge, a check for each file; fails if it judged none."""
        command = [place.CONFORMANCE / 'judges' / name, *arguments]
        done = subprocess.run([str(part) for part in command], cwd=self.directory, capture_output=True, text=True)
        count = self.verdicts(name, done.stdout.splitlines())
        if count == 0:
            self.check(f'{name} gives verdicts', False, done.stderr)
        return done.stdout

    def judge_fhir(self, *files):
        """The verdicts of the HL7 validator, and of the JSON schema, on FHIR files."""
        self.judge('judge-fhir', '--package', US_CORE, '--definitions', DEFINITIONS, *files)
        self.judge('judge-fhir-schema', *files)

    def _own(self, server):
        self._servers.callback(server.kill)
        return server

    def close(self):
        self._servers.close()


def unfinished(report, status='preliminary'):
    """The report before someone verified it."""
    return {name: value for name, value in report.items() if name != 'verifier'} | {'status': status}


def read_report(path):
    """A report of its own JSON; its decimals are texts there."""
    return json.loads(path.read_text(encoding='utf-8'), parse_float=str)
