//! The profiles and the terminology that a tenant has to check against: what is installed, and what of it was read.
//! Definitions are read when a check asks for them: it names what it missed, that is added, and it is asked again.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::base::Problems;
use crate::fhir::definitions::DEFINITIONS;
use crate::fhir::package::DefinitionKind;
use crate::fhir::structure::{TypeDef, definitions};
use crate::fhir::terminology::{CodeSystem, Kind, Library, ValueSet, contains, members};
use crate::fhir::{Json, JsonLimits};

use super::{CompileError, Profile, compile};

/// A definition that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// What it defines.
    pub kind: DefinitionKind,
    /// Canonical URL.
    pub url: String,
    /// Its version; empty for none.
    pub version: String,
    /// Of a StructureDefinition the type that it constrains; else empty.
    pub constrains: String,
    /// Name and version of the package that it is in.
    pub package: (String, String),
}

/// A definition that a check needs and that is installed, but was not read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// What it defines.
    pub kind: DefinitionKind,
    /// Canonical URL.
    pub url: String,
    /// Its version; empty for none.
    pub version: String,
}

/// The version of a profile that was read, and the profile if it can be used.
type Read = (String, Option<Arc<Profile>>);

/// What is there to check against.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// By URL; the newest first.
    index: Arc<HashMap<String, Vec<Installed>>>,
    /// By URL, each with its version; those that cannot be used are known as such.
    profiles: HashMap<String, Vec<Read>>,
    terminology: HashMap<Wanted, bool>,
    library: Library,
}

/// What is behind the canonical URL of a profile.
#[derive(Debug)]
pub(super) enum Found<'a> {
    Profile(&'a Profile),
    /// A type of R4 itself.
    Base(&'static TypeDef),
    /// It is installed, but cannot be used.
    Unusable,
    /// It was not read yet.
    Wanted(Wanted),
    /// It is not installed.
    Absent,
}

/// Whether a code is in a value set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Membership {
    In,
    Out,
    Undecided,
    Wanted(Vec<Wanted>),
}

