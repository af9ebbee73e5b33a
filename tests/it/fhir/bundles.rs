//! Batches and transactions. R4 http.html#transaction.

use std::collections::BTreeMap;

use causeway::access::Role;
use causeway::base::TenantId;
use causeway::fhir::{Json, JsonLimits};
use causeway::ops::tokens::TokenRequest;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::samples::{create, short};
use crate::support::{Answer, Backend, Client, PUBLIC_URL, TestGateway, token};

each_backend!(
    a_patient_comes_back_as_it_was_sent,
    entries_are_done_in_their_order_and_answered_in_that_of_the_bundle,
    a_transaction_that_fails_leaves_nothing,
    each_entry_needs_its_own_right,
    entries_of_a_batch_fail_by_themselves,
    transactions_that_meet_all_count,
    a_report_is_not_changed_through_a_bundle,
    the_answer_to_a_bundle_is_what_was_preferred,
    what_is_no_batch_and_no_transaction_is_refused,
    patches_come_in_bundles_too,
    a_large_transaction_is_kept_whole,
);

const BASES: [&str; 4] = ["/fhir/r4", "/fhir/r4/", "/fhir", "/fhir/"];

fn bundle(kind: &str, entries: Vec<Value>) -> Value {
    let mut bundle = json!({"resourceType": "Bundle", "type": kind});
    bundle["entry"] = Value::Array(entries);
    bundle
}

pub(super) fn request(method: &str, url: &str) -> Value {
    json!({"request": {"method": method, "url": url}})
}

pub(super) fn post(full_url: &str, resource: Value) -> Value {
    let mut entry = json!({"fullUrl": full_url, "request": {"method": "POST", "url": resource["resourceType"]}});
    entry["resource"] = resource;
    entry
}

pub(super) fn put(url: &str, resource: Value) -> Value {
    let mut entry = request("PUT", url);
    entry["resource"] = resource;
    entry
}

fn patient(id: &str, family: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "name": [{"family": family}]})
}

pub(super) fn about(reference: &str) -> Value {
    json!({"resourceType": "Basic", "code": {"text": "note"}, "subject": {"reference": reference}})
}

pub(super) async fn writer(gateway: &TestGateway) -> Client {
    gateway.role(Role::Integrator).await
}

pub(super) async fn process(client: &Client, kind: &str, entries: Vec<Value>) -> Answer {
    client.post("/fhir/r4", &bundle(kind, entries)).await
}

/// Statuses of the entries, without their phrases.
pub(super) fn statuses(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let entries = json["entry"].as_array().cloned().unwrap_or_default();
    let code =
        |entry: &Value| entry["response"]["status"].as_str().expect("a status").split(' ').next().map(str::to_owned);
    entries.iter().map(|entry| code(entry).expect("a code")).collect()
}

fn parse(text: &[u8]) -> Json {
    Json::parse(text, &JsonLimits::default()).expect("JSON")
}

/// A resource as text, without what the server gives it.
fn own(mut resource: Json) -> String {
    let object = resource.as_object_mut().expect("an object");
    object.remove("id");
    object.remove("meta");
    resource.to_text()
}

async fn a_patient_comes_back_as_it_was_sent(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    let text = include_str!("../../../fixtures/fhir/transaction/synthea-patient.json");
    let sent = parse(text.as_bytes());
    let headers = [("Content-Type", "application/fhir+json"), ("Prefer", "return=minimal")];
    let answer = client.send("POST", "/fhir/r4", &headers, text.as_bytes()).await.expect(200).json();
    assert_eq!(answer["type"], "transaction-response");
    let answered = answer["entry"].as_array().expect("entries");
    assert_eq!(answered.len(), sent.items("entry").len());
    let mut places: BTreeMap<&str, String> = BTreeMap::new();
    for (entry, answer) in sent.items("entry").iter().zip(answered) {
        let response = &answer["response"];
        assert_eq!((&response["status"], &response["etag"]), (&json!("201 Created"), &json!("W/\"1\"")));
        assert!(answer.get("resource").is_none(), "a minimal answer was preferred");
        let location = response["location"].as_str().expect("a place");
        let place = location.strip_prefix(&format!("{PUBLIC_URL}/fhir/r4/")).expect("is ours");
        let (place, version) = place.split_once("/_history/").expect("names a version");
        assert_eq!(version, "1");
        places.insert(entry.text_at(&["fullUrl"]).expect("a URL"), place.to_owned());
    }
    for entry in sent.items("entry") {
        let place = &places[entry.text_at(&["fullUrl"]).expect("a URL")];
        let kept = client.get(&format!("/fhir/r4/{place}")).await.expect(200);
        assert!(!kept.text().contains("\"urn:uuid:"), "{}", kept.text());
        let mut expected = own(entry.get("resource").expect("a resource").clone());
        for (url, place) in &places {
            expected = expected.replace(&format!("\"{url}\""), &format!("\"{place}\""));
        }
        assert_eq!(own(parse(&kept.body)), expected);
    }
}

