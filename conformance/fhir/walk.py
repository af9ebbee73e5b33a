"""Every search parameter that the CapabilityStatement announces, for every type that has data: values are taken out
of resources by the published definitions, and those resources are found by them again. R4 search.html.

Where a value is compared for equality (tokens, references, URIs, exact strings), nothing else may be found either."""
import collections

import resources
import search_cases
from fhir import Fhir
from search_params import Definitions

BACKENDS = ('sqlite', 'postgres')

# Values that are tried of each parameter on a database, and how many of their searches are repeated by POST.
VALUES, POSTED = {'sqlite': 2, 'postgres': 1}, 1


def run(bench):
    gateway = bench.gateway(archive={'imaging_studies': 'stored'}, http={'request_timeout': '10m'}).start()
    server = Fhir(gateway, 'integrator')
    load(bench, server)
    statement = server.get('/metadata').json
    definitions, totals = Definitions(), collections.Counter()
    for announced in statement['rest'][0]['resource']:
        resource_type = announced['type']
        if not announced.get('searchParam'):
            continue
        stored, answer = server.found(resource_type, [])
        if resource_type == 'AuditEvent':  # who writes resources does not read the audit log
            bench.equal('AuditEvent: is not searched by an integrator', answer.status, 403)
            own = Fhir(gateway, 'auditor').search('AuditEvent', [])
            bench.equal('AuditEvent: is searched by an auditor', own.status, 200)
            continue
        if not bench.check(f'{resource_type}: is searched', stored is not None, answer):
            continue
        if not stored:
            totals['types without data'] += 1
            continue
        faults = []
        for announcement in announced['searchParam']:
            parameter = definitions.parameter(announcement['definition'], resource_type)
            if parameter is None or parameter.type != announcement['type']:
                faults.append(f'{announcement["name"]}: is not defined like this: {announcement}')
                continue
            walk = Walk(server, resource_type, announcement['name'], parameter, stored, VALUES[bench.backend])
            try:
                faults += walk.faults()
            except Exception as error:
                raise RuntimeError(f'{resource_type}, {announcement}') from error
            totals.update(walk.totals)
        bench.check(f'{resource_type}: {len(announced["searchParam"])} parameters find {len(stored)} resources again',
                    not faults, '\n        '.join([f'{len(faults)} faults', *faults[:40]]))
    print('  ' + ', '.join(f'{count} {what}' for what, count in sorted(totals.items())), flush=True)
    bench.check('there was much to find', totals['searches'] > 3000 and totals['parameters with values'] > 800, totals)


def load(bench, server):
    """Resources of as many types as there are examples for, and some whole patients."""
    for folder, names in (('synthea', ('Fannie', 'Darcy')), ('synthea-2019', ('Xuan',)),
                          ('us-core-sample', ('uscore_bundle_patient_85', 'uscore_bundle_patient_907'))):
        for name, bundle in resources.bundles(folder):
            if name.startswith(names):
                answer = server.send('POST', body=bundle)
                bench.check(f'{name} is loaded', answer.status == 200, answer)
    kept = 0
    for path in sorted((resources.FIXTURES / 'examples').glob('*.json')):
        resource = resources.read(path)
        if 'id' in resource:
            answer = server.send('PUT', f'/{resource["resourceType"]}/{resource["id"]}', resource)
        else:
            answer = server.send('POST', f'/{resource["resourceType"]}', resource)
        kept += answer.status == 201
        # R4 does not allow all of its own examples, and what cannot be written says so. Search parameters are written
        # by administrators alone.
        refusals = (403,) if resource['resourceType'] == 'SearchParameter' else (400, 405, 422)
        bench.check(f'{path.name} is kept, or refused by rule', answer.status in (201, *refusals), answer)
    bench.check('most examples are kept', kept > 50, kept)


