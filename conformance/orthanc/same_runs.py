"""The runs of dcmtk, pynetdicom and dicomweb-client once more, with Orthanc as the archive behind: whoever speaks to
the gateway does not see the difference. Nothing is kept in the cache: what comes back has been in Orthanc, or waits
for it."""
import importlib.util
import sys

import place
import process

sys.path += [str(place.CONFORMANCE / area) for area in ('dicomweb', 'dimse')]
import behind  # noqa: E402

SAME = ('dicomweb/round_trip', 'dicomweb/search', 'dimse/dcmtk', 'dimse/pynetdicom_peer')


def run(bench):
    for name in SAME:
        print(f'   -- {name}', flush=True)
        table = WithOrthanc(bench, name.rpartition('/')[2])
        scenario(name).run(table)
        process.wait_until(lambda: sum(archive.get('/changes?last')['Last'] for archive in table.archives) > 0, 60,
                           f'Orthanc to take part in {name}')


def scenario(name):
    spec = importlib.util.spec_from_file_location(name.replace('/', '_'), place.CONFORMANCE / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class WithOrthanc:
    """A bench whose gateways have an Orthanc each."""

    def __init__(self, bench, name):
        self.bench, self.name, self.archives = bench, name, []
        self.directory = bench.directory / name
        self.directory.mkdir(parents=True)

    def __getattr__(self, name):
        return getattr(self.bench, name)

    def gateway(self, name='gateway', **settings):
        archive = self.bench.orthanc(f'{self.name}/{name}-orthanc').start()
        self.archives.append(archive)
        own = behind.settings(archive, cache=0)
        own['peer'] += settings.pop('peer', [])
        return self.bench.gateway(f'{self.name}/{name}', **own, **settings)
