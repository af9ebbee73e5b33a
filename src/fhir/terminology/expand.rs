//! `ValueSet/$expand`. R4 valueset-operation-expand.html.
//!
//! Not supported and therefore refused by name: `context`, `contextDirection`, `date`. An expansion is
//! flat unless `excludeNested=false` is asked for without paging; `filter` keeps codes where every word of
//! it begins a word of the display, or that begin with it.

use std::collections::HashMap;

use crate::base::ProblemCode;
use crate::base::Problems;
use crate::fhir::{Json, Object};

use super::concept::Designation;
use super::evaluate::{Entry, Evaluation, Versions};
use super::fault::Fault;
use super::input::Inputs;
use super::library::Library;
use super::target::{Level, Target};
use super::value_set::{Canonical, Kind, ValueSet};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpandRequest {
    /// Of which value set.
    pub target: Target,
    filter: Option<String>,
    offset: Option<usize>,
    count: Option<usize>,
    designations: Option<bool>,
    /// `designation`: languages and uses.
    wanted: Vec<String>,
    has_definition: bool,
    active_only: Option<bool>,
    exclude_nested: Option<bool>,
    exclude_not_for_ui: Option<bool>,
    exclude_post_coordinated: Option<bool>,
    language: Option<String>,
    excluded: Vec<Canonical>,
    versions: Versions,
}

/// What makes an expansion one of its own. R4 ValueSet.expansion.identifier, .timestamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// A URI, unique.
    pub identifier: String,
    /// A FHIR dateTime.
    pub timestamp: String,
}

impl ExpandRequest {
    /// Reads the parameters of the operation.
    pub fn read(mut inputs: Inputs, level: Level) -> Result<Self, Problems> {
        let target = Target::take(&mut inputs, level, Kind::ValueSet);
        let target = target.map(|target| target.with_version(&mut inputs, "valueSetVersion"));
        let request = target.map(|target| Self {
            target,
            filter: filter(&mut inputs),
            offset: inputs.number("offset"),
            count: inputs.number("count"),
            designations: inputs.flag("includeDesignations"),
            wanted: inputs.texts("designation"),
            has_definition: inputs.flag("includeDefinition").unwrap_or(false),
            active_only: inputs.flag("activeOnly"),
            exclude_nested: inputs.flag("excludeNested"),
            exclude_not_for_ui: inputs.flag("excludeNotForUI"),
            exclude_post_coordinated: inputs.flag("excludePostCoordinated"),
            language: inputs.language("displayLanguage"),
            excluded: excluded(&mut inputs),
            versions: Versions {
                default: versions(&mut inputs, "system-version"),
                check: versions(&mut inputs, "check-system-version"),
                force: versions(&mut inputs, "force-system-version"),
            },
        });
        if request.is_none() && !inputs.has("context") {
            inputs.refuse("url", ProblemCode::Required, "a value set is named by url or given as valueSet");
        }
        inputs.finish(request)
    }
}

/// The filter is looked for in every display, so it is no longer than what people type.
fn filter(inputs: &mut Inputs) -> Option<String> {
    let text = inputs.text("filter")?;
    if text.len() > LONGEST_FILTER {
        inputs.refuse("filter", ProblemCode::TooLong, format!("has at most {LONGEST_FILTER} bytes"));
        return None;
    }
    Some(text)
}

fn excluded(inputs: &mut Inputs) -> Vec<Canonical> {
    inputs.texts("exclude-system").iter().map(|text| Canonical::parse(Kind::CodeSystem, text)).collect()
}

fn versions(inputs: &mut Inputs, name: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for text in inputs.texts(name) {
        match text.split_once('|') {
            Some((url, version)) if !url.is_empty() && !version.is_empty() => {
                found.push((url.to_owned(), version.to_owned()));
            }
            _ => inputs.refuse(name, ProblemCode::Value, "is a code system and its version, system|version"),
        }
    }
    found
}

