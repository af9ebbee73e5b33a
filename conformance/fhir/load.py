"""Transactions of whole patients: Synthea's and the samples of US Core load in their order, searches count what was
sent, and what is read back is what was sent. R4 http.html#transaction, json.html#decimal.

`urn:uuid` references are as the files have them; a second gateway takes the same patients as newer Synthea writes
them, with references by criteria and entries that are made only once."""
import collections
import re
import time

import resources
from fhir import Fhir

BACKENDS = ('sqlite', 'postgres')

# Clients write ImagingStudy resources here: no study comes through this gateway.
SETTINGS = {'archive': {'imaging_studies': 'stored'}, 'http': {'request_timeout': '10m'}}

# Resources of a type that are read by their ids too, in a run that is not long.
READ_BY_ID = 50

# Patients that are loaded with references by criteria, in a run that is not long.
CHOSEN = ('Alfredo', 'Ashanti', 'Fannie', 'Barry', 'Jackson', 'Laticia', 'Rickey')


def run(bench):
    everything = bench.backend == 'sqlite' or bench.is_long
    gateway = bench.gateway(**SETTINGS).start()
    server = Fhir(gateway, 'integrator')
    sent = load(bench, server, resources.bundles('synthea'))
    counts(bench, server)
    if everything:
        sent |= load(bench, server, resources.bundles('synthea-2019'))
    sent |= load(bench, server, [mended(bench, server, *one) for one in resources.bundles('us-core-sample')])
    groups(bench, server)
    read_back(bench, server, sent)
    gateway.stop()
    by_criteria(bench, everything)


def mended(bench, server, name, bundle):
    """One of the samples has an element that R4 does not know: it is refused by name, and loaded without the fault."""
    for number, entry in enumerate(bundle['entry']):
        period = entry['resource'].get('effectivePeriod', {})
        if 'stop' in period:
            before = server.count('Patient', [])
            answer = server.send('POST', body=bundle)
            named = f'Bundle.entry[{number}].resource.effective.ofType(Period).stop'
            bench.check(f'{name}: refused for an element that R4 does not have', answer.status == 400
                        and named in answer.body.decode(), answer)
            bench.equal(f'{name}: nothing of it was kept', server.count('Patient', []), before)
            period['end'] = period.pop('stop')
    return name, bundle


def load(bench, server, bundles):
    """Posts the Bundles; what each resource that was made should be, by its place, `Patient/1`."""
    sent = {}
    for name, bundle in bundles:
        began = time.monotonic()
        answer = server.send('POST', body=bundle)
        if not bench.check(f'{name}: taken', answer.status == 200, answer):
            continue
        took, places = time.monotonic() - began, places_of(bundle, answer.json)
        bench.check(f'{name}: each of {len(bundle["entry"])} entries was made ({took:.1f} s)',
                    len(places) == len(bundle['entry']), answer)
        for url, resource in resources.entries(bundle):
            sent[places[url]] = resources.replaced(resource, places)
    return sent


def places_of(bundle, answer):
    """Where the resources of a transaction are now: `Type/id` by fullUrl."""
    places = {}
    for entry, done in zip(bundle['entry'], answer['entry']):
        response = done['response']
        if response['status'].startswith('201'):
            places[entry['fullUrl']] = re.search(r'(\w+/[^/]+)/_history/1$', response['location'])[1]
    return places


def counts(bench, server):
    """Every count of expected-counts.json."""
    expected = resources.read(resources.FIXTURES / 'synthea' / 'expected-counts.json')
    totals = expected['resource_totals_as_loaded_without_dedup']
    for resource_type, wanted in totals.items():
        bench.equal(f'count of {resource_type}', server.count(resource_type, []), int(wanted))
    for query, wanted in expected['queries'].items():
        person = re.match(r'\(patient name (\w+), birthDate (\S+)\)', query)
        if person is None:
            resource_type, _, parameters = query.partition('?')
            pairs = [tuple(one.split('=', 1)) for one in parameters.split('&')]
            answer = server.search(resource_type, pairs)
            bench.check(query, answer.status == 200 and answer.json['total'] == wanted, answer)
        else:
            bench.equal(query, of_patient(server, totals, *person.groups()), int(wanted))


def of_patient(server, types, name, birth_date):
    """How many resources refer to the one patient as subject or patient."""
    found, answer = server.found('Patient', [('name', name), ('birthdate', birth_date)])
    if not found or len(found) != 1:
        return f'{answer}'
    [patient] = found
    announced = {one['type']: {param['name'] for param in one.get('searchParam', [])}
                 for one in server.get('/metadata').json['rest'][0]['resource']}
    total = 0
    for resource_type in types:
        name = next((name for name in ('subject', 'patient') if name in announced[resource_type]), None)
        total += server.count(resource_type, [(name, f'Patient/{patient}')]) if name else 0
    return total


