#!/usr/bin/env python3
"""Derives elements.tsv, codes.tsv and constraints.tsv from the definitions of FHIR R4 (4.0.1).

    generate.py DEFINITIONS

DEFINITIONS is a folder with profiles-resources.json, profiles-types.json, valuesets.json,
v2-tables.json and v3-codesystems.json of https://hl7.org/fhir/R4/downloads.html, each perhaps with
.gz behind its name. Take the files that HL7 publishes: copies that servers ship may carry elements of
their own (Meta.account) or of later versions (EvidenceVariable.characteristic.linkId). Writes the tables beside this script. The definitions are CC0.

elements.tsv has a line for each type (data types, resources, and each nested element such as
Patient.contact), and below it, indented by a tab, a line for each element that the type adds to its
base:

    type TAB base
    TAB element TAB min TAB max TAB types [TAB binding]

`[x]` ends the name of a choice. `types` are parted by spaces; a nested element has its path as type;
`Reference(A,B)` may point to A and B, `Reference` to anything; `Resource` is a whole resource.
`binding` is the ValueSet of a required binding, without http://hl7.org/fhir/ValueSet/ in front.

codes.tsv has a line for each ValueSet of a required binding that can be enumerated from these
definitions, and below it a line for each code system: TAB system TAB code TAB code ...
A ValueSet that cannot be enumerated is absent; the script names it.

constraints.tsv has a line for each FHIRPath rule: path TAB key TAB severity TAB expression TAB text. The path is a
type, a nested element, or an element of one of them. Rules that the code knows by itself are absent: NATIVE.
"""

import gzip
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
SETS = "http://hl7.org/fhir/ValueSet/"
TYPES = "http://hl7.org/fhir/StructureDefinition/"
# A resource of R4B that some copies of the R4 definitions carry.
NOT_R4 = {"SubscriptionStatus"}
# Types whose elements others inherit.
BASES = {"Element", "BackboneElement", "Resource", "DomainResource", "Quantity"}
# Rules that every element, resource, extension, reference or narrative has.
NATIVE = {"ele-1", "ext-1", "dom-2", "dom-3", "dom-4", "dom-5", "dom-6", "ref-1", "txt-1", "txt-2"}
# Rules that are not in R4, which some copies of the definitions carry.
NOT_R4_RULES = {"evv-1", "dom-r4b"}
# Elements that hold any resource in R4; some copies of the definitions narrow them.
AS_RESOURCE = {"Bundle.entry.response.outcome"}


def load(folder, name):
    packed = folder / (name + ".gz")
    data = gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / name).read_bytes()
    return [entry["resource"] for entry in json.loads(data)["entry"]]


def type_of(element, kind):
    """The types column of an element."""
    if "contentReference" in element:
        return element["contentReference"].lstrip("#")
    if element["path"] in AS_RESOURCE:
        return "Resource"
    names = []
    for entry in element["type"]:
        code = entry["code"]
        if code.startswith("http://hl7.org/fhirpath/System."):
            code = next(e["valueUrl"] for e in entry["extension"] if "valueUrl" in e)
            if element["path"].endswith(".id") and kind == "resource" and element["path"].count(".") == 1:
                code = "id"
        if code in ("BackboneElement", "Element") and not element["path"].endswith("[x]"):
            code = element["path"]
        if code == "Reference":
            targets = [url.removeprefix(TYPES) for url in entry.get("targetProfile", [])]
            if targets and "Resource" not in targets:
                code += "(" + ",".join(targets) + ")"
        if code not in names:
            names.append(code)
    return " ".join(names)


def base_types(definitions):
    wanted = [
        d
        for d in definitions
        if d["resourceType"] == "StructureDefinition"
        and d.get("derivation") != "constraint"
        and d["kind"] != "logical"
        and d["name"] not in NOT_R4
    ]
    return sorted(wanted, key=lambda d: d["name"])


def constraints(definitions, out):
    for definition in base_types(definitions):
        for element in definition["snapshot"]["element"]:
            for rule in element.get("constraint", []):
                if rule["key"] in NATIVE | NOT_R4_RULES or "expression" not in rule:
                    continue
                texts = [" ".join(rule[name].split()) for name in ("expression", "human")]
                print(element["path"], rule["key"], rule["severity"], *texts, sep="\t", file=out)


