//! The codes of the ValueSets that required bindings of R4 name, as far as the definitions of R4 list
//! them. Read once from `codes.tsv`, which `generate.py` derives. Media types, currencies, units of UCUM
//! and LOINC answer lists are not in it: such codes are not judged.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The codes of one ValueSet.
#[derive(Debug)]
pub struct CodeSet {
    /// Canonical URL, without version.
    pub url: String,
    /// System and its codes, sorted.
    systems: Vec<(&'static str, Vec<&'static str>)>,
}

impl CodeSet {
    /// Whether a code of this system is in the set. Codes are compared exactly.
    pub fn contains(&self, system: &str, code: &str) -> bool {
        self.systems.iter().any(|(name, codes)| *name == system && codes.binary_search(&code).is_ok())
    }

    /// Whether the code of an element of type `code`, which implies the system, is in the set.
    pub fn contains_code(&self, code: &str) -> bool {
        self.systems.iter().any(|(_, codes)| codes.binary_search(&code).is_ok())
    }

    fn read(text: &'static str) -> HashMap<&'static str, Self> {
        let mut sets: HashMap<&'static str, Self> = HashMap::new();
        let mut current = "";
        for line in text.lines() {
            let Some(system) = line.strip_prefix('\t') else {
                current = line;
                let url = if line.contains("://") { line.to_owned() } else { format!("{BASE}{line}") };
                sets.insert(line, Self { url, systems: Vec::new() });
                continue;
            };
            let mut columns = system.split('\t');
            if let (Some(name), Some(set)) = (columns.next(), sets.get_mut(current)) {
                set.systems.push((name, columns.collect()));
            }
        }
        sets
    }
}

/// The set that the table of elements names. `None` if it cannot be enumerated.
pub(super) fn of_value_set(name: &str) -> Option<&'static CodeSet> {
    static SETS: LazyLock<HashMap<&'static str, CodeSet>> = LazyLock::new(|| CodeSet::read(include_str!("codes.tsv")));
    SETS.get(name)
}

const BASE: &str = "http://hl7.org/fhir/ValueSet/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_in_their_system_and_case() {
        let gender = of_value_set("administrative-gender").expect("known");
        assert_eq!(gender.url, "http://hl7.org/fhir/ValueSet/administrative-gender");
        assert!(gender.contains_code("female") && !gender.contains_code("Female") && !gender.contains_code(""));
        assert!(gender.contains("http://hl7.org/fhir/administrative-gender", "other"));
        assert!(!gender.contains("http://example.org", "other"));
        assert!(of_value_set("mimetypes").is_none());
    }

    #[test]
    fn every_list_of_codes_is_sorted_and_not_empty() {
        let sets = CodeSet::read(include_str!("codes.tsv"));
        assert!(sets.len() > 200);
        for set in sets.values() {
            assert!(!set.systems.is_empty(), "{}", set.url);
            for (system, codes) in &set.systems {
                assert!(!codes.is_empty() && codes.is_sorted(), "{} {system}", set.url);
            }
        }
    }
}
