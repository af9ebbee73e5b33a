use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::fhir::search::{IndexValue, extract_with};

/// The values of one parameter, shown short.
fn shown(resource: &str, code: &str) -> Vec<String> {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let version = |version: &Option<String>| version.as_ref().map(|one| format!("@{one}")).unwrap_or_default();
    extract(&json(resource))
        .into_iter()
        .filter(|entry| entry.definition.code == code)
        .map(|entry| match &entry.value {
            IndexValue::Token { system, code } => format!("{}|{code}", or_empty(system)),
            IndexValue::TokenText(text) => format!("text {text}"),
            IndexValue::OfType { system, code, value } => format!("type {}|{code}|{value}", or_empty(system)),
            IndexValue::String { folded, exact } => format!("{folded}/{exact}"),
            IndexValue::Reference { resource_type, id, version: one } => {
                format!("{resource_type}/{id}{}", version(one))
            }
            IndexValue::Url { url, version: one } => format!("{url}{}", version(one)),
            IndexValue::Identifier { system, value } => format!("identifier {}|{value}", or_empty(system)),
            IndexValue::Date { from, until } => format!("{from}..{until}"),
            IndexValue::Number { low, high } => format!("{low}..{high}"),
            IndexValue::Quantity { low, high, system, code, unit } => {
                format!("{low}..{high} {}|{}|{}", or_empty(system), or_empty(code), or_empty(unit))
            }
            IndexValue::Uri(uri) => uri.clone(),
            other @ IndexValue::Composite(_) => format!("{other:?}"),
        })
        .collect()
}

#[test]
fn tokens_are_read_from_every_type_that_has_them() {
    let patient = r#"{"resourceType":"Patient","active":true,"gender":"female",
        "identifier":[{"type":{"coding":[{"system":"v2","code":"MR"}],"text":"Médical Record"},"system":"s","value":"1"},
            {"value":"2"},{"system":"s"}],
        "maritalStatus":{"text":"x"},"telecom":[{"system":"phone","value":"555","use":"home"},{"system":"email","value":"a@b"}],
        "communication":[{"language":{"coding":[{"code":"fr"},{"code":"fr"},{"display":"French"}],"text":"Français"}}]}"#;
    assert_eq!(shown(patient, "active"), ["|true"]);
    assert_eq!(shown(patient, "gender"), ["|female"]);
    assert_eq!(shown(patient, "identifier"), ["|2", "s|1", "text medical record", "type v2|MR|1"]);
    assert_eq!(shown(patient, "telecom"), ["email|a@b", "home|555", "phone|555"]);
    assert_eq!(shown(patient, "email"), ["email|a@b"]);
    assert_eq!(shown(patient, "language"), ["|fr", "text francais", "text french"]);
    assert_eq!(shown(patient, "deceased"), ["|false"]);
    assert_eq!(shown(r#"{"resourceType":"Patient","deceasedDateTime":"2020"}"#, "deceased"), ["|true"]);
}

#[test]
fn us_core_parameters_read_extensions() {
    let patient = r#"{"resourceType":"Patient","extension":[
        {"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race","extension":[
            {"url":"ombCategory","valueCoding":{"system":"urn:oid:2.16.840.1.113883.6.238","code":"2106-3"}},
            {"url":"text","valueString":"White"}]}]}"#;
    assert_eq!(shown(patient, "race"), ["urn:oid:2.16.840.1.113883.6.238|2106-3"]);
    let condition = r#"{"resourceType":"Condition","extension":[
        {"url":"http://hl7.org/fhir/StructureDefinition/condition-assertedDate","valueDateTime":"1970-01-01"}]}"#;
    assert_eq!(shown(condition, "asserted-date"), ["0..86400000000"]);
}

