//! `DocumentReference/$docref`. US Core OperationDefinition-docref.html.

use std::collections::BTreeSet;

use causeway::access::Role;
use causeway::base::TenantId;
use causeway::ops::tokens::TokenRequest;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::samples::{text, with};
use crate::support::{Backend, Client, TestGateway, token};

each_backend!(documents_are_found_by_time_and_type, scopes_hold_for_it, bad_input_is_refused);

fn document(id: &str, code: &str) -> Value {
    json!({"resourceType": "DocumentReference", "id": id, "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": code}]}, "subject": {"reference": "Patient/p-1"},
        "content": [{"attachment": {"contentType": "text/plain", "data": "eA=="}}]})
}

async fn fill(client: &Client) {
    client.put("/fhir/r4/Patient/p-1", &json!({"resourceType": "Patient", "id": "p-1"})).await.expect(201);
    let cared = |id: &str, period: Value| with(document(id, "34133-9"), "/context", json!({"period": period}));
    for resource in [
        cared("care-2020", json!({"start": "2020-01-01", "end": "2020-02-01"})),
        // The care counts, not when it was written down.
        with(cared("care-2021", json!({"start": "2021-01-01", "end": "2021-02-01"})), "/date", "2025-01-01T00:00:00Z"),
        with(document("written-2022", "11488-4"), "/date", "2022-05-10T12:00:00Z"),
        document("undated", "11488-4"),
        with(with(document("old", "11488-4"), "/status", "superseded"), "/date", "2022-05-11T12:00:00Z"),
        with(with(document("wrong", "11488-4"), "/status", "entered-in-error"), "/date", "2022-05-11T12:00:00Z"),
        with(with(document("others", "11488-4"), "/subject/reference", "Patient/p-2"), "/date", "2022-05-10T12:00:00Z"),
        with(document("profiled", "11488-4"), "/meta", json!({"profile": ["http://example.org/P"]})),
    ] {
        client.put(&format!("/fhir/r4/DocumentReference/{}", text(&resource, "id")), &resource).await.expect(201);
    }
}

fn ids(bundle: &Value) -> BTreeSet<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    assert!(entries.iter().all(|entry| entry["search"]["mode"] == "match"));
    entries.iter().map(|entry| text(&entry["resource"], "id")).collect()
}

async fn documents_are_found_by_time_and_type(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    fill(&client).await;
    for (query, expected) in [
        ("", "care-2020 care-2021 profiled undated written-2022"),
        ("&start=2020&end=2020", "care-2020"),
        ("&start=2020-01-15&end=2021-01-15", "care-2020 care-2021"),
        ("&start=2022", "old written-2022"),
        ("&end=2022-05-10", "care-2020 care-2021 written-2022"),
        ("&start=2024", ""),
        ("&type=34133-9", "care-2020 care-2021"),
        ("&type=http://loinc.org|11488-4", "profiled undated written-2022"),
        ("&type=34133-9&type=11488-4", "care-2020 care-2021 profiled undated written-2022"),
        ("&type=34133-9,11488-4&start=2022", "old written-2022"),
        ("&type=1-8", ""),
        ("&profile=http://example.org/P", "profiled"),
        ("&on-demand=true", ""),
        ("&on-demand=false", "care-2020 care-2021 profiled undated written-2022"),
    ] {
        let bundle =
            client.get(&format!("/fhir/r4/DocumentReference/$docref?patient=p-1{query}")).await.expect(200).json();
        let expected: BTreeSet<String> = expected.split_whitespace().map(str::to_owned).collect();
        assert_eq!((ids(&bundle), &bundle["type"]), (expected.clone(), &json!("searchset")), "{query}");
        assert_eq!(bundle["total"], expected.len());
    }
    let asked = json!({"resourceType": "Parameters", "parameter": [
        {"name": "patient", "valueId": "p-1"}, {"name": "start", "valueDateTime": "2020-01-01T00:00:00Z"},
        {"name": "end", "valueDate": "2020-12-31"},
        {"name": "type", "valueCoding": {"system": "http://loinc.org", "code": "34133-9"}},
    ]});
    let posted = client.post("/fhir/r4/DocumentReference/$docref", &asked).await.expect(200).json();
    assert_eq!(ids(&posted), BTreeSet::from(["care-2020".to_owned()]));
}

async fn scopes_hold_for_it(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    fill(&gateway.role(Role::Integrator).await).await;
    let path = "/fhir/r4/DocumentReference/$docref?patient=p-1";
    for (scope, status) in [
        ("user/DocumentReference.rs user/Patient.rs", 200),
        ("user/*.rs", 200),
        ("user/DocumentReference.rs", 403),
        ("user/DocumentReference.r user/Patient.rs", 403),
        ("user/Patient.rs", 403),
        ("patient/*.rs user/Observation.rs", 403),
    ] {
        let request = TokenRequest { scope: Some(scope.to_owned()), ..token("narrow", &[Role::Clinician]) };
        let client = gateway.client(&TenantId::default_tenant(), request).await;
        let answer = client.get(path).await;
        assert_eq!(answer.status, status, "{scope}");
    }
    gateway.nobody().get(path).await.expect(401);
    gateway.role(Role::Auditor).await.get(path).await.expect(403);
}

async fn bad_input_is_refused(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    for (query, named) in [
        ("", "patient"),
        ("patient=", "patient"),
        ("patient=no_such", "patient"),
        ("patient=p-1&patient=p-2", "patient"),
        ("patient=p-1&start=then", "start"),
        ("patient=p-1&on-demand=maybe", "on-demand"),
        ("patient=p-1&_include=x", "_include"),
    ] {
        let refused = client.get(&format!("/fhir/r4/DocumentReference/$docref?{query}")).await.expect(400);
        assert!(refused.named().contains(&named.to_owned()), "{query}: {}", refused.text());
    }
    client.get("/fhir/r4/Patient/$docref?patient=p-1").await.expect(404);
    client.get("/fhir/r4/DocumentReference/x/$docref?patient=p-1").await.expect(404);
    let nobody = client.get("/fhir/r4/DocumentReference/$docref?patient=nobody").await.expect(200).json();
    assert_eq!((&nobody["total"], &nobody["entry"]), (&json!(0), &Value::Null));
}
