#!/usr/bin/env python3
"""Derives codes.tsv.gz and definitions.txt.gz from the CodeSystems and ValueSets of FHIR R4 (4.0.1).

    generate.py DEFINITIONS

DEFINITIONS is a folder with valuesets.json, v3-codesystems.json and v2-tables.json of
https://hl7.org/fhir/R4/downloads.html, each perhaps with .gz behind its name. The definitions are CC0.
Writes both beside this script. definitions.txt has a line for each concept of codes.tsv, in its order: its
definition, perhaps empty. They are apart because they are half of the text and rarely asked for.

Lines of codes.tsv are of tab-separated columns; empty columns at the end are left out; a line feed within
a text is U+0001. The first character says what a line is:

    =url version name title content case meaning      a CodeSystem; case: 1 sensitive, 0 not, empty unsaid
    0 code display properties                         its concept; the number is how deep it is nested
    *url version id name title status experimental inactive
                                                      a ValueSet; inactive is that of its compose
    +system version valuesets                         an include of it; value sets parted by spaces
    -system version valuesets                         an exclude
    ?property op value                                a filter of the include or exclude
    .code display                                     a concept of the include or exclude; without a display
                                                      if it is that of the code system
    @language use value                               a designation of the concept above; use: system|code

`properties` are code~type~value, parted by `|`; type is the first letter of code, string, boolean,
dateTime, integer, and m for decimal. Not in the table: narratives, descriptions, contacts, comments on
concepts (extensions), stored expansions, a CodeSystem supplement. Where the table differs from the
definitions, and why, is said at CORRECTIONS.
"""

import gzip
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
FILES = ["valuesets.json", "v3-codesystems.json", "v2-tables.json"]
# By ValueSet and system: the version that its include names is left out. The published one names a version
# of a system that is not published with it.
CORRECTIONS = {("http://hl7.org/fhir/ValueSet/task-code", "http://hl7.org/fhir/CodeSystem/task-code")}
LETTERS = {
    "valueCode": "c",
    "valueString": "s",
    "valueBoolean": "b",
    "valueDateTime": "d",
    "valueInteger": "i",
    "valueDecimal": "m",
}


def load(folder, name):
    packed = folder / (name + ".gz")
    data = gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / name).read_bytes()
    return [entry["resource"] for entry in json.loads(data)["entry"]]


def text(value):
    if value is None:
        return ""
    if value is True or value is False:
        return "1" if value else "0"
    value = str(value).strip().replace("\r\n", "\n").replace("\t", " ")
    assert "\x01" not in value
    return value.replace("\n", "\x01")


def line(mark, *columns):
    return (mark + "\t".join(text(column) for column in columns)).rstrip("\t")


def designations(concept):
    for each in concept.get("designation", []):
        use = each.get("use")
        shown = f"{use.get('system', '')}|{use['code']}" if use else None
        yield line("@", each.get("language"), shown, each["value"])


def properties(concept):
    shown = []
    for each in concept.get("property", []):
        name, value = next((key, value) for key, value in each.items() if key.startswith("value"))
        value = str(value).lower() if isinstance(value, bool) else str(value)
        assert not any(mark in each["code"] + value for mark in "|~\t\n"), each
        shown.append(f"{each['code']}~{LETTERS[name]}~{value}")
    return "|".join(shown)


def code_system(system, definitions):
    yield line(
        "=",
        system["url"],
        system.get("version"),
        system["name"],
        system.get("title"),
        system["content"],
        system.get("caseSensitive"),
        system.get("hierarchyMeaning"),
    )

    def walk(concepts, depth):
        for concept in concepts:
            definitions.append(text(concept.get("definition")))
            yield line(str(depth) + "\t", concept["code"], concept.get("display"), properties(concept))
            yield from designations(concept)
            yield from walk(concept.get("concept", []), depth + 1)

    yield from walk(system.get("concept", []), 0)


def value_set(resource, displays):
    compose = resource.get("compose", {})
    yield line(
        "*",
        resource["url"],
        resource.get("version"),
        resource["id"],
        resource["name"],
        resource.get("title"),
        resource["status"],
        resource.get("experimental"),
        compose.get("inactive"),
    )
    for mark, key in ("+", "include"), ("-", "exclude"):
        for part in compose.get(key, []):
            is_corrected = (resource["url"], part.get("system")) in CORRECTIONS
            version = None if is_corrected else part.get("version")
            yield line(mark, part.get("system"), version, " ".join(part.get("valueSet", [])))
            for rule in part.get("filter", []):
                yield line("?", rule["property"], rule["op"], rule["value"])
            for concept in part.get("concept", []):
                display = concept.get("display")
                known = displays.get((part.get("system"), concept["code"]))
                yield line(".", concept["code"], None if text(display) == text(known) else display)
                yield from designations(concept)


def main():
    folder = pathlib.Path(sys.argv[1])
    resources = {}
    for name in FILES:
        for resource in load(folder, name):
            resources.setdefault((resource["resourceType"], resource["url"]), resource)
    displays = {}

    def note(system, concepts):
        for concept in concepts:
            displays[system, concept["code"]] = concept.get("display")
            note(system, concept.get("concept", []))

    lines, definitions = [], []
    for (kind, url), resource in sorted(resources.items()):
        if kind == "CodeSystem" and resource["content"] != "supplement":
            note(url, resource.get("concept", []))
            lines.extend(code_system(resource, definitions))
        elif kind == "ValueSet":
            lines.extend(value_set(resource, displays))
    for name, table in ("codes.tsv.gz", lines), ("definitions.txt.gz", definitions):
        packed = gzip.compress(("\n".join(table) + "\n").encode(), 9, mtime=0)
        (HERE / name).write_bytes(packed)


main()
