//! The CodeSystems and ValueSets of R4, embedded. Unpacked when first asked for; each of them is read when
//! first asked for. `data/generate.py` says what the lines are. Our own definitions are found here too.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read as _;
use std::sync::{LazyLock, OnceLock};

use flate2::read::GzDecoder;

use crate::fhir::definitions::DEFINITIONS;
use crate::fhir::{Json, JsonLimits};

use super::code_system::{self, CodeSystem, Content};
use super::concept::{Concept, Definition, Designation, Property, PropertyValue, Text};
use super::value_set::{self, Filter, Listed, Part, ValueSet};

/// The code system of a canonical URL without version.
pub(super) fn code_system(url: &str) -> Option<&'static CodeSystem> {
    let entry = TABLE.systems.get(url)?;
    entry.value.get_or_init(|| read_code_system(entry.lines, entry.first_definition)).as_ref()
}

/// The value set of a canonical URL without version.
pub(super) fn value_set(url: &str) -> Option<&'static ValueSet> {
    let entry = TABLE.sets.get(url)?;
    entry.value.get_or_init(|| read_value_set(entry.lines)).as_ref()
}

/// URLs of all value sets, in no order.
pub(super) fn value_sets() -> impl Iterator<Item = &'static str> {
    TABLE.sets.keys().map(|url| &**url)
}

/// The text of a line of definitions.
pub(super) fn definition(line: u32) -> Option<Cow<'static, str>> {
    let (text, ends) = &*DEFINITION_TEXTS;
    let line = line as usize;
    let start = if line == 0 { 0 } else { *ends.get(line - 1)? as usize + 1 };
    let found = text.get(start..*ends.get(line)? as usize)?;
    (!found.is_empty()).then(|| unescape(found))
}

struct Table {
    systems: HashMap<Cow<'static, str>, Entry<CodeSystem>>,
    sets: HashMap<Cow<'static, str>, Entry<ValueSet>>,
}

/// A resource that is read when it is asked for.
struct Entry<T> {
    lines: &'static str,
    first_definition: u32,
    value: OnceLock<Option<T>>,
}

static CODES: LazyLock<String> = LazyLock::new(|| unpack(include_bytes!("data/codes.tsv.gz")));

/// The definitions and where each line ends.
static DEFINITION_TEXTS: LazyLock<(String, Vec<u32>)> = LazyLock::new(|| {
    let text = unpack(include_bytes!("data/definitions.txt.gz"));
    let ends = text.match_indices('\n').filter_map(|(at, _)| u32::try_from(at).ok()).collect();
    (text, ends)
});

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { systems: HashMap::new(), sets: HashMap::new() };
    let mut concepts = 0;
    for lines in resources(&CODES) {
        let (mark, url) = lines.split_at_checked(1).unwrap_or_default();
        let url = Cow::Borrowed(url.split(['\t', '\n']).next().unwrap_or_default());
        if mark == "=" {
            table.systems.insert(url, Entry { lines, first_definition: concepts, value: OnceLock::new() });
            concepts += u32::try_from(concept_lines(lines).count()).unwrap_or(u32::MAX);
        } else {
            table.sets.insert(url, Entry { lines, first_definition: 0, value: OnceLock::new() });
        }
    }
    add_our_own(&mut table);
    table
});

/// The code systems and value sets that we publish.
fn add_our_own(table: &mut Table) {
    for definition in DEFINITIONS {
        let Ok(json) = Json::parse(definition.json.as_bytes(), &JsonLimits::default()) else { continue };
        let Some(url) = json.text_at(&["url"]).map(|url| Cow::Owned(url.to_owned())) else { continue };
        match definition.resource_type {
            "CodeSystem" => {
                let value = OnceLock::from(CodeSystem::of_resource(&json).ok());
                table.systems.insert(url, Entry { lines: "", first_definition: 0, value });
            }
            "ValueSet" => {
                let value = OnceLock::from(ValueSet::of_resource(&json).ok());
                table.sets.insert(url, Entry { lines: "", first_definition: 0, value });
            }
            _ => {}
        }
    }
}

