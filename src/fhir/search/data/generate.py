#!/usr/bin/env python3
"""Derives the tables beside this file from the published definitions of FHIR R4 (4.0.1) and US Core.

    generate.py DIRECTORY

DIRECTORY holds, as HL7 publishes them (gzipped, `.json.gz`): search-parameters, search-parameters-uscore,
profiles-resources, profiles-types, valuesets. What is written, tab-separated:

search-parameters.tsv   one line for each base type of each SearchParameter: base, code, type, targets,
                        implied systems, url, components, expression. A union is split by base; targets are
                        those that the parameter and its elements have in common, `*` is any type; `name~type~expression;...`
                        are the components of a composite.
choice-elements.tsv     every element that ends in [x], with its types.
compartments.tsv        compartment, resource type, the parameters that put it there.
summaries.tsv           resource type, its elements that a summary has, its elements that are mandatory; [x] is cut off.

Where the tables differ from the definitions, and why, is said at CORRECTIONS.
"""

import gzip
import json
import pathlib
import re
import sys

CORE = "http://hl7.org/fhir/SearchParameter/"
US_CORE = "http://hl7.org/fhir/us/core/SearchParameter/"
ABSTRACT = {"Resource", "DomainResource"}
SPECIAL_VALUES = "http://terminology.hl7.org/CodeSystem/special-values"

# By id: the expression that stands in the table.
CORRECTIONS = {
    # The published one names no type.
    "InsurancePlan-name": "InsurancePlan.name | InsurancePlan.alias",
    # The published one names a property of the JSON, not an element.
    "us-core-condition-asserted-date": "Condition.extension.where(url = 'http://hl7.org/fhir/StructureDefinition/"
                                       "condition-assertedDate').value.ofType(dateTime)",
    # The published ones end in `.code` and so lose the system of the code.
    "us-core-race": "Patient.extension.where(url = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-race')"
                    ".extension.value.ofType(Coding)",
    "us-core-ethnicity": "Patient.extension.where(url = 'http://hl7.org/fhir/us/core/StructureDefinition/"
                         "us-core-ethnicity').extension.value.ofType(Coding)",
    "us-core-patient-gender-identity": "Patient.extension.where(url='http://hl7.org/fhir/us/core/StructureDefinition/"
                                       "us-core-genderIdentity').value.ofType(CodeableConcept)",
}
# By id: component expressions in the order of the components. The published ones are exchanged: `relatesto`, a
# reference, has the expression `code`, and `relation`, a token, has `target`.
COMPONENT_CORRECTIONS = {"DocumentReference-relationship": ["target", "code"]}


def load(directory, name):
    with gzip.open(directory / f"{name}.json.gz") as file:
        return [entry["resource"] for entry in json.load(file)["entry"]]


class Types:
    """Elements of all types by path, for finding what an expression ends at."""

    def __init__(self, definitions):
        self.elements = {}
        for definition in definitions:
            if definition["resourceType"] != "StructureDefinition" or definition.get("derivation") == "constraint":
                continue
            for element in definition["snapshot"]["element"]:
                self.elements[element["path"]] = element

    def child(self, at, name):
        """The element and type code of a child of (path, type)."""
        for parent in at:
            for path in (f"{parent}.{name}", f"{parent}.{name}[x]"):
                element = self.elements.get(path)
                if element is None:
                    continue
                if "contentReference" in element:
                    path = element["contentReference"].lstrip("#")
                    element = self.elements[path]
                return path, element
        return None, None

    def leaves(self, expression):
        """(type code, element) of what a union without its bracketed filters ends at."""
        found = []
        for part in split_union(expression):
            cast = None
            part = part.strip()
            match = re.fullmatch(r"\((.+) as (\w+)\)(.*)", part)
            if match:
                part, cast, rest = match.groups()
                if rest:
                    continue
            match = re.fullmatch(r"(.+)\.(?:as|ofType)\((\w+)\)", part)
            if match:
                part, cast = match.groups()
            part = re.sub(r"\.where\([^()]*(\(\))?[^()]*\)|\[\d+\]", "", part)
            if not re.fullmatch(r"[\w.]+", part):
                continue
            names = part.split(".")
            at, element = [names[0]], None
            for name in names[1:]:
                path, element = self.child(at, name)
                if element is None:
                    raise SystemExit(f"no element {name} in {part}")
                at = [path] + [self.code(one) for one in element.get("type", [])]
            for one in (element or {}).get("type", []):
                if cast is None or self.code(one).lower() == cast.lower():
                    found.append((self.code(one), one, element))
        return found

    @staticmethod
    def code(one):
        code = one["code"]
        return "string" if code.startswith("http://hl7.org/fhirpath/System.") else code


def split_union(expression):
    parts, depth, start, quoted = [], 0, 0, False
    for index, letter in enumerate(expression):
        if letter == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
        elif letter == "|" and depth == 0:
            parts.append(expression[start:index].strip())
            start = index + 1
    return parts + [expression[start:].strip()]


