//! `Observation/$lastn`. R4 observation-operation-lastn.html.

use causeway::access::Role;
use causeway::base::TenantId;
use causeway::ops::tokens::TokenRequest;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::samples::text;
use crate::support::{Backend, Client, TestGateway, token};

each_backend!(the_last_of_each_kind_are_found, scopes_hold_for_it, bad_input_is_refused);

const VITAL: &str = "http://terminology.hl7.org/CodeSystem/observation-category|vital-signs";

async fn fill(client: &Client) {
    let observation = |id: &str, codes: &[&str], date: &str, patient: &str| {
        let coding: Vec<Value> = codes.iter().map(|code| json!({"system": "http://loinc.org", "code": code})).collect();
        let (system, code) = VITAL.split_once('|').expect("a token");
        json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"coding": coding, "text": "x"},
            "category": [{"coding": [{"system": system, "code": code}]}],
            "subject": {"reference": format!("Patient/{patient}")}, "effectiveDateTime": date})
    };
    for resource in [
        observation("pulse-2", &["8867-4"], "2024-01-02T10:00:00Z", "p-1"),
        observation("pulse-3", &["8867-4", "local"], "2024-01-03T10:00:00+02:00", "p-1"),
        observation("pulse-1", &["8867-4"], "2024-01-01", "p-1"),
        observation("pulse-local", &["local"], "2023-01-01", "p-1"),
        observation("weight-1", &["29463-7"], "2022-01-01", "p-1"),
        observation("weight-2", &["29463-7"], "2024-02-01", "p-1"),
        observation("others", &["8867-4"], "2025-01-01", "p-2"),
    ] {
        client.put(&format!("/fhir/r4/Observation/{}", text(&resource, "id")), &resource).await.expect(201);
    }
}

fn ids(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| text(&entry["resource"], "id")).collect()
}

async fn the_last_of_each_kind_are_found(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    fill(&client).await;
    for (query, expected) in [
        ("patient=p-1&category=vital-signs", "weight-2 pulse-3"),
        ("subject=Patient/p-1&category=vital-signs&max=2", "weight-2 weight-1 pulse-3 pulse-2"),
        ("patient=p-1&code=8867-4", "pulse-3"),
        ("patient=p-1&code=http://loinc.org|8867-4&max=3", "pulse-3 pulse-2 pulse-1"),
        ("patient=p-1&code=8867-4,local,29463-7&max=9", "weight-2 weight-1 pulse-3 pulse-2 pulse-1 pulse-local"),
        ("patient=p-1&category=vital-signs&date=lt2024-01-03", "pulse-2 pulse-local weight-1"),
        ("patient=p-1&code=1-8", ""),
    ] {
        let bundle = client.get(&format!("/fhir/r4/Observation/$lastn?{query}")).await.expect(200).json();
        assert_eq!(ids(&bundle).join(" "), expected, "{query}");
        assert_eq!((&bundle["type"], &bundle["total"]), (&json!("searchset"), &json!(ids(&bundle).len())));
    }
    let asked = json!({"resourceType": "Parameters", "parameter": [
        {"name": "patient", "valueString": "Patient/p-1"}, {"name": "category", "valueString": VITAL},
        {"name": "max", "valuePositiveInt": 1},
    ]});
    let posted = client.post("/fhir/r4/Observation/$lastn", &asked).await.expect(200).json();
    assert_eq!(ids(&posted), ["weight-2", "pulse-3"]);
}

async fn scopes_hold_for_it(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    fill(&gateway.role(Role::Integrator).await).await;
    let path = "/fhir/r4/Observation/$lastn?patient=p-1&category=vital-signs";
    for (scope, status) in [
        ("user/Observation.rs", 200),
        ("user/Observation.r", 403),
        ("user/Patient.rs", 403),
        ("patient/*.rs user/Patient.rs", 403),
    ] {
        let request = TokenRequest { scope: Some(scope.to_owned()), ..token("narrow", &[Role::Clinician]) };
        let client = gateway.client(&TenantId::default_tenant(), request).await;
        assert_eq!(client.get(path).await.status, status, "{scope}");
        // Nor does a chain say what the token may not know.
        let chained = client.get(&format!("{path}&encounter.status=finished")).await;
        assert_eq!(chained.status, 403, "{scope}");
    }
    gateway.nobody().get(path).await.expect(401);
}

async fn bad_input_is_refused(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    for (query, named) in [
        ("category=vital-signs", "patient"),
        ("patient=p-1", "category"),
        ("patient=p-1&code=x&max=0", "max"),
        ("patient=p-1&code=x&max=-1", "max"),
        ("patient=p-1&code=x&max=all", "max"),
        ("patient=p-1&code=x&colour=red", "colour"),
        ("patient=p-1&code=x&_include=Observation:subject", "_include"),
        ("patient=p-1&code=x&_sort=date", "_sort"),
        ("patient=p-1&code=x&_count=3", "_count"),
        ("patient=p-1&code=x&date=soon", "date"),
    ] {
        let refused = client.get(&format!("/fhir/r4/Observation/$lastn?{query}")).await.expect(400);
        assert!(refused.named().contains(&named.to_owned()), "{query}: {}", refused.text());
    }
    client.get("/fhir/r4/Patient/$lastn?patient=p-1&code=x").await.expect(404);
    client.get("/fhir/r4/Observation/x/$lastn?patient=p-1&code=x").await.expect(404);
}