def elements(definitions, out):
    bindings = {}
    for definition in base_types(definitions):
        rows = definition["snapshot"]["element"]
        root = definition["name"]
        nested = {}
        for element in rows:
            if [t["code"] for t in element.get("type", [])] in (["BackboneElement"], ["Element"]):
                nested[element["path"]] = element["type"][0]["code"]
        nested[root] = definition.get("baseDefinition", TYPES).removeprefix(TYPES)
        for path in sorted(nested):
            print(path, nested[path], sep="\t", file=out)
            if definition["kind"] == "primitive-type":
                continue
            for element in rows:
                parent, _, name = element["path"].rpartition(".")
                owner = element["base"]["path"].rpartition(".")[0]
                # Age and its like repeat what Quantity has; nothing inherited is narrowed.
                if parent != path or (owner in BASES and owner != path):
                    continue
                row = ["", name, element["min"], element["max"], type_of(element, definition["kind"])]
                binding = element.get("binding", {})
                if binding.get("strength") == "required" and "valueSet" in binding:
                    url = binding["valueSet"].split("|")[0]
                    bindings.setdefault(url, element["path"])
                    row.append(url.removeprefix(SETS))
                print(*row, sep="\t", file=out)
    return bindings


class Terminology:
    def __init__(self, resources):
        self.sets = {r["url"]: r for r in resources if r["resourceType"] == "ValueSet"}
        self.systems = {r["url"]: r for r in resources if r["resourceType"] == "CodeSystem"}

    def codes(self, url):
        """Pairs of system and code of a ValueSet; LookupError says why there is no complete list."""
        compose = self.sets[url.split("|")[0]].get("compose")
        if compose is None:
            raise LookupError("no definition")
        found = {}
        for include in compose["include"]:
            found.update(self.part(include))
        for exclude in compose.get("exclude", []):
            for pair in self.part(exclude):
                found.pop(pair, None)
        return list(found)

    def part(self, part):
        found = None
        if "system" in part:
            system = part["system"]
            if "concept" in part:
                codes = [c["code"] for c in part["concept"]]
            else:
                codes = self.filtered(system, part.get("filter", []))
            found = {(system, code): None for code in codes}
        for url in part.get("valueSet", []):
            other = {pair: None for pair in self.codes(url)}
            found = other if found is None else {pair: None for pair in found if pair in other}
        return found or {}

    def filtered(self, system, filters):
        definition = self.systems.get(system)
        if definition is None or definition.get("content") != "complete":
            raise LookupError("code system " + system)
        parents, concepts = {}, {}

        def walk(items, above):
            for concept in items:
                code = concept["code"]
                concepts[code] = concept
                parents.setdefault(code, set()).update(above)
                for prop in concept.get("property", []):
                    if prop["code"] in ("subsumedBy", "parent"):
                        parents[code].add(prop.get("valueCode"))
                walk(concept.get("concept", []), [code])

        walk(definition["concept"], [])

        def is_a(code, ancestor, seen=()):
            return code == ancestor or any(
                is_a(parent, ancestor, (*seen, code)) for parent in parents.get(code, ()) if parent not in seen
            )

        codes = list(concepts)
        for rule in filters:
            op, value = rule["op"], rule["value"]
            if rule["property"] == "concept" and op == "is-a":
                codes = [c for c in codes if is_a(c, value)]
            elif rule["property"] == "concept" and op == "descendent-of":
                codes = [c for c in codes if c != value and is_a(c, value)]
            elif rule["property"] == "concept" and op == "is-not-a":
                codes = [c for c in codes if not is_a(c, value)]
            else:
                raise LookupError("filter " + rule["property"] + " " + op)
        # What only groups others cannot be recorded.
        abstract = ("notSelectable", "abstract")
        return [
            c
            for c in codes
            if not any(p["code"] in abstract and p.get("valueBoolean") for p in concepts[c].get("property", []))
        ]


def codes(terminology, bindings, out):
    for url in sorted(bindings):
        try:
            pairs = terminology.codes(url)
        except (LookupError, KeyError) as reason:
            print("not enumerable:", url, bindings[url], reason, file=sys.stderr)
            continue
        by_system = {}
        for system, code in pairs:
            by_system.setdefault(system, set()).add(code)
        print(url.removeprefix(SETS), file=out)
        for system in sorted(by_system):
            print("", system, *sorted(by_system[system]), sep="\t", file=out)


def main():
    folder = pathlib.Path(sys.argv[1])
    definitions = load(folder, "profiles-resources.json") + load(folder, "profiles-types.json")
    terminology = Terminology(
        load(folder, "valuesets.json") + load(folder, "v3-codesystems.json") + load(folder, "v2-tables.json")
    )
    with open(HERE / "elements.tsv", "w", encoding="utf-8") as out:
        bindings = elements(definitions, out)
    with open(HERE / "constraints.tsv", "w", encoding="utf-8") as out:
        constraints(definitions, out)
    with open(HERE / "codes.tsv", "w", encoding="utf-8") as out:
        codes(terminology, bindings, out)


main()