#[expect(clippy::expect_used, reason = "the bytes are part of the binary; tests unpack them")]
fn unpack(packed: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(packed).take(LONGEST).read_to_string(&mut text).expect("a table of the binary is whole");
    text
}

/// The lines of each resource: from its first to the next one's.
fn resources(text: &'static str) -> impl Iterator<Item = &'static str> {
    let is_first = |line: &str| line.starts_with(['=', '*']);
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if is_first(line) {
            starts.push(at);
        }
        at += line.len();
    }
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([text.len()]).collect();
    starts.into_iter().zip(ends).filter_map(|(start, end)| text.get(start..end))
}

fn concept_lines(lines: &str) -> impl Iterator<Item = &str> {
    lines.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_digit()))
}

fn read_code_system(lines: &'static str, first_definition: u32) -> Option<CodeSystem> {
    let mut columns = lines.lines().next()?.strip_prefix('=')?.split('\t');
    let mut next = || columns.next().and_then(text);
    let head = code_system::Head {
        url: next()?,
        version: next(),
        name: next(),
        title: next(),
        content: Content::parse(&next()?)?,
        is_case_sensitive: next().is_none_or(|flag| flag == "1"),
        hierarchy: next(),
        value_set: None,
        declared: Vec::new(),
    };
    let mut concepts: Vec<Concept> = Vec::new();
    // The concepts that the next one may be nested in.
    let mut above: Vec<u32> = Vec::new();
    for line in lines.lines().skip(1) {
        if let Some(line) = line.strip_prefix('@') {
            concepts.last_mut()?.designations.extend(designation(line));
            continue;
        }
        let mut columns = line.split('\t');
        let depth: usize = columns.next()?.parse().ok()?;
        let code = columns.next().and_then(text)?;
        let display = columns.next().and_then(text);
        let properties = columns.next().map(properties).unwrap_or_default();
        let place = u32::try_from(concepts.len()).ok()?;
        let definition = Definition::InTable(first_definition + place);
        let mut concept = Concept::new(code, display, definition, Vec::new(), properties);
        above.truncate(depth);
        concept.parents.extend(above.last());
        above.push(place);
        concepts.push(concept);
    }
    Some(CodeSystem::new(head, concepts))
}

fn read_value_set(lines: &'static str) -> Option<ValueSet> {
    let mut columns = lines.lines().next()?.strip_prefix('*')?.split('\t');
    let mut next = || columns.next().and_then(text);
    let (url, version) = (next(), next());
    let flag = |text: Option<Text>| text.map(|text| text == "1");
    let head = value_set::Head::Table {
        id: next()?,
        name: next()?,
        title: next(),
        status: next()?,
        experimental: flag(next()),
    };
    let has_inactive = flag(next());
    let (mut include, mut exclude): (Vec<Part>, Vec<Part>) = (Vec::new(), Vec::new());
    let mut is_include = true;
    for line in lines.lines().skip(1) {
        let (mark, rest) = line.split_at_checked(1)?;
        if matches!(mark, "+" | "-") {
            is_include = mark == "+";
            if is_include { &mut include } else { &mut exclude }.push(part(rest));
            continue;
        }
        let part = if is_include { include.last_mut() } else { exclude.last_mut() }?;
        let mut columns = rest.split('\t').map(text);
        match mark {
            "?" => {
                let mut next = || columns.next().flatten();
                part.filters.push(Filter { property: next()?, op: next()?, value: next()? });
            }
            "." => {
                let (code, display) = (columns.next().flatten()?, columns.next().flatten());
                part.concepts.push(Listed { code, display, designations: Vec::new() });
            }
            _ => part.concepts.last_mut()?.designations.extend(designation(rest)),
        }
    }
    Some(ValueSet { url, version, include, exclude, has_inactive, expansion: None, head })
}