def groups(bench, server):
    """Groups name patients that are not all there."""
    for folder, pattern in (('synthea', 'groupInformation*'), ('us-core-sample', 'uscore_group*')):
        [path] = (resources.FIXTURES / folder).glob(pattern)
        group = resources.read(path)
        answer = server.send('PUT', f'/Group/{group["id"]}', group)
        bench.check(f'{path.name}: kept', answer.status == 201, answer)
        read = server.get(f'/Group/{group["id"]}').json
        fault = resources.difference(resources.own_part(read), resources.own_part(group))
        bench.check(f'{path.name}: read back as it was sent', fault is None, fault)


def read_back(bench, server, sent):
    """All of a type as a search finds them, and some by their ids."""
    by_type = collections.defaultdict(list)
    for place, resource in sent.items():
        by_type[place.partition('/')[0]].append((place, resource))
    for resource_type, wanted in sorted(by_type.items()):
        found, answer = server.found(resource_type, [])
        if not bench.check(f'{resource_type}: all are found page by page', found is not None, answer):
            continue
        faults = []
        for number, (place, resource) in enumerate(wanted):
            got = found.get(place.partition('/')[2])
            fault = 'is not found' if got is None else difference(got, resource)
            if fault is None and (number < READ_BY_ID or bench.is_long):
                read = server.get(f'/{place}')
                fault = difference(read.json, resource) if read.status == 200 else f'{read}'
            faults += [f'{place}{fault}'] if fault else []
        bench.check(f'{resource_type}: {len(wanted)} are read back as they were sent', not faults,
                    '\n        '.join([f'{len(faults)} are not', *faults[:5]]))
    left = sum('"reference":"urn:uuid:' in resources.written(one) for one in sent.values())
    bench.equal('no reference to an entry was left over', left, 0)


def difference(got, wanted):
    return resources.difference(resources.own_part(got), resources.own_part(wanted))


def by_criteria(bench, everything):
    gateway = bench.gateway('criteria', **SETTINGS).start()
    server = Fhir(gateway, 'integrator')
    bundles = resources.bundles('synthea')
    made = load(bench, server, [(name, bundle) for name, bundle in bundles if 'Information' in name])
    places = {}
    for place, resource in made.items():
        places.setdefault(resources.identified(resource), set()).add(place)
    patients = [(name, bundle) for name, bundle in bundles if 'Information' not in name]
    patients = patients if bench.is_long else [one for one in patients if one[0].startswith(CHOSEN)]
    for name, bundle in patients:
        several = [one for _, one in resources.entries(bundle) if one['resourceType'] in ('Practitioner', 'Organization')
                   and len(places.get(resources.identified(one), ())) != 1]
        taken(bench, server, name, resources.without_shared(bundle), places, not several)
    if everything:
        for name, bundle in resources.bundles('synthea-2019'):
            if bench.is_long or name.startswith(CHOSEN):
                taken(bench, server, name, resources.made_once(bundle), None, True)
        for resource_type in ('Practitioner', 'Organization'):
            found, _ = server.found(resource_type, [])
            names = collections.Counter(resources.identified(one) for one in found.values())
            new = [name for name, count in names.items() if count > 1 and name not in places]
            bench.equal(f'no {resource_type} was made twice', new, [])


def taken(bench, server, name, bundle, places, is_taken):
    """Posts a Bundle with references by criteria; they mean what `places` says, or what the server finds."""
    answer = server.send('POST', body=bundle)
    if not is_taken:
        bench.check(f'{name}: refused, because criteria mean several', answer.status in (400, 412), answer)
        return
    if not bench.check(f'{name}: taken with references by criteria', answer.status == 200, answer):
        return
    made = places_of(bundle, answer.json)
    known = dict(made)
    for criteria in sorted(criteria_in(bundle)):
        if places is not None:
            [known[criteria]] = places[criteria]
        else:
            resource_type, _, query = criteria.partition('?')
            found, _ = server.found(resource_type, [tuple(query.split('=', 1))])
            if bench.check(f'{name}: {resource_type} by its identifier', len(found) == 1, found):
                known[criteria] = f'{resource_type}/{next(iter(found))}'
    faults = []
    for url, resource in resources.entries(bundle):
        if url in made:
            fault = difference(server.get(f'/{made[url]}').json, resources.replaced(resource, known))
            faults += [f'{made[url]}{fault}'] if fault else []
    bench.check(f'{name}: {len(made)} are read back with the references that the criteria mean', not faults,
                '\n        '.join([f'{len(faults)} are not', *faults[:5]]))


def criteria_in(value):
    if isinstance(value, dict):
        own = {one for name, one in value.items() if name == 'reference' and isinstance(one, str) and '?' in one}
        return own.union(*map(criteria_in, value.values()))
    return set().union(*map(criteria_in, value)) if isinstance(value, list) else set()
