//! What can be ordered, and what is said of an order that cannot be followed.

use causeway::access::Role;
use serde_json::json;

use super::{add_dimse, add_web, deliver, deliveries, line, settled};
use crate::each_backend;
use crate::support::samples::{create, items, short, text};
use crate::support::{Backend, Pacs, TestGateway, WILLING};

each_backend!(
    an_order_names_known_peers_and_forms,
    a_draft_is_not_delivered,
    a_report_that_was_withdrawn_has_no_instance,
    a_peer_that_was_removed_is_not_waited_for,
    peers_have_a_form,
    orders_survive_a_restart,
);

async fn an_order_names_known_peers_and_forms(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    add_dimse(&gateway, "pacs", 1).await;
    add_web(&gateway, "ehr", "fhir", "http://127.0.0.1:1/fhir").await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    gateway.idle().await;
    let before = gateway.rows().await;
    let path = format!("/api/reports/{report}/deliver");
    for (body, named) in [
        (json!({}), vec!["peers"]),
        (json!({"peers": []}), vec!["peers"]),
        (json!({"peers": ["pacs", "nobody", "none"]}), vec!["peers[1]", "peers[2]"]),
        (json!({"peers": ["pacs"], "formats": ["docx", "dicom-sr", 5]}), vec!["formats[0]", "formats[2]"]),
        (json!({"peers": ["pacs"], "formats": ["dicom-sr", "fhir"]}), vec!["formats[1]"]),
        (json!({"peers": ["ehr"], "formats": ["dicom-sr"]}), vec!["formats[0]"]),
        (json!({"peers": ["No Name!"], "colour": "red"}), vec!["colour", "peers[0]"]),
        (json!({"peers": "pacs"}), vec!["peers"]),
        (json!([]), vec![""]),
    ] {
        assert_eq!(doctor.post(&path, &body).await.expect(400).named(), named, "{body}");
    }
    doctor.post("/api/reports/nothing/deliver", &json!({"peers": ["pacs"]})).await.expect(404);
    for role in [Role::Clinician, Role::Admin, Role::Auditor] {
        gateway.role(role).await.post(&path, &json!({"peers": ["pacs"]})).await.expect(403);
    }
    assert_eq!(gateway.rows().await, before);
    assert!(items(&doctor.get("/api/deliveries").await.expect(200)).is_empty());
}

async fn a_draft_is_not_delivered(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let pacs = Pacs::start(WILLING).await;
    add_dimse(&gateway, "pacs", pacs.port).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("draft")).await;
    let path = format!("/api/reports/{report}/deliver");
    assert_eq!(doctor.post(&path, &json!({"peers": ["pacs"]})).await.expect(422).named(), ["status"]);
    let (preliminary, _) = create(&doctor, &short("preliminary")).await;
    deliver(&doctor, &preliminary, &["pacs"], &["dicom-sr"]).await;
    assert_eq!(settled(&doctor, &preliminary).await, [line("dicom-sr", "sent")]);
    assert_eq!(pacs.stored().len(), 1);
}

async fn a_report_that_was_withdrawn_has_no_instance(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let pacs = Pacs::start(WILLING).await;
    add_dimse(&gateway, "pacs", pacs.port).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    doctor.act(&format!("/api/reports/{report}/enter-in-error")).await.expect(200);
    deliver(&doctor, &report, &["pacs"], &["dicom-sr"]).await;
    assert_eq!(settled(&doctor, &report).await, [line("dicom-sr", "dead")]);
    let dead = deliveries(&doctor, &report).await.remove(0);
    assert!(text(&dead, "answer").len() > 10, "{dead}");
    assert!(pacs.stored().is_empty());
}

