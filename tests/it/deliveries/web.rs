//! STOW-RS and FHIR pushes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use dicom_dictionary_std::tags;
use serde_json::{Value, json};

use super::{add_web, deliver, deliveries, line, settled, waiting};
use crate::each_backend;
use crate::support::samples::{create, measured, short, text};
use crate::support::{Backend, Received, TestGateway, WebPeer};

each_backend!(
    stow_sends_files_and_reads_what_became_of_each,
    stow_to_a_server_that_is_busy_is_tried_again,
    a_transaction_reaches_a_fhir_server,
    a_fhir_server_that_refuses_has_not_got_it,
    a_fhir_server_that_is_busy_is_tried_again,
);

/// The Part-10 files of a STOW-RS request, with their SOP class and instance.
fn parts(request: &Received) -> Vec<(Vec<u8>, String, String)> {
    let (_, boundary) = request.content_type.split_once("boundary=").expect("has a boundary");
    let delimiter = format!("--{}", boundary.trim_matches('"')).into_bytes();
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(found) = request.body[at..].windows(delimiter.len()).position(|window| window == delimiter) {
        starts.push(at + found);
        at += found + delimiter.len();
    }
    let mut files = Vec::new();
    for pair in starts.windows(2) {
        let part = &request.body[pair[0] + delimiter.len()..pair[1]];
        let head = part.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
        let file = part[head..part.len() - 2].to_vec();
        let object = dicom_object::from_reader(std::io::Cursor::new(&file)).expect("DICOM");
        let uid =
            |tag| object.element(tag).expect("is there").to_str().expect("text").trim_end_matches('\0').to_owned();
        files.push((file.clone(), uid(tags::SOP_CLASS_UID), uid(tags::SOP_INSTANCE_UID)));
    }
    files
}

/// A STOW-RS response: what was stored, with a warning or none, and what failed.
fn stored(taken: &[(&str, &str, Option<u16>)], failed: &[(&str, &str, u16)]) -> Vec<u8> {
    let item = |class: &str, instance: &str| json!({"00081150": {"vr": "UI", "Value": [class]}, "00081155": {"vr": "UI", "Value": [instance]}});
    let taken = taken.iter().map(|(class, instance, warning)| {
        let mut item = item(class, instance);
        if let Some(warning) = warning {
            item["00081196"] = json!({"vr": "US", "Value": [warning]});
        }
        item
    });
    let failed = failed.iter().map(|(class, instance, reason)| {
        let mut item = item(class, instance);
        item["00081197"] = json!({"vr": "US", "Value": [reason]});
        item
    });
    let taken: Vec<Value> = taken.collect();
    let failed: Vec<Value> = failed.collect();
    let mut response = json!({});
    if !taken.is_empty() {
        response["00081199"] = json!({"vr": "SQ", "Value": taken});
    }
    if !failed.is_empty() {
        response["00081198"] = json!({"vr": "SQ", "Value": failed});
    }
    json!([response]).to_string().into_bytes()
}

async fn stow_sends_files_and_reads_what_became_of_each(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let server = WebPeer::start(|request| {
        let files = parts(request);
        let (mut taken, mut failed) = (Vec::new(), Vec::new());
        for (_, class, instance) in &files {
            match class.as_str() {
                "1.2.840.10008.5.1.4.1.1.104.1" => failed.push((class.as_str(), instance.as_str(), 0xA900)),
                "1.2.840.10008.5.1.4.1.1.88.59" => taken.push((class.as_str(), instance.as_str(), Some(0xB000))),
                _ => taken.push((class.as_str(), instance.as_str(), None)),
            }
        }
        (202, "application/dicom+json", stored(&taken, &failed))
    });
    add_web(&gateway, "web", "dicomweb", &format!("{}/dicom-web", server.url)).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &measured("final")).await;
    deliver(&doctor, &report, &["web"], &[]).await;
    let states = settled(&doctor, &report).await;
    let wanted = [line("dicom-ko", "sent-with-warning"), line("dicom-pdf", "refused"), line("dicom-sr", "sent")];
    assert_eq!(states, wanted);

    let requests = server.requests();
    assert_eq!(requests.len(), 1, "all in one request");
    assert_eq!((requests[0].method.as_str(), requests[0].target.as_str()), ("POST", "/dicom-web/studies"));
    let files = parts(&requests[0]);
    for delivery in deliveries(&doctor, &report).await {
        let form = text(&delivery, "format");
        let file = doctor.get(&format!("/api/reports/{report}/versions/1/{form}")).await.expect(200);
        let sent = files.iter().find(|(_, _, instance)| *instance == text(&delivery, "sopInstanceUID"));
        assert!(sent.is_some_and(|(bytes, ..)| *bytes == file.body), "{form}: byte for byte");
    }
}

