//! Fast answers to whether a code is in a value set of R4 or of ours, for bindings and for searches. A set
//! is put together when it is first asked for, and kept.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use super::evaluate::{Evaluation, Versions};
use super::fault::Fault;
use super::library::Library;
use super::table;
use super::value_set::{Canonical, Kind, ValueSet};

/// Whether a code is in a value set and can be recorded. The code of an element that implies its system comes without
/// one.
pub fn contains(library: &Library, set: &ValueSet, system: Option<&str>, code: &str) -> Result<bool, Fault> {
    let versions = Versions::default();
    let evaluation = Evaluation::new(library, &versions);
    let Some(system) = system else {
        return Ok(evaluation.codes(set)?.iter().any(|entry| entry.code == code && !entry.is_abstract));
    };
    Ok(evaluation.find(set, system, code)?.is_some_and(|entry| !entry.is_abstract))
}

/// The codes of a value set that can be recorded: not those that only group others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members {
    /// Code systems with their codes, both sorted.
    systems: Vec<(&'static str, Vec<&'static str>)>,
}

impl Members {
    /// Whether a code of this system is in the value set. Codes are compared exactly.
    pub fn contains(&self, system: &str, code: &str) -> bool {
        let found = self.systems.binary_search_by_key(&system, |(name, _)| name);
        let codes = found.ok().and_then(|at| self.systems.get(at)).map(|(_, codes)| codes);
        codes.is_some_and(|codes| codes.binary_search(&code).is_ok())
    }

    /// Whether the code of an element of type `code`, which implies the system, is in the value set.
    pub fn contains_code(&self, code: &str) -> bool {
        self.systems.iter().any(|(_, codes)| codes.binary_search(&code).is_ok())
    }

    /// Code systems with their codes, both in the order of their bytes.
    pub fn systems(&self) -> impl Iterator<Item = (&'static str, &[&'static str])> {
        self.systems.iter().map(|(system, codes)| (*system, &**codes))
    }

    /// How many codes there are.
    pub fn len(&self) -> usize {
        self.systems.iter().map(|(_, codes)| codes.len()).sum()
    }

    /// Whether there is no code.
    pub fn is_empty(&self) -> bool {
        self.systems.is_empty()
    }

    fn of(url: &str) -> Option<Self> {
        static VERSIONS: LazyLock<Versions> = LazyLock::new(Versions::default);
        let evaluation = Evaluation::new(Library::base(), &VERSIONS);
        let entries = evaluation.codes(Library::base().value_set(url, None)?).ok()?;
        // A code system without concepts leaves its codes to others, whatever it says of its content.
        if evaluation.is_partial() || entries.is_empty() {
            return None;
        }
        let mut systems: HashMap<&'static str, Vec<&'static str>> = HashMap::new();
        for entry in entries.into_iter().filter(|entry| !entry.is_abstract) {
            systems.entry(entry.system).or_default().push(entry.code);
        }
        let mut systems: Vec<_> = systems.into_iter().collect();
        systems.sort_unstable();
        for (_, codes) in &mut systems {
            codes.sort_unstable();
        }
        Some(Self { systems })
    }
}

/// The codes of the value set of a canonical URL (`url` or `url|version`). `None` if there is no such value
/// set, or if its codes cannot be listed because a code system is not installed, is there in part only or has
/// no concepts.
pub fn members(value_set_url: &str) -> Option<&'static Members> {
    static MEMBERS: LazyLock<HashMap<&'static str, OnceLock<Option<Members>>>> =
        LazyLock::new(|| table::value_sets().map(|url| (url, OnceLock::new())).collect());
    let Canonical { url, version, .. } = Canonical::parse(Kind::ValueSet, value_set_url);
    Library::base().value_set(&url, version.as_deref())?;
    MEMBERS.get(url.as_str())?.get_or_init(|| Members::of(&url)).as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "http://hl7.org/fhir/ValueSet/";

    #[test]
    fn codes_are_found_in_their_system_and_case() {
        let gender = members("http://hl7.org/fhir/ValueSet/administrative-gender").expect("is there");
        assert_eq!(gender.len(), 4);
        assert!(gender.contains("http://hl7.org/fhir/administrative-gender", "other"));
        assert!(!gender.contains("http://hl7.org/fhir/administrative-gender", "Other"));
        assert!(!gender.contains("http://example.org", "other"));
        assert!(gender.contains_code("female") && !gender.contains_code(""));
        assert!(members("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1").is_some());
        assert!(members("http://hl7.org/fhir/ValueSet/administrative-gender|3.0.0").is_none());
    }

    #[test]
    fn what_cannot_be_listed_has_no_members() {
        for name in ["ucum-units", "doc-typecodes", "service-type", "message-events", "absent"] {
            assert!(members(&format!("{BASE}{name}")).is_none(), "{name}");
        }
    }

    #[test]
    fn required_bindings_have_the_codes_that_the_structural_check_knows() {
        let mut url = String::new();
        let mut listed: HashMap<String, Vec<(&str, Vec<&str>)>> = HashMap::new();
        for line in include_str!("../structure/codes.tsv").lines() {
            match line.strip_prefix('\t') {
                None => url = if line.contains("://") { line.to_owned() } else { format!("{BASE}{line}") },
                Some(system) => {
                    let mut columns = system.split('\t');
                    let name = columns.next().expect("a system");
                    listed.entry(url.clone()).or_default().push((name, columns.collect()));
                }
            }
        }
        assert!(listed.len() > 200);
        for (url, expected) in listed {
            let found = members(&url).unwrap_or_else(|| panic!("{url}"));
            assert_eq!(found.systems, expected, "{url}");
        }
    }

    #[test]
    fn above_and_below_follow_the_hierarchy() {
        let library = Library::base();
        let system = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor";
        assert_eq!(library.above(system, "NASK"), Some(vec!["NI", "UNK", "NASK"]));
        let below = library.below(system, "UNK").expect("a hierarchy");
        assert!(below.contains(&"NASK") && below.contains(&"NAV") && !below.contains(&"NI"));
        assert_eq!(library.below(system, "nothing"), Some(Vec::new()));
        assert_eq!(library.below("http://loinc.org", "1234-5"), None);
    }
}