#[test]
fn names_and_addresses_give_each_of_their_parts() {
    let patient = r#"{"resourceType":"Patient","name":[{"use":"official","text":"Dr. Zoë  Ng","family":"Ng","given":["Zoë"],
        "prefix":["Dr."],"period":{"start":"2000"}}],"address":[{"line":["1 High St"],"city":"Łódź","postalCode":"90-001"}]}"#;
    assert_eq!(shown(patient, "name"), ["dr./Dr.", "dr. zoe ng/Dr. Zoë  Ng", "ng/Ng", "zoe/Zoë"]);
    assert_eq!(shown(patient, "address"), ["1 high st/1 High St", "90-001/90-001", "lodz/Łódź"]);
    assert_eq!(shown(patient, "address-city"), ["lodz/Łódź"]);
    assert_eq!(shown(patient, "phonetic"), [""; 0]);
}

#[test]
fn references_are_told_apart() {
    let report = r##"{"resourceType":"DiagnosticReport","contained":[{"resourceType":"Patient","id":"p"}],
        "subject":{"reference":"Patient/1/_history/3","identifier":{"system":"s","value":"4711"}},
        "performer":[{"reference":"#p"},{"reference":"https://gateway.example/fhir/Organization/2"},
            {"reference":"https://other.example/Organization/3/_history/9"},{"reference":"urn:uuid:7"},{"display":"x"}]}"##;
    assert_eq!(shown(report, "patient"), ["Patient/1@3", "identifier s|4711"]);
    assert_eq!(
        shown(report, "performer"),
        ["https://gateway.example/fhir/Organization/2", "https://other.example/Organization/3@9", "urn:uuid:7"]
    );
    let report = json(report);
    let local = extract_with(Registry::r4(), Some("https://gateway.example/fhir/"), &report);
    let organization = IndexValue::Reference { resource_type: "Organization".into(), id: "2".into(), version: None };
    assert!(local.iter().any(|entry| entry.definition.code == "performer" && entry.value == organization));
    let response = r#"{"resourceType":"QuestionnaireResponse","questionnaire":"http://a.example/Questionnaire/x|1.0"}"#;
    assert_eq!(shown(response, "questionnaire"), ["http://a.example/Questionnaire/x@1.0"]);
    let bundle =
        r#"{"resourceType":"Bundle","type":"document","entry":[{"resource":{"resourceType":"Composition","id":"c"}}]}"#;
    assert_eq!(shown(bundle, "composition"), ["Composition/c"]);
}