class Walk:
    """One parameter of one type."""

    def __init__(self, server, resource_type, name, parameter, stored, most):
        self.server = server
        self.resource_type = resource_type
        self.name = name
        self.parameter = parameter
        self.stored = stored
        self.base = server.url
        self.most = most
        self.totals = collections.Counter(parameters=1)
        self.values = {}  # of each resource that has any
        self.holders = collections.defaultdict(set)  # ids by key of a value
        if parameter.type != 'composite':
            for identity, resource in stored.items():
                self._take(identity, parameter.values(resource))

    def _take(self, identity, values):
        if values:
            self.values[identity] = values
        for value in values:
            for key in search_cases.KEYS[self.parameter.type](value, self.base):
                self.holders[key].add(identity)

    def faults(self):
        if self.parameter.type == 'composite':
            return list(self._composite())
        self.totals['parameters with values'] += bool(self.values)
        return [*self._values(), *self._missing()]

    def _values(self):
        posted = 0
        for identity, cases in self._chosen():
            for case in cases:
                found, fault = self._search(case.suffix, case.text, by_post=posted < POSTED)
                posted += 1
                if fault:
                    yield fault
                    continue
                where = f'{self.name}{case.suffix}={case.text} ({case.kind})'
                if case.finds != (identity in found):
                    yield f'{where}: {"does not find" if case.finds else "finds"} {identity}'
                if case.key and found != self.holders[case.key]:
                    yield f'{where}: too many {sorted(found - self.holders[case.key])[:3]}, ' \
                          f'too few {sorted(self.holders[case.key] - found)[:3]}'

    def _chosen(self):
        """A few values of different resources, each with its cases."""
        seen, count = set(), 0
        for identity, values in sorted(self.values.items()):
            for value in values:
                cases = search_cases.of(self.parameter.type, value, self.base)
                # What lies beyond one value may be what another value of the resource finds.
                cases = [case for case in cases if case.finds or len(values) == 1]
                mark = repr(cases[0]) if cases else None
                if cases and mark not in seen:
                    seen.add(mark)
                    count += 1
                    yield identity, cases
                    break
            if count == self.most:
                return

    def _missing(self):
        """`:missing`, where each value is one that can be searched for."""
        base, kind = self.base, self.parameter.type
        if any(not search_cases.of(kind, value, base) for values in self.values.values() for value in values):
            return
        having, fault = self._search(':missing', 'false')
        lacking, other = self._search(':missing', 'true')
        if fault or other:
            yield fault or other
            return
        if having != set(self.values):
            yield f'{self.name}:missing=false: too many {sorted(having - set(self.values))[:3]}, ' \
                  f'too few {sorted(set(self.values) - having)[:3]}'
        if lacking != set(self.stored) - set(self.values):
            yield f'{self.name}:missing=true does not find what :missing=false leaves'

    def _composite(self):
        tried, base = 0, self.base
        for identity, resource in sorted(self.stored.items()):
            for lists in self.parameter.pieces(resource):
                texts = []
                for (kind, _), values in zip(self.parameter.components, lists):
                    cases = [case for value in values for case in search_cases.of(kind, value, base)]
                    texts.append(next((case.text for case in cases if not case.suffix and case.finds), None))
                if None in texts:
                    continue
                tried += 1
                text = '$'.join(texts)
                found, fault = self._search('', text, by_post=tried == 1)
                if fault or identity not in found:
                    yield fault or f'{self.name}={text} (composite): does not find {identity}'
                break
            if tried == self.most:
                break
        self.totals['parameters with values'] += tried > 0

    def _search(self, suffix, text, by_post=False):
        """Ids that are found, by POST the same; or what is wrong with the answer."""
        self.totals['searches'] += 1
        pairs = [(f'{self.name}{suffix}', text)]
        found, answer = self.server.found(self.resource_type, pairs)
        if found is None:
            return None, f'{pairs[0]}: {answer}'[:300]
        self_link = next(one['url'] for one in answer.json['link'] if one['relation'] == 'self')
        if f'{self.name}{suffix}'.replace(':', '%3A') not in self_link.replace(':', '%3A'):
            return None, f'{pairs[0]} is not in the self link {self_link}'[:300]
        if by_post:
            self.totals['searches by POST'] += 1
            posted = self.server.search(self.resource_type, [*pairs, ('_count', '1000')], by_post=True)
            ids = posted.status == 200 and {entry['resource']['id'] for entry in posted.json.get('entry', [])}
            if ids != set(found):
                return None, f'{pairs[0]} by POST is not the same: {posted}'[:300]
        return set(found), None
