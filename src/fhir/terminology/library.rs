//! The code systems and value sets that are installed: those of R4, ours, and what a tenant brought along.

use std::collections::HashSet;
use std::sync::Arc;

use super::code_system::{CodeSystem, Content};
use super::table;
use super::value_set::{Canonical, Kind, ValueSet};

/// What questions are answered from. Without anything added it is what every tenant has. A copy shares what is in it.
#[derive(Debug, Clone, Default)]
pub struct Library {
    systems: Vec<Arc<CodeSystem>>,
    sets: Vec<Arc<ValueSet>>,
    /// Value sets of all codes of a code system of the tenant.
    implicit: Vec<Arc<ValueSet>>,
}

static BASE: Library = Library::new();

impl Library {
    /// What every tenant has.
    pub const fn new() -> Self {
        Self { systems: Vec::new(), sets: Vec::new(), implicit: Vec::new() }
    }

    /// What every tenant has, for good.
    pub fn base() -> &'static Self {
        &BASE
    }

    /// Adds a code system of the tenant. It comes before one of the same URL that every tenant has. The
    /// value set of all its codes is there with it (R4 CodeSystem.valueSet).
    pub fn add_code_system(&mut self, system: CodeSystem) {
        if let Some(url) = &system.value_set {
            self.implicit.push(Arc::new(ValueSet::of_system(url, &system.url)));
        }
        self.systems.push(Arc::new(system));
    }

    /// Adds a value set of the tenant. It comes before one of the same URL that every tenant has.
    pub fn add_value_set(&mut self, set: ValueSet) {
        self.sets.push(Arc::new(set));
    }

    /// The code system of a URL, of this version if one is named. Supplements are none.
    pub fn code_system(&self, url: &str, version: Option<&str>) -> Option<&CodeSystem> {
        let fits = |system: &&CodeSystem| {
            let is_named = version.is_none_or(|version| system.version.as_deref() == Some(version));
            system.url == url && is_named && system.content != Content::Supplement
        };
        self.systems.iter().map(Arc::as_ref).find(fits).or_else(|| table::code_system(url).filter(fits))
    }

    /// As [`Library::code_system`], if it has concepts at all.
    pub(super) fn with_concepts(&self, url: &str, version: Option<&str>) -> Option<&CodeSystem> {
        self.code_system(url, version).filter(|system| system.content != Content::NotPresent)
    }

    /// The value set of a URL, of this version if one is named.
    pub fn value_set(&self, url: &str, version: Option<&str>) -> Option<&ValueSet> {
        let fits = |set: &&ValueSet| {
            let is_named = version.is_none_or(|version| set.version.as_deref() == Some(version));
            set.url.as_deref() == Some(url) && is_named
        };
        let defined = self.sets.iter().map(Arc::as_ref).find(fits).or_else(|| table::value_set(url).filter(fits));
        defined.or_else(|| self.implicit.iter().map(Arc::as_ref).find(fits))
    }

    /// The code and all codes below it, in the order of the code system. `None` if that cannot be said: the
    /// code system is not installed or is no hierarchy of kinds. Search modifier `:below`.
    pub fn below(&self, system: &str, code: &str) -> Option<Vec<&str>> {
        self.related(system, code, CodeSystem::below)
    }

    /// The code and all codes above it, as [`Library::below`]. Search modifier `:above`.
    pub fn above(&self, system: &str, code: &str) -> Option<Vec<&str>> {
        self.related(system, code, CodeSystem::above)
    }

    fn related(&self, system: &str, code: &str, related: fn(&CodeSystem, u32) -> HashSet<u32>) -> Option<Vec<&str>> {
        let system = self.with_concepts(system, None).filter(|system| system.is_subsuming)?;
        let Some(place) = system.place(code) else {
            return (system.content == Content::Complete).then(Vec::new);
        };
        let mut places: Vec<u32> = related(system, place).into_iter().collect();
        places.sort_unstable();
        Some(places.into_iter().filter_map(|place| Some(&*system.concepts().get(place as usize)?.code)).collect())
    }

    /// Whether a canonical URL names something in here.
    pub fn has(&self, canonical: &Canonical) -> bool {
        let version = canonical.version.as_deref();
        match canonical.kind {
            Kind::ValueSet => self.value_set(&canonical.url, version).is_some(),
            Kind::CodeSystem => self.code_system(&canonical.url, version).is_some(),
        }
    }
}
