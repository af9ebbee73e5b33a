//! Names, cardinality, shapes of JSON, limits.

use super::*;

#[test]
fn a_resource_has_a_type_of_r4() {
    one("[]", "structure", "");
    one("{}", "required", "");
    one(r#"{"resourceType":1}"#, "structure", "");
    for name in ["patient", "DomainResource", "HumanName", "SubscriptionStatus"] {
        one(&format!(r#"{{"resourceType":"{name}","id":"a"}}"#), "structure", "");
    }
    none(r#"{"id":"a","resourceType":"Patient"}"#);
}

#[test]
fn unknown_elements_are_named() {
    one(r#"{"resourceType":"Patient","nam":[]}"#, "structure", "Patient.nam");
    one(r#"{"resourceType":"Patient","name":[{"familyName":"A"}]}"#, "structure", "Patient.name[0].familyName");
    one(r#"{"resourceType":"Patient","resourceType2":1}"#, "structure", "Patient.resourceType2");
    one(
        r#"{"resourceType":"Patient","name":[{"resourceType":"A","text":"a"}]}"#,
        "structure",
        "Patient.name[0].resourceType",
    );
    one(r#"{"resourceType":"Patient","fhir_comments":["a"]}"#, "structure", "Patient.fhir_comments");
    one(r#"{"resourceType":"Patient","_name":[{"id":"a"}]}"#, "structure", "Patient._name");
    one(r#"{"resourceType":"Patient","__birthDate":{"id":"a"}}"#, "structure", "Patient.__birthDate");
    one(r#"{"resourceType":"Patient","deceased":true}"#, "structure", "Patient.deceased");
    one(r#"{"resourceType":"Patient","deceasedString":"a"}"#, "structure", "Patient.deceasedString");
    one(r#"{"resourceType":"Patient","meta":{"accounts":[]}}"#, "structure", "Patient.meta.accounts");
}

#[test]
fn a_name_that_may_hold_anything_is_not_repeated() {
    let found = check(&json(r#"{"resourceType":"Patient","Meyer, Anna 1970-01-01":1}"#), &Limits::default());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].expression, "Patient");
    assert!(!format!("{found:?}").contains("Meyer"));
}

#[test]
fn cardinality_holds_at_both_ends() {
    one(r#"{"resourceType":"Observation","status":"final"}"#, "required", "Observation.code");
    one(r#"{"resourceType":"Patient","link":[{"type":"seealso"}]}"#, "required", "Patient.link[0].other");
    one(r#"{"resourceType":"Patient","extension":[{"valueBoolean":true}]}"#, "required", "Patient.extension[0].url");
    one(r#"{"resourceType":"Patient","name":{"family":"A"}}"#, "structure", "Patient.name");
    one(r#"{"resourceType":"Patient","gender":["male"]}"#, "structure", "Patient.gender");
    one(r#"{"resourceType":"Patient","maritalStatus":[{"text":"a"}]}"#, "structure", "Patient.maritalStatus");
    one(r#"{"resourceType":"Patient","name":[{"given":"A"}]}"#, "structure", "Patient.name[0].given");
    // A required choice, and a required element that has only an extension.
    let dar =
        r#"{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}"#;
    one(
        r#"{"resourceType":"MedicationStatement","status":"active","subject":{"display":"a"}}"#,
        "required",
        "MedicationStatement.medication",
    );
    none(&format!(r#"{{"resourceType":"Observation","_status":{dar},"code":{{"text":"a"}}}}"#));
}

#[test]
fn nothing_is_empty_or_null() {
    one(r#"{"resourceType":"Patient","name":[]}"#, "structure", "Patient.name");
    one(r#"{"resourceType":"Patient","name":[{}]}"#, "structure", "Patient.name[0]");
    one(r#"{"resourceType":"Patient","name":[null]}"#, "structure", "Patient.name[0]");
    one(r#"{"resourceType":"Patient","name":null}"#, "structure", "Patient.name");
    one(r#"{"resourceType":"Patient","maritalStatus":null}"#, "structure", "Patient.maritalStatus");
    one(r#"{"resourceType":"Patient","birthDate":null}"#, "structure", "Patient.birthDate");
    one(r#"{"resourceType":"Patient","language":""}"#, "structure", "Patient.language");
    one(r#"{"resourceType":"Patient","meta":{}}"#, "structure", "Patient.meta");
    one(r#"{"resourceType":"Patient","_birthDate":{}}"#, "structure", "Patient.birthDate");
    one(r#"{"resourceType":"Patient","_birthDate":null}"#, "structure", "Patient.birthDate");
    one(r#"{"resourceType":"Patient","name":["A"]}"#, "structure", "Patient.name[0]");
    one(r#"{"resourceType":"Patient","birthDate":{"value":"2000"}}"#, "structure", "Patient.birthDate");
}

#[test]
fn extensions_of_primitives_line_up_with_their_values() {
    let name = |members: &str| format!(r#"{{"resourceType":"Patient","name":[{{{members}}}]}}"#);
    none(&name(r#""given":["A","B"],"_given":[null,{"id":"a"}]"#));
    none(&name(r#""given":["A",null],"_given":[null,{"id":"a"}]"#));
    none(&name(r#""given":[null],"_given":[{"id":"a"}]"#));
    none(&name(r#""_given":[{"id":"a"}]"#));
    none(&name(r#""_family":{"id":"a"}"#));
    none(&name(r#""_family":{"id":"a"},"family":"A""#));
    let given = "Patient.name[0].given";
    one(&name(r#""given":["A","B"],"_given":[{"id":"a"}]"#), "structure", given);
    one(&name(r#""given":["A",null],"_given":[{"id":"a"},null]"#), "structure", &format!("{given}[1]"));
    one(&name(r#""given":["A",null]"#), "structure", &format!("{given}[1]"));
    one(&name(r#""given":["A"],"_given":{"id":"a"}"#), "structure", given);
    one(&name(r#""given":["A"],"_given":[]"#), "structure", given);
    one(&name(r#""family":"A","_family":[{"id":"a"}]"#), "structure", "Patient.name[0].family");
    one(&name(r#""family":"A","_family":"a""#), "structure", "Patient.name[0].family");
    one(&name(r#""family":"A","_family":{"value":"a"}"#), "structure", "Patient.name[0].family.value");
    one(
        &name(r#""family":"A","_family":{"extension":[{"url":"a b"}]}"#),
        "value",
        "Patient.name[0].family.extension[0].url",
    );
    one(&name(r#""text":"A","_id":{"id":"a"}"#), "structure", "Patient.name[0]._id");
    one(
        r#"{"resourceType":"Patient","extension":[{"url":"a","_url":{"id":"a"}}]}"#,
        "structure",
        "Patient.extension[0]._url",
    );
}

#[test]
fn a_choice_is_made_once() {
    let start = r#"{"resourceType":"Observation","status":"final","code":{"text":"a"}"#;
    one(&format!(r#"{start},"valueString":"a","valueBoolean":true}}"#), "structure", "Observation.value");
    one(&format!(r#"{start},"valueString":"a","_valueBoolean":{{"id":"a"}}}}"#), "structure", "Observation.value");
    none(&format!(r#"{start},"valueString":"a","_valueString":{{"id":"a"}}}}"#));
    one(
        &format!(r#"{start},"valueQuantity":{{"value":"1"}}}}"#),
        "structure",
        "Observation.value.ofType(Quantity).value",
    );
}

#[test]
fn resources_within_resources_are_looked_at() {
    one(
        r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","nam":1}}]}"#,
        "structure",
        "Bundle.entry[0].resource.nam",
    );
    one(
        r#"{"resourceType":"Parameters","parameter":[{"name":"a","resource":{"resourceType":"Patient","gender":"x"}}]}"#,
        "code-invalid",
        "Parameters.parameter[0].resource.gender",
    );
    one(
        r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"id":"a"}}]}"#,
        "required",
        "Bundle.entry[0].resource",
    );
    one(
        r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":"a"}]}"#,
        "structure",
        "Bundle.entry[0].resource",
    );
    // What a bundle holds is not contained: each entry stands for itself.
    none(
        r##"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient",
        "contained":[{"resourceType":"Organization","id":"o","name":"O"}],"managingOrganization":{"reference":"#o"}}}]}"##,
    );
}

#[test]
fn depth_and_number_of_issues_have_limits() {
    let mut nested = r#"{"url":"a","valueBoolean":true}"#.to_owned();
    for _ in 0..15 {
        nested = format!(r#"{{"url":"a","extension":[{nested}]}}"#);
    }
    let text = format!(r#"{{"resourceType":"Patient","extension":[{nested}]}}"#);
    none(&text);
    let limits = Limits { depth: 10, ..Limits::default() };
    let found = check(&json(&text), &limits);
    assert_eq!(found.iter().map(|issue| issue.code).collect::<Vec<_>>(), [IssueCode::TooLong]);

    let many: Vec<String> = (0..50).map(|index| format!(r#""a{index}":1"#)).collect();
    let limits = Limits { issues: 10, ..Limits::default() };
    let found = check(&json(&format!(r#"{{"resourceType":"Patient",{}}}"#, many.join(","))), &limits);
    assert_eq!(found.len(), 11);
    assert_eq!(found[10].diagnostics, "and 40 more issues");
}