#[test]
fn dates_periods_and_timings_are_ranges() {
    let open = r#"{"resourceType":"Encounter","period":{"start":"1970-01-01"}}"#;
    assert_eq!(shown(open, "date"), [format!("0..{}", i64::MAX)]);
    let ended = r#"{"resourceType":"Encounter","period":{"end":"1970-01-01"}}"#;
    assert_eq!(shown(ended, "date"), [format!("{}..86400000000", i64::MIN)]);
    assert_eq!(shown(r#"{"resourceType":"Encounter","period":{}}"#, "date"), [""; 0]);
    let timing = r#"{"resourceType":"Observation","effectiveTiming":{"event":["1970-01-03","1970-01-01"],
        "repeat":{"boundsPeriod":{"start":"1970-01-02","end":"1970-01-02"}}}}"#;
    assert_eq!(shown(timing, "date"), ["0..259200000000"]);
    let midnight = r#"{"resourceType":"Observation","effectiveDateTime":"1970-01-01T00:00:00Z"}"#;
    assert_eq!(shown(midnight, "date"), ["0..1000000"]);
    assert_eq!(shown(r#"{"resourceType":"Procedure","performedString":"long ago"}"#, "date"), [""; 0]);
}

#[test]
fn quantities_keep_their_unit_and_their_comparator() {
    let value = |quantity: &str| {
        shown(&format!(r#"{{"resourceType":"Observation","valueQuantity":{quantity}}}"#), "value-quantity")
    };
    assert_eq!(value(r#"{"value":5.40,"unit":"mg","system":"ucum","code":"mg"}"#), ["5.4..5.4 ucum|mg|mg"]);
    assert_eq!(value(r#"{"value":5,"comparator":">="}"#), ["5..inf ||"]);
    assert_eq!(value(r#"{"unit":"mg"}"#), [""; 0]);
    assert_eq!(value(r#"{"value":1e400}"#).len(), 1);
    let range = r#"{"resourceType":"Condition","onsetRange":{"low":{"value":5,"unit":"a"}}}"#;
    assert_eq!(shown(range, "onset-age"), ["5..inf ||a"]);
    let invoice = r#"{"resourceType":"Invoice","totalNet":{"value":12.50,"currency":"EUR"}}"#;
    assert_eq!(shown(invoice, "totalnet"), ["12.5..12.5 urn:iso:std:iso:4217|EUR|"]);
    let risk = r#"{"resourceType":"RiskAssessment","prediction":[{"probabilityDecimal":0.5},
        {"probabilityRange":{"high":{"value":0.9}}}]}"#;
    assert_eq!(shown(risk, "probability"), ["-inf..0.9", "0.5..0.5"]);
}

#[test]
fn canonicals_are_uris_with_and_without_version() {
    let patient = r#"{"resourceType":"Patient","id":"1","meta":{"profile":["http://a.example/p|6.1.0"],"source":"urn:x",
        "lastUpdated":"1970-01-01T00:00:00.500Z","tag":[{"system":"t","code":"c"}]}}"#;
    assert_eq!(shown(patient, "_profile"), ["http://a.example/p", "http://a.example/p|6.1.0"]);
    assert_eq!(shown(patient, "_source"), ["urn:x"]);
    assert_eq!(shown(patient, "_id"), ["|1"]);
    assert_eq!(shown(patient, "_tag"), ["t|c"]);
    assert_eq!(shown(patient, "_lastUpdated"), ["500000..501000"]);
}

#[test]
fn composites_hold_what_one_element_has() {
    let observation = r#"{"resourceType":"Observation","code":{"coding":[{"code":"bp"}]},"component":[
        {"code":{"coding":[{"code":"sys"},{"code":"sys2"}]},"valueQuantity":{"value":140}},
        {"code":{"coding":[{"code":"dia"}]},"valueQuantity":{"value":80}},{"code":{"coding":[{"code":"none"}]}}]}"#;
    let entries = extract(&json(observation));
    let count = |code: &str| entries.iter().filter(|entry| entry.definition.code == code).count();
    assert_eq!(count("component-code-value-quantity"), 2);
    assert_eq!(count("combo-code-value-quantity"), 2);
    assert_eq!(count("code-value-quantity"), 0);
    let sequence = r#"{"resourceType":"MolecularSequence","coordinateSystem":0,
        "referenceSeq":{"chromosome":{"coding":[{"code":"1"}]}},"variant":[{"start":10,"end":20},{"start":30}]}"#;
    let entries = extract(&json(sequence));
    assert_eq!(entries.iter().filter(|entry| entry.definition.code == "chromosome-variant-coordinate").count(), 1);
}

fn any_resource() -> impl Strategy<Value = Json> {
    let names = "resourceType|identifier|value|valueQuantity|effectiveDateTime|period|start|subject|reference|coding|code|name|text|system|component|event|low";
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        "-?[0-9]{1,5}(\\.[0-9]{1,3})?(e[0-9]{1,3})?".prop_map(|text| Json::Number(text.into())),
        "Patient/1|#a|2024-05|https://a/Patient/1|[a-zß|]{0,5}".prop_map(Json::String),
    ];
    let value = leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            prop::collection::vec((names, inner), 0..6).prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    });
    (
        prop::sample::select(vec!["Observation", "Patient", "Bundle", "DiagnosticReport"]),
        prop::collection::vec((names, value), 0..8),
    )
        .prop_map(|(resource_type, members)| {
            let mut object: crate::fhir::Object = members.into_iter().collect();
            object.set("resourceType", Json::string(resource_type));
            Json::Object(object)
        })
}

proptest! {
    #[test]
    fn entries_of_any_document_come_once_and_in_order(resource in any_resource()) {
        let entries = extract(&resource);
        let mut seen = BTreeSet::new();
        for entry in &entries {
            let shown = format!("{} {:?}", entry.definition.code, entry.value);
            prop_assert!(seen.insert(shown));
        }
        prop_assert!(entries.windows(2).all(|two| two[0].definition.code <= two[1].definition.code));
        prop_assert_eq!(extract(&resource), entries);
    }
}
