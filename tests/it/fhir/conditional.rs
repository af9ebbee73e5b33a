//! Interactions whose resource is named by criteria. R4 http.html#ccreate, #cond-update, #cdelete.

use causeway::access::Role;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::{Backend, Client, PUBLIC_URL, TestGateway};

each_backend!(
    of_many_who_make_one_resource_one_does,
    what_matches_is_changed,
    several_matches_change_nothing,
    criteria_are_criteria,
);

fn patient(number: &str, family: &str) -> Value {
    json!({"resourceType": "Patient", "identifier": [{"system": "urn:h", "value": number}], "name": [{"family": family}]})
}

async fn make(client: &Client, number: &str, criteria: &str) -> crate::support::Answer {
    let headers = [("Content-Type", "application/fhir+json"), ("If-None-Exist", criteria)];
    client.send("POST", "/fhir/r4/Patient", &headers, patient(number, "Aubel").to_string().as_bytes()).await
}

async fn of_many_who_make_one_resource_one_does(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let makers = (0..20).map(|_| make(&client, "1", "identifier=urn:h|1"));
    let answers = futures_util::future::join_all(makers).await;
    let mut places: Vec<String> =
        answers.iter().map(|answer| answer.must("location").replace("/_history/1", "")).collect();
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 19);
    places.dedup();
    assert_eq!(places.len(), 1, "{places:?}");
    assert!(places[0].starts_with(&format!("{PUBLIC_URL}/fhir/r4/Patient/")));
    assert_eq!(client.get("/fhir/r4/Patient?identifier=1").await.expect(200).json()["total"], 1);
    // With the type before it, as some clients send it.
    make(&client, "1", "Patient?identifier=urn:h|1").await.expect(200);
    make(&client, "2", "identifier=urn:h|2").await.expect(201);

    let updates = (0..20)
        .map(|_| async { client.put("/fhir/r4/Patient?identifier=urn:h%7C3", &patient("3", "Beyer")).await.status });
    let statuses = futures_util::future::join_all(updates).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(client.get("/fhir/r4/Patient?identifier=3").await.expect(200).json()["total"], 1);
}

async fn what_matches_is_changed(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let here = "/fhir/r4/Patient?identifier=urn:h%7C1";
    let mut named = patient("1", "Aubel");
    named["id"] = json!("mine");
    let made = client.put(here, &named).await.expect(201);
    assert_eq!(made.json()["id"], "mine");
    let changed = client.put(here, &patient("1", "Beyer")).await.expect(200).json();
    assert_eq!((&changed["id"], &changed["meta"]["versionId"]), (&json!("mine"), &json!("2")));
    named["id"] = json!("another");
    client.put(here, &named).await.expect(400);
    // No match, and an id that is taken: nothing is overwritten.
    named["id"] = json!("mine");
    client.put("/fhir/r4/Patient?identifier=urn:h%7C9", &named).await.expect(409);
    let patch = json!([{"op": "replace", "path": "/name/0/family", "value": "Cremer"}]);
    let headers = [("Content-Type", "application/json-patch+json")];
    let patched = client.send("PATCH", here, &headers, patch.to_string().as_bytes()).await.expect(200).json();
    assert_eq!(patched["name"][0]["family"], "Cremer");
    let nowhere = "/fhir/r4/Patient?identifier=urn:h%7C9";
    client.send("PATCH", nowhere, &headers, patch.to_string().as_bytes()).await.expect(404);
    client.delete(nowhere).await.expect(204);
    client.delete(here).await.expect(204);
    client.get("/fhir/r4/Patient/mine").await.expect(410);
    client.put_at(here, "W/\"7\"", &patient("1", "Aubel")).await.expect(412);
}

async fn several_matches_change_nothing(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    for _ in 0..2 {
        client.post("/fhir/r4/Patient", &patient("1", "Aubel")).await.expect(201);
    }
    let rows = gateway.rows().await;
    let here = "/fhir/r4/Patient?identifier=urn:h%7C1";
    let refused = make(&client, "1", "identifier=urn:h|1").await.expect(412);
    assert_eq!(refused.json()["issue"][0]["code"], "multiple-matches");
    client.put(here, &patient("1", "Beyer")).await.expect(412);
    client.delete(here).await.expect(412);
    assert_eq!(gateway.rows().await, rows);
}

async fn criteria_are_criteria(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    client.post("/fhir/r4/Patient", &patient("1", "Aubel")).await.expect(201);
    let rows = gateway.rows().await;
    for query in
        ["", "?", "?identifier=", "?_count=1", "?shoesize=44", "?identifier=urn:h%7C1&_summary=true", "?family=%00"]
    {
        client.delete(&format!("/fhir/r4/Patient{query}")).await.expect(400);
        client.put(&format!("/fhir/r4/Patient{query}"), &patient("1", "Beyer")).await.expect(400);
    }
    make(&client, "1", "").await.expect(400);
    client.delete("/fhir/r4/ImagingStudy?status=available").await.expect(405);
    gateway.role(Role::Clinician).await.delete("/fhir/r4/Patient?identifier=1").await.expect(403);
    assert_eq!(gateway.rows().await, rows);
}
