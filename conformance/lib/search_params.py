"""Search parameters by their published definitions, computed by fhirpathpy: what a resource has for a parameter.

R4 searchparameter-registry.html; the definitions of US Core are in its package.
"""
import json
import re
import tarfile

import resources
from fhirpathpy import compile as compile_path
from fhirpathpy import evaluate
from fhirpathpy.models import models

R4 = models['r4']


class Definitions:
    """The published definitions by their canonical URL."""

    def __init__(self):
        bundle = resources.read(resources.FIXTURES / 'search-parameters.json.gz')
        self.by_url = {entry['resource']['url']: entry['resource'] for entry in bundle['entry']}
        with tarfile.open(resources.FIXTURES / 'us_core_610.tgz') as package:
            for member in package:
                if re.search(r'package/SearchParameter-[^/]*\.json$', member.name):
                    definition = json.load(package.extractfile(member))
                    self.by_url.setdefault(definition['url'], definition)

    def parameter(self, url, resource_type):
        """The parameter for a type; nothing if its definition is not known."""
        definition = self.by_url.get(url)
        return Parameter(definition, resource_type, self) if definition and definition.get('expression') else None


class Parameter:
    """A parameter of one type of resources."""

    def __init__(self, definition, resource_type, definitions):
        self.type = definition['type']
        self.parts = [Part(text, resource_type) for text in alternatives(definition['expression'])]
        self.components = []
        for component in definition.get('component', []):
            of = definitions.by_url[component['definition']]
            self.components.append((of['type'], component['expression']))

    def values(self, resource):
        """What the resource has for the parameter, as its JSON has it."""
        return [value for part in self.parts for value in part.values(resource)]

    def pieces(self, resource):
        """For a composite: the values of its components, a tuple of lists for each element that has all of them."""
        for part in self.parts:
            for element in part.values(resource):
                lists = [self._component(resource, part, element, text) for _, text in self.components]
                if all(lists):
                    yield lists

    @staticmethod
    def _component(resource, part, element, expression):
        values = []
        for text in map(typed, alternatives(expression)):
            if text.startswith('%resource.'):
                values += compile_path(text.replace('%resource', resource['resourceType']), R4)(resource)
            elif element is resource or 'resourceType' in element:
                values += compile_path(text, R4)(element)
            else:
                values += evaluate(element, {'base': part.path, 'expression': text}, {}, R4)
        return list(map(plain, values))


class Part:
    """One alternative of an expression. What a reference leads to is seen from its text."""

    def __init__(self, text, resource_type):
        found = re.search(r'\.where\(resolve\(\) is (\w+)\)', text)
        self.target = found and found[1]
        text = re.sub(r'\.where\(resolve\(\) is \w+\)', '', text)
        self.path = typed(re.sub(r'^(Resource|DomainResource)\b', resource_type, text))
        self.compiled = compile_path(self.path, R4)

    def values(self, resource):
        found = [plain(value) for value in self.compiled(resource)]
        if self.target:
            found = [one for one in found if isinstance(one, dict)
                     and re.search(rf'(^|/){self.target}/', one.get('reference', ''))]
        return found


def alternatives(expression):
    """The expressions between the `|` that are in no brackets."""
    parts, depth, began = [], 0, 0
    for place, character in enumerate(expression):
        depth += (character in '([') - (character in ')]')
        if character == '|' and depth == 0:
            parts.append(expression[began:place])
            began = place + 1
    return [part.strip() for part in [*parts, expression[began:]]]


def typed(text):
    """The text of an expression. Those of search parameters say `as` of lists and mean each item (FHIRPath: `ofType`)."""
    text = re.sub(r'\(([^()]+) as (\w+)\)', r'\1.ofType(\2)', text)
    text = re.sub(r'^(.+) as (\w+)$', r'\1.ofType(\2)', text)
    return re.sub(r'\.as\((\w+)\)', r'.ofType(\1)', text)


def plain(value):
    """The JSON below what fhirpathpy gives."""
    return getattr(value, 'asStr', value)
