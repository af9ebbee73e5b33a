//! What is refused, with the reason.

use causeway::access::Role;
use serde_json::{Value, json};

use super::{by_criteria, extended, filtered, gateway, gateway_with, subscribe, to_topic};
use crate::each_backend;
use crate::support::{Backend, TestGateway};

each_backend!(
    what_would_not_be_done_is_refused,
    endpoints_are_public_and_encrypted_unless_allowed,
    the_server_sets_the_status,
    there_are_no_more_than_allowed,
    it_is_not_written_in_a_transaction,
);

const SOMEWHERE: &str = "https://ehr.example/hook";

async fn what_would_not_be_done_is_refused(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let with = |pointer: &str, value: Value| {
        crate::support::samples::with(by_criteria(SOMEWHERE, "DiagnosticReport?status=final"), pointer, value)
    };
    let cases = [
        (with("/channel/type", json!("email")), "email"),
        (with("/channel/type", json!("sms")), "sms"),
        (with("/channel/type", json!("message")), "message"),
        (with("/channel/payload", json!("application/fhir+xml")), "json"),
        (with("/channel/endpoint", json!("urn:oid:1.2.3")), "https"),
        (with("/channel/header", json!(["Content-Length: 5"])), "sets itself"),
        (with("/criteria", json!("DiagnosticReport?patient.name=x")), "chains"),
        (with("/criteria", json!("DiagnosticReport?status:nonsense=x")), "status"),
        (with("/criteria", json!("DiagnosticReport?_sort=date")), "shape"),
        (with("/criteria", json!("Observation?date=yesterday")), "date"),
        (with("/criteria", json!("Nonsense?status=final")), "resource type"),
        (with("/criteria", json!("https://example.org/topic")), "topic"),
        (with("/end", json!("2001-01-01T00:00:00Z")), "past"),
        (filtered(to_topic(SOMEWHERE, "empty"), "DiagnosticReport?nonsense=1"), "nonsense"),
        (to_topic(SOMEWHERE, "everything"), "full-resource"),
        (extended(to_topic(SOMEWHERE, "empty"), "backport-timeout", "valueUnsignedInt", 100_000), "waited"),
        (extended(to_topic(SOMEWHERE, "empty"), "backport-nonsense", "valueString", "x"), "not known"),
    ];
    for (subscription, said) in cases {
        let refused = client.post("/fhir/r4/Subscription", &subscription).await.expect(422).json();
        assert_eq!(refused["resourceType"], "OperationOutcome");
        assert!(refused["issue"].to_string().contains(said), "{said}: {refused}");
    }
    assert_eq!(gateway.database.count("select count(*) from subscription").await, 0);
}

async fn endpoints_are_public_and_encrypted_unless_allowed(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    for endpoint in ["http://ehr.example/hook", "https://127.0.0.1/hook", "https://10.0.0.5/x", "https://localhost/x"] {
        let refused = client.post("/fhir/r4/Subscription", &by_criteria(endpoint, "Patient")).await.expect(422).json();
        assert_eq!(refused["issue"][0]["expression"][0], "Subscription.channel.endpoint", "{refused}");
    }
    let short = extended(to_topic(SOMEWHERE, "empty"), "backport-heartbeat-period", "valueUnsignedInt", 1);
    client.post("/fhir/r4/Subscription", &short).await.expect(422);
}

async fn the_server_sets_the_status(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    for status in ["active", "error"] {
        let mut wanted = by_criteria("http://127.0.0.1:9/x", "Patient");
        wanted["status"] = json!(status);
        client.post("/fhir/r4/Subscription", &wanted).await.expect(422);
    }
}

async fn there_are_no_more_than_allowed(backend: Backend) {
    let gateway = gateway_with(&backend, &["subscriptions.per_tenant=1"]).await;
    let client = gateway.role(Role::Integrator).await;
    let wanted = by_criteria("http://127.0.0.1:9/x", "Patient");
    let id = subscribe(&client, &wanted, "active").await;
    client.post("/fhir/r4/Subscription", &wanted).await.expect(422);
    let mut off = wanted.clone();
    off["status"] = json!("off");
    client.post("/fhir/r4/Subscription", &off).await.expect(201);
    client.delete(&format!("/fhir/r4/Subscription/{id}")).await;
    subscribe(&client, &wanted, "active").await;
}

async fn it_is_not_written_in_a_transaction(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let entry = json!({"resource": by_criteria("http://127.0.0.1:9/x", "Patient"),
        "request": {"method": "POST", "url": "Subscription"}});
    let bundle = |kind: &str| json!({"resourceType": "Bundle", "type": kind, "entry": [entry.clone()]});
    let refused = client.post("/fhir/r4", &bundle("transaction")).await.expect(422).json();
    assert!(refused["issue"].to_string().contains("transaction"));
    let done = client.post("/fhir/r4", &bundle("batch")).await.expect(200).json();
    assert!(done["entry"][0]["response"]["status"].as_str().expect("text").starts_with("201"), "{done}");
}
