//! Subscriptions to topics: handshake, payloads, filters, heartbeat.

use causeway::access::Role;
use serde_json::{Value, json};

use super::{
    BACKPORT, REPORTS, STUDIES, Subscriber, event_parts, extended, filtered, gateway, has_status, numbers, parameter,
    status, subscribe, to_topic, write,
};
use crate::each_backend;
use crate::support::samples::{create, eventually, measured, text};
use crate::support::{Backend, PUBLIC_URL};

each_backend!(
    a_handshake_comes_before_anything_else,
    a_handshake_that_fails_is_an_error,
    a_full_payload_holds_the_version_that_was_made,
    a_payload_of_ids_names_resources_and_shows_none,
    an_empty_payload_names_nothing,
    filters_and_the_greatest_count_are_kept,
    a_quiet_subscription_beats,
    studies_are_told_of,
    the_capability_statement_names_topics_and_operations,
);

async fn a_handshake_comes_before_anything_else(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    let id = subscribe(&client, &to_topic(&subscriber.url(), "id-only"), "active").await;
    let requests = subscriber.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!((requests[0].method.as_str(), requests[0].content_type.as_str()), ("POST", "application/fhir+json"));
    let bundle: Value = serde_json::from_slice(&requests[0].body).expect("JSON");
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&json!("Bundle"), &json!("history")));
    assert_eq!(bundle["meta"]["profile"][0], format!("{BACKPORT}backport-subscription-notification-r4"));
    assert_eq!(bundle["entry"][0]["response"]["status"], "200");
    let status = status(&bundle);
    assert_eq!(status["resourceType"], "Parameters");
    let own = format!("{PUBLIC_URL}/fhir/r4/Subscription/{id}");
    assert_eq!(parameter(&status, "subscription")["reference"], own);
    assert_eq!(parameter(&status, "topic"), REPORTS);
    assert_eq!(parameter(&status, "status"), "requested");
    assert_eq!(parameter(&status, "type"), "handshake");
    assert_eq!(parameter(&status, "events-since-subscription-start"), "0");
}

async fn a_handshake_that_fails_is_an_error(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    subscriber.answer(500);
    let id = subscribe(&client, &to_topic(&subscriber.url(), "id-only"), "error").await;
    let path = format!("/fhir/r4/Subscription/{id}");
    let mut failed = client.get(&path).await.expect(200).json();
    assert!(text(&failed, "error").contains("500"), "{failed}");
    write(&client, "final").await;
    subscriber.answer(200);
    failed["status"] = json!("requested");
    client.put(&path, &failed).await.expect(200);
    let active = has_status(&client, &id, "active").await;
    assert!(active.get("error").is_none());
    assert_eq!(subscriber.events(1).await, [1], "what happened meanwhile is told");
}

async fn a_full_payload_holds_the_version_that_was_made(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    let id = subscribe(&client, &to_topic(&subscriber.url(), "full-resource"), "active").await;
    let report = write(&client, "final").await;
    subscriber.events(1).await;
    let path = format!("/fhir/r4/DiagnosticReport/{report}");
    let first = client.get(&path).await.expect(200).json();
    let mut changed = first.clone();
    changed["status"] = json!("amended");
    client.put(&path, &changed).await.expect(200);
    client.delete(&path).await;
    assert_eq!(subscriber.events(3).await, [1, 2, 3]);
    let notices = subscriber.notices("event-notification");
    let entries: Vec<Value> =
        notices.iter().flat_map(|bundle| bundle["entry"].as_array().expect("entries")[1..].to_vec()).collect();
    let url = format!("{PUBLIC_URL}{path}");
    assert!(entries.iter().all(|entry| entry["fullUrl"] == url));
    let methods: Vec<&Value> = entries.iter().map(|entry| &entry["request"]["method"]).collect();
    assert_eq!(methods, ["POST", "PUT", "DELETE"]);
    assert_eq!(entries[0]["resource"], first, "the version of the event");
    assert_eq!(entries[1]["resource"]["status"], "amended");
    assert!(entries[2].get("resource").is_none());
    let event = &event_parts(&notices[0])[0];
    assert_eq!(parameter(event, "focus")["reference"], url);
    assert!(parameter(event, "timestamp").is_string());
    let last = status(notices.last().expect("one"));
    assert_eq!(parameter(&last, "events-since-subscription-start"), "3");
    assert_eq!(parameter(&last, "status"), "active");
    let audited = "select count(*) from audit_event";
    assert!(gateway.database.count(audited).await > 0);
    drop(id);
}

