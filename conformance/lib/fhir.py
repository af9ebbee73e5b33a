"""A FHIR client in a few lines: one connection that stays open, as a server to server client has it."""
import http.client
import json
from urllib.parse import quote, urlencode, urlsplit

import resources
from api import Answer, Unreachable

BASE = '/fhir/r4'


class Fhir:
    """Requests below the FHIR base of a gateway, of one caller."""

    def __init__(self, gateway, *roles, scope=None):
        self.url = gateway.url + BASE
        self.address = urlsplit(gateway.url)
        self.token = gateway.api(*roles, scope=scope).token if roles else None
        self.connection = None

    def send(self, method, path='', body=None, content_type='application/fhir+json', headers=None):
        """`path` is below the base, percent-encoded; `body` is bytes, or a value that becomes JSON."""
        headers = {'accept': 'application/fhir+json'} | (headers or {})
        if self.token:
            headers['authorization'] = f'Bearer {self.token}'
        if body is not None:
            headers.setdefault('content-type', content_type)
            body = body if isinstance(body, bytes) else resources.written(body).encode()
        while True:
            is_fresh = self.connection is None
            if is_fresh:
                self.connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=300)
            try:
                self.connection.request(method, BASE + path, body, headers)
                answer = self.connection.getresponse()
                names = {name.lower(): value for name, value in answer.getheaders()}
                found = FhirAnswer(answer.status, names, answer.read())
                if answer.will_close:
                    self.close()
                return found
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if is_fresh:  # one that was open may have been closed while nobody used it
                    raise Unreachable(f'{method} {path}: {error}') from None

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def get(self, path, **options):
        return self.send('GET', path, **options)

    def search(self, resource_type, pairs, by_post=False):
        """The first page of what pairs of name and value find."""
        text = form(pairs)
        if by_post:
            return self.send('POST', f'/{resource_type}/_search', text.encode(), 'application/x-www-form-urlencoded')
        return self.get(f'/{resource_type}?{text}')

    def pages(self, answer):
        """This page and those after it."""
        while True:
            yield answer
            following = link(answer.json, 'next')
            if following is None:
                return
            answer = self.get(following.removeprefix(self.url))

    def found(self, resource_type, pairs):
        """All that pairs of name and value find: resources by id. None, and the answer, if it is no success."""
        first = self.search(resource_type, [*pairs, ('_count', '1000')])
        matches = {}
        for page in self.pages(first):
            if page.status != 200:
                return None, page
            for entry in page.json.get('entry', []):
                if entry['search']['mode'] == 'match':
                    matches[entry['resource']['id']] = entry['resource']
        return matches, first

    def count(self, resource_type, pairs):
        """How many there are, as `_summary=count` says."""
        answer = self.search(resource_type, [*pairs, ('_summary', 'count')])
        return int(answer.json['total']) if answer.status == 200 else f'{answer}'


class FhirAnswer(Answer):
    """An answer; numbers in `json` keep their digits."""

    @property
    def json(self):
        return resources.parsed(self.body)

    def issue(self):
        """Code of the first issue of an OperationOutcome."""
        try:
            document = json.loads(self.body)
            return document['issue'][0]['code'] if document['resourceType'] == 'OperationOutcome' else None
        except (ValueError, KeyError, IndexError, TypeError):
            return None


def form(pairs):
    return urlencode(pairs, quote_via=quote)


def link(bundle, relation):
    return next((one['url'] for one in bundle.get('link', []) if one['relation'] == relation), None)
