use super::*;
use crate::base::{LogicalId, Timestamp};
use crate::fhir::search::{QueryContext, QueryLimits, Registry};
use crate::fhir::{Json, JsonLimits};

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes(), &JsonLimits::default()).expect("JSON")
}

fn read(text: &str) -> Result<Terms, Vec<String>> {
    let context = QueryContext {
        registry: Registry::r4(),
        base: "https://gateway.example/fhir/r4",
        now: Timestamp(0),
        limits: QueryLimits::default(),
    };
    Terms::read(&json(text), context)
        .map_err(|problems| problems.iter().map(|one| format!("{} {}", one.path, one.detail)).collect())
}

fn by_criteria(criteria: &str) -> String {
    format!(
        r#"{{"resourceType":"Subscription","status":"requested","reason":"x","criteria":"{criteria}",
        "channel":{{"type":"rest-hook","endpoint":"https://ehr.example/hook","payload":"application/fhir+json",
        "header":["Authorization: Bearer s"]}}}}"#
    )
}

fn by_topic(filter: &str, content: &str) -> String {
    format!(
        r#"{{"resourceType":"Subscription","status":"requested","reason":"x","criteria":"{}",
        "_criteria":{{"extension":[{{"url":"{BACKPORT}backport-filter-criteria","valueString":"{filter}"}}]}},
        "channel":{{"type":"rest-hook","endpoint":"https://ehr.example/hook","payload":"application/fhir+json",
        "extension":[{{"url":"{BACKPORT}backport-heartbeat-period","valueUnsignedInt":60}},
          {{"url":"{BACKPORT}backport-max-count","valuePositiveInt":7}}],
        "_payload":{{"extension":[{{"url":"{BACKPORT}backport-payload-content","valueCode":"{content}"}}]}}}}}}"#,
        TOPICS[0].url
    )
}

#[test]
fn a_subscription_by_criteria_is_about_what_the_search_would_find() {
    let terms = read(&by_criteria("DiagnosticReport?status=final,amended&patient=Patient/1")).expect("reads");
    assert_eq!(
        (terms.content, terms.headers.as_slice()),
        (Content::FullResource, &["Authorization: Bearer s".to_owned()][..])
    );
    let report = |status: &str, patient: &str| {
        json(&format!(
            r#"{{"resourceType":"DiagnosticReport","id":"r","status":"{status}","subject":{{"reference":"Patient/{patient}"}}}}"#
        ))
    };
    assert!(terms.is_about(&report("final", "1"), false));
    assert!(!terms.is_about(&report("preliminary", "1"), false));
    assert!(!terms.is_about(&report("final", "2"), false));
    assert!(!terms.is_about(&report("final", "1"), true), "R4 tells of no deletion");
    assert!(!terms.is_about(&json(r#"{"resourceType":"Observation","id":"r","status":"final"}"#), false));
}

#[test]
fn a_subscription_to_a_topic_is_filtered_and_hears_of_deletions() {
    let terms = read(&by_topic("DiagnosticReport?status=final", "id-only")).expect("reads");
    assert_eq!((terms.content, terms.heartbeat_seconds, terms.max_count), (Content::IdOnly, Some(60), Some(7)));
    let report = json(r#"{"resourceType":"DiagnosticReport","id":"r","status":"final"}"#);
    assert!(terms.is_about(&report, true));
    assert!(read(&by_topic("status=final", "empty")).is_ok(), "the type may be left out");
}

#[test]
fn what_would_not_be_done_is_refused_by_name() {
    let refused = |text: &str| read(text).expect_err("is refused").join("; ");
    assert!(refused(&by_criteria("DiagnosticReport?patient.name=x")).contains("chains"));
    assert!(refused(&by_criteria("Patient?_has:Observation:patient:code=x")).contains("_has"));
    assert!(refused(&by_criteria("DiagnosticReport?nonsense=x")).contains("nonsense"));
    assert!(refused(&by_criteria("DiagnosticReport?_include=DiagnosticReport:subject")).contains("shape"));
    assert!(refused(&by_criteria("Nothing?status=final")).contains("no resource type"));
    assert!(refused(&by_criteria("AuditEvent?type=rest")).contains("AuditEvent"));
    assert!(refused(&by_criteria("https://example.org/other-topic")).contains("topic"));
    assert!(refused(&by_topic("Patient?name=x", "empty")).contains("another type"));
    assert!(refused(&by_topic("status=final", "everything")).contains("full-resource"));
    for (from, to, said) in [
        ("rest-hook", "email", "email"),
        ("rest-hook", "sms", "sms"),
        ("https://ehr.example/hook", "ftp://ehr.example/hook", "https"),
        ("https://ehr.example/hook", "https://u:p@ehr.example/hook", "password"),
        ("application/fhir+json", "application/fhir+xml", "json"),
        ("Authorization: Bearer s", "Host: other", "sets itself"),
        ("Authorization: Bearer s", "no colon", "name: value"),
    ] {
        let text = by_criteria("DiagnosticReport?status=final").replace(from, to);
        assert!(refused(&text).contains(said), "{to}: {}", refused(&text));
    }
}

fn event(number: i64, method: &'static str, body: Option<&str>) -> NoticeEvent {
    NoticeEvent {
        number,
        happened_at: Timestamp(0),
        focus: Some(("DiagnosticReport".into(), LogicalId::parse("r").expect("valid"))),
        method,
        body: body.map(|body| body.as_bytes().to_vec()),
    }
}

#[test]
fn a_notification_says_no_more_than_its_content_allows() {
    let id = LogicalId::parse("s").expect("valid");
    let events = [event(3, "POST", Some(r#"{"resourceType":"DiagnosticReport","id":"r"}"#)), event(4, "DELETE", None)];
    let bundle = |content| {
        let notice = Notice {
            base: "https://gateway.example/fhir/r4",
            subscription: &id,
            topic: Some(TOPICS[0].url),
            status: Status::Active,
            kind: NoticeKind::EventNotification,
            events: 4,
            content,
            error: None,
        };
        json(&String::from_utf8(notice.bundle(&id, Timestamp(0), &events)).expect("text"))
    };
    let empty = bundle(Content::Empty);
    assert_eq!(empty.items("entry").len(), 1);
    assert!(!empty.to_text().contains("DiagnosticReport") && !empty.to_text().contains("focus"));
    let id_only = bundle(Content::IdOnly);
    assert_eq!(id_only.items("entry").len(), 3);
    assert!(id_only.items("entry")[1].get("resource").is_none());
    let full = bundle(Content::FullResource);
    assert_eq!(full.text_at(&["entry", "1", "resource", "id"]), Some("r"));
    assert_eq!(full.text_at(&["entry", "2", "request", "method"]), Some("DELETE"));
    assert!(full.items("entry")[2].get("resource").is_none());
    assert_eq!(full.text_at(&["type"]), Some("history"));
    let status = full.at(&["entry", "0", "resource"]).expect("status");
    let names: Vec<_> = status.items("parameter").iter().filter_map(|one| one.text_at(&["name"])).collect();
    let wanted = ["subscription", "topic", "status", "type", "events-since-subscription-start"];
    assert_eq!(names[..5], wanted);
    assert_eq!(names[5..], ["notification-event", "notification-event"]);
}