async fn a_payload_of_ids_names_resources_and_shows_none(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    subscribe(&client, &to_topic(&subscriber.url(), "id-only"), "active").await;
    let report = write(&client, "final").await;
    subscriber.events(1).await;
    let notice = subscriber.notices("event-notification").remove(0);
    let url = format!("{PUBLIC_URL}/fhir/r4/DiagnosticReport/{report}");
    assert_eq!(parameter(&event_parts(&notice)[0], "focus")["reference"], url);
    assert_eq!(notice["entry"][1]["fullUrl"], url);
    assert!(notice["entry"][1].get("resource").is_none());
    assert!(!notice.to_string().contains("abnormal"));
}

async fn an_empty_payload_names_nothing(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    subscribe(&client, &to_topic(&subscriber.url(), "empty"), "active").await;
    let report = write(&client, "final").await;
    assert_eq!(subscriber.events(1).await, [1]);
    let notice = subscriber.notices("event-notification").remove(0);
    assert_eq!(notice["entry"].as_array().map(Vec::len), Some(1));
    let whole = notice.to_string();
    assert!(!whole.contains("DiagnosticReport") && !whole.contains(&report) && !whole.contains("diagnostic-report"));
}

async fn filters_and_the_greatest_count_are_kept(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    let wanted = filtered(to_topic(&subscriber.url(), "id-only"), "DiagnosticReport?status=final&patient=Patient/p1");
    let wanted = extended(wanted, "backport-max-count", "valuePositiveInt", 2);
    let id = subscribe(&client, &wanted, "active").await;
    subscriber.answer(503);
    for turn in 0..10 {
        write(&client, if turn % 2 == 0 { "final" } else { "preliminary" }).await;
    }
    eventually("all are recorded", async || {
        let query = format!("select events from subscription where id = '{id}'");
        (gateway.database.count(&query).await == 5).then_some(())
    })
    .await;
    let before = subscriber.requests().len();
    subscriber.answer(200);
    eventually("all have come", async || {
        let taken = gateway.database.count(&format!("select delivered from subscription where id = '{id}'")).await;
        (taken == 5).then_some(())
    })
    .await;
    let taken = &subscriber.requests()[before..];
    let bundles: Vec<Value> = taken.iter().map(|one| serde_json::from_slice(&one.body).expect("JSON")).collect();
    assert!(bundles.iter().all(|bundle| numbers(bundle).len() <= 2));
    let mut came: Vec<i64> = bundles.iter().flat_map(numbers).collect();
    came.dedup();
    assert_eq!(came, [1, 2, 3, 4, 5]);
}

async fn a_quiet_subscription_beats(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    let wanted = extended(to_topic(&subscriber.url(), "empty"), "backport-heartbeat-period", "valueUnsignedInt", 60);
    subscribe(&client, &wanted, "active").await;
    gateway.idle().await;
    assert!(subscriber.notices("heartbeat").is_empty());
    for beats in 1..=2 {
        gateway.clock.advance_seconds(61);
        eventually("it beats", async || (subscriber.notices("heartbeat").len() >= beats).then_some(())).await;
    }
    let beat = status(&subscriber.notices("heartbeat")[0]);
    assert_eq!(parameter(&beat, "events-since-subscription-start"), "0");
    assert_eq!(parameter(&beat, "status"), "active");
}

async fn studies_are_told_of(backend: Backend) {
    let gateway = gateway(&backend).await;
    let doctor = gateway.radiologist().await;
    let subscriber = Subscriber::new();
    let mut wanted = to_topic(&subscriber.url(), "full-resource");
    wanted["criteria"] = json!(STUDIES);
    subscribe(&doctor, &wanted, "active").await;
    create(&doctor, &measured("final")).await;
    subscriber.events(1).await;
    let notice = subscriber.notices("event-notification").remove(0);
    assert_eq!(notice["entry"][1]["resource"]["resourceType"], "ImagingStudy");
}

async fn the_capability_statement_names_topics_and_operations(backend: Backend) {
    let gateway = gateway(&backend).await;
    let statement = gateway.nobody().get("/fhir/r4/metadata").await.expect(200).json();
    let resources = statement["rest"][0]["resource"].as_array().expect("resources").clone();
    let subscription = resources.iter().find(|one| one["type"] == "Subscription").expect("is there");
    let topics: Vec<&Value> =
        subscription["extension"].as_array().expect("topics").iter().map(|one| &one["valueCanonical"]).collect();
    assert_eq!(topics, [REPORTS, STUDIES]);
    let url = format!("{BACKPORT}capability-subscriptiontopic-canonical");
    assert_eq!(subscription["extension"][0]["url"], url);
    let names: Vec<&Value> =
        subscription["operation"].as_array().expect("operations").iter().map(|one| &one["name"]).collect();
    assert_eq!(&names[..3], ["status", "events", "get-ws-binding-token"]);
}