async fn entries_are_done_in_their_order_and_answered_in_that_of_the_bundle(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    client.put("/fhir/r4/Patient/old", &patient("old", "Aubel")).await.expect(201);
    client.put("/fhir/r4/Patient/gone", &patient("gone", "Aubel")).await.expect(201);
    let entries = vec![
        request("GET", "Patient/old"),
        request("GET", "Patient/old/_history/1"),
        request("HEAD", "Patient/old"),
        json!({"request": {"method": "GET", "url": "Patient/old", "ifNoneMatch": "W/\"2\""}}),
        put("Patient/old", patient("old", "Beyer")),
        put("Patient/new", patient("new", "Cramer")),
        post("urn:uuid:0b6c7a5e-33a1-4a3c-8f43-0f4c6c2d1c01", about("urn:uuid:0b6c7a5e-33a1-4a3c-8f43-0f4c6c2d1c02")),
        post("urn:uuid:0b6c7a5e-33a1-4a3c-8f43-0f4c6c2d1c02", patient("of-the-client", "Dorn")),
        request("DELETE", "Patient/gone"),
        request("DELETE", "Patient/never"),
    ];
    let answer = process(&client, "transaction", entries).await.expect(200);
    let expected = ["200", "200", "200", "304", "200", "201", "201", "201", "204", "204"];
    assert_eq!(statuses(&answer), expected);
    let entries = answer.json()["entry"].clone();
    assert_eq!(entries[0]["resource"]["name"][0]["family"], "Beyer", "reads come after the writes");
    assert_eq!(entries[0]["response"]["etag"], "W/\"2\"");
    assert_eq!(entries[1]["resource"]["name"][0]["family"], "Aubel");
    assert_eq!((entries[2].get("resource"), entries[3].get("resource")), (None, None));
    let made = &entries[7]["resource"];
    assert_ne!(made["id"], "of-the-client");
    assert_eq!(
        entries[6]["resource"]["subject"]["reference"],
        format!("Patient/{}", made["id"].as_str().expect("an id"))
    );
    assert_eq!(entries[8]["response"]["etag"], "W/\"2\"");
    client.get("/fhir/r4/Patient/gone").await.expect(410);
    assert_eq!(client.get("/fhir/r4/Patient/new").await.expect(200).json(), entries[5]["resource"]);
    for base in BASES {
        let empty = client.post(base, &json!({"resourceType": "Bundle", "type": "transaction"})).await.expect(200);
        assert_eq!(empty.json(), json!({"resourceType": "Bundle", "type": "transaction-response"}));
    }
}

