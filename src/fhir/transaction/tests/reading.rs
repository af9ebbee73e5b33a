//! What a Bundle is read as, and what is wrong with it.

use super::*;

const PATIENT: &str = r#""resource":{"resourceType":"Patient"}"#;

#[test]
fn every_method_has_its_action_and_order() {
    let found = entries(&[
        r#"{"request":{"method":"GET","url":"Patient/1","ifNoneMatch":"W/\"3\"","ifModifiedSince":"2026-01-01T00:00:00Z"}}"#,
        r#"{"request":{"method":"HEAD","url":"Patient/1/_history/2"}}"#,
        r#"{"request":{"method":"GET","url":"Patient?name=a"}}"#,
        r#"{"resource":{"resourceType":"Patient","id":"p"},"request":{"method":"PUT","url":"Patient/p","ifMatch":"W/\"2\""}}"#,
        r#"{"resource":{"resourceType":"Patient"},"request":{"method":"PUT","url":"Patient?identifier=a|b"}}"#,
        r#"{"fullUrl":"urn:uuid:7e0f1bd3-8f4c-4b4e-9b0b-0c6c2a4b7a01","resource":{"resourceType":"Patient","id":"x"},
            "request":{"method":"POST","url":"Patient","ifNoneExist":"Patient?identifier=a|b"}}"#,
        r#"{"resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"W10="},
            "request":{"method":"PATCH","url":"Patient/q"}}"#,
        r#"{"resource":{"resourceType":"Parameters"},"request":{"method":"PATCH","url":"Patient?identifier=c","ifMatch":"*"}}"#,
        r#"{"request":{"method":"DELETE","url":"Patient/r"}}"#,
        r#"{"request":{"method":"DELETE","url":"Observation?code=x"}}"#,
    ]);
    let cached = Cached {
        versions: Some(Versions::Listed(vec![VersionId(3)])),
        since: Some(Timestamp::parse("2026-01-01T00:00:00Z").expect("valid")),
    };
    assert_eq!(found[0].action, Action::Read { id: id("1"), version: None, cached, wants_body: true });
    let version = Some(VersionId(2));
    let cached = Cached::default();
    assert_eq!(found[1].action, Action::Read { id: id("1"), version, cached, wants_body: false });
    assert_eq!(found[2].action, Action::Search { query: "name=a".into(), wants_body: true });
    assert_eq!(
        found[3].action,
        Action::Update {
            instance: Instance::Id(id("p")),
            body: parse(r#"{"resourceType":"Patient","id":"p"}"#),
            expected: Some(Versions::Listed(vec![VersionId(2)])),
        }
    );
    assert_eq!(
        found[4].action,
        Action::Update {
            instance: Instance::Criteria("identifier=a|b".into()),
            body: parse(r#"{"resourceType":"Patient"}"#),
            expected: None,
        }
    );
    assert_eq!(
        found[5].action,
        Action::Create {
            body: parse(r#"{"resourceType":"Patient","id":"x"}"#),
            if_none_exist: Some("identifier=a|b".into())
        }
    );
    assert_eq!(
        found[6].action,
        Action::Patch { instance: Instance::Id(id("q")), patch: Patch::Json(parse("[]")), expected: None }
    );
    assert_eq!(
        found[7].action,
        Action::Patch {
            instance: Instance::Criteria("identifier=c".into()),
            patch: Patch::FhirPath(parse(r#"{"resourceType":"Parameters"}"#)),
            expected: Some(Versions::Any),
        }
    );
    assert_eq!(found[8].action, Action::Delete { instance: Instance::Id(id("r")), expected: None });
    assert_eq!(found[9].action, Action::Delete { instance: Instance::Criteria("code=x".into()), expected: None });
    assert_eq!(order(found.iter()), [8, 9, 5, 3, 4, 6, 7, 0, 1, 2]);
    let methods: Vec<&str> = found.iter().map(|entry| entry.action.method()).collect();
    assert_eq!(methods, ["GET", "HEAD", "GET", "PUT", "PUT", "POST", "PATCH", "PATCH", "DELETE", "DELETE"]);
}

#[test]
fn an_empty_bundle_asks_for_nothing() {
    for text in [
        r#"{"resourceType":"Bundle","type":"batch"}"#,
        r#"{"resourceType":"Bundle","type":"transaction"}"#,
        r#"{"resourceType":"Bundle","type":"transaction","entry":[]}"#,
    ] {
        assert_eq!(read(parse(text), 0).expect("is right").entries, []);
    }
}

#[test]
fn what_is_wrong_is_named_by_its_path() {
    let cases: &[(&str, &[&str])] = &[
        (r#"{"resource":{"resourceType":"Patient"}}"#, &["Bundle.entry[0].request required"]),
        (
            r#"{"resource":{"resourceType":"Patient"},"request":{"id":"a"}}"#,
            &["Bundle.entry[0].request.method required", "Bundle.entry[0].request.url required"],
        ),
        (r#"{"request":{"method":"GET","url":"Nonsense/1"}}"#, &["Bundle.entry[0].request.url not-supported"]),
        (r#"{"request":{"method":"GET","url":"http://a/Patient/1"}}"#, &["Bundle.entry[0].request.url value"]),
        (r#"{"request":{"method":"GET","url":"Patient/a_b"}}"#, &["Bundle.entry[0].request.url value"]),
        (r#"{"request":{"method":"GET","url":"Patient/$everything"}}"#, &["Bundle.entry[0].request.url not-supported"]),
        (r#"{"request":{"method":"DELETE","url":"Patient"}}"#, &["Bundle.entry[0].request.url value"]),
        (r#"{"request":{"method":"DELETE","url":"Patient?"}}"#, &["Bundle.entry[0].request.url value"]),
        (r#"{"request":{"method":"OPTIONS","url":"Patient/1"}}"#, &["Bundle.entry[0].request.method code-invalid"]),
        (r#"{"request":{"method":"POST","url":"Patient"}}"#, &["Bundle.entry[0].resource required"]),
        (r#"{"request":{"method":"PUT","url":"Patient/1"}}"#, &["Bundle.entry[0].resource required"]),
        (r#"{"request":{"method":"PATCH","url":"Patient/1"}}"#, &["Bundle.entry[0].resource required"]),
        (
            r#"{"resource":{"resourceType":"Observation"},"request":{"method":"POST","url":"Patient"}}"#,
            &["Bundle.entry[0].resource.resourceType invariant"],
        ),
        (
            r#"{"resource":{"resourceType":"Patient","id":"2"},"request":{"method":"PUT","url":"Patient/1"}}"#,
            &["Bundle.entry[0].resource.id invariant"],
        ),
        (
            r#"{"resource":{"resourceType":"Patient"},"request":{"method":"PUT","url":"Patient/1"}}"#,
            &["Bundle.entry[0].resource.id required"],
        ),
        (
            r#"{"resource":{"resourceType":"Patient"},"request":{"method":"PATCH","url":"Patient/1"}}"#,
            &["Bundle.entry[0].resource.resourceType value"],
        ),
        (
            r#"{"resource":{"resourceType":"Binary","contentType":"text/plain"},"request":{"method":"PATCH","url":"Patient/1"}}"#,
            &["Bundle.entry[0].resource.contentType not-supported"],
        ),
        (
            r#"{"resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"e30"},
                "request":{"method":"PATCH","url":"Patient/1"}}"#,
            &["Bundle.entry[0].resource.data value"],
        ),
        (
            r#"{"resource":{"resourceType":"Patient"},"request":{"method":"DELETE","url":"Patient/1"}}"#,
            &["Bundle.entry[0].resource not-supported"],
        ),
        (
            r#"{"request":{"method":"GET","url":"Patient/1","ifMatch":"W/\"1\"","ifNoneExist":"a=b"}}"#,
            &["Bundle.entry[0].request.ifMatch not-supported", "Bundle.entry[0].request.ifNoneExist not-supported"],
        ),
        (
            r#"{"request":{"method":"DELETE","url":"Patient/1","ifMatch":"1"}}"#,
            &["Bundle.entry[0].request.ifMatch value"],
        ),
        (
            r#"{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier="}}"#,
            &["Bundle.entry[0].request.ifNoneExist value"],
        ),
        (
            r#"{"request":{"method":"GET","url":"Patient/1","colour":"red"},"response":{"status":"200"},"search":{"mode":"match"}}"#,
            &[
                "Bundle.entry[0].request.colour structure",
                "Bundle.entry[0].search invariant",
                "Bundle.entry[0].response invariant",
            ],
        ),
        (
            r#"{"modifierExtension":[{"url":"http://a/b","valueBoolean":true}],"request":{"method":"GET","url":"Patient/1"}}"#,
            &["Bundle.entry[0].modifierExtension not-supported"],
        ),
        (r#"{"fullUrl":"Patient/1","request":{"method":"GET","url":"Patient/1"}}"#, &["Bundle.entry[0].fullUrl value"]),
        (
            r#"{"fullUrl":"http://a/Patient/1/_history/2","request":{"method":"GET","url":"Patient/1"}}"#,
            &["Bundle.entry[0].fullUrl invariant"],
        ),
    ];
    for (entry, expected) in cases {
        assert_eq!(problems(&[entry]), *expected, "{entry}");
    }
}

#[test]
fn all_that_is_wrong_is_named_at_once() {
    let post = format!(r#"{{"fullUrl":"urn:uuid:1",{PATIENT},"request":{{"method":"POST","url":"Patient"}}}}"#);
    let put = r#"{"resource":{"resourceType":"Patient","id":"p"},"request":{"method":"PUT","url":"Patient/p"}}"#;
    let delete = r#"{"request":{"method":"DELETE","url":"Patient/p"}}"#;
    assert_eq!(
        problems(&[&post, put, &post, delete, r#"{"request":{"method":"GET","url":"x"}}"#]),
        [
            "Bundle.entry[2].fullUrl duplicate",
            "Bundle.entry[3].request.url duplicate",
            "Bundle.entry[4].request.url not-supported",
        ]
    );
}

#[test]
fn an_entry_of_a_batch_is_wrong_by_itself() {
    let put = r#"{"resource":{"resourceType":"Patient","id":"p"},"request":{"method":"PUT","url":"Patient/p"}}"#;
    let plan = read(
        bundle("batch", &[put, r#"{"request":{"method":"GET","url":"x/1"}}"#, r#"{"request":{"method":"POST"}}"#, put]),
        100,
    )
    .expect("is read");
    assert_eq!(plan.kind, Kind::Batch);
    assert!(plan.entries[0].is_ok() && plan.entries[3].is_ok(), "each is done by itself");
    assert_eq!(plan.entries[1], Err(EntryError::UnknownType));
    let Err(EntryError::Invalid(problems)) = &plan.entries[2] else { panic!("{:?}", plan.entries[2]) };
    assert_eq!(shown(problems), ["Bundle.entry[2].request.url required"]);
}

#[test]
fn what_is_no_batch_and_no_transaction_is_refused() {
    for (text, expected) in [
        (r#"{"resourceType":"Bundle","type":"document"}"#, "Bundle.type not-supported"),
        (r#"{"resourceType":"Bundle","type":"history"}"#, "Bundle.type not-supported"),
        (r#"{"resourceType":"Bundle","type":"x"}"#, "Bundle.type code-invalid"),
        (r#"{"resourceType":"Bundle"}"#, "Bundle.type required"),
        (r#"{"resourceType":"Patient"}"#, " structure"),
        ("[]", " structure"),
        (r#"{"resourceType":"Bundle","type":"batch","total":1}"#, "Bundle.total invariant"),
        (r#"{"resourceType":"Bundle","type":"batch","entry":{}}"#, "Bundle.entry structure"),
        (r#"{"resourceType":"Bundle","type":"batch","colour":1}"#, "Bundle.colour structure"),
    ] {
        let Err(ReadError::Invalid(problems)) = read(parse(text), 10) else { panic!("{text}") };
        assert_eq!(shown(&problems), [expected], "{text}");
    }
}

#[test]
fn there_is_a_limit_to_the_number_of_entries() {
    let get = r#"{"request":{"method":"GET","url":"Patient/1"}}"#;
    assert!(read(bundle("batch", &[get; 3]), 3).is_ok());
    assert_eq!(read(bundle("batch", &[get; 4]), 3), Err(ReadError::TooMany(3)));
}

proptest! {
    #[test]
    fn any_bundle_is_read_without_panic(
        kind in "batch|transaction",
        entries in prop::collection::vec(
            (
                "GET|HEAD|POST|PUT|PATCH|DELETE|x|",
                "(Patient|Binary|x|)(/a|/|\\?a=b|/_history/1|\\$b){0,3}",
                prop::option::of("urn:uuid:[12]|http://a/Patient/[12]|[a-z]{0,3}"),
                prop::option::of("null|\\{\\}|\\[\\]|1|\\{\"resourceType\":\"(Patient|Parameters|Binary)\",\"id\":\"a\"\\}"),
                prop::option::of("W/\\\\\"1\\\\\"|\\*|a=b|x"),
            ),
            0..5,
        ),
    ) {
        let entries: Vec<String> = entries
            .into_iter()
            .map(|(method, url, full_url, resource, condition)| {
                let mut members = Vec::new();
                members.extend(full_url.map(|url| format!("\"fullUrl\":\"{url}\"")));
                members.extend(resource.map(|resource| format!("\"resource\":{resource}")));
                let condition = condition.map(|text| format!(",\"ifMatch\":\"{text}\",\"ifNoneExist\":\"{text}\""));
                let condition = condition.unwrap_or_default();
                members.push(format!("\"request\":{{\"method\":\"{method}\",\"url\":\"{url}\"{condition}}}"));
                format!("{{{}}}", members.join(","))
            })
            .collect();
        let count = entries.len();
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        match read(bundle(&kind, &entries), 100) {
            Ok(plan) => prop_assert_eq!(plan.entries.len(), count),
            Err(ReadError::Invalid(problems)) => prop_assert!(problems.iter().all(|one| one.path.starts_with("Bundle"))),
            Err(ReadError::TooMany(_)) => prop_assert!(false, "there are few"),
        }
    }
}
