//! Resources of others: the examples, and what changes of them do.

use proptest::prelude::*;

use crate::fhir::Object;

use super::*;

/// The examples that are not valid, and why.
const NOT_VALID: [(&str, &[&str]); 3] = [
    // A DeviceDefinition; R4 wants a Device.
    ("devicemetric-example.json", &["DeviceMetric.parent.reference"]),
    // A Procedure; R4 has a Condition, an Observation, a report, a document or a Media.
    ("deviceusestatement-example.json", &["DeviceUseStatement.reasonReference[0].reference"]),
    // A Practitioner; R4 wants an Organization.
    ("medicationrequest0301.json", &["MedicationRequest.dispenseRequest.performer.reference"]),
];

pub(in crate::fhir::structure) fn examples() -> Vec<(String, Json)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/fhir/examples");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("examples").map(|file| file.expect("a file").path()).collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, json(&std::fs::read_to_string(path).expect("readable")))
    };
    files.iter().map(read).collect()
}

#[test]
fn the_examples_of_the_fhir_project_pass() {
    let all = examples();
    assert!(all.len() > 60);
    for (name, resource) in all {
        let found: Vec<_> = check(&resource, &Limits::default()).into_iter().filter(Issue::is_error).collect();
        let expected = NOT_VALID.iter().find(|(file, _)| *file == name).map_or(&[][..], |(_, at)| at);
        let at: Vec<&str> = found.iter().map(|issue| &*issue.expression).collect();
        assert_eq!(at, expected, "{name}: {found:#?}");
    }
}

/// Puts `value` at the place that comes `at`-th when the document is walked through.
pub(in crate::fhir::structure) fn put(document: &mut Json, at: &mut usize, value: &Json) {
    if *at == 0 {
        *document = value.clone();
    }
    *at = at.wrapping_sub(1);
    match document {
        Json::Object(object) => object.iter_mut().for_each(|(_, item)| put(item, at, value)),
        Json::Array(items) => items.iter_mut().for_each(|item| put(item, at, value)),
        _ => {}
    }
}

fn any_value() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        Just(Json::Array(Vec::new())),
        Just(Json::Object(Object::new())),
        Just(Json::Array(vec![Json::Null, Json::Null])),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::integer),
        "\\PC{0,12}".prop_map(Json::string),
        "[a-zA-Z]{1,8}".prop_map(|name| Object::new().with(name, Json::Null).into()),
        "[a-zA-Z_]{1,8}".prop_map(|name| Object::new().with("resourceType", Json::string(name)).into()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn changed_examples_are_judged(which in 0_usize..70, at in 0_usize..200, value in any_value()) {
        let all = examples();
        let (_, mut resource) = all[which % all.len()].clone();
        let mut at = at;
        put(&mut resource, &mut at, &value);
        let found = check(&resource, &Limits::default());
        prop_assert!(found.len() <= Limits::default().issues + 1);
    }
}
