"""A client of the gateway's HTTP API, with nothing of the gateway in it."""
import http.client
import json
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit


@dataclass
class Answer:
    """What came back. `json` keeps the digits of decimals, as texts."""

    status: int
    headers: dict = field(default_factory=dict)
    body: bytes = b''

    @property
    def json(self):
        return json.loads(self.body, parse_float=str)

    def header(self, name):
        return self.headers.get(name.lower())

    def __str__(self):
        return f'{self.status} {self.body[:1500].decode("utf-8", "replace")}'


class Unreachable(Exception):
    """The gateway gave no answer: it is not known whether it did what it was asked."""


class Api:
    """Requests of one caller: each on a connection of its own."""

    def __init__(self, base_url, token=None):
        self.base = urlsplit(base_url)
        self.token = token

    def get(self, path, headers=None, **query):
        return self.send('GET', path, None, headers, query)

    def post(self, path, body=None, headers=None, **query):
        return self.send('POST', path, body, headers, query)

    def put(self, path, body, headers=None):
        return self.send('PUT', path, body, headers)

    def delete(self, path, headers=None):
        return self.send('DELETE', path, None, headers)

    def send(self, method, path, body=None, headers=None, query=None):
        """`body` is bytes as they are, or a value that becomes JSON."""
        headers = {name.lower(): value for name, value in (headers or {}).items()}
        if self.token:
            headers.setdefault('authorization', f'Bearer {self.token}')
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault('content-type', 'application/json')
        if query:
            path = f'{path}?{urlencode(query, doseq=True)}'
        connection = http.client.HTTPConnection(self.base.hostname, self.base.port, timeout=60)
        try:
            connection.request(method, self.base.path + path, body, headers)
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f'{method} {path}: {error}') from None
        finally:
            connection.close()

    def events(self, path, limit=200, headers=None):
        """Server-sent events until the server ends the stream: pairs of event name and data."""
        connection = http.client.HTTPConnection(self.base.hostname, self.base.port, timeout=60)
        headers = {'accept': 'text/event-stream', 'authorization': f'Bearer {self.token}'} | (headers or {})
        try:
            connection.request('GET', self.base.path + path, None, headers)
            answer = connection.getresponse()
            events, name, data = [], 'message', []
            while len(events) < limit and (line := answer.readline()):
                line = line.decode('utf-8').rstrip('\r\n')
                if line.startswith('event:'):
                    name = line[6:].strip()
                elif line.startswith('data:'):
                    data.append(line[5:].strip())
                elif not line and data:
                    events.append((name, '\n'.join(data)))
                    name, data = 'message', []
            return Answer(answer.status, dict(answer.getheaders())), events
        finally:
            connection.close()
