//! create, update, delete and what reads say afterwards. R4 http.html.

use causeway::access::Role;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::samples::{create, short};
use crate::support::{Answer, Backend, Client, PUBLIC_URL, TestGateway};

each_backend!(
    a_resource_lives,
    an_update_makes_the_resource_it_names,
    versions_are_guarded,
    the_answer_is_what_was_preferred,
    what_is_wrong_is_named_and_nothing_is_kept,
    numbers_keep_their_text,
    patches_make_versions,
    a_patch_that_does_not_fit_changes_nothing,
    what_r4_does_not_allow_is_named_by_its_path,
    a_report_is_changed_by_its_own_interface_only,
    a_report_says_the_same_whatever_becomes_of_its_patient,
    writers_that_meet_all_count,
);

fn patient(family: &str) -> Value {
    json!({"resourceType": "Patient", "name": [{"family": family, "given": ["Anna"]}], "gender": "female"})
}

fn with_id(mut resource: Value, id: &str) -> Value {
    resource["id"] = json!(id);
    resource
}

/// Id and version in the place of a new version.
fn place(answer: &Answer) -> (String, String) {
    let location = answer.header("location").or_else(|| answer.header("content-location")).expect("a place");
    let rest = location.strip_prefix(&format!("{PUBLIC_URL}/fhir/r4/Patient/")).expect("is ours");
    let (id, version) = rest.split_once("/_history/").expect("names a version");
    (id.to_owned(), version.to_owned())
}

async fn writer(gateway: &TestGateway) -> Client {
    gateway.role(Role::Integrator).await
}

async fn a_resource_lives(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    let made = client.post("/fhir/r4/Patient", &with_id(patient("Aubel"), "of-the-client")).await.expect(201);
    let (id, version) = place(&made);
    assert_eq!((version.as_str(), made.header("etag")), ("1", Some("W/\"1\"")));
    assert_ne!(id, "of-the-client", "the server gives the id");
    let body = made.json();
    assert_eq!((&body["id"], &body["meta"]["versionId"]), (&json!(id), &json!("1")));
    let path = format!("/fhir/r4/Patient/{id}");
    assert_eq!(client.get(&path).await.expect(200).body, made.body);

    let changed = client.put(&path, &with_id(patient("Beyer"), &id)).await.expect(200);
    assert_eq!(place(&changed), (id.clone(), "2".into()));
    assert_eq!(client.get(&path).await.expect(200).json()["name"][0]["family"], "Beyer");
    assert_eq!(client.get(&format!("{path}/_history/1")).await.expect(200).json()["name"][0]["family"], "Aubel");

    assert_eq!(client.delete(&path).await.expect(204).header("etag"), Some("W/\"3\""));
    client.get(&path).await.expect(410);
    client.get(&format!("{path}/_history/3")).await.expect(410);
    client.get(&format!("{path}/_history/2")).await.expect(200);
    client.delete(&path).await.expect(204);
    client.get(&format!("{path}/_history/4")).await.expect(404);

    let again = client.put(&path, &with_id(patient("Cramer"), &id)).await.expect(201);
    assert_eq!(place(&again), (id, "4".into()), "numbers go on");
}

async fn an_update_makes_the_resource_it_names(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    let made = client.put("/fhir/r4/Patient/p-1", &with_id(patient("Aubel"), "p-1")).await.expect(201);
    assert_eq!(place(&made), ("p-1".into(), "1".into()));
    client.delete("/fhir/r4/Patient/never-there").await.expect(204);
    client.get("/fhir/r4/Patient/never-there").await.expect(404);
}

async fn versions_are_guarded(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    let path = "/fhir/r4/Patient/p-1";
    let body = with_id(patient("Aubel"), "p-1");
    client.put_at(path, "W/\"1\"", &body).await.expect(412);
    client.get(path).await.expect(404);
    client.put(path, &body).await.expect(201);
    client.put_at(path, "W/\"1\"", &body).await.expect(200);
    let stale = client.put_at(path, "W/\"1\"", &body).await.expect(412);
    assert_eq!(stale.json()["resourceType"], "OperationOutcome");
    client.put_at(path, "nonsense", &body).await.expect(400);
    client.send("DELETE", path, &[("If-Match", "W/\"1\"")], b"").await.expect(412);
    client.send("DELETE", path, &[("If-Match", "W/\"2\"")], b"").await.expect(204);
    let unchanged = client.put(path, &body).await.expect(201);
    let etag = unchanged.header("etag").expect("a tag").to_owned();
    client.get_if(path, "If-None-Match", &etag).await.expect(304);
}

