//! Which codes belong to a value set. R4 valueset.html#compositions.
//!
//! Within an include all conditions hold together, several value sets too ("the codes must be in all the
//! value sets", R4 ValueSet.compose.include). An enumerated code belongs to its value set whether its code
//! system is installed or not.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use super::code_system::{CodeSystem, Content};
use super::concept::Concept;
use super::fault::Fault;
use super::filter::Rule;
use super::library::Library;
use super::value_set::{Canonical, Kind, Listed, Part, ValueSet};

/// A code of a value set.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Code system.
    pub system: &'a str,
    /// The code.
    pub code: &'a str,
    /// What the value set says about it.
    pub listed: Option<&'a Listed>,
    /// What the code system says about it: the code system, and where the concept stands in it.
    pub(super) known: Option<(&'a CodeSystem, u32)>,
    /// Whether it only groups others.
    pub is_abstract: bool,
    /// Whether it is not to be used any more.
    pub is_inactive: bool,
}

impl<'a> Entry<'a> {
    /// The concept in its code system.
    pub fn concept(&self) -> Option<&'a Concept> {
        let (system, place) = self.known?;
        system.concepts().get(place as usize)
    }

    /// What people are shown, in a language if there is a text in it. The value set comes before the code
    /// system.
    pub fn display(&self, language: Option<&str>) -> Option<&'a str> {
        let listed = self.listed;
        let translated = language.and_then(|language| {
            let here = listed.and_then(|listed| super::concept::in_language(&listed.designations, language));
            here.or_else(|| super::concept::in_language(&self.concept()?.designations, language))
        });
        let shown = || listed.and_then(|listed| listed.display.as_deref());
        translated.or_else(shown).or_else(|| self.concept()?.display.as_deref())
    }

    fn of_concept(system: &'a CodeSystem, place: u32, concept: &'a Concept) -> Self {
        Self {
            system: &system.url,
            code: &concept.code,
            listed: None,
            known: Some((system, place)),
            is_abstract: concept.is_abstract,
            is_inactive: concept.is_inactive,
        }
    }

    fn key(&self) -> (&'a str, &'a str) {
        (self.system, self.code)
    }
}

/// What a request says about versions of code systems. R4 valueset-operation-expand.html.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions {
    /// `system-version`: where the value set names none.
    pub default: Vec<(String, String)>,
    /// `check-system-version`: another one in the value set is an error.
    pub check: Vec<(String, String)>,
    /// `force-system-version`: whatever the value set names.
    pub force: Vec<(String, String)>,
}

impl Versions {
    /// The version of a code system that is meant where a value set names `own`.
    fn meant<'a>(&'a self, system: &str, own: Option<&'a str>) -> Result<Option<&'a str>, Fault> {
        let of = |list: &'a [(String, String)]| {
            list.iter().find(|(url, _)| url == system).map(|(_, version)| version.as_str())
        };
        if let Some(forced) = of(&self.force) {
            return Ok(Some(forced));
        }
        match (of(&self.check), own) {
            (Some(checked), Some(own)) if checked != own => Err(Fault::Version(system.to_owned())),
            (Some(checked), _) => Ok(Some(checked)),
            (None, Some(own)) => Ok(Some(own)),
            (None, None) => Ok(of(&self.default)),
        }
    }
}