/// The ValueSet with its expansion.
pub fn expand(library: &Library, set: &ValueSet, request: &ExpandRequest, stamp: Stamp) -> Result<Json, Fault> {
    let evaluation = Evaluation::new(library, &request.versions);
    let mut entries = evaluation.codes(set)?;
    entries.retain(|entry| request.keeps(entry));
    let total = entries.len();
    if request.count.is_none() && total.saturating_sub(request.offset.unwrap_or(0)) > MOST_LISTED {
        return Err(Fault::TooCostly { value_set: set.canonical(), most: MOST_LISTED });
    }
    let count = request.count.map(|count| count.min(MOST_LISTED));
    let is_paged = request.offset.is_some() || count.is_some();
    let is_flat = request.exclude_nested != Some(false) || is_paged;
    let contains = if is_flat {
        let page = entries.iter().skip(request.offset.unwrap_or(0)).take(count.unwrap_or(MOST_LISTED));
        page.map(|entry| request.contains(entry).into()).collect()
    } else {
        Tree::of(&entries).contains(request, &entries)
    };
    let mut expansion = Object::new();
    if evaluation.is_partial() {
        let unclosed = Object::new().with("url", Json::string(UNCLOSED)).with("valueBoolean", Json::Bool(true));
        expansion.set("extension", Json::Array(vec![unclosed.into()]));
    }
    expansion.set("identifier", Json::String(stamp.identifier));
    expansion.set("timestamp", Json::String(stamp.timestamp));
    expansion.set("total", integer(total));
    if is_paged {
        expansion.set("offset", integer(request.offset.unwrap_or(0)));
    }
    let parameters = request.parameters(is_flat, count, &evaluation.used());
    let expansion = expansion.with_items("parameter", parameters).with_items("contains", contains);
    Ok(set.resource(request.has_definition).with("expansion", expansion.into()).into())
}

impl ExpandRequest {
    fn keeps(&self, entry: &Entry<'_>) -> bool {
        let version = entry.known.and_then(|(system, _)| system.version.as_deref());
        let is_excluded = self.excluded.iter().any(|excluded| {
            excluded.url == entry.system && excluded.version.as_deref().is_none_or(|wanted| Some(wanted) == version)
        });
        let is_hidden = (entry.is_inactive && self.active_only == Some(true))
            || (entry.is_abstract && self.exclude_not_for_ui == Some(true));
        !is_excluded && !is_hidden && self.filter.as_deref().is_none_or(|filter| self.matches(entry, filter))
    }

    fn matches(&self, entry: &Entry<'_>, filter: &str) -> bool {
        let filter = filter.to_lowercase();
        if entry.code.to_lowercase().starts_with(filter.trim()) {
            return true;
        }
        let display = entry.display(self.language.as_deref()).unwrap_or_default().to_lowercase();
        let words = |text: &str| -> Vec<String> {
            text.split(|letter: char| !letter.is_alphanumeric()).map(ToOwned::to_owned).collect()
        };
        let shown = words(&display);
        let mut wanted = words(&filter).into_iter().filter(|word| !word.is_empty()).peekable();
        wanted.peek().is_some() && wanted.all(|word| shown.iter().any(|each| each.starts_with(&word)))
    }

    /// An entry of `ValueSet.expansion.contains`.
    fn contains(&self, entry: &Entry<'_>) -> Object {
        let mut contains = Object::new().with("system", Json::string(entry.system));
        for (key, flag) in [("abstract", entry.is_abstract), ("inactive", entry.is_inactive)] {
            if flag {
                contains.set(key, Json::Bool(true));
            }
        }
        let here = entry.listed.map(|listed| &*listed.designations).unwrap_or_default();
        let there = entry.concept().map(|concept| &*concept.designations).unwrap_or_default();
        let designations = here.iter().chain(there.iter().filter(|each| !here.contains(each)));
        let wanted = designations.filter(|each| self.wants(each)).map(Designation::to_json).collect();
        contains
            .with("code", Json::string(entry.code))
            .with_text("display", entry.display(self.language.as_deref()))
            .with_items("designation", wanted)
    }

