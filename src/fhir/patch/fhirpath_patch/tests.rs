use proptest::prelude::*;

use crate::fhir::JsonLimits;
use crate::fhir::patch::PatchFaultClass;
use crate::fhir::structure;

use super::*;

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes(), &JsonLimits::default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A patch with one operation, of parts given as `name` and what stands behind it in JSON.
fn patch(parts: &[(&str, &str)]) -> Json {
    let parts: Vec<String> = parts.iter().map(|(name, value)| format!(r#"{{"name":"{name}",{value}}}"#)).collect();
    json(&format!(
        r#"{{"resourceType":"Parameters","parameter":[{{"name":"operation","part":[{}]}}]}}"#,
        parts.join(",")
    ))
}

fn kind(name: &str) -> String {
    format!(r#""valueCode":"{name}""#)
}

fn text(value: &str) -> String {
    format!(r#""valueString":"{value}""#)
}

fn run(resource: &str, parts: &[(&str, &str)]) -> Result<String, PatchFault> {
    apply(&json(resource), &patch(parts), &PatchLimits::default())
        .map(|result| result.to_text())
        .map_err(|error| error.fault)
}

fn add(resource: &str, path: &str, name: &str, value: &str) -> Result<String, PatchFault> {
    run(resource, &[("type", &kind("add")), ("path", &text(path)), ("name", &text(name)), ("value", value)])
}

fn replace(resource: &str, path: &str, value: &str) -> Result<String, PatchFault> {
    run(resource, &[("type", &kind("replace")), ("path", &text(path)), ("value", value)])
}

fn delete(resource: &str, path: &str) -> Result<String, PatchFault> {
    run(resource, &[("type", &kind("delete")), ("path", &text(path))])
}

fn insert(resource: &str, path: &str, index: &str, value: &str) -> Result<String, PatchFault> {
    let index = format!(r#""valueInteger":{index}"#);
    run(resource, &[("type", &kind("insert")), ("path", &text(path)), ("index", &index), ("value", value)])
}

fn shift(resource: &str, path: &str, source: usize, destination: usize) -> Result<String, PatchFault> {
    let number = |value: usize| format!(r#""valueInteger":{value}"#);
    run(
        resource,
        &[
            ("type", &kind("move")),
            ("path", &text(path)),
            ("source", &number(source)),
            ("destination", &number(destination)),
        ],
    )
}

#[expect(clippy::unnecessary_wraps, reason = "compared with what an operation gives")]
fn is(text: &str) -> Result<String, PatchFault> {
    Ok(text.to_owned())
}

#[test]
fn the_cases_of_the_fhir_project_hold() {
    let cases = json(include_str!("../../../../fixtures/fhir/patch/fhir-patch-tests.json"));
    assert_eq!(cases.as_array().map(<[Json]>::len), Some(33));
    for case in cases.as_array().expect("a list") {
        let name = case.get("name").and_then(Json::as_str).expect("a name");
        let result =
            apply(case.get("input").expect("a resource"), case.get("diff").expect("a patch"), &PatchLimits::default());
        match case.get("output") {
            Some(output) => {
                let result = result.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!(result.to_canonical(), output.to_canonical(), "{name}");
                assert_eq!(structure::check(&result, &structure::Limits::default()), [], "{name}");
            }
            None => {
                assert!(
                    result.is_err_and(|error| error.class() == PatchFaultClass::Unprocessable),
                    "{name} is to fail"
                );
            }
        }
    }
}

#[test]
fn choices_go_by_their_name_without_type() {
    let observation = r#"{"resourceType":"Observation","valueQuantity":{"value":1.50},"status":"final"}"#;
    assert_eq!(
        replace(observation, "Observation.value", r#""valueString":"a""#),
        is(r#"{"resourceType":"Observation","valueString":"a","status":"final"}"#)
    );
    assert_eq!(
        replace(observation, "Observation.value.value", r#""valueDecimal":1.60"#),
        is(r#"{"resourceType":"Observation","valueQuantity":{"value":1.60},"status":"final"}"#)
    );
    assert_eq!(
        delete(observation, "Observation.value.ofType(Quantity)"),
        is(r#"{"resourceType":"Observation","status":"final"}"#)
    );
    assert_eq!(delete(observation, "Observation.value.ofType(string)"), is(observation));
    assert_eq!(add(observation, "Observation", "value", r#""valueBoolean":true"#), Err(PatchFault::Exists));
    assert_eq!(add(observation, "Observation", "valueString", r#""valueString":"a""#), Err(PatchFault::NoSuchElement));
    assert_eq!(replace(observation, "Observation.value", r#""valueUri":"a""#), Err(PatchFault::ValueType));
    assert_eq!(
        add(observation, "Observation", "effective", r#""valueDateTime":"2024","_valueDateTime":{"id":"e"}"#),
        is(
            r#"{"resourceType":"Observation","valueQuantity":{"value":1.50},"status":"final","_effectiveDateTime":{"id":"e"},"effectiveDateTime":"2024"}"#
        )
    );
    let extended = r#"{"resourceType":"Patient","extension":[{"url":"http://a","valueCode":"x"},{"url":"http://b","valueCode":"y"}]}"#;
    assert_eq!(
        replace(extended, "Patient.extension('http://b').value", r#""valueBoolean":true"#),
        is(&extended.replace(r#""valueCode":"y""#, r#""valueBoolean":true"#))
    );
}

#[test]
fn paths_pick_by_place_and_by_content() {
    let patient = r#"{"resourceType":"Patient","identifier":[{"system":"a","value":"1"},{"system":"b","value":"2"},{"system":"b","value":"3"}],"name":[{"given":["A","B"]},{"given":["C"]}]}"#;
    let changed = |from: &str, to: &str| is(&patient.replace(from, to));
    for (path, from) in [
        ("Patient.identifier[1].value", "\"2\""),
        ("Patient.identifier.first().value", "\"1\""),
        ("Patient.identifier.last().value", "\"3\""),
        ("Patient.identifier.where(system = 'a').value", "\"1\""),
        ("Patient.identifier.where(system = 'b')[1].value", "\"3\""),
        ("Patient.identifier.where(system = 'b' and value = '2').value", "\"2\""),
        ("Patient.name.given[2]", "\"C\""),
        ("Patient.name[0].given.where($this = 'B')", "\"B\""),
        ("Patient.name.where(given = 'C').given", "\"C\""),
    ] {
        assert_eq!(replace(patient, path, r#""valueString":"new""#), changed(from, "\"new\""), "{path}");
    }
    for (path, fault) in [
        ("Patient.identifier.where(system = 'b').value", PatchFault::Ambiguous),
        ("Patient.identifier.where(system = 'c').value", PatchFault::NotThere),
        ("Patient.identifier[7].value", PatchFault::NotThere),
        ("Patient.birthDate", PatchFault::NotThere),
        ("Person.name", PatchFault::NotThere),
        ("Patient.nam", PatchFault::NoSuchElement),
        ("Patient.identifier.where(sys = 'b').value", PatchFault::NoSuchElement),
        ("Patient", PatchFault::WrongKind),
    ] {
        assert_eq!(replace(patient, path, r#""valueString":"new""#), Err(fault), "{path}");
    }
    assert_eq!(delete(patient, "Patient.identifier"), Err(PatchFault::Ambiguous));
    assert_eq!(delete(patient, "Patient.identifier.where(system = 'c')"), is(patient));
    assert_eq!(delete(patient, "Patient"), Err(PatchFault::WrongKind));
}

#[test]
fn primitives_keep_in_line_with_their_extensions() {
    let given = |members: &str| format!(r#"{{"resourceType":"Patient","name":[{{{members}}}]}}"#);
    let both = given(r#""given":["A","B"],"_given":[null,{"id":"b"}]"#);
    let path = "Patient.name[0].given";
    assert_eq!(
        insert(&both, path, "0", &text("N")),
        is(&given(r#""given":["N","A","B"],"_given":[null,null,{"id":"b"}]"#))
    );
    assert_eq!(
        insert(&both, path, "2", &text("N")),
        is(&given(r#""given":["A","B","N"],"_given":[null,{"id":"b"},null]"#))
    );
    assert_eq!(insert(&both, path, "3", &text("N")), Err(PatchFault::Index));
    assert_eq!(shift(&both, path, 1, 0), is(&given(r#""given":["B","A"],"_given":[{"id":"b"},null]"#)));
    assert_eq!(shift(&both, path, 0, 2), Err(PatchFault::Index));
    assert_eq!(delete(&both, "Patient.name[0].given[1]"), is(&given(r#""given":["A"]"#)));
    assert_eq!(delete(&both, "Patient.name[0].given[0]"), is(&given(r#""given":["B"],"_given":[{"id":"b"}]"#)));
    assert_eq!(replace(&both, "Patient.name[0].given[1]", &text("N")), is(&given(r#""given":["A","N"]"#)));
    assert_eq!(delete(&both, "Patient.name[0].given[1].id"), is(&given(r#""given":["A","B"]"#)));
    assert_eq!(
        add(&both, "Patient.name[0]", "given", r#""_valueString":{"id":"c"}"#),
        is(&given(r#""given":["A","B",null],"_given":[null,{"id":"b"},{"id":"c"}]"#))
    );
    assert_eq!(
        add(&both, "Patient.name[0].given[0]", "id", &text("a")),
        is(&given(r#""given":["A","B"],"_given":[{"id":"a"},{"id":"b"}]"#))
    );
}

#[test]
fn extensions_of_primitives_can_be_added_and_taken_away() {
    let plain = r#"{"resourceType":"Patient","birthDate":"1970"}"#;
    let extension = r#""part":[{"name":"url","valueUri":"http://a"},{"name":"value","valueCode":"x"}]"#;
    let with = r#"{"resourceType":"Patient","birthDate":"1970","_birthDate":{"extension":[{"url":"http://a","valueCode":"x"}]}}"#;
    assert_eq!(add(plain, "Patient.birthDate", "extension", extension), is(with));
    assert_eq!(delete(with, "Patient.birthDate.extension('http://a')"), is(plain));
    assert_eq!(delete(with, "Patient.birthDate"), is(r#"{"resourceType":"Patient"}"#));
    assert_eq!(replace(with, "Patient.birthDate", r#""valueDate":"1971""#), is(&plain.replace("1970", "1971")));
}

#[test]
fn values_can_be_sent_in_parts() {
    let patient = r#"{"resourceType":"Patient"}"#;
    assert_eq!(
        add(
            patient,
            "Patient",
            "contact",
            r#""part":[{"name":"name","part":[{"name":"given","valueString":"A"},{"name":"given","valueString":"B"}]},
            {"name":"telecom","valueContactPoint":{"value":"1"}},{"name":"gender","valueCode":"male"}]"#
        ),
        is(
            r#"{"resourceType":"Patient","contact":[{"name":{"given":["A","B"]},"telecom":[{"value":"1"}],"gender":"male"}]}"#
        )
    );
    assert_eq!(
        add(patient, "Patient", "contained", r#""resource":{"resourceType":"Organization","id":"o"}"#),
        is(r#"{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o"}]}"#)
    );
    let twice = r#""part":[{"name":"gender","valueCode":"male"},{"name":"gender","valueCode":"female"}]"#;
    assert_eq!(add(patient, "Patient", "contact", twice), Err(PatchFault::Exists));
    let unknown = r#""part":[{"name":"sex","valueCode":"male"}]"#;
    assert_eq!(add(patient, "Patient", "contact", unknown), Err(PatchFault::NoSuchElement));
    assert_eq!(add(patient, "Patient", "birthDate", &text("not a date")), Err(PatchFault::ValueType));
    assert_eq!(
        add(patient, "Patient", "birthDate", &text("1970")),
        is(r#"{"resourceType":"Patient","birthDate":"1970"}"#)
    );
    assert_eq!(add(patient, "Patient", "active", &text("true")), Err(PatchFault::ValueType));
    assert_eq!(add(patient, "Patient", "name", r#""valueAddress":{"text":"a"}"#), Err(PatchFault::ValueType));
}

#[test]
fn a_malformed_patch_is_told_from_one_that_does_not_fit() {
    let patient = r#"{"resourceType":"Patient","id":"1"}"#;
    let [add, remove] = [kind("add"), kind("delete")];
    let path = text("Patient");
    for (parts, fault) in [
        (vec![("path", path.as_str())], PatchFault::Missing("type")),
        (vec![("type", add.as_str())], PatchFault::Missing("path")),
        (vec![("type", &add), ("path", &path)], PatchFault::Missing("name")),
        (vec![("type", &add), ("path", &path), ("name", &path)], PatchFault::Missing("value")),
        (vec![("type", &remove), ("path", &path), ("index", r#""valueInteger":1"#)], PatchFault::Unused("index")),
        (vec![("type", &remove), ("path", &path), ("way", &path)], PatchFault::Unused("part")),
        (vec![("type", &remove), ("path", &path), ("path", &path)], PatchFault::Invalid("path")),
        (
            vec![("type", &remove), ("path", r#""valueString":"Patient.name | Patient.id""#)],
            PatchFault::Invalid("path"),
        ),
        (vec![("type", &remove), ("path", r#""valueInteger":1"#)], PatchFault::Invalid("path")),
        (vec![("type", r#""valueCode":"remove""#), ("path", &path)], PatchFault::UnknownOperation),
        (
            vec![("type", r#""valueCode":"insert""#), ("path", &path), ("index", r#""valueInteger":-1"#)],
            PatchFault::Invalid("index"),
        ),
        (vec![("type", r#""valueNothing":"a""#), ("path", &path)], PatchFault::Invalid("value")),
    ] {
        assert_eq!(run(patient, &parts), Err(fault), "{parts:?}");
        assert_eq!(fault.class(), PatchFaultClass::Malformed);
    }
    let shape = |text: &str| apply(&json(patient), &json(text), &PatchLimits::default()).map_err(|error| error.fault);
    assert_eq!(shape("[]"), Err(PatchFault::Shape("a Parameters resource")));
    assert_eq!(
        shape(r#"{"resourceType":"Parameters","parameter":{}}"#),
        Err(PatchFault::Shape("a Parameters resource"))
    );
    assert_eq!(
        shape(r#"{"resourceType":"Parameters","parameter":[{"name":"op","part":[]}]}"#),
        Err(PatchFault::Shape("parameters named `operation`"))
    );
    assert_eq!(replace(patient, "Patient.id", r#""valueId":"2""#), Err(PatchFault::Identity("id")));
    assert_eq!(delete(patient, "Patient.id"), Err(PatchFault::Identity("id")));
}

#[test]
fn a_patch_has_limits() {
    let limits = PatchLimits { operations: 0, ..PatchLimits::default() };
    let one = patch(&[("type", &kind("delete")), ("path", &text("Patient.active"))]);
    let patient = json(r#"{"resourceType":"Patient"}"#);
    assert_eq!(apply(&patient, &one, &limits).map_err(|error| error.fault), Err(PatchFault::TooLarge("operations")));
    let one = patch(&[
        ("type", &kind("add")),
        ("path", &text("Patient")),
        ("name", &text("name")),
        ("value", r#""valueHumanName":{"given":["A"]}"#),
    ]);
    for (limits, what) in [
        (PatchLimits { values: 2, ..PatchLimits::default() }, "values"),
        (PatchLimits { depth: 3, ..PatchLimits::default() }, "depth"),
    ] {
        assert_eq!(apply(&patient, &one, &limits).map_err(|error| error.fault), Err(PatchFault::TooLarge(what)));
    }
    let limits = PatchLimits { values: 3, depth: 4, ..PatchLimits::default() };
    assert!(apply(&patient, &one, &limits).is_ok());
}

#[test]
fn searching_long_lists_again_and_again_has_an_end() {
    let many: Vec<String> = (0..1000).map(|index| format!(r#"{{"value":"{index}"}}"#)).collect();
    let resource = format!(r#"{{"resourceType":"Patient","identifier":[{}]}}"#, many.join(","));
    let found = delete(&resource, "Patient.identifier.where(value = '999').value");
    assert!(found.is_ok());
    let one = r#"{"name":"operation","part":[{"name":"type","valueCode":"delete"},
        {"name":"path","valueString":"Patient.identifier.where(value = 'none')"}]}"#;
    let patch = json(&format!(r#"{{"resourceType":"Parameters","parameter":[{}]}}"#, vec![one; 1000].join(",")));
    let limits = PatchLimits { visits: 100_000, ..PatchLimits::default() };
    let fault = apply(&json(&resource), &patch, &limits).map_err(|error| error.fault);
    assert_eq!(fault, Err(PatchFault::TooLarge("visits")));
}

fn any_part() -> impl Strategy<Value = String> {
    let path = prop_oneof![
        Just("Patient".to_owned()),
        "Patient(\\.(name|given|identifier|value|extension|birthDate|contact|deceased|id)|\\[[0-3]\\]|\\.last\\(\\)|\\.where\\(use = 'a'\\)){0,4}",
    ];
    prop_oneof![
        prop::sample::select(vec!["add", "insert", "delete", "replace", "move", "no"])
            .prop_map(|name| format!(r#"{{"name":"type","valueCode":"{name}"}}"#)),
        path.prop_map(|path| format!(r#"{{"name":"path","valueString":"{path}"}}"#)),
        prop::sample::select(vec!["name", "given", "identifier", "value", "extension", "deceased"])
            .prop_map(|name| format!(r#"{{"name":"name","valueString":"{name}"}}"#)),
        prop::sample::select(vec![
            r#""valueString":"a""#,
            r#""_valueString":{"id":"a"}"#,
            r#""valueHumanName":{"given":["A"]}"#,
            r#""valueBoolean":true"#,
            r#""valueInteger":1"#,
            r#""part":[{"name":"url","valueUri":"a"}]"#,
            r#""valueString":null"#,
        ])
        .prop_flat_map(|value| {
            prop::sample::select(vec!["value", "index", "source", "destination"])
                .prop_map(move |name| format!(r#"{{"name":"{name}",{value}}}"#))
        }),
    ]
}

proptest! {
    #[test]
    fn any_patch_is_applied_or_refused(operations in prop::collection::vec(prop::collection::vec(any_part(), 2..6), 1..4)) {
        let resource = json(r#"{"resourceType":"Patient","id":"1","name":[{"given":["A",null],"_given":[null,{"id":"b"}]},{"given":["C"]}],
            "identifier":[{"use":"a","value":"1"}],"birthDate":"1970","_birthDate":{"id":"d"},"deceasedBoolean":true}"#);
        let operations: Vec<String> =
            operations.iter().map(|parts| format!(r#"{{"name":"operation","part":[{}]}}"#, parts.join(","))).collect();
        let patch = json(&format!(r#"{{"resourceType":"Parameters","parameter":[{}]}}"#, operations.join(",")));
        let _either = apply(&resource, &patch, &PatchLimits::default());
    }
}
