use proptest::prelude::*;

use crate::fhir::fhirpath::{Expression, Item};
use crate::fhir::structure::tests::{examples, json, put};

use super::*;
use Severity::{Error, Warning};

/// The keys that a resource breaks, with their places.
fn broken(text: &str) -> Vec<(String, String)> {
    named(&check(&json(text), &Limits::default()), Issue::is_error)
}

fn named(issues: &[Issue], take: impl Fn(&Issue) -> bool) -> Vec<(String, String)> {
    let key = |issue: &Issue| match issue.diagnostics.rsplit_once('(') {
        Some((_, key)) => key.trim_end_matches(')').to_owned(),
        None => issue.diagnostics.clone().into_owned(),
    };
    issues.iter().filter(|issue| take(issue)).map(|issue| (key(issue), issue.expression.clone())).collect()
}

#[track_caller]
fn breaks(text: &str, key: &str, at: &str) {
    assert_eq!(broken(text), [(key.to_owned(), at.to_owned())], "{text}");
}

#[track_caller]
fn keeps(text: &str) {
    assert_eq!(broken(text), [], "{text}");
}

#[test]
fn rules_of_data_types_are_run_where_they_are_used() {
    let patient = |members: &str| format!(r#"{{"resourceType": "Patient", {members}}}"#);
    breaks(
        &patient(r#""name": [{"family": "A"}, {"period": {"start": "2024-05-02", "end": "2024-05-01"}}]"#),
        "per-1",
        "Patient.name[1].period",
    );
    keeps(&patient(r#""name": [{"period": {"start": "2024", "end": "2024-05-01"}}, {"period": {"end": "2024"}}]"#));
    breaks(&patient(r#""telecom": [{"value": "1"}]"#), "cpt-2", "Patient.telecom[0]");
    breaks(&patient(r#""contact": [{"gender": "male"}]"#), "pat-1", "Patient.contact[0]");
    breaks(&patient(r#""photo": [{"data": "YQ=="}]"#), "att-1", "Patient.photo[0]");
}

#[test]
fn choices_and_single_elements_have_their_rules() {
    breaks(
        r#"{"resourceType": "Observation", "status": "final", "code": {"text": "x"},
            "valueQuantity": {"value": 1, "code": "mg"}}"#,
        "qty-3",
        "Observation.value.ofType(Quantity)",
    );
    breaks(
        r#"{"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "valueString": "a",
            "dataAbsentReason": {"text": "unknown"}}"#,
        "obs-6",
        "Observation",
    );
    breaks(
        r#"{"resourceType": "Organization", "name": "x", "telecom": [{"use": "work"}, {"use": "home"}]}"#,
        "org-3",
        "Organization.telecom[1]",
    );
    breaks(r#"{"resourceType": "Organization", "active": true}"#, "org-1", "Organization");
}

#[test]
fn elements_need_content_and_extensions_one_kind_of_it() {
    breaks(r#"{"resourceType": "Patient", "name": [{"id": "a"}]}"#, "ele-1", "Patient.name[0]");
    breaks(r#"{"resourceType": "Patient", "_gender": {"id": "a"}}"#, "ele-1", "Patient.gender");
    keeps(r#"{"resourceType": "Patient", "_gender": {"extension": [{"url": "u", "valueCode": "a"}]}}"#);
    breaks(
        r#"{"resourceType": "Patient", "_gender": {"extension": [{"url": "u"}]}}"#,
        "ext-1",
        "Patient.gender.extension[0]",
    );
    breaks(
        r#"{"resourceType": "Patient", "extension": [{"url": "u", "valueCode": "a", "extension": [
            {"url": "v", "_valueCode": {"extension": [{"url": "w", "valueBoolean": true}]}}]}]}"#,
        "ext-1",
        "Patient.extension[0]",
    );
}

#[test]
fn rules_see_their_own_resource() {
    breaks(
        r#"{"resourceType": "Bundle", "type": "collection", "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "contained": [
                {"resourceType": "Observation", "id": "o", "status": "final",
                 "code": {"coding": [{"code": "a"}]}, "valueString": "x",
                 "component": [{"code": {"coding": [{"code": "a"}]}}]}]}}]}"#,
        "obs-7",
        "Bundle.entry[0].resource.contained[0]",
    );
    breaks(
        r#"{"resourceType": "Bundle", "type": "document", "identifier": {"system": "s", "value": "v"},
            "timestamp": "2024-01-01T00:00:00Z", "entry": [{"resource": {"resourceType": "Patient"}}]}"#,
        "bdl-11",
        "Bundle",
    );
    breaks(
        r#"{"resourceType": "Parameters", "parameter": [{"name": "a", "resource": {
            "resourceType": "Bundle", "type": "batch", "entry": [{"resource": {"resourceType": "Patient"}}]}}]}"#,
        "bdl-3",
        "Parameters.parameter[0].resource",
    );
}