/// An evaluation of value sets, with its limits and what it has met.
pub(super) struct Evaluation<'a> {
    library: &'a Library,
    versions: &'a Versions,
    work: Cell<usize>,
    used: RefCell<Vec<(&'a str, Option<&'a str>)>>,
    is_partial: Cell<bool>,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(library: &'a Library, versions: &'a Versions) -> Self {
        let (work, used) = (Cell::new(0), RefCell::new(Vec::new()));
        Self { library, versions, work, used, is_partial: Cell::new(false) }
    }

    /// Code systems that were met, with their versions, in order.
    pub(super) fn used(&self) -> Vec<(&'a str, Option<&'a str>)> {
        self.used.borrow().clone()
    }

    /// Whether a code system was met of which only a part is installed.
    pub(super) fn is_partial(&self) -> bool {
        self.is_partial.get()
    }

    /// The codes of a value set, each once, in the order of its definition.
    pub(super) fn codes(&self, set: &'a ValueSet) -> Result<Vec<Entry<'a>>, Fault> {
        self.set(set, 0)
    }

    /// The code in a value set. `None` if it does not belong to it. What is not installed matters only if
    /// the answer depends on it.
    pub(super) fn find(&self, set: &'a ValueSet, system: &str, code: &str) -> Result<Option<Entry<'a>>, Fault> {
        self.find_in(set, system, code, 0)
    }

    fn set(&self, set: &'a ValueSet, depth: usize) -> Result<Vec<Entry<'a>>, Fault> {
        check(set, depth)?;
        if let Some(contained) = &set.expansion {
            self.spend(set, contained.len())?;
            let mut seen = HashSet::new();
            return Ok(self.contained(set).filter(|entry| seen.insert(entry.key())).collect());
        }
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        for part in &set.include {
            found.extend(self.part(set, part, depth)?.into_iter().filter(|entry| seen.insert(entry.key())));
        }
        for part in &set.exclude {
            let excluded: HashSet<_> = self.part(set, part, depth)?.iter().map(Entry::key).collect();
            found.retain(|entry| !excluded.contains(&entry.key()));
        }
        if set.has_inactive == Some(false) {
            found.retain(|entry| !entry.is_inactive);
        }
        Ok(found)
    }

    fn part(&self, set: &'a ValueSet, part: &'a Part, depth: usize) -> Result<Vec<Entry<'a>>, Fault> {
        let mut found = match part.system.as_deref() {
            Some(system) => Some(self.of_system(set, part, system)?),
            None => None,
        };
        for url in &part.value_sets {
            let other = self.set(self.nested(set, url)?, depth + 1)?;
            found = Some(match found {
                None => other,
                Some(mut found) => {
                    let keys: HashSet<_> = other.iter().map(Entry::key).collect();
                    found.retain(|entry| keys.contains(&entry.key()));
                    found
                }
            });
        }
        Ok(found.unwrap_or_default())
    }

    fn of_system(&self, set: &'a ValueSet, part: &'a Part, url: &'a str) -> Result<Vec<Entry<'a>>, Fault> {
        if !part.concepts.is_empty() {
            self.spend(set, part.concepts.len())?;
            let system = self.library.with_concepts(url, self.versions.meant(url, part.version.as_deref())?);
            self.note(url, system);
            return Ok(part.concepts.iter().map(|listed| enumerated(url, system, listed)).collect());
        }
        let system = self.installed(set, part, url)?;
        let rules = self.rules(set, part, system)?;
        let all = (0_u32..).zip(system.concepts());
        let passing = all.filter(|(place, concept)| rules.iter().all(|rule| rule.passes(system, *place, concept)));
        Ok(passing.map(|(place, concept)| Entry::of_concept(system, place, concept)).collect())
    }

    /// The filters of a part, paid for all concepts.
    fn rules(&self, set: &ValueSet, part: &'a Part, system: &CodeSystem) -> Result<Vec<Rule<'a>>, Fault> {
        let rules: Vec<Rule<'a>> =
            part.filters.iter().map(|filter| Rule::of(system, filter)).collect::<Result<_, _>>()?;
        let cost = 1 + rules.iter().map(|rule| rule.cost).sum::<usize>();
        self.spend(set, cost.saturating_mul(system.concepts().len()))?;
        Ok(rules)
    }

    fn find_in(&self, set: &'a ValueSet, system: &str, code: &str, depth: usize) -> Result<Option<Entry<'a>>, Fault> {
        check(set, depth)?;
        self.spend(set, 1)?;
        if set.expansion.is_some() {
            return Ok(self.contained(set).find(|entry| entry.key() == (system, code)));
        }
        let mut unknown = None;
        let mut found = None;
        for part in &set.include {
            match self.find_in_part(set, part, system, code, depth) {
                Ok(None) => {}
                Ok(entry) => {
                    found = entry;
                    break;
                }
                Err(fault) => unknown = unknown.or(Some(fault)),
            }
        }
        let Some(entry) = found else {
            return unknown.map_or(Ok(None), Err);
        };
        for part in &set.exclude {
            if self.find_in_part(set, part, system, code, depth)?.is_some() {
                return Ok(None);
            }
        }
        Ok(Some(entry).filter(|entry| !(entry.is_inactive && set.has_inactive == Some(false))))
    }

    fn find_in_part(
        &self,
        set: &'a ValueSet,
        part: &'a Part,
        system: &str,
        code: &str,
        depth: usize,
    ) -> Result<Option<Entry<'a>>, Fault> {
        let mut found = None;
        if let Some(url) = part.system.as_deref() {
            if url != system {
                return Ok(None);
            }
            let Some(entry) = self.find_in_system(set, part, url, code)? else { return Ok(None) };
            found = Some(entry);
        }
        for url in &part.value_sets {
            let Some(entry) = self.find_in(self.nested(set, url)?, system, code, depth + 1)? else {
                return Ok(None);
            };
            found = found.or(Some(entry));
        }
        Ok(found)
    }

    fn find_in_system(
        &self,
        set: &'a ValueSet,
        part: &'a Part,
        url: &'a str,
        code: &str,
    ) -> Result<Option<Entry<'a>>, Fault> {
        if !part.concepts.is_empty() {
            self.spend(set, part.concepts.len())?;
            let system = self.library.with_concepts(url, self.versions.meant(url, part.version.as_deref())?);
            let listed = part.concepts.iter().find(|listed| listed.code == code);
            return Ok(listed.map(|listed| enumerated(url, system, listed)));
        }
        let system = self.installed(set, part, url)?;
        let Some(place) = system.place(code) else {
            let is_whole = system.content == Content::Complete;
            return if is_whole { Ok(None) } else { Err(Fault::Partial(system.url.to_string())) };
        };
        let rules = self.rules(set, part, system)?;
        let concept = system.concepts().get(place as usize);
        let passing = concept.filter(|concept| rules.iter().all(|rule| rule.passes(system, place, concept)));
        Ok(passing.map(|concept| Entry::of_concept(system, place, concept)))
    }

    /// The code system of a part that needs it.
    fn installed(&self, set: &ValueSet, part: &Part, url: &'a str) -> Result<&'a CodeSystem, Fault> {
        let version = self.versions.meant(url, part.version.as_deref())?;
        let missing = || Fault::NotInstalled {
            value_set: set.canonical(),
            needed: Canonical::new(Kind::CodeSystem, url, version),
        };
        let system = self.library.with_concepts(url, version).ok_or_else(missing)?;
        self.note(url, Some(system));
        Ok(system)
    }

    fn nested(&self, set: &ValueSet, url: &str) -> Result<&'a ValueSet, Fault> {
        let needed = Canonical::parse(Kind::ValueSet, url);
        let found = self.library.value_set(&needed.url, needed.version.as_deref());
        found.ok_or_else(|| Fault::NotInstalled { value_set: set.canonical(), needed })
    }

    fn contained(&self, set: &'a ValueSet) -> impl Iterator<Item = Entry<'a>> {
        set.expansion.iter().flatten().map(|contained| {
            let known = self.library.with_concepts(&contained.system, None);
            let known = known.and_then(|system| Some((system, system.place(&contained.listed.code)?)));
            Entry {
                system: &contained.system,
                code: &contained.listed.code,
                listed: Some(&contained.listed),
                known,
                is_abstract: contained.is_abstract,
                is_inactive: contained.is_inactive,
            }
        })
    }

    fn note(&self, url: &'a str, system: Option<&'a CodeSystem>) {
        let version = system.and_then(|system| system.version.as_deref());
        if system.is_some_and(|system| system.content == Content::Partial) {
            self.is_partial.set(true);
        }
        let mut used = self.used.borrow_mut();
        if !used.contains(&(url, version)) {
            used.push((url, version));
        }
    }

    fn spend(&self, set: &ValueSet, work: usize) -> Result<(), Fault> {
        let spent = self.work.get().saturating_add(work).saturating_add(1);
        self.work.set(spent);
        if spent > MOST_WORK { Err(Fault::TooMuchWork(set.canonical())) } else { Ok(()) }
    }
}

fn enumerated<'a>(url: &'a str, system: Option<&'a CodeSystem>, listed: &'a Listed) -> Entry<'a> {
    let known = system.and_then(|system| Some((system, system.place(&listed.code)?)));
    let concept = known.and_then(|(system, place)| system.concepts().get(place as usize));
    Entry {
        system: url,
        code: &listed.code,
        listed: Some(listed),
        known,
        is_abstract: concept.is_some_and(|concept| concept.is_abstract),
        is_inactive: concept.is_some_and(|concept| concept.is_inactive),
    }
}

fn check(set: &ValueSet, depth: usize) -> Result<(), Fault> {
    if depth > DEEPEST {
        return Err(Fault::Nested(set.canonical()));
    }
    if set.include.is_empty() && set.expansion.is_none() {
        return Err(Fault::NoDefinition(set.canonical()));
    }
    Ok(())
}

/// Most value sets within each other.
const DEEPEST: usize = 16;
/// Most concepts that are looked at, and codes that are put together, for one answer.
const MOST_WORK: usize = 1_000_000;
