"""A private PostgreSQL cluster on loopback."""
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import place
import process


class Postgres(process.Server):
    """One cluster. PostgreSQL refuses to run as root, so as root it is the package's user who runs it, in a
    directory below /tmp that this user may reach."""

    name = 'postgres'

    def __init__(self):
        super().__init__(Path(tempfile.mkdtemp(prefix='causeway-postgres-')))
        self.programs = Path(place.program('/usr/lib/postgresql/*/bin/initdb')).parent
        self.data = self.directory / 'data'
        self.port = process.free_port()
        self.password = secrets.token_hex(16)
        self.as_user = ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups'] if os.geteuid() == 0 else []
        self._make()

    def _make(self):
        password_file = self.directory / 'password'
        password_file.write_text(self.password)
        if self.as_user:
            shutil.chown(self.directory, 'postgres', 'postgres')
            shutil.chown(password_file, 'postgres', 'postgres')
        subprocess.run([*self.as_user, self.programs / 'initdb', '-D', self.data, '-U', 'causeway', '-E', 'UTF8',
                        '--locale=C.UTF-8', '--auth=scram-sha-256', f'--pwfile={password_file}'],
                       check=True, stdout=subprocess.DEVNULL, cwd=self.directory)

    def command(self):
        settings = {'listen_addresses': '127.0.0.1', 'port': self.port, 'unix_socket_directories': self.directory}
        return [*self.as_user, self.programs / 'postgres', '-D', self.data,
                *(f'--{name}={value}' for name, value in settings.items())]

    def ready(self):
        asked = subprocess.run([self.programs / 'pg_isready', '-q', '-h', '127.0.0.1', '-p', str(self.port)])
        return asked.returncode == 0

    def stop_signal(self):
        return signal.SIGINT  # fast shutdown: it does not wait for clients

    def url(self, database='postgres'):
        return f'postgres://causeway:{self.password}@127.0.0.1:{self.port}/{database}'

    def create(self, database):
        """Makes an empty database; its URL."""
        subprocess.run([self.programs / 'createdb', '-h', '127.0.0.1', '-p', str(self.port), '-U', 'causeway',
                        database], check=True, env=os.environ | {'PGPASSWORD': self.password})
        return self.url(database)

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def __exit__(self, *error):
        super().__exit__(*error)
        self.remove()