def systems_of(value_set, value_sets, code_systems):
    """Systems of a value set, without its version; nothing if it is not made of named systems."""
    definition = value_sets.get(value_set.split("|")[0])
    if definition is None:
        return []
    systems = []
    for include in definition.get("compose", {}).get("include", []):
        if "system" in include:
            systems.append(include["system"])
        for other in include.get("valueSet", []):
            systems += systems_of(other, value_sets, code_systems)
    return systems


def main():
    directory = pathlib.Path(sys.argv[1])
    out = pathlib.Path(__file__).parent
    profiles = load(directory, "profiles-resources")
    types = Types(profiles + load(directory, "profiles-types"))
    terminology = load(directory, "valuesets")
    value_sets = {one["url"]: one for one in terminology if one["resourceType"] == "ValueSet"}
    parameters = load(directory, "search-parameters") + load(directory, "search-parameters-uscore")
    by_url = {one["url"]: one for one in parameters}

    lines = []
    for one in parameters:
        if "expression" not in one:
            continue
        for base in one["base"]:
            expression = CORRECTIONS.get(one["id"], one["expression"])
            mine = [part for part in split_union(expression)
                    if re.match(rf"\(*{base}\b", part) or base in ABSTRACT or "%" in part]
            expression = " | ".join(mine)
            if not mine:
                raise SystemExit(f"{one['id']} has nothing for {base}")
            leaves = types.leaves(expression)
            targets = sorted(one.get("target", []))
            if one["type"] == "reference":
                narrowed = set()
                for _, leaf, _ in leaves:
                    profile_targets = [url.rsplit("/", 1)[1] for url in leaf.get("targetProfile", [])]
                    narrowed |= set(targets) if not profile_targets or "Resource" in profile_targets \
                        else set(profile_targets)
                filtered = re.findall(r"resolve\(\) is (\w+)", expression)
                if filtered:
                    narrowed = set(filtered)
                both = sorted(set(targets) & narrowed) if targets else sorted(narrowed)
                targets = both or targets
                # Any resource type; the published list has them all.
                if len(targets) > 100:
                    targets = ["*"]
            systems = []
            if one["type"] == "token":
                for code, _, element in leaves:
                    if code == "code" and element.get("binding", {}).get("strength") == "required":
                        systems += systems_of(element["binding"]["valueSet"], value_sets, terminology)
                    if code == "boolean":
                        systems.append(SPECIAL_VALUES)
            systems = sorted(set(system for system in systems if not system.startswith("urn:ietf:")))
            components = []
            for index, component in enumerate(one.get("component", [])):
                definition = by_url[component["definition"]]
                text = component["expression"]
                if one["id"] in COMPONENT_CORRECTIONS:
                    text = COMPONENT_CORRECTIONS[one["id"]][index]
                components.append(f"{definition['code']}~{definition['type']}~{text}")
            # The core parameters are named by what follows the common beginning of their URLs.
            url = one["url"].removeprefix(CORE)
            fields = [base, one["code"], one["type"], " ".join(targets), " ".join(systems), url,
                      ";".join(components), expression]
            assert not any("\t" in field or "\n" in field for field in fields), one["id"]
            lines.append(fields)
    lines.sort()
    keys = [tuple(line[:2]) for line in lines]
    assert len(keys) == len(set(keys)), [key for key in keys if keys.count(key) > 1]
    write(out / "search-parameters.tsv", lines)

    choices = {}
    for path, element in types.elements.items():
        if path.endswith("[x]"):
            names = {one["code"] for one in element["type"]}
            if path != "ElementDefinition.example.value[x]":
                choices.setdefault(path.rsplit(".", 1)[1][:-3], set()).update(names)
    write(out / "choice-elements.tsv", [[name, " ".join(sorted(codes))] for name, codes in sorted(choices.items())])

    rows = []
    for definition in profiles:
        if definition["resourceType"] == "CompartmentDefinition":
            for resource in definition["resource"]:
                # `{def}` is the resource that the compartment is named after: it belongs through its own id.
                params = [name for name in resource.get("param", []) if name != "{def}"]
                if params:
                    rows.append([definition["code"], resource["code"], " ".join(params)])
    write(out / "compartments.tsv", sorted(rows))

    rows = []
    for definition in profiles:
        if definition["resourceType"] == "StructureDefinition" and definition["kind"] == "resource" \
                and definition.get("derivation") == "specialization" and not definition["abstract"]:
            root = [one for one in definition["snapshot"]["element"] if one["path"].count(".") == 1]
            name = lambda one: one["path"].split(".")[1].removesuffix("[x]")
            rows.append([definition["type"], " ".join(name(one) for one in root if one.get("isSummary")),
                         " ".join(name(one) for one in root if one["min"] > 0)])
    write(out / "summaries.tsv", sorted(rows))


def write(path, rows):
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")


main()