async fn a_transaction_that_fails_leaves_nothing(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    client.put("/fhir/r4/Patient/old", &patient("old", "Aubel")).await.expect(201);
    let before = gateway.rows().await;
    let audit = "select count(*) from audit_event";
    gateway.ops().flush().await;
    let audited = gateway.database.count(audit).await;
    let good = || {
        vec![
            post("urn:uuid:0b6c7a5e-33a1-4a3c-8f43-0f4c6c2d1c01", patient("x", "Beyer")),
            put("Patient/new", patient("new", "Cramer")),
            put("Patient/old", patient("old", "Dorn")),
        ]
    };
    let guarded = json!({"request": {"method": "DELETE", "url": "Patient/other", "ifMatch": "W/\"1\""}});
    let last = "Bundle.entry[3]";
    let cases = [
        (
            post("urn:uuid:1", json!({"resourceType": "Patient", "gender": "red"})),
            400,
            ".resource.gender",
            "code-invalid",
        ),
        (post("urn:uuid:1", about("urn:uuid:2")), 400, ".resource.subject.reference", "invariant"),
        (post("urn:uuid:1", json!({"resourceType": "Patient", "colour": 1})), 400, ".resource.colour", "structure"),
        (put("Patient/a", patient("b", "E")), 400, ".resource.id", "invariant"),
        (put("Patient/old", patient("old", "E")), 400, ".request.url", "duplicate"),
        (request("DELETE", "Patient/new"), 400, ".request.url", "duplicate"),
        (guarded, 412, ".request.ifMatch", "conflict"),
        (request("GET", "Patient/never"), 404, ".request.url", "not-found"),
        (request("GET", "Patient/old/_history/9"), 404, ".request.url", "not-found"),
        (request("GET", "Patient/$everything"), 400, ".request.url", "not-supported"),
        (request("POST", "Patient"), 400, ".resource", "required"),
        (
            put("ImagingStudy/a", json!({"resourceType": "ImagingStudy", "id": "a"})),
            422,
            ".request.url",
            "not-supported",
        ),
        (json!({"resource": {"resourceType": "Patient"}}), 400, ".request", "required"),
    ];
    for (entry, status, path, code) in cases {
        let mut entries = good();
        entries.push(entry.clone());
        let answer = process(&client, "transaction", entries).await;
        assert_eq!(answer.status, status, "{entry}: {}", answer.text());
        let outcome = answer.json();
        assert_eq!(outcome["resourceType"], "OperationOutcome");
        assert_eq!(outcome["issue"][0]["expression"], json!([format!("{last}{path}")]), "{outcome}");
        assert_eq!(outcome["issue"][0]["code"], code, "{outcome}");
    }
    assert_eq!(gateway.rows().await, before);
    gateway.ops().flush().await;
    assert_eq!(gateway.database.count(audit).await, audited, "nobody is said to have done anything");
    assert_eq!(client.get("/fhir/r4/Patient/old").await.expect(200).json()["meta"]["versionId"], "1");
    process(&client, "transaction", good()).await.expect(200);
}

async fn each_entry_needs_its_own_right(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let feed = writer(&gateway).await;
    let entries = || {
        vec![
            request("GET", "Patient/old"),
            post("urn:uuid:1", about("Patient/old")),
            put("Patient/new", patient("new", "Beyer")),
            request("DELETE", "Patient/old"),
        ]
    };
    let tenant = TenantId::default_tenant();
    let narrowed = |scope: &str| TokenRequest { scope: Some(scope.into()), ..token("feed", &[Role::Integrator]) };
    let clinician = gateway.role(Role::Clinician).await;
    let doctor = gateway.radiologist().await;
    let reader = gateway.client(&tenant, narrowed("user/Patient.r")).await;
    let updater = gateway.client(&tenant, narrowed("user/Patient.rud user/Basic.c")).await;
    for (client, first, each) in [
        (&clinician, 1, ["403", "403", "403"]),
        (&doctor, 3, ["201", "201", "403"]),
        (&reader, 1, ["403", "403", "403"]),
        // Without the right to create, an update makes nothing.
        (&updater, 2, ["201", "403", "204"]),
    ] {
        feed.put("/fhir/r4/Patient/old", &patient("old", "Aubel")).await;
        feed.delete("/fhir/r4/Patient/new").await.expect(204);
        let before = gateway.rows().await;
        let refused = process(client, "transaction", entries()).await.expect(403);
        assert_eq!(refused.named(), [format!("Bundle.entry[{first}].request.url")]);
        assert_eq!(refused.json()["issue"][0]["code"], "forbidden");
        assert_eq!(gateway.rows().await, before, "nothing is done");
        let batch = process(client, "batch", entries()).await.expect(200);
        assert_eq!(statuses(&batch)[1..], each, "{}", batch.text());
    }
    gateway.nobody().post("/fhir/r4", &bundle("batch", entries())).await.expect(401);
    gateway.role(Role::Admin).await.post("/fhir/r4", &bundle("batch", entries())).await.expect(403);
}

