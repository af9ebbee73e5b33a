//! Compartments: which resources belong to a patient, an encounter, a practitioner, a related person, a device.
//! R4 compartmentdefinition.html.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::extract::Entry;
use super::value::IndexValue;

/// The compartments of R4 by their resource type.
pub const COMPARTMENTS: [&str; 5] = ["Device", "Encounter", "Patient", "Practitioner", "RelatedPerson"];

/// The search parameters by which resources of a type belong to a compartment; none if they never do. A Patient
/// belongs to its own compartment through its id, which no parameter says.
///
/// A Group belongs to the compartment of each of its members: who may see one of them may not for that see the
/// others, so callers that hand out compartments treat groups apart.
pub fn params(compartment: &str, resource_type: &str) -> &'static [&'static str] {
    static TABLE: LazyLock<HashMap<&'static str, HashMap<&'static str, Vec<&'static str>>>> = LazyLock::new(|| {
        let mut table: HashMap<_, HashMap<_, Vec<_>>> = HashMap::new();
        for line in include_str!("data/compartments.tsv").lines() {
            if let [compartment, resource_type, params] = line.split('\t').collect::<Vec<_>>()[..] {
                table.entry(compartment).or_default().insert(resource_type, params.split(' ').collect());
            }
        }
        table
    });
    TABLE.get(compartment).and_then(|types| types.get(resource_type)).map(Vec::as_slice).unwrap_or_default()
}

/// The ids of the compartments that a resource is in, by what it is found by; sorted, each once. `own_id` is its id.
pub fn owners<'e>(
    compartment: &str,
    resource_type: &str,
    own_id: Option<&'e str>,
    entries: &'e [Entry<'_>],
) -> Vec<&'e str> {
    let params = params(compartment, resource_type);
    let mut ids: Vec<&str> = entries
        .iter()
        .filter(|entry| params.contains(&entry.definition.code.as_str()))
        .filter_map(|entry| match &entry.value {
            IndexValue::Reference { resource_type, id, .. } if resource_type == compartment => Some(id.as_str()),
            _ => None,
        })
        .chain(own_id.filter(|_| resource_type == compartment))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use super::super::definitions::{ParamType, Registry};
    use super::super::extract::extract;
    use super::*;
    use crate::fhir::{Json, JsonLimits};

    #[test]
    fn every_parameter_of_a_compartment_is_a_reference() {
        for line in include_str!("data/compartments.tsv").lines() {
            let [compartment, name, params] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
            assert!(COMPARTMENTS.contains(&compartment));
            for param in params.split(' ') {
                let definition = Registry::r4().get(name, param).expect("defined");
                assert_eq!(definition.param_type, ParamType::Reference, "{line}");
            }
        }
        assert_eq!(params("Patient", "DiagnosticReport"), ["subject"]);
        assert_eq!(params("Patient", "Group"), ["member"]);
        for outside in ["Device", "Practitioner", "Organization", "Location", "Endpoint", "Binary", "Medication"] {
            assert_eq!(params("Patient", outside), [""; 0], "{outside}");
        }
    }

    #[test]
    fn owners_come_from_references_and_from_the_own_id() {
        let read = |text: &str| Json::parse(text.as_bytes(), &JsonLimits::default()).expect("valid JSON");
        let report = read(
            r#"{"resourceType":"DiagnosticReport","subject":{"reference":"Patient/1"},
            "resultsInterpreter":[{"reference":"Practitioner/2"}],"encounter":{"reference":"Encounter/3"}}"#,
        );
        let entries = extract(&report);
        assert_eq!(owners("Patient", "DiagnosticReport", Some("9"), &entries), ["1"]);
        assert_eq!(owners("Encounter", "DiagnosticReport", Some("9"), &entries), ["3"]);
        let patient = read(r#"{"resourceType":"Patient","id":"9","link":[{"other":{"reference":"Patient/8"}}]}"#);
        assert_eq!(owners("Patient", "Patient", Some("9"), &extract(&patient)), ["8", "9"]);
    }
}
