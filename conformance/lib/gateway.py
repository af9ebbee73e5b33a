"""The gateway under test: the binary, a directory, a configuration."""
import json
import secrets
import subprocess

import api
import process

# Faults should be found and mended while someone waits, and one caller asks for more than a person would.
IMPATIENT = {
    'jobs': {'lease': '5s', 'heartbeat': '1s', 'poll': '200ms', 'backoff': '300ms', 'backoff_limit': '2s',
             'max_attempts': 200},
    'limits': {kind: {'requests_per_second': 'off'} for kind in ('client', 'user', 'address')},
}


class Gateway(process.Server):
    """One gateway; it keeps its directory and database over a stop, a kill and a start."""

    name = 'causeway'
    patience = 120

    def __init__(self, binary, directory, database_url=None, **settings):
        super().__init__(directory)
        self.binary = binary
        self.port = process.free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        self.dimse_port = process.free_port()
        own = {'data_dir': './data',
               'http': {'listen': f'127.0.0.1:{self.port}', 'public_url': self.url},
               'dimse': {'listen': f'127.0.0.1:{self.dimse_port}'}}
        if database_url:  # nodes that share a database need the same key, so it must be given
            own |= {'database': {'url': database_url}, 'keys': {'master_key_file': str(self._make_key())}}
        (directory / 'causeway.toml').write_text(to_toml(merged(merged(own, IMPATIENT), settings)))

    def _make_key(self):
        path = self.directory / 'master.key'
        path.write_text(secrets.token_hex(32))
        path.chmod(0o600)
        return path

    def command(self):
        return [self.binary, 'serve']

    def ready(self):
        return process.http_ok(f'{self.url}/health/ready')

    def cli(self, *arguments, check=True):
        """Runs a command of the binary with the same configuration."""
        done = subprocess.run([str(part) for part in (self.binary, *arguments)], cwd=self.directory,
                              capture_output=True, text=True, timeout=600)
        if check and done.returncode != 0:
            raise RuntimeError(f'causeway {" ".join(map(str, arguments))}: exit {done.returncode}\n{done.stderr}')
        return done

    def api(self, *roles, scope=None):
        """A client whose token has these roles; without any it has no token."""
        if not roles:
            return api.Api(self.url)
        scopes = ['--scope', scope] if scope else []
        chosen = [part for role in roles for part in ('--role', role)]
        minted = self.cli('token', 'mint', '--user', f'conformance-{"-".join(roles)}', '--name', 'Judge^Ada',
                          '--lifetime', '7200', *chosen, *scopes)
        return api.Api(self.url, minted.stdout.strip())


def merged(left, right):
    """Both tables; where both have a value, the right one's."""
    both = dict(left)
    for key, value in right.items():
        both[key] = merged(both[key], value) if isinstance(value, dict) and isinstance(both.get(key), dict) else value
    return both


def to_toml(table, name=''):
    """A table as TOML: its values, then the tables in it."""
    values, tables = [], []
    for key, value in table.items():
        path = f'{name}.{key}' if name else key
        if isinstance(value, dict):
            tables.append(f'\n[{path}]\n{to_toml(value, path)}')
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            tables += [f'\n[[{path}]]\n{to_toml(item, path)}' for item in value]
        else:
            values.append(f'{key} = {json.dumps(value)}\n')
    return ''.join(values + tables)