    /// Whether a designation is asked for: all are unless some languages or uses are named.
    fn wants(&self, designation: &Designation) -> bool {
        if self.wanted.is_empty() {
            return self.designations == Some(true);
        }
        let is_named = |token: &String| {
            let (system, code) =
                token.split_once('|').map_or((None, token.as_str()), |(system, code)| (Some(system), code));
            let is_language = system.is_none_or(|system| system == LANGUAGES)
                && designation.language.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(code));
            let is_use = designation.usage.as_ref().is_some_and(|(of, own)| {
                own == code && system.is_none_or(|system| of.as_deref().unwrap_or_default() == system)
            });
            is_language || is_use
        };
        self.designations != Some(false) && self.wanted.iter().any(is_named)
    }

    /// What the answer says about how it came to be. R4 ValueSet.expansion.parameter.
    fn parameters(&self, is_flat: bool, count: Option<usize>, used: &[(&str, Option<&str>)]) -> Vec<Json> {
        let mut found: Vec<Json> = Vec::new();
        let mut add = |name: &str, key: &str, value: Json| {
            found.push(Object::new().with("name", Json::string(name)).with(key, value).into());
        };
        if let Some(filter) = &self.filter {
            add("filter", "valueString", Json::string(filter));
        }
        for (name, number) in [("offset", self.offset), ("count", count)] {
            if let Some(number) = number {
                add(name, "valueInteger", integer(number));
            }
        }
        let nested = self.exclude_nested.map(|_| is_flat);
        for (name, flag) in [
            ("includeDesignations", self.designations),
            ("activeOnly", self.active_only),
            ("excludeNested", nested),
            ("excludeNotForUI", self.exclude_not_for_ui),
            ("excludePostCoordinated", self.exclude_post_coordinated),
        ] {
            if let Some(flag) = flag {
                add(name, "valueBoolean", Json::Bool(flag));
            }
        }
        if let Some(language) = &self.language {
            add("displayLanguage", "valueCode", Json::string(language));
        }
        for designation in &self.wanted {
            add("designation", "valueString", Json::string(designation));
        }
        for excluded in &self.excluded {
            add("exclude-system", "valueUri", Json::string(excluded.to_string()));
        }
        let Versions { default, check, force } = &self.versions;
        for (name, list) in
            [("system-version", default), ("check-system-version", check), ("force-system-version", force)]
        {
            for (url, version) in list {
                add(name, "valueUri", Json::string(format!("{url}|{version}")));
            }
        }
        for (url, version) in used {
            if let Some(version) = version {
                add("version", "valueUri", Json::string(format!("{url}|{version}")));
            }
        }
        found
    }
}

/// Entries below each other as their code systems say.
struct Tree {
    roots: Vec<usize>,
    children: Vec<Vec<usize>>,
}

impl Tree {
    /// Each entry below the nearest one above it that is in the expansion and comes before it, so that a
    /// hierarchy with several parents or with a cycle loses nothing.
    fn of(entries: &[Entry<'_>]) -> Self {
        let place = |entry: &Entry<'_>| entry.known.map(|(system, place)| (std::ptr::from_ref(system), place));
        let indexes: HashMap<_, usize> =
            entries.iter().enumerate().filter_map(|(index, entry)| Some((place(entry)?, index))).collect();
        let mut tree = Self { roots: Vec::new(), children: vec![Vec::new(); entries.len()] };
        let mut depths = vec![0_usize; entries.len()];
        for (index, entry) in entries.iter().enumerate() {
            let parent = entry.known.and_then(|(system, place)| {
                let mut above: Vec<u32> = system.parents(place).to_vec();
                let mut at = 0;
                while let Some(next) = above.get(at).copied() {
                    if let Some(found) = indexes.get(&(std::ptr::from_ref(system), next)).filter(|each| **each < index)
                    {
                        return Some(*found);
                    }
                    for each in system.parents(next) {
                        if !above.contains(each) && above.len() < MOST_ANCESTORS {
                            above.push(*each);
                        }
                    }
                    at += 1;
                }
                None
            });
            let depth = parent.and_then(|parent| depths.get(parent)).map_or(0, |depth| depth + 1);
            match parent.filter(|_| depth < DEEPEST).and_then(|parent| tree.children.get_mut(parent)) {
                Some(siblings) => {
                    siblings.push(index);
                    if let Some(own) = depths.get_mut(index) {
                        *own = depth;
                    }
                }
                None => tree.roots.push(index),
            }
        }
        tree
    }

    fn contains(&self, request: &ExpandRequest, entries: &[Entry<'_>]) -> Vec<Json> {
        self.roots.iter().filter_map(|root| self.node(request, entries, *root)).collect()
    }

    fn node(&self, request: &ExpandRequest, entries: &[Entry<'_>], index: usize) -> Option<Json> {
        let children = self.children.get(index).map(|each| &**each).unwrap_or_default();
        let children = children.iter().filter_map(|child| self.node(request, entries, *child)).collect();
        Some(request.contains(entries.get(index)?).with_items("contains", children).into())
    }
}

fn integer(number: usize) -> Json {
    Json::integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Most codes in one answer.
pub(super) const MOST_LISTED: usize = 10_000;
/// Longest filter, bytes.
const LONGEST_FILTER: usize = 256;
/// Deepest nesting of an answer.
const DEEPEST: usize = 24;
/// How many ancestors are looked at for the nearest one.
const MOST_ANCESTORS: usize = 100;
const UNCLOSED: &str = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed";
const LANGUAGES: &str = "urn:ietf:bcp:47";

#[cfg(test)]
mod tests;