impl Registry {
    /// What every tenant has: our own extensions, and the value sets of R4.
    pub fn base() -> &'static Self {
        static BASE: LazyLock<Registry> = LazyLock::new(|| {
            let mut profiles: HashMap<String, Vec<_>> = HashMap::new();
            let mut installed = Vec::new();
            for definition in DEFINITIONS.iter().filter(|each| each.resource_type == "StructureDefinition") {
                let Ok(json) = Json::parse(definition.json.as_bytes(), &JsonLimits::default()) else { continue };
                let Ok(profile) = compile(&json) else { continue };
                let (url, version) = (profile.url.clone(), profile.version.clone().unwrap_or_default());
                installed.push(Installed {
                    kind: DefinitionKind::StructureDefinition,
                    url: url.clone(),
                    version: version.clone(),
                    constrains: profile.of_type.name.to_owned(),
                    package: (String::new(), String::new()),
                });
                profiles.entry(url).or_default().push((version, Some(Arc::new(profile))));
            }
            Registry { index: Arc::new(index(installed)), profiles, ..Registry::default() }
        });
        &BASE
    }

    /// What every tenant has, and these, of which nothing was read yet.
    pub fn with(installed: impl IntoIterator<Item = Installed>) -> Self {
        let base = Self::base();
        let own = base.index.values().flatten().cloned();
        let index = index(installed.into_iter().chain(own));
        Self { index: Arc::new(index), ..base.clone() }
    }

    /// What is installed under a URL, in this version if one is named, else the newest.
    pub fn installed(&self, kind: DefinitionKind, url: &str, version: Option<&str>) -> Option<&Installed> {
        let mut all = self.index.get(url)?.iter().filter(|one| one.kind == kind);
        all.find(|one| version.is_none_or(|version| one.version == version))
    }

    /// Everything that is installed, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Installed> {
        self.index.values().flatten()
    }

    /// Adds a definition that was wanted; without JSON, it turned out not to be there. A profile that cannot be used
    /// is remembered as such.
    pub fn add(&mut self, wanted: Wanted, json: Option<&Json>) -> Result<(), CompileError> {
        let mut outcome = Ok(());
        match wanted.kind {
            DefinitionKind::StructureDefinition => {
                let profile = json.map(compile).transpose().unwrap_or_else(|error| {
                    outcome = Err(error);
                    None
                });
                let all = self.profiles.entry(wanted.url).or_default();
                all.retain(|(version, _)| *version != wanted.version);
                all.push((wanted.version, profile.map(Arc::new)));
            }
            DefinitionKind::ValueSet | DefinitionKind::CodeSystem => {
                let read = json.is_some_and(|json| self.add_terminology(wanted.kind, json).is_ok());
                self.terminology.insert(wanted, read);
            }
            DefinitionKind::SearchParameter => {}
        }
        outcome
    }

    fn add_terminology(&mut self, kind: DefinitionKind, json: &Json) -> Result<(), Problems> {
        if kind == DefinitionKind::ValueSet {
            self.library.add_value_set(ValueSet::of_resource(json)?);
        } else {
            self.library.add_code_system(CodeSystem::of_resource(json)?);
        }
        Ok(())
    }

    /// The profile of a canonical URL, which may end in `|version`.
    pub(super) fn profile(&self, canonical: &str) -> Found<'_> {
        let (url, version) = split(canonical);
        let kind = DefinitionKind::StructureDefinition;
        let Some(installed) = self.installed(kind, url, version) else {
            let base = base_type(url);
            return base.map_or(Found::Absent, Found::Base);
        };
        if installed.constrains.is_empty() {
            return base_type(url).map_or(Found::Unusable, Found::Base);
        }
        let read = self.profiles.get(url).and_then(|all| all.iter().find(|(version, _)| *version == installed.version));
        match read {
            Some((_, Some(profile))) => Found::Profile(profile),
            Some((_, None)) => Found::Unusable,
            None => Found::Wanted(Wanted { kind, url: installed.url.clone(), version: installed.version.clone() }),
        }
    }

    /// The type that the profile of a canonical URL constrains.
    pub(super) fn type_of(&self, canonical: &str) -> Option<&str> {
        let (url, version) = split(canonical);
        match self.installed(DefinitionKind::StructureDefinition, url, version) {
            Some(installed) if !installed.constrains.is_empty() => Some(&installed.constrains),
            _ => base_type(url).map(|def| def.name),
        }
    }

    /// Whether a code is in a value set; the code of an element that implies its system comes without one.
    pub(super) fn membership(&self, value_set: &str, system: Option<&str>, code: &str) -> Membership {
        let (url, version) = split(value_set);
        if self.installed(DefinitionKind::ValueSet, url, None).is_none()
            && let Some(members) = members(url)
        {
            let is_in = system.map_or_else(|| members.contains_code(code), |system| members.contains(system, code));
            return if is_in { Membership::In } else { Membership::Out };
        }
        let wanted = self.unread(value_set);
        if !wanted.is_empty() {
            return Membership::Wanted(wanted);
        }
        // A version of R4's own that is named is that of R4, whatever its number is.
        let set = self.library.value_set(url, version).or_else(|| self.library.value_set(url, None));
        match set.map(|set| contains(&self.library, set, system, code)) {
            Some(Ok(true)) => Membership::In,
            Some(Ok(false)) => Membership::Out,
            Some(Err(_)) | None => Membership::Undecided,
        }
    }

    /// What of a value set, and of all that it refers to, is installed and was not read.
    fn unread(&self, value_set: &str) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        if self.index.is_empty() {
            return wanted;
        }
        let (url, version) = split(value_set);
        let mut open = vec![(DefinitionKind::ValueSet, url.to_owned(), version.map(str::to_owned))];
        let mut seen = Vec::new();
        while let Some(next) = open.pop() {
            if seen.len() > MOST_REFERENCES || seen.contains(&next) {
                continue;
            }
            let (kind, url, version) = &next;
            if let Some(installed) = self.installed(*kind, url, version.as_deref()) {
                let one = Wanted { kind: *kind, url: url.clone(), version: installed.version.clone() };
                if !self.terminology.contains_key(&one) {
                    wanted.push(one);
                }
            }
            if *kind == DefinitionKind::ValueSet
                && let Some(set) = self.library.value_set(url, version.as_deref())
            {
                open.extend(set.references().into_iter().map(|canonical| {
                    let kind = match canonical.kind {
                        Kind::ValueSet => DefinitionKind::ValueSet,
                        Kind::CodeSystem => DefinitionKind::CodeSystem,
                    };
                    (kind, canonical.url, canonical.version)
                }));
            }
            seen.push(next);
        }
        wanted
    }
}