async fn a_peer_that_was_removed_is_not_waited_for(backend: Backend) {
    let gateway = TestGateway::with(&backend, &["jobs.max_attempts=1000"], "").await;
    let port = Pacs::start(WILLING).await.port;
    tokio::task::yield_now().await;
    add_dimse(&gateway, "pacs", port).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    deliver(&doctor, &report, &["pacs"], &["dicom-sr"]).await;
    super::waiting(&doctor, &report).await;
    let admin = gateway.role(Role::Admin).await;
    admin.delete("/api/admin/peers/pacs").await.expect(204);
    assert_eq!(settled(&doctor, &report).await, [line("dicom-sr", "dead")]);
    admin.delete("/api/admin/peers/pacs").await.expect(404);
    assert!(items(&admin.get("/api/admin/peers").await.expect(200)).is_empty());
}

async fn peers_have_a_form(backend: Backend) {
    let file = "[[peer]]\nname = \"archive\"\nkind = \"orthanc\"\nurl = \"http://127.0.0.1:1\"\n";
    let gateway = TestGateway::with(&backend, &[], file).await;
    let admin = gateway.role(Role::Admin).await;
    let before = gateway.rows().await;
    let url = "http://127.0.0.1:1";
    for (body, named) in [
        (json!({}), vec!["name", "kind"]),
        (json!({"name": "pacs", "kind": "dimse"}), vec!["host", "port", "called_ae_title"]),
        (json!({"name": "pacs", "kind": "telepathy", "url": "nowhere"}), vec!["kind", "url"]),
        (json!({"name": "pacs", "kind": "fhir", "url": "ftp://127.0.0.1"}), vec!["url"]),
        (json!({"name": "pacs", "kind": "dimse", "called_ae_title": "TOO LONG FOR AN AE"}), vec!["called_ae_title"]),
        (json!({"name": "other", "kind": "fhir", "url": url}), vec!["name"]),
        (json!({"name": "pacs", "kind": "fhir", "url": url, "colour": 1, "tls": {"x": 1}}), vec!["tls.x", "colour"]),
        (json!({"name": "pacs", "kind": "fhir", "url": url, "auth": {"type": "magic"}}), vec!["auth.type"]),
    ] {
        assert_eq!(admin.put("/api/admin/peers/pacs", &body).await.expect(400).named(), named, "{body}");
    }
    assert_eq!(gateway.rows().await, before);
    admin
        .put("/api/admin/peers/archive", &json!({"name": "archive", "kind": "fhir", "url": "http://127.0.0.1:1"}))
        .await
        .expect(409);
    admin.delete("/api/admin/peers/archive").await.expect(409);

    let auth = json!({"type": "basic", "username": "u", "password": "opensesame"});
    let settings = json!({"name": "ehr", "kind": "fhir", "url": "http://127.0.0.1:1", "auth": auth});
    admin.put("/api/admin/peers/ehr", &settings).await.expect(204);
    let listed = admin.get("/api/admin/peers").await.expect(200);
    assert!(!listed.text().contains("opensesame") && listed.text().contains("***"), "{}", listed.text());
    let named: Vec<String> = items(&listed).iter().map(|peer| text(peer, "name")).collect();
    assert_eq!(named, ["archive", "ehr"]);
    let tested = admin.act("/api/admin/peers/ehr/test").await.expect(200).text();
    assert!(tested.contains("connect") && !tested.contains("opensesame"), "{tested}");
}

async fn orders_survive_a_restart(backend: Backend) {
    let mut gateway = TestGateway::with(&backend, &["jobs.max_attempts=1000"], "").await;
    let port = Pacs::start(WILLING).await.port;
    tokio::task::yield_now().await;
    add_dimse(&gateway, "pacs", port).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    deliver(&doctor, &report, &["pacs"], &["dicom-sr"]).await;
    super::waiting(&doctor, &report).await;
    gateway.restart().await;
    let pacs = Pacs::start_at(port, WILLING).await;
    let doctor = gateway.radiologist().await;
    assert_eq!(settled(&doctor, &report).await, [line("dicom-sr", "sent")]);
    assert_eq!(pacs.stored().len(), 1);
}