async fn stow_to_a_server_that_is_busy_is_tried_again(backend: Backend) {
    let gateway = TestGateway::with(&backend, &["jobs.max_attempts=1000"], "").await;
    let status = Arc::new(AtomicU16::new(503));
    let current = Arc::clone(&status);
    let server = WebPeer::start(move |request| {
        let files = parts(request);
        let taken: Vec<_> = files.iter().map(|(_, class, uid)| (class.as_str(), uid.as_str(), None)).collect();
        match current.load(Ordering::SeqCst) {
            200 => (200, "application/dicom+json", stored(&taken, &[])),
            status => (status, "text/plain", b"the patient's name could stand here".to_vec()),
        }
    });
    add_web(&gateway, "web", "dicomweb", &server.url).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    deliver(&doctor, &report, &["web"], &["dicom-sr"]).await;
    let away = waiting(&doctor, &report).await;
    assert!(text(&away, "answer").contains("503") && !text(&away, "answer").contains("name"), "{away}");
    status.store(200, Ordering::SeqCst);
    assert_eq!(settled(&doctor, &report).await, [line("dicom-sr", "sent")]);

    status.store(403, Ordering::SeqCst);
    let (other, _) = create(&doctor, &short("final")).await;
    deliver(&doctor, &other, &["web"], &["dicom-sr"]).await;
    assert_eq!(settled(&doctor, &other).await, [line("dicom-sr", "refused")]);
}

/// What a server answers that takes every entry.
fn taken(request: &Received) -> Vec<u8> {
    let bundle: Value = serde_json::from_slice(&request.body).expect("JSON");
    let entry = json!({"response": {"status": "201 Created", "location": "Patient/1/_history/1"}});
    let entries = vec![entry; bundle["entry"].as_array().expect("entries").len()];
    let answer = json!({"resourceType": "Bundle", "type": "transaction-response", "entry": entries});
    answer.to_string().into_bytes()
}

async fn a_transaction_reaches_a_fhir_server(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let server = WebPeer::start(|request| (200, "application/fhir+json", taken(request)));
    add_web(&gateway, "ehr", "fhir", &format!("{}/fhir", server.url)).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &measured("final")).await;
    deliver(&doctor, &report, &["ehr"], &[]).await;
    assert_eq!(settled(&doctor, &report).await, [line("fhir", "sent")]);
    let request = server.requests().remove(0);
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/fhir"));
    assert!(request.content_type.starts_with("application/fhir+json"));
    let bundle: Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&json!("Bundle"), &json!("transaction")));
    for entry in bundle["entry"].as_array().expect("entries") {
        let conditional = entry["request"].get("ifNoneExist").is_some()
            || entry["request"]["url"].as_str().is_some_and(|url| url.contains('?'));
        assert!(conditional, "sent twice it is there once: {}", entry["request"]);
    }
    let diagnostic = bundle["entry"]
        .as_array()
        .expect("entries")
        .iter()
        .find(|entry| entry["resource"]["resourceType"] == "DiagnosticReport");
    let forms = diagnostic.expect("is there")["resource"]["presentedForm"].as_array().expect("forms").clone();
    assert_eq!(forms.len(), 3);
    assert!(forms.iter().all(|form| form["hash"].is_string() && form["size"].is_number()), "{forms:?}");
}

async fn a_fhir_server_that_refuses_has_not_got_it(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let server = WebPeer::start(|_request| {
        let issue = json!({"severity": "error", "code": "business-rule", "diagnostics": "Doe, Jane is not wanted"});
        let outcome = json!({"resourceType": "OperationOutcome", "issue": [issue]});
        (422, "application/fhir+json", outcome.to_string().into_bytes())
    });
    add_web(&gateway, "ehr", "fhir", &server.url).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    deliver(&doctor, &report, &["ehr"], &[]).await;
    assert_eq!(settled(&doctor, &report).await, [line("fhir", "refused")]);
    let refused = deliveries(&doctor, &report).await.remove(0);
    let answer = text(&refused, "answer");
    assert!(answer.contains("422") && answer.contains("business-rule") && !answer.contains("Doe"), "{answer}");
    assert_eq!(server.requests().len(), 1);
}

async fn a_fhir_server_that_is_busy_is_tried_again(backend: Backend) {
    let gateway = TestGateway::with(&backend, &["jobs.max_attempts=1000"], "").await;
    let count = Arc::new(AtomicU16::new(0));
    let asked = Arc::clone(&count);
    let server = WebPeer::start(move |request| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => (503, "text/plain", Vec::new()),
        1 => (200, "text/html", b"<html>a proxy's page</html>".to_vec()),
        _ => (200, "application/fhir+json", taken(request)),
    });
    add_web(&gateway, "ehr", "fhir", &server.url).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    deliver(&doctor, &report, &["ehr"], &[]).await;
    assert_eq!(settled(&doctor, &report).await, [line("fhir", "sent")], "and a page is not an answer");
    assert_eq!(count.load(Ordering::SeqCst), 3);
    assert_eq!(deliveries(&doctor, &report).await.remove(0)["attempts"], 3);
    let requests = server.requests();
    assert!(requests.windows(2).all(|pair| pair[0].body == pair[1].body), "each time the same bundle");
}