#[test]
fn advice_is_a_warning() {
    let found = check(&json(r#"{"resourceType": "Patient", "active": true}"#), &Limits::default());
    assert_eq!(named(&found, |issue| !issue.is_error()), [("dom-6".to_owned(), "Patient".to_owned())]);
    let library = json(
        r#"{"resourceType": "Library", "name": "not a name", "status": "draft", "type": {"text": "x"},
            "text": {"status": "empty", "div": "<div>x</div>"}}"#,
    );
    let found = check(&library, &Limits::default());
    assert_eq!(named(&found, |issue| !issue.is_error()), [("lib-0".to_owned(), "Library".to_owned())]);
}

/// The examples that break a rule, and why.
const BREAKS: [(&str, &[&str]); 1] = [
    // One code twice; the project broke it on purpose.
    ("codesystem-example.json", &["csd-1"]),
];

#[test]
fn the_examples_of_the_fhir_project_keep_the_rules() {
    let mut wrong = Vec::new();
    for (name, resource) in examples() {
        let found = check(&resource, &Limits::default());
        let keys = named(&found, |issue| issue.is_error() || issue.diagnostics.starts_with("the rule"));
        let expected = BREAKS.iter().find(|(file, _)| *file == name).map_or(&[][..], |(_, keys)| keys);
        if !keys.iter().map(|(key, _)| key.as_str()).eq(expected.iter().copied()) {
            wrong.push((name, keys));
        }
    }
    assert_eq!(wrong, []);
}

#[test]
fn synthetic_patients_keep_the_rules() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/fhir/search/synthea.ndjson");
    let text = std::fs::read_to_string(path).expect("readable");
    let mut wrong = Vec::new();
    for (line, text) in text.lines().enumerate() {
        let found = check(&json(text), &Limits::default());
        let keys = named(&found, |issue| issue.is_error() || issue.diagnostics.starts_with("the rule"));
        wrong.extend((!keys.is_empty()).then_some((line, keys)));
    }
    assert_eq!(wrong, []);
}

/// Every element of a resource, asked by the expression and by the function.
fn agree(resource: &Json) {
    let rule = |text: &str| Expression::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let budget = Budget::default();
    let environment = Environment::of(resource);
    let ask = |rule: &Expression, node| rule.is_true(node, &environment, &mut budget.clone()) == Ok(Some(true));
    let (ele_1, ext_1) =
        (rule("hasValue() or (children().count() > id.count())"), rule("extension.exists() != value.exists()"));
    let root = Node::resource(resource);
    if let Some(object) = resource.as_object() {
        assert_eq!(ask(&rule("text.`div`.exists()"), root), has_narrative(object));
    }
    let all = rule("descendants()");
    for item in all.evaluate(root, &environment, &budget).expect("descends") {
        let Item::Node(node) = item else { continue };
        let (Some(def), Some(Json::Object(object))) = (node.def(), node.json()) else { continue };
        if def.class == Class::Complex {
            assert_eq!(ask(&ele_1, node), has_content(object), "{object:?}");
        }
        if def.name == "Extension" {
            assert_eq!(ask(&ext_1, node), is_sound_extension(object), "{object:?}");
        }
    }
}