async fn entries_of_a_batch_fail_by_themselves(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    client.put("/fhir/r4/Patient/old", &patient("old", "Aubel")).await.expect(201);
    let entries = vec![
        request("GET", "Patient/old"),
        request("GET", "Patient/never"),
        post("urn:uuid:1", json!({"resourceType": "Patient", "gender": "red"})),
        post("urn:uuid:2", about("urn:uuid:3")),
        put("Patient/new", patient("new", "Beyer")),
        request("GET", "Nonsense/1"),
        json!({"request": {"method": "GET"}}),
        put("AuditEvent/a", json!({"resourceType": "AuditEvent", "id": "a"})),
        json!({"request": {"method": "DELETE", "url": "Patient/old", "ifMatch": "W/\"7\""}}),
        json!({"resource": {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": "e30="},
            "request": {"method": "PATCH", "url": "Patient/old"}}),
    ];
    let answer = process(&client, "batch", entries).await.expect(200);
    assert_eq!(answer.json()["type"], "batch-response");
    let expected = ["200", "404", "400", "201", "201", "404", "400", "405", "412", "400"];
    assert_eq!(statuses(&answer), expected, "{}", answer.text());
    let entries = answer.json()["entry"].clone();
    let place = |index: usize| entries[index]["response"]["outcome"]["issue"][0]["expression"][0].clone();
    assert_eq!(place(1), "Bundle.entry[1]");
    assert_eq!(place(2), "Bundle.entry[2].resource.gender");
    assert_eq!(place(6), "Bundle.entry[6].request.url");
    assert_eq!(place(9), "Bundle.entry[9].resource");
    assert_eq!(entries[3]["resource"]["subject"]["reference"], "urn:uuid:3", "entries do not know each other");
    assert_eq!(entries[4]["response"]["location"], format!("{PUBLIC_URL}/fhir/r4/Patient/new/_history/1"));
    client.get("/fhir/r4/Patient/new").await.expect(200);
}

async fn transactions_that_meet_all_count(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    for id in ["one", "two"] {
        client.put(&format!("/fhir/r4/Patient/{id}"), &patient(id, "Aubel")).await.expect(201);
    }
    let all = (0..8).map(|number| {
        let client = client.clone();
        async move {
            let family = format!("N{number}");
            // In both orders: who waits for whom may not turn into a circle.
            let mut entries = vec![
                put("Patient/one", patient("one", &family)),
                put("Patient/two", patient("two", &family)),
                post("urn:uuid:1", about("Patient/one")),
            ];
            if number % 2 == 0 {
                entries.reverse();
            }
            process(&client, "transaction", entries).await.expect(200)
        }
    });
    futures_util::future::join_all(all).await;
    let one = client.get("/fhir/r4/Patient/one").await.expect(200).json();
    let two = client.get("/fhir/r4/Patient/two").await.expect(200).json();
    assert_eq!((&one["meta"]["versionId"], &two["meta"]["versionId"]), (&json!("9"), &json!("9")));
    assert_eq!(one["name"], two["name"], "the last one wrote both");
    let notes = "select count(*) from resource where resource_type = 'Basic'";
    assert_eq!(gateway.database.count(notes).await, 8);

    let guarded = (0..6).map(|number| {
        let client = client.clone();
        async move {
            let mut entry = put("Patient/one", patient("one", &format!("G{number}")));
            entry["request"]["ifMatch"] = json!("W/\"9\"");
            process(&client, "transaction", vec![entry, post("urn:uuid:1", about("Patient/one"))]).await.status
        }
    });
    let mut won = futures_util::future::join_all(guarded).await;
    won.sort_unstable();
    assert_eq!(won, [200, 412, 412, 412, 412, 412]);
    assert_eq!(gateway.database.count(notes).await, 9);
}

async fn a_report_is_not_changed_through_a_bundle(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    let url = format!("DiagnosticReport/{report}");
    let kept = doctor.get(&format!("/fhir/r4/{url}")).await.expect(200).json();
    let refused = process(&doctor, "transaction", vec![put(&url, kept.clone())]).await.expect(409);
    assert_eq!(refused.named(), ["Bundle.entry[0]"]);
    let batch = process(&doctor, "batch", vec![put(&url, kept.clone())]).await.expect(200);
    assert_eq!(statuses(&batch), ["409"]);
    let feed = writer(&gateway).await;
    process(&feed, "transaction", vec![request("DELETE", &url)]).await.expect(409);
    // Nobody makes a resource look like a report's.
    let mut copy = kept.clone();
    copy.as_object_mut().expect("an object").remove("id");
    let made = process(&doctor, "transaction", vec![post("urn:uuid:1", copy)]).await.expect(200).json();
    assert_eq!(made["entry"][0]["resource"]["meta"]["source"], Value::Null);
    assert_eq!(doctor.get(&format!("/fhir/r4/{url}")).await.expect(200).json(), kept);
}

async fn the_answer_to_a_bundle_is_what_was_preferred(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    let body = bundle("transaction", vec![post("urn:uuid:1", patient("x", "A")), put("Patient/p", patient("p", "B"))]);
    let with_read = bundle("batch", vec![request("GET", "Patient/p")]).to_string();
    for (prefer, has_resource, has_outcome) in [
        ("return=representation", true, false),
        ("return=minimal", false, false),
        ("return=OperationOutcome", false, true),
    ] {
        let headers = [("Content-Type", "application/fhir+json"), ("Prefer", prefer)];
        let answer = client.send("POST", "/fhir/r4", &headers, body.to_string().as_bytes()).await.expect(200);
        assert_eq!(answer.must("preference-applied"), prefer);
        for entry in answer.json()["entry"].as_array().expect("entries") {
            assert_eq!(entry.get("resource").is_some(), has_resource, "{prefer}");
            assert_eq!(entry["response"].get("outcome").is_some(), has_outcome, "{prefer}");
            assert!(entry["response"]["lastModified"].is_string());
        }
        let read = client.send("POST", "/fhir/r4", &headers, with_read.as_bytes()).await.expect(200).json();
        assert_eq!(read["entry"][0]["resource"]["id"], "p", "a read is not narrowed by it");
    }
    let pretty = client.post("/fhir/r4?_pretty=true", &bundle("batch", vec![])).await;
    assert!(pretty.expect(200).text().contains("\n  \"type\": \"batch-response\""));
}

async fn what_is_no_batch_and_no_transaction_is_refused(backend: Backend) {
    let gateway = TestGateway::with(&backend, &["limits.bundle_entries=3"], "").await;
    let client = writer(&gateway).await;
    let before = gateway.rows().await;
    for kind in ["history", "searchset", "document", "message", "collection", "batch-response", "nonsense"] {
        let refused = client.post("/fhir/r4", &bundle(kind, vec![request("GET", "Patient/1")])).await.expect(400);
        assert_eq!(refused.named(), ["Bundle.type"], "{kind}");
    }
    client.post("/fhir/r4", &patient("p", "A")).await.expect(400);
    client.send("POST", "/fhir/r4", &[("Content-Type", "application/fhir+json")], b"[1,").await.expect(400);
    client.send("POST", "/fhir/r4", &[("Content-Type", "text/plain")], b"{}").await.expect(415);
    client.send("POST", "/fhir/r4", &[("Content-Type", "application/fhir+xml")], b"<Bundle/>").await.expect(415);
    for kind in ["batch", "transaction"] {
        let many = client.post("/fhir/r4", &bundle(kind, vec![request("GET", "Patient/1"); 4])).await.expect(413);
        assert_eq!(many.json()["issue"][0]["code"], "too-costly");
    }
    assert_eq!(gateway.rows().await, before);
    let statement = client.get("/fhir/r4/metadata").await.expect(200).json();
    let offered = statement["rest"][0]["interaction"].as_array().expect("interactions");
    for code in ["transaction", "batch"] {
        assert!(offered.contains(&json!({"code": code})), "{offered:?}");
    }
}

async fn patches_come_in_bundles_too(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    client.put("/fhir/r4/Patient/p", &patient("p", "Aubel")).await.expect(201);
    // [{"op":"add","path":"/gender","value":"female"}]
    let data = "W3sib3AiOiJhZGQiLCJwYXRoIjoiL2dlbmRlciIsInZhbHVlIjoiZmVtYWxlIn1d";
    let json_patch = json!({
        "resource": {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data},
        "request": {"method": "PATCH", "url": "Patient/p", "ifMatch": "W/\"1\""},
    });
    let path_patch = json!({
        "resource": {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
            {"name": "type", "valueCode": "add"},
            {"name": "path", "valueString": "Patient"},
            {"name": "name", "valueString": "managingOrganization"},
            {"name": "value", "valueReference": {"reference": "urn:uuid:0b6c7a5e-33a1-4a3c-8f43-0f4c6c2d1c09"}},
        ]}]},
        "request": {"method": "PATCH", "url": "Patient/p"},
    });
    let organization = json!({"resourceType": "Organization", "name": "Here"});
    let organization = post("urn:uuid:0b6c7a5e-33a1-4a3c-8f43-0f4c6c2d1c09", organization);
    let first = process(&client, "transaction", vec![json_patch.clone()]).await.expect(200).json();
    assert_eq!(first["entry"][0]["resource"]["gender"], "female");
    process(&client, "transaction", vec![json_patch]).await.expect(412);
    let second = process(&client, "transaction", vec![path_patch, organization]).await.expect(200).json();
    let here = second["entry"][1]["resource"]["id"].as_str().expect("an id");
    let patched = client.get("/fhir/r4/Patient/p").await.expect(200).json();
    assert_eq!(patched["managingOrganization"]["reference"], format!("Organization/{here}"));
    assert_eq!(patched["meta"]["versionId"], "3");
    let unfit = json!({
        "resource": {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
            {"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": "Patient.birthDate"},
            {"name": "value", "valueDate": "2000-01-01"},
        ]}]},
        "request": {"method": "PATCH", "url": "Patient/p"},
    });
    for kind in ["transaction", "batch"] {
        let answer = process(&client, kind, vec![unfit.clone()]).await;
        let outcome =
            if kind == "batch" { answer.json()["entry"][0]["response"]["outcome"].clone() } else { answer.json() };
        assert_eq!(outcome["issue"][0]["expression"], json!(["Bundle.entry[0].resource"]), "{outcome}");
        assert_eq!(if kind == "batch" { 422 } else { answer.status }, 422);
    }
}

async fn a_large_transaction_is_kept_whole(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = writer(&gateway).await;
    let patient_url = "urn:uuid:0b6c7a5e-33a1-4a3c-8f43-0f4c6c2d1c01";
    let mut entries = vec![post(patient_url, patient("x", "Aubel"))];
    entries.extend((1..1_000).map(|number| post(&format!("urn:uuid:{number}"), about(patient_url))));
    let headers = [("Content-Type", "application/fhir+json"), ("Prefer", "return=minimal")];
    let body = bundle("transaction", entries).to_string();
    let answer = client.send("POST", "/fhir/r4", &headers, body.as_bytes()).await.expect(200);
    assert!(statuses(&answer).iter().all(|status| status == "201"));
    let kept = "select count(*) from resource where resource_type = 'Basic'";
    assert_eq!(gateway.database.count(kept).await, 999);
    let last = answer.json()["entry"][999]["response"]["location"].as_str().expect("a place").to_owned();
    let note = client.get(last.strip_prefix(PUBLIC_URL).expect("is ours")).await.expect(200).json();
    let subject = note["subject"]["reference"].as_str().expect("a reference");
    client.get(&format!("/fhir/r4/{subject}")).await.expect(200);
}