/// A canonical URL without and with its version.
pub(super) fn split(canonical: &str) -> (&str, Option<&str>) {
    let canonical = canonical.split('#').next().unwrap_or_default();
    canonical.split_once('|').map_or((canonical, None), |(url, version)| (url, Some(version)))
}

/// The type of R4 that a canonical URL stands for.
pub(super) fn base_type(url: &str) -> Option<&'static TypeDef> {
    url.strip_prefix(BASE).and_then(|name| definitions().find(name)).filter(|def| !def.name.contains('.'))
}

fn index(installed: impl IntoIterator<Item = Installed>) -> HashMap<String, Vec<Installed>> {
    let mut index: HashMap<_, Vec<Installed>> = HashMap::new();
    for one in installed {
        index.entry(one.url.clone()).or_default().push(one);
    }
    for all in index.values_mut() {
        all.sort_by(|one, other| {
            let order = |one: &Installed| (number_parts(&one.version), number_parts(&one.package.1));
            order(other).cmp(&order(one))
        });
    }
    index
}

/// The numbers of a version, so that 6.10.0 comes behind 6.9.0; a pre-release comes before its release. SemVer 2.0.0
/// §11, as far as numbers go.
fn number_parts(version: &str) -> (Vec<u64>, bool, String) {
    let (numbers, suffix) = version.split_once('-').map_or((version, None), |(one, two)| (one, Some(two)));
    let numbers = numbers.split('.').map(|part| part.parse().unwrap_or(0)).collect();
    (numbers, suffix.is_none(), suffix.unwrap_or_default().to_owned())
}

/// Where the types of R4 are defined.
const BASE: &str = "http://hl7.org/fhir/StructureDefinition/";
/// Most value sets and code systems that one binding may lead to.
const MOST_REFERENCES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(version: &str) -> Installed {
        Installed {
            kind: DefinitionKind::ValueSet,
            url: "http://example.org/vs".into(),
            version: version.into(),
            constrains: String::new(),
            package: ("p".into(), version.into()),
        }
    }

    #[test]
    fn the_newest_version_is_meant_where_none_is_named() {
        let registry = Registry::with(["6.9.0", "6.10.0", "6.10.0-ballot", "3.0.0"].map(installed));
        let find = |version| registry.installed(DefinitionKind::ValueSet, "http://example.org/vs", version);
        assert_eq!(find(None).map(|one| one.version.as_str()), Some("6.10.0"));
        assert_eq!(find(Some("3.0.0")).map(|one| one.version.as_str()), Some("3.0.0"));
        assert!(find(Some("4.0.0")).is_none());
    }

    #[test]
    fn our_own_extensions_are_always_there() {
        let ours = DEFINITIONS.iter().filter(|each| each.resource_type == "StructureDefinition").count();
        assert_eq!(Registry::base().profiles.len(), ours);
        for (_, profile) in Registry::base().profiles.values().flatten() {
            let profile = profile.as_ref().expect("can be used");
            assert!(profile.is_extension() && profile.unchecked.is_empty(), "{}", profile.url);
        }
    }

    #[test]
    fn types_of_r4_are_known_by_their_url() {
        let url = |name: &str| format!("http://hl7.org/fhir/StructureDefinition/{name}");
        assert!(matches!(Registry::base().profile(&url("Patient")), Found::Base(def) if def.name == "Patient"));
        assert!(matches!(Registry::base().profile(&url("Patient.contact")), Found::Absent));
        assert!(matches!(Registry::base().profile("http://example.org/Patient"), Found::Absent));
        assert_eq!(Registry::base().type_of(&url("Quantity|4.0.1")), Some("Quantity"));
    }
}
