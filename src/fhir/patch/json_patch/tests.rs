use proptest::prelude::*;

use crate::fhir::JsonLimits;
use crate::fhir::patch::PatchFaultClass;

use super::*;

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes(), &JsonLimits::default()).expect("valid")
}

fn patched(document: &str, patch: &str) -> Result<String, PatchFault> {
    apply(&json(document), &json(patch), &PatchLimits::default())
        .map(|result| result.to_text())
        .map_err(|error| error.fault)
}

#[test]
fn the_cases_of_the_fhir_project_hold() {
    let cases = json(include_str!("../../../../fixtures/fhir/patch/json-patch-tests.json"));
    for case in cases.as_array().expect("a list") {
        let name = case.get("comment").and_then(Json::as_str).expect("a name");
        let result =
            apply(case.get("doc").expect("a document"), case.get("patch").expect("a patch"), &PatchLimits::default());
        match case.get("expected") {
            Some(expected) => {
                assert!(result.as_ref().is_ok_and(|result| equal(result, expected)), "{name}: {result:?}");
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
fn what_is_not_touched_keeps_its_digits_and_its_place() {
    let document = r#"{"z":1.50,"b":{"y":0.10,"x":1e3},"a":[1.0,2]}"#;
    assert_eq!(
        patched(document, r#"[{"op":"replace","path":"/b/x","value":2.00},{"op":"add","path":"/c","value":-0.0}]"#),
        Ok(r#"{"z":1.50,"b":{"y":0.10,"x":2.00},"a":[1.0,2],"c":-0.0}"#.to_owned())
    );
    assert_eq!(
        patched(document, r#"[{"op":"move","from":"/a/0","path":"/a/-"},{"op":"copy","from":"/z","path":"/b/y"}]"#),
        Ok(r#"{"z":1.50,"b":{"y":1.50,"x":1e3},"a":[2,1.0]}"#.to_owned())
    );
}

#[test]
fn a_malformed_patch_is_told_from_one_that_does_not_fit() {
    let document = r#"{"resourceType":"Patient","id":"1","name":[{"family":"A"}]}"#;
    let malformed = [
        (r"{}", PatchFault::Shape("an array")),
        (r"[1]", PatchFault::Shape("an array of objects")),
        (r#"[{"path":"/a"}]"#, PatchFault::Missing("op")),
        (r#"[{"op":"add","value":1}]"#, PatchFault::Missing("path")),
        (r#"[{"op":"add","path":"/a"}]"#, PatchFault::Missing("value")),
        (r#"[{"op":"add","path":"a","value":1}]"#, PatchFault::Invalid("path")),
        (r#"[{"op":"add","path":7,"value":1}]"#, PatchFault::Invalid("path")),
        (r#"[{"op":"move","path":"/a"}]"#, PatchFault::Missing("from")),
        (r#"[{"op":"merge","path":"/a"}]"#, PatchFault::UnknownOperation),
        (r#"[{"op":"move","from":"/name","path":"/name/0/given"}]"#, PatchFault::MovedIntoItself),
    ];
    for (patch, fault) in malformed {
        assert_eq!(patched(document, patch), Err(fault), "{patch}");
        assert_eq!(fault.class(), PatchFaultClass::Malformed);
    }
    let unfit = [
        (r#"[{"op":"remove","path":"/birthDate"}]"#, PatchFault::NotThere),
        (r#"[{"op":"replace","path":"/name/1","value":{}}]"#, PatchFault::NotThere),
        (r#"[{"op":"add","path":"/name/2","value":{}}]"#, PatchFault::Index),
        (r#"[{"op":"add","path":"/name/x","value":{}}]"#, PatchFault::NotThere),
        (r#"[{"op":"add","path":"/id/x","value":{}}]"#, PatchFault::NotThere),
        (r#"[{"op":"copy","from":"/a","path":"/b"}]"#, PatchFault::NotThere),
        (r#"[{"op":"remove","path":""}]"#, PatchFault::WrongKind),
        (r#"[{"op":"replace","path":"","value":3}]"#, PatchFault::WrongKind),
        (r#"[{"op":"test","path":"/name/0/family","value":"B"}]"#, PatchFault::TestFailed),
        (r#"[{"op":"replace","path":"/id","value":"2"}]"#, PatchFault::Identity("id")),
        (r#"[{"op":"remove","path":"/id"}]"#, PatchFault::Identity("id")),
        (r#"[{"op":"add","path":"/resourceType","value":"Person"}]"#, PatchFault::Identity("resourceType")),
        (r#"[{"op":"move","from":"/id","path":"/implicitRules"}]"#, PatchFault::Identity("id")),
    ];
    for (patch, fault) in unfit {
        assert_eq!(patched(document, patch), Err(fault), "{patch}");
        assert_eq!(fault.class(), PatchFaultClass::Unprocessable);
    }
}

#[test]
fn an_error_names_the_operation_and_nothing_of_the_resource() {
    let patch = r#"[{"op":"test","path":"/a","value":"secret"},{"op":"test","path":"/a","value":"other"}]"#;
    let error = apply(&json(r#"{"a":"secret"}"#), &json(patch), &PatchLimits::default()).expect_err("fails");
    assert_eq!(error.to_string(), "operation 1: the test failed");
}

#[test]
fn tests_compare_numbers_by_value_and_objects_without_order() {
    for (left, right, same) in [
        ("1", "1.0", true),
        ("100", "1e2", true),
        ("-0", "0.00", true),
        ("0.10", "1E-1", true),
        ("1.50", "1.5", true),
        ("1.5", "-1.5", false),
        ("10", "1", false),
        ("1e99999999999999999999", "1e99999999999999999999", true),
        ("1e99999999999999999999", "1e9", false),
        (r#""1""#, "1", false),
        (r#"{"a":1,"b":[1,2]}"#, r#"{"b":[1,2.0],"a":1}"#, true),
        (r#"{"a":1}"#, r#"{"a":1,"b":2}"#, false),
        ("[1,2]", "[2,1]", false),
        ("null", "false", false),
    ] {
        assert_eq!(equal(&json(left), &json(right)), same, "{left} {right}");
    }
}

#[test]
fn a_patch_cannot_make_the_document_grow_without_bound() {
    let doubling: Vec<String> = (0..60).map(|_| r#"{"op":"copy","from":"/a","path":"/a/-"}"#.to_owned()).collect();
    let patch = format!("[{}]", doubling.join(","));
    let limits = PatchLimits { operations: 100, values: 10_000, depth: 1_000, ..PatchLimits::default() };
    let fault = apply(&json(r#"{"a":[1]}"#), &json(&patch), &limits).map_err(|error| error.fault);
    assert_eq!(fault, Err(PatchFault::TooLarge("values")));

    let limits = PatchLimits { operations: 59, ..limits };
    let error = apply(&json(r#"{"a":[1]}"#), &json(&patch), &limits).expect_err("too many");
    assert_eq!((error.fault, error.class()), (PatchFault::TooLarge("operations"), PatchFaultClass::TooLarge));

    let deep = "[{\"op\":\"copy\",\"from\":\"\",\"path\":\"/a\"}]";
    let limits = PatchLimits { depth: 2, ..limits };
    assert!(apply(&json(r#"{"b":1}"#), &json(deep), &limits).is_ok());
    let fault = apply(&json(r#"{"b":[1]}"#), &json(deep), &limits).map_err(|error| error.fault);
    assert_eq!(fault, Err(PatchFault::TooLarge("depth")));
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<i8>().prop_map(|n| Json::integer(n.into())),
        "[a-c]".prop_map(Json::string)
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            prop::collection::vec(("[a-c]", inner), 0..4)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

fn any_operation() -> impl Strategy<Value = Json> {
    let pointer = || "(/[a-c0-2~-]{0,2}){0,4}";
    let op = prop::sample::select(vec!["add", "remove", "replace", "move", "copy", "test", "no"]);
    (op, pointer(), pointer(), any_json()).prop_map(|(op, path, from, value)| {
        Object::new()
            .with("op", Json::string(op))
            .with("path", Json::string(path))
            .with("from", Json::string(from))
            .with("value", value)
            .into()
    })
}

/// Pointers to every place in `value` where something can be added.
fn places(value: &Json, at: &str, found: &mut Vec<String>) {
    match value {
        Json::Object(object) => {
            found.push(format!("{at}/new~1~0"));
            object.iter().for_each(|(key, item)| places(item, &format!("{at}/{key}"), found));
        }
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                found.push(format!("{at}/{index}"));
                places(item, &format!("{at}/{index}"), found);
            }
            found.push(format!("{at}/{}", items.len()));
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn any_patch_is_applied_or_refused(document in any_json(), operations in prop::collection::vec(any_operation(), 0..6)) {
        let _either = apply(&document, &Json::Array(operations), &PatchLimits::default());
    }

    #[test]
    fn any_document_is_read_as_a_patch_or_refused(document in any_json(), patch in any_json()) {
        let _either = apply(&document, &patch, &PatchLimits::default());
    }

    #[test]
    fn add_and_then_remove_changes_nothing(inner in any_json(), value in any_json()) {
        let document: Json = Object::new().with("root", inner).into();
        let mut pointers = Vec::new();
        places(&document, "", &mut pointers);
        for path in pointers {
            let add = Object::new().with("op", Json::string("add")).with("path", Json::string(&path));
            let remove = Object::new().with("op", Json::string("remove")).with("path", Json::string(path));
            let patch = Json::Array(vec![add.with("value", value.clone()).into(), remove.into()]);
            let result = apply(&document, &patch, &PatchLimits::default());
            prop_assert_eq!(result.as_ref(), Ok(&document));
        }
    }
}