#[test]
fn what_is_written_in_rust_is_what_the_expressions_say() {
    for (_, resource) in examples() {
        agree(&resource);
    }
    for text in [
        r#"{"resourceType": "Patient", "name": [{"id": "a"}, {"id": "a", "family": "b"}], "text": {"status": "empty"}}"#,
        r#"{"resourceType": "Patient", "extension": [{"url": "u"}, {"url": "u", "valueCode": "a"},
            {"url": "u", "_valueCode": {"extension": [{"url": "v", "valueString": "b"}]}},
            {"url": "u", "extension": [{"url": "v", "valueString": "b"}], "valueString": "c"}]}"#,
    ] {
        agree(&json(text));
    }
}

#[test]
fn work_has_an_end() {
    // obs-7 compares every code of every component with every code of the whole.
    let exhausted = |size: usize| {
        let coding = |index: usize| format!(r#"{{"system": "s", "code": "{index}"}}"#);
        let component = |index: usize| format!(r#"{{"code": {{"coding": [{}]}}}}"#, coding(index + size));
        let list = |item: &dyn Fn(usize) -> String| (0..size).map(item).collect::<Vec<_>>().join(",");
        let observation = format!(
            r#"{{"resourceType": "Observation", "status": "final", "code": {{"coding": [{}]}}, "valueString": "x",
                "component": [{}]}}"#,
            list(&coding),
            list(&component)
        );
        let limits = Limits { issues: 10_000, ..Limits::default() };
        check(&json(&observation), &limits).iter().filter(|issue| issue.code == IssueCode::TooLong).count()
    };
    assert_eq!(exhausted(100), 0);
    assert_eq!(exhausted(2000), 1);
}

#[test]
fn errors_take_the_room_of_warnings() {
    let advised = r#"{"name": "a", "resource": {"resourceType": "Patient", "active": true}}"#;
    let wrong = r#"{"name": "a", "resource": {"resourceType": "Patient", "telecom": [{"value": "1"}]}}"#;
    let found = |parameters: &[&str]| {
        let text = format!(r#"{{"resourceType": "Parameters", "parameter": [{}]}}"#, parameters.join(","));
        let found = check(&json(&text), &Limits { issues: 3, ..Limits::default() });
        let severities: Vec<Severity> = found.iter().map(|issue| issue.severity).collect();
        (severities, found.last().map(|issue| issue.diagnostics.clone().into_owned()))
    };

    let more = |count: usize| Some(format!("and {count} more issues"));
    assert_eq!(found(&[advised; 5]), (vec![Warning, Warning, Warning, Warning], more(2)));
    assert_eq!(found(&[advised, advised, advised, wrong]), (vec![Warning, Warning, Error, Warning], more(2)));
    assert_eq!(found(&[wrong; 4]), (vec![Error, Error, Error, Error], more(5)));
}

#[test]
fn contained_resources_need_no_narrative() {
    let found = check(
        &json(
            r##"{"resourceType": "Patient", "text": {"status": "empty", "div": "<div>x</div>"}, "contained": [
                {"resourceType": "Organization", "id": "o", "name": "x"}], "managingOrganization": {"reference": "#o"}}"##,
        ),
        &Limits::default(),
    );
    assert_eq!(found, []);
}

fn any_value() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        Just(Json::Array(Vec::new())),
        Just(Json::Object(Object::new())),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::integer),
        "\\PC{0,12}".prop_map(Json::string),
        "[0-9]{4}(-[0-9]{2}){0,2}".prop_map(Json::string),
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
        prop_assert!(check(&resource, &Limits::default()).len() <= Limits::default().issues + 1);
    }
}
