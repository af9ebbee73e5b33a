//! Entries that name what they mean by a search. R4 http.html#ccreate, #cond-update, #trules.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::bundles::{about, post, process, put, request, statuses, writer};
use crate::each_backend;
use crate::support::{Backend, PUBLIC_URL, TestGateway};

each_backend!(
    conditional_creates_that_meet_make_one_resource,
    references_go_to_what_a_conditional_entry_finds,
    a_condition_means_one_resource_or_fails,
    searches_are_answered_in_bundles,
);

fn known_as(value: &str) -> Value {
    json!({"resourceType": "Patient", "identifier": [{"system": "urn:s", "value": value}]})
}

fn if_none(value: &str, mut entry: Value) -> Value {
    entry["request"]["ifNoneExist"] = json!(format!("identifier=urn:s|{value}"));
    entry
}

async fn conditional_creates_that_meet_make_one_resource(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    for kind in ["transaction", "batch"] {
        let all = (0..20).map(|_| {
            let client = client.clone();
            let entries = vec![if_none(kind, post("urn:uuid:1", known_as(kind)))];
            async move { process(&client, kind, entries).await.expect(200) }
        });
        let answers = futures_util::future::join_all(all).await;
        let made = answers.iter().filter(|answer| statuses(answer) == ["201"]).count();
        let found = answers.iter().filter(|answer| statuses(answer) == ["200"]).count();
        assert_eq!((made, found), (1, 19), "{kind}");
        let ids: BTreeSet<String> =
            answers.iter().map(|answer| answer.json()["entry"][0]["resource"]["id"].to_string()).collect();
        assert_eq!(ids.len(), 1);
    }
    assert_eq!(gateway.database.count("select count(*) from resource where resource_type = 'Patient'").await, 2);
}

async fn references_go_to_what_a_conditional_entry_finds(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    let mut old = known_as("1");
    old["id"] = json!("old");
    client.put("/fhir/r4/Patient/old", &old).await.expect(201);
    let uuid = "urn:uuid:0b6c7a5e-33a1-4a3c-8f43-0f4c6c2d1c01";
    let answer = process(
        &client,
        "transaction",
        vec![
            post("urn:uuid:1", about(uuid)),
            if_none("1", post(uuid, known_as("1"))),
            post("urn:uuid:2", about("Patient?identifier=urn:s|1")),
            post("urn:uuid:3", about("Patient?identifier=urn:s|2")),
            post("urn:uuid:4", known_as("2")),
            put("Patient?identifier=urn:s|3", known_as("3")),
            post("urn:uuid:5", about("Patient?identifier=urn:s|3")),
        ],
    )
    .await
    .expect(200);
    assert_eq!(statuses(&answer), ["201", "200", "201", "201", "201", "201", "201"]);
    let entries = answer.json()["entry"].clone();
    let subject = |index: usize| entries[index]["resource"]["subject"]["reference"].clone();
    let place = |index: usize| json!(format!("Patient/{}", entries[index]["resource"]["id"].as_str().expect("an id")));
    assert_eq!((subject(0), subject(2)), (json!("Patient/old"), json!("Patient/old")));
    assert_eq!((subject(3), subject(6)), (place(4), place(5)));
    assert_eq!(entries[1]["response"]["location"], format!("{PUBLIC_URL}/fhir/r4/Patient/old/_history/1"));
}

async fn a_condition_means_one_resource_or_fails(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    for _ in 0..2 {
        client.post("/fhir/r4/Patient", &known_as("2")).await.expect(201);
    }
    let before = gateway.rows().await;
    let url = "Patient?identifier=urn:s|2";
    for (entry, status, place) in [
        (if_none("2", post("urn:uuid:1", known_as("2"))), 412, ".request.ifNoneExist"),
        (put(url, known_as("2")), 412, ".request.url"),
        (request("DELETE", url), 412, ".request.url"),
        (post("urn:uuid:1", about(url)), 412, ".resource.subject.reference"),
        (post("urn:uuid:1", about("Patient?identifier=urn:s|9")), 404, ".resource.subject.reference"),
    ] {
        let refused = process(&client, "transaction", vec![entry.clone()]).await.expect(status);
        assert_eq!(refused.named(), [format!("Bundle.entry[0]{place}")], "{entry}");
        let code = if status == 412 { "multiple-matches" } else { "not-found" };
        assert_eq!(refused.json()["issue"][0]["code"], code);
        if place.ends_with("reference") {
            let asked = entry["resource"]["subject"]["reference"].as_str().expect("a reference");
            assert!(refused.text().contains(asked), "the client sees what it asked");
        } else {
            let batch = process(&client, "batch", vec![entry]).await.expect(200);
            assert_eq!(statuses(&batch), ["412"]);
        }
    }
    assert_eq!(gateway.rows().await, before);
    let nothing = process(&client, "transaction", vec![request("DELETE", "Patient?identifier=urn:s|9")]).await;
    assert_eq!(statuses(&nothing.expect(200)), ["204"]);
    assert_eq!(gateway.rows().await, before);
}

async fn searches_are_answered_in_bundles(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    let made = process(
        &client,
        "transaction",
        vec![
            request("GET", "Patient?identifier=urn:s|1"),
            post("urn:uuid:1", known_as("1")),
            post("urn:uuid:2", known_as("2")),
        ],
    )
    .await
    .expect(200)
    .json();
    let found = &made["entry"][0]["resource"];
    assert_eq!((&found["type"], &found["total"]), (&json!("searchset"), &json!(1)));
    assert_eq!(found["entry"][0]["resource"], made["entry"][1]["resource"], "after the writes");
    let batch =
        process(&client, "batch", vec![request("GET", "Patient"), request("HEAD", "Patient")]).await.expect(200).json();
    assert_eq!(batch["entry"][0]["resource"]["total"], 2);
    assert_eq!(batch["entry"][1].get("resource"), None);
}
