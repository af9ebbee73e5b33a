"""Runs scenarios: every module `conformance/<area>/<name>.py` that has `run(bench)`.

    conformance/run [--long] [--list] [--jobs N] [AREA | AREA/NAME]...

A module may name the databases that it runs on: `BACKENDS = ('sqlite', 'postgres')`; else it is SQLite. Scenarios
run side by side, one for each processor unless told otherwise, each in a process of its own; what one printed is
shown whole when it has ended.
CAUSEWAY is the binary under test (default target/debug/causeway, built if it is not there). Exit 0: every
check passed; 1: some failed, or a part that the run needs could not be had.
"""
import argparse
import importlib.util
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import place

place.inside_environment()
import bench
import checks
import postgres
import process


class Cluster:
    """The one PostgreSQL of a run, started by the first scenario that asks for it."""

    def __init__(self):
        self.server = None

    def __call__(self):
        if self.server is None:
            self.server = postgres.Postgres().start()
        return self.server

    def close(self):
        if self.server:
            self.server.stop()
            self.server.remove()


def scenarios(wanted):
    """Names and modules of the scenarios, in order, as far as they are wanted."""
    found = []
    for path in sorted(place.CONFORMANCE.glob('*/*.py')):
        area = path.parent.name
        name = area if path.stem == area else f'{area}/{path.stem}'
        if area in ('lib', 'judges') or (wanted and name not in wanted and area not in wanted):
            continue
        sys.path.insert(0, str(path.parent))
        spec = importlib.util.spec_from_file_location(f'scenario_{area}_{path.stem}', path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.path.remove(str(path.parent))
        if hasattr(module, 'run'):
            found.append((name, module))
    return found


def binary():
    path = Path(os.environ.get('CAUSEWAY') or place.TOP / 'target' / 'debug' / 'causeway').resolve()
    if not path.exists():
        subprocess.run(['cargo', 'build', '--bin', 'causeway'], cwd=place.TOP, check=True)
    return path


def run_one(name, module, backend, tested, cluster, is_long):
    """Runs a scenario on a database; what was checked."""
    title = f'{name} ({backend})'
    print(f'\n== {title}', flush=True)
    began, tally = time.monotonic(), checks.Checks()
    table = bench.Bench(name.replace('/', '-'), backend, tested, tally, cluster, is_long)
    shutil.rmtree(table.directory, ignore_errors=True)
    table.directory.mkdir(parents=True)
    try:
        module.run(table)
    except Exception as error:  # a scenario that breaks off has failed; the others still run
        tally.broken(f'{title} runs to its end', error)
    finally:
        table.close()
    print(f'   {time.monotonic() - began:.0f} s', flush=True)
    if not tally.failed:
        shutil.rmtree(table.directory, ignore_errors=True)
    else:
        print(f'   kept: {table.directory}', flush=True)
    return tally


def run_apart(job):
    """`run_one` in a process of its own: what it printed, what was checked, and what it lacks."""
    name, backend = job
    with tempfile.TemporaryFile('w+') as printed:
        os.dup2(printed.fileno(), 1)
        try:
            tally, lacks = run_one(name, PLAN.modules[name], backend, PLAN.tested, PLAN.cluster, PLAN.is_long), None
        except place.Unavailable as error:
            tally, lacks = checks.Checks(), str(error)
        sys.stdout.flush()
        printed.seek(0)
        return printed.read(), tally, lacks


class Plan:
    """What the processes of a run share; they are forked when it is complete."""

    def __init__(self, modules, tested, cluster, is_long):
        self.modules, self.tested, self.cluster, self.is_long = modules, tested, cluster, is_long


PLAN = None


def side_by_side(work, count):
    """Runs scenarios in `count` processes; what was checked, one after the other as they end."""
    with multiprocessing.get_context('fork').Pool(count, maxtasksperchild=1) as pool:
        for printed, tally, lacks in pool.imap_unordered(run_apart, work, chunksize=1):
            print(printed, end='', flush=True)
            if lacks:
                raise place.Unavailable(lacks)
            yield tally


def main():
    arguments = argparse.ArgumentParser(prog='conformance/run', description='Judges the gateway from outside.')
    arguments.add_argument('--long', action='store_true', help='all that takes long, too')
    arguments.add_argument('--jobs', type=int, default=os.cpu_count() or 1, help='how many scenarios at a time')
    arguments.add_argument('--list', action='store_true', help='only say what there is')
    arguments.add_argument('scenario', nargs='*', help='area, or area/name; all without')
    given = arguments.parse_args()
    found = scenarios(given.scenario)
    if given.list or not found:
        print('\n'.join(name for name, _ in found) or 'no such scenario')
        return 0 if found else 2

    global PLAN
    process.stop_when_told()
    work = [(name, backend) for name, module in found for backend in getattr(module, 'BACKENDS', ('sqlite',))]
    modules, cluster, tested = dict(found), Cluster(), binary()
    passed, failed = 0, []
    try:
        if given.jobs > 1:
            # One PostgreSQL for all, so it is there before they part.
            if any(backend == 'postgres' for _, backend in work):
                cluster()
            PLAN = Plan(modules, tested, cluster, given.long)
            tallies = side_by_side(work, given.jobs)
        else:
            tallies = (run_one(name, modules[name], backend, tested, cluster, given.long) for name, backend in work)
        for tally in tallies:
            passed += tally.passed
            failed += tally.failed
    finally:
        cluster.close()
    print(f'\n{passed} passed, {len(failed)} failed', flush=True)
    for what in failed:
        print(f'  FAIL  {what}')
    return 1 if failed else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except place.Unavailable as error:
        sys.exit(f'conformance: {error}')
