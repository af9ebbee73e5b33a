"""Servers that a run starts: each a child of ours, on loopback, in a directory of its own."""
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request


class NotReady(Exception):
    """A server ended, or did not answer in time."""


class Server:
    """A process that is started, killed and started again. `command()` and `ready()` are the subclass's."""

    name = 'server'
    environment = {}
    patience = 60

    def __init__(self, directory):
        self.directory = directory
        self.process = None
        directory.mkdir(parents=True, exist_ok=True)

    def start(self):
        log = open(self.directory / f'{self.name}.log', 'ab')
        # Its own process group, so that a terminal's Ctrl-C reaches only the run, which then stops it.
        self.process = subprocess.Popen([str(part) for part in self.command()], cwd=self.directory,
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        env=os.environ | self.environment, start_new_session=True)
        log.close()
        try:
            wait_until(self._ready_or_ended, self.patience, f'{self.name} to be ready')
        except NotReady as error:
            self.kill()
            raise NotReady(f'{error}\n{self.log()[-3000:]}') from None
        return self

    def stop(self):
        """Asks it to stop and waits; the exit code."""
        if self.process is None:
            return None
        self.process.send_signal(self.stop_signal())
        try:
            code = self.process.wait(timeout=self.patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise NotReady(f'{self.name} did not stop when asked') from None
        self.process = None
        return code

    def kill(self):
        """kill -9, and waits until it is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def log(self):
        return (self.directory / f'{self.name}.log').read_text(errors='replace')

    def stop_signal(self):
        return signal.SIGTERM

    def _ready_or_ended(self):
        if self.process.poll() is not None:
            raise NotReady(f'{self.name} ended with exit {self.process.returncode}')
        return self.ready()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_error):
        self.kill() if _error[0] else self.stop()


def stop_when_told():
    """Makes SIGTERM end this program as Ctrl-C does: through its `with` blocks, which stop what they started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def wait_until(condition, seconds, what, pause=0.05):
    """Asks until `condition()` is true, and gives what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise NotReady(f'waited {seconds} s for {what}')
        time.sleep(pause)


def free_port():
    """A port of 127.0.0.1 that nobody listens at now; from a range that no client's end comes from by itself."""
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                listener.bind(('127.0.0.1', port))
                return port


def port_open(port):
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(('127.0.0.1', port)) == 0


def http_ok(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
