"""FHIR resources as the fixtures have them: numbers are texts, so that their digits are compared and not their values."""
import copy
import gzip
import json
import re
from pathlib import Path

import place

FIXTURES = place.TOP / 'fixtures' / 'fhir'


class Text(str):
    """A number as it is written."""


def parsed(data):
    """A JSON document; numbers keep their digits, object members their order."""
    return json.loads(data, parse_float=Text, parse_int=Text)


def written(value):
    """The JSON text of what `parsed` gave, with the digits that it had."""
    if isinstance(value, Text):
        return str(value)
    if isinstance(value, dict):
        return '{' + ','.join(f'{json.dumps(name)}:{written(item)}' for name, item in value.items()) + '}'
    if isinstance(value, list):
        return '[' + ','.join(map(written, value)) + ']'
    return json.dumps(value, ensure_ascii=False)


def read(path):
    """A fixture, whether it is compressed or not."""
    data = Path(path).read_bytes()
    return parsed(gzip.decompress(data) if str(path).endswith('.gz') else data)


def bundles(folder):
    """Names and Bundles of a folder in the order that they load in: hospitals, practitioners, patients."""
    rank = {'hospitalInformation': 0, 'practitionerInformation': 1}
    paths = [path for path in (FIXTURES / folder).glob('*.json.gz') if not re.match(r'groupInf|uscore_group', path.name)]
    paths.sort(key=lambda path: (rank.get(re.match('[a-zA-Z]*', path.name)[0], 2), path.name))
    return [(path.name.partition('.')[0], read(path)) for path in paths]


def entries(bundle):
    """Pairs of fullUrl and resource."""
    return [(entry['fullUrl'], entry['resource']) for entry in bundle['entry']]


def identified(resource):
    """Criteria that name a resource by its first identifier."""
    identifier = resource['identifier'][0]
    return f'{resource["resourceType"]}?identifier={identifier["system"]}|{identifier["value"]}'


def replaced(value, places):
    """The value with each text that is a key of `places` replaced: references and URIs. What an identifier says is
    neither, even if it looks like one."""
    if isinstance(value, dict):
        return {name: item if name == 'identifier' else replaced(item, places) for name, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, places) for item in value]
    return places.get(value, value) if type(value) is str else value


def without_shared(bundle):
    """The Bundle as newer Synthea writes it: without practitioners and organizations, which it refers to by criteria."""
    shared = {url: identified(resource) for url, resource in entries(bundle)
              if resource['resourceType'] in ('Practitioner', 'Organization')}
    kept = [entry for entry in bundle['entry'] if entry['fullUrl'] not in shared]
    return bundle | {'entry': [entry | {'resource': replaced(entry['resource'], shared)} for entry in kept]}


def made_once(bundle):
    """The Bundle with practitioners and organizations that are made only if they are not there, and referred to by
    criteria. Those that are named twice in it by one identifier are in it once."""
    shared, seen, kept = {}, set(), []
    for entry in bundle['entry']:
        resource = entry['resource']
        if resource['resourceType'] not in ('Practitioner', 'Organization'):
            kept.append(entry)
            continue
        criteria = shared[entry['fullUrl']] = identified(resource)
        if criteria not in seen:
            kept.append(entry | {'request': entry['request'] | {'ifNoneExist': criteria.partition('?')[2]}})
        seen.add(criteria)
    return bundle | {'entry': [entry | {'resource': replaced(entry['resource'], shared)} for entry in kept]}


def own_part(resource):
    """What of a resource is its author's: everything but id, and what of meta the server writes."""
    part = copy.copy(resource)
    part.pop('id', None)
    meta = {name: value for name, value in part.pop('meta', {}).items() if name not in ('versionId', 'lastUpdated')}
    part['meta'] = meta
    return part


def difference(got, wanted, path=''):
    """Where two values first differ, in digits and order too; nothing if they do not."""
    if type(got) is not type(wanted):
        return f'{path}: {type(got).__name__} {got!r:.80}, not {type(wanted).__name__} {wanted!r:.80}'
    if isinstance(got, dict):
        # The server writes the type first; where the others stand is the author's.
        names = [[name for name in one if name not in ('resourceType', 'meta')] for one in (got, wanted)]
        if names[0] != names[1] or set(got) != set(wanted):
            return f'{path}: has {list(got)}, not {list(wanted)}'
        return next(filter(None, (difference(got[name], wanted[name], f'{path}.{name}') for name in got)), None)
    if isinstance(got, list):
        if len(got) != len(wanted):
            return f'{path}: {len(got)} items, not {len(wanted)}'
        pairs = enumerate(zip(got, wanted))
        return next(filter(None, (difference(*pair, f'{path}[{number}]') for number, pair in pairs)), None)
    return None if got == wanted else f'{path}: {got!r:.80}, not {wanted!r:.80}'