async fn the_answer_is_what_was_preferred(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    let body = patient("Aubel").to_string();
    for (prefer, kind) in [
        ("return=minimal", Value::Null),
        ("return=representation", json!("Patient")),
        ("return=OperationOutcome", json!("OperationOutcome")),
    ] {
        let headers = [("Content-Type", "application/fhir+json"), ("Prefer", prefer)];
        let answer = client.send("POST", "/fhir/r4/Patient", &headers, body.as_bytes()).await.expect(201);
        assert_eq!(answer.header("preference-applied"), Some(prefer));
        assert!(answer.header("location").is_some() && answer.header("etag").is_some());
        if kind.is_null() {
            assert!(answer.body.is_empty(), "{prefer}");
        } else {
            assert_eq!(answer.json()["resourceType"], kind);
        }
    }
    let headers = [("Content-Type", "application/fhir+json"), ("Prefer", "return=everything")];
    client.send("POST", "/fhir/r4/Patient", &headers, body.as_bytes()).await.expect(400);
}

async fn what_is_wrong_is_named_and_nothing_is_kept(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    let before = gateway.rows().await;
    let fhir = [("Content-Type", "application/fhir+json")];
    for (method, path, body, status) in [
        ("POST", "/fhir/r4/Patient", r#"{"resourceType":"Observation"}"#, 400),
        ("POST", "/fhir/r4/Patient", r#"{"id":"a"}"#, 400),
        ("POST", "/fhir/r4/Patient", "[]", 400),
        ("POST", "/fhir/r4/Patient", r#"{"resourceType":"Patient","resourceType":"Patient"}"#, 400),
        ("POST", "/fhir/r4/Patient", "{", 400),
        ("POST", "/fhir/r4/Nonsense", r#"{"resourceType":"Nonsense"}"#, 404),
        ("PUT", "/fhir/r4/Patient/a", r#"{"resourceType":"Patient"}"#, 400),
        ("PUT", "/fhir/r4/Patient/a", r#"{"resourceType":"Patient","id":"b"}"#, 400),
        ("PUT", "/fhir/r4/Patient/a_b", r#"{"resourceType":"Patient","id":"a_b"}"#, 400),
        ("POST", "/fhir/r4/ImagingStudy", r#"{"resourceType":"ImagingStudy"}"#, 405),
        ("PUT", "/fhir/r4/AuditEvent/a", r#"{"resourceType":"AuditEvent","id":"a"}"#, 405),
        ("DELETE", "/fhir/r4/ImagingStudy/a", "", 405),
    ] {
        let answer = client.send(method, path, &fhir, body.as_bytes()).await.expect(status);
        assert_eq!(answer.json()["resourceType"], "OperationOutcome", "{method} {path} {body}");
    }
    client.send("POST", "/fhir/r4/Patient", &[("Content-Type", "text/plain")], b"x").await.expect(415);
    assert_eq!(gateway.rows().await, before);
}

async fn numbers_keep_their_text(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    let body = r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.50}}"#;
    let headers = [("Content-Type", "application/fhir+json")];
    let made = client.send("POST", "/fhir/r4/Observation", &headers, body.as_bytes()).await.expect(201);
    assert!(made.text().contains(r#""value":1.50}"#), "{}", made.text());
}

async fn patched(client: &Client, kind: &str, path: &str, patch: &Value) -> Answer {
    client.send("PATCH", path, &[("Content-Type", kind)], patch.to_string().as_bytes()).await
}

async fn patches_make_versions(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    let path = "/fhir/r4/Patient/p-1";
    client.put(path, &with_id(patient("Aubel"), "p-1")).await.expect(201);
    let patch = json!([{"op": "replace", "path": "/name/0/family", "value": "Beyer"}]);
    let answer = patched(&client, "application/json-patch+json", path, &patch).await.expect(200);
    assert_eq!((place(&answer).1.as_str(), &answer.json()["name"][0]["family"]), ("2", &json!("Beyer")));
    let parameters = json!({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
        {"name": "type", "valueCode": "add"},
        {"name": "path", "valueString": "Patient"},
        {"name": "name", "valueString": "birthDate"},
        {"name": "value", "valueDate": "1980-02-29"},
    ]}]});
    let answer = patched(&client, "application/fhir+json", path, &parameters).await.expect(200);
    assert_eq!((place(&answer).1.as_str(), &answer.json()["birthDate"]), ("3", &json!("1980-02-29")));
    assert_eq!(client.get(path).await.expect(200).body, answer.body);
}

async fn a_patch_that_does_not_fit_changes_nothing(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    let path = "/fhir/r4/Patient/p-1";
    let any = json!([{"op": "remove", "path": "/gender"}]);
    patched(&client, "application/json-patch+json", path, &any).await.expect(404);
    client.put(path, &with_id(patient("Aubel"), "p-1")).await.expect(201);
    let kept = client.get(path).await.expect(200).body;
    for (patch, status) in [
        (json!({"op": "remove", "path": "/gender"}), 400),
        (json!([{"op": "explode", "path": "/gender"}]), 400),
        (json!([{"op": "remove", "path": "/birthDate"}]), 422),
        (json!([{"op": "test", "path": "/gender", "value": "male"}]), 422),
        (json!([{"op": "replace", "path": "/id", "value": "p-2"}]), 422),
        (json!([{"op": "replace", "path": "/gender", "value": "unheard-of"}]), 400),
    ] {
        let answer = patched(&client, "application/json-patch+json", path, &patch).await.expect(status);
        assert_eq!(answer.json()["resourceType"], "OperationOutcome", "{patch}");
    }
    patched(&client, "application/json", path, &any).await.expect(415);
    let stale = [("Content-Type", "application/json-patch+json"), ("If-Match", "W/\"7\"")];
    client.send("PATCH", path, &stale, any.to_string().as_bytes()).await.expect(412);
    assert_eq!(client.get(path).await.expect(200).body, kept);
    client.delete(path).await.expect(204);
    patched(&client, "application/json-patch+json", path, &any).await.expect(410);
}

async fn what_r4_does_not_allow_is_named_by_its_path(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    let wrong = json!({
        "resourceType": "Observation",
        "status": "finished",
        "colour": "red",
        "effectiveDateTime": "yesterday",
        "component": [],
    });
    let outcome = client.post("/fhir/r4/Observation", &wrong).await.expect(400).json();
    let issues = outcome["issue"].as_array().expect("issues");
    let mut named: Vec<(String, String)> = issues
        .iter()
        .map(|issue| (issue["expression"][0].as_str().unwrap_or_default().to_owned(), issue["code"].to_string()))
        .collect();
    named.sort();
    for expected in ["Observation.status", "Observation.colour", "Observation.effective", "Observation.code"] {
        assert!(named.iter().any(|(path, _)| path.starts_with(expected)), "{expected} in {named:?}");
    }
    assert!(!outcome.to_string().contains("yesterday"), "values are not repeated");
}

async fn a_report_is_changed_by_its_own_interface_only(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    let path = format!("/fhir/r4/DiagnosticReport/{report}");
    let kept = doctor.get(&path).await.expect(200).json();
    let refused = doctor.put(&path, &kept).await.expect(409);
    assert_eq!(refused.json()["issue"][0]["code"], "conflict");
    writer(&gateway).await.delete(&path).await.expect(409);
    assert_eq!(doctor.get(&path).await.expect(200).json(), kept);

    // Nobody makes a resource look like a report's.
    let mut copy = kept;
    copy.as_object_mut().expect("an object").remove("id");
    let made = doctor.post("/fhir/r4/DiagnosticReport", &copy).await.expect(201).json();
    assert_eq!(made["meta"]["source"], Value::Null);
}

async fn a_report_says_the_same_whatever_becomes_of_its_patient(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (doctor, feed) = (gateway.radiologist().await, writer(&gateway).await);
    let (report, _) = create(&doctor, &short("final")).await;
    let report_path = format!("/api/reports/{report}");
    let said = doctor.get(&report_path).await.expect(200).json();
    let subject = doctor.get(&format!("/fhir/r4/DiagnosticReport/{report}")).await.expect(200).json();
    let patient_path = format!("/fhir/r4/{}", subject["subject"]["reference"].as_str().expect("a reference"));
    let mut changed = feed.get(&patient_path).await.expect(200).json();
    changed["name"] = json!([{"family": "Somebody", "given": ["Else"]}]);
    changed["birthDate"] = json!("1901-01-01");
    feed.put(&patient_path, &changed).await.expect(200);
    assert_eq!(doctor.get(&report_path).await.expect(200).json(), said);

    let mut amendment = short("amended");
    amendment["id"] = json!(report);
    let answer = doctor.post(&format!("{report_path}/amend"), &json!({"report": amendment})).await.expect(200).json();
    assert_eq!(answer["patient"], said["patient"], "an amendment states its patient itself");
    assert_eq!(feed.get(&patient_path).await.expect(200).json()["name"][0]["family"], "Somebody");
    assert_eq!(doctor.get(&report_path).await.expect(200).json()["patient"], said["patient"]);

    feed.delete(&patient_path).await.expect(204);
    assert_eq!(doctor.get(&report_path).await.expect(200).json()["patient"], said["patient"]);
    doctor.post(&format!("{report_path}/amend"), &json!({"report": amendment})).await.expect(200);
    assert_eq!(doctor.get(&report_path).await.expect(200).json()["patient"], said["patient"]);
}

async fn writers_that_meet_all_count(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    client.put("/fhir/r4/Patient/p-1", &with_id(patient("Aubel"), "p-1")).await.expect(201);
    let writes =
        (0..12).map(|number| {
            let client = client.clone();
            async move {
                client.put("/fhir/r4/Patient/p-1", &with_id(patient(&format!("N{number}")), "p-1")).await.expect(200)
            }
        });
    let mut versions: Vec<u32> = futures_util::future::join_all(writes)
        .await
        .iter()
        .map(|answer| place(answer).1.parse().expect("a number"))
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..14).collect::<Vec<_>>());
}