fn part(line: &'static str) -> Part {
    let mut columns = line.split('\t');
    let (system, version) = (columns.next().and_then(text), columns.next().and_then(text));
    let value_sets = columns.next().unwrap_or_default().split(' ').filter_map(text).collect();
    Part { system, version, value_sets, ..Part::default() }
}

fn designation(line: &'static str) -> Option<Designation> {
    let mut columns = line.split('\t');
    let language = columns.next().and_then(text);
    let usage = columns.next().and_then(|usage| usage.split_once('|'));
    let usage = usage.and_then(|(system, code)| Some((text(system), text(code)?)));
    Some(Designation { language, usage, value: columns.next().and_then(text)? })
}

fn properties(column: &'static str) -> Vec<Property> {
    let read = |each: &'static str| {
        let mut parts = each.split('~');
        let (code, kind, value) = (parts.next().and_then(text)?, parts.next()?, parts.next().and_then(text)?);
        let value = match kind {
            "c" => PropertyValue::Code(value),
            "b" => PropertyValue::Boolean(value == "true"),
            "d" => PropertyValue::DateTime(value),
            "i" => PropertyValue::Integer(value),
            "m" => PropertyValue::Decimal(value),
            _ => PropertyValue::String(value),
        };
        Some(Property { code, value })
    };
    column.split('|').filter_map(read).collect()
}

/// A column, if there is something in it.
fn text(column: &'static str) -> Option<Text> {
    (!column.is_empty()).then(|| unescape(column))
}

fn unescape(text: &'static str) -> Text {
    if text.contains('\u{1}') { Cow::Owned(text.replace('\u{1}', "\n")) } else { Cow::Borrowed(text) }
}

/// More than a table unpacks to.
const LONGEST: u64 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood() {
        assert!(TABLE.systems.len() > 1000 && TABLE.sets.len() > 1300);
        let mut concepts = 0;
        for (url, entry) in &TABLE.systems {
            let system = code_system(url).unwrap_or_else(|| panic!("{url}"));
            assert_eq!(system.url, *url);
            if !entry.lines.is_empty() {
                assert_eq!(system.concepts().len(), concept_lines(entry.lines).count(), "{url}");
                concepts += system.concepts().len();
                let properties = concept_lines(entry.lines).filter_map(|line| line.split('\t').nth(3));
                let listed: usize = properties.map(|column| column.split('|').count()).sum();
                let read: usize = system.concepts().iter().map(|concept| concept.properties.len()).sum();
                assert_eq!(read, listed, "{url}");
            }
        }
        assert_eq!(concepts, DEFINITION_TEXTS.1.len(), "a line of definitions for each concept");
        for url in value_sets() {
            let set = value_set(url).unwrap_or_else(|| panic!("{url}"));
            assert!(!set.include.is_empty(), "{url}");
            assert!(set.include.iter().all(|part| part.system.is_some() || !part.value_sets.is_empty()), "{url}");
        }
    }

    #[test]
    fn definitions_belong_to_their_concepts() {
        let told = |url: &str, code: &str| {
            code_system(url).and_then(|system| system.concept(code)).and_then(Concept::definition).unwrap_or_default()
        };
        assert_eq!(told("http://hl7.org/fhir/administrative-gender", "female"), "Female.");
        let v3 = told("http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "NI");
        assert!(v3.contains("most general exceptional value"), "{v3}");
        let lines = told("http://hl7.org/fhir/research-study-status", "completed");
        assert!(lines.contains('\n') && !lines.contains('\u{1}'), "{lines}");
        assert!(told("http://terminology.hl7.org/CodeSystem/v2-0074", "RAD").is_empty());
        assert!(definition(u32::MAX).is_none());
    }

    #[test]
    fn our_own_definitions_are_found() {
        let set = value_set("https://causeway.health/fhir/ValueSet/report-status").expect("is there");
        let system = set.include.first().and_then(|part| part.system.as_deref()).expect("has a code system");
        assert!(code_system(system).is_some_and(|system| !system.concepts().is_empty()));
    }
}
