//! Reports that come in as FHIR: what is carried, what is told to be lost, and what stays of the bytes.

use causeway::access::Role;
use causeway::base::{Blake3, LogicalId, TenantId, VersionId};
use causeway::report::fhir::ids::provenance_id;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::samples::{exported, items, measured, short, text, with};
use crate::support::{Backend, Client, TestGateway, token};

each_backend!(
    a_foreign_report_comes_with_its_losses,
    foreign_bundles_come_in,
    our_own_bundle_comes_back_whole,
    the_bytes_that_came_are_kept,
    what_cannot_come_in_leaves_nothing,
);

fn foreign(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/fhir/foreign/{name}", env!("CARGO_MANIFEST_DIR"))).expect("is there")
}

async fn import(client: &Client, bytes: &[u8]) -> crate::support::Answer {
    client.send("POST", "/api/reports/import", &[("Content-Type", "application/fhir+json")], bytes).await
}

async fn a_foreign_report_comes_with_its_losses(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let feed = gateway.role(Role::Integrator).await;
    let imported = import(&feed, &foreign("contained.json")).await.expect(201);
    let body = imported.json();
    let lost: Vec<String> = body["losses"]
        .as_array()
        .expect("losses")
        .iter()
        .map(|loss| format!("{}: {}", text(loss, "path"), text(loss, "detail")))
        .collect();
    let wanted = String::from_utf8(foreign("contained.losses.txt")).expect("text");
    assert_eq!(lost, wanted.lines().collect::<Vec<_>>());

    let report = &body["report"];
    assert_eq!((&report["id"], &report["status"]), (&json!("ct-7781"), &json!("final")));
    assert_eq!(report["patient"]["name"]["family"], "Doe");
    assert_eq!(report["measurements"][0]["value"], "12.50", "digit for digit");
    assert!(imported.must("location").ends_with("/api/reports/ct-7781"));
    let read = feed.get("/api/reports/ct-7781").await.expect(200);
    assert_eq!((&read.json(), read.tag()), (report, imported.tag()));
    let found = items(&feed.get("/api/reports?patientId=4711").await.expect(200));
    assert_eq!(found.len(), 1);
    let sr = exported(&feed, "ct-7781", "dicom-sr").await;
    assert!(sr.body.get(128..132) == Some(b"DICM"));
}

async fn foreign_bundles_come_in(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let feed = gateway.role(Role::Integrator).await;
    for name in ["synthea.json", "us-core-note.json"] {
        let imported = import(&feed, &foreign(name)).await.expect(201).json();
        assert!(!imported["losses"].as_array().expect("losses").is_empty(), "{name} says more than a report does");
        let id = text(&imported["report"], "id");
        assert_eq!(feed.get(&format!("/api/reports/{id}")).await.expect(200).json(), imported["report"]);
    }
}

async fn our_own_bundle_comes_back_whole(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let north = gateway.add_tenant("north").await;
    let ours = gateway.radiologist().await;
    let theirs = gateway.client(&north, token("feed", &[Role::Integrator])).await;
    for report in [measured("final"), short("preliminary")] {
        let report = ours.post("/api/reports", &report).await.expect(201).json();
        let id = text(&report, "id");
        let bundle = exported(&ours, &id, "fhir").await;
        let imported = import(&theirs, &bundle.body).await.expect(201).json();
        for loss in imported["losses"].as_array().expect("losses") {
            let (path, detail) = (text(loss, "path"), text(loss, "detail"));
            let of_the_sender = ["issued", "performer[0]"].iter().any(|end| path.ends_with(end));
            let of_renditions = path.contains("presentedForm");
            let of_others =
                ["Organization", "DocumentReference", "Provenance"].iter().any(|kind| detail.starts_with(kind));
            assert!(of_the_sender || of_renditions || of_others, "{path}: {detail}");
        }
        assert_eq!(imported["report"]["meta"]["contentDigest"], report["meta"]["contentDigest"]);
        for member in ["id", "status", "patient", "study", "sections", "measurements", "structuredFindings"] {
            assert_eq!(imported["report"].get(member), report.get(member), "{member}");
        }
    }
}

async fn the_bytes_that_came_are_kept(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let feed = gateway.role(Role::Integrator).await;
    let bytes = foreign("contained.json");
    import(&feed, &bytes).await.expect(201);
    let provenance = provenance_id(&LogicalId::parse("ct-7781").expect("valid"), VersionId::FIRST);
    let provenance = feed.get(&format!("/fhir/r4/Provenance/{provenance}")).await.expect(200).json();
    let entities = provenance["entity"].as_array().expect("entities").iter();
    let mut named = entities.filter_map(|entity| entity["what"]["identifier"]["value"].as_str());
    let digest = named.find_map(|value| value.strip_prefix("urn:blake3:")).expect("names what came");
    let digest = Blake3::parse(digest).expect("a digest");
    let (store, tenant) = (gateway.ops().store(), TenantId::default_tenant());
    let kept = gateway.ops().blobs().read(&tenant, &store.keyring(), digest, u64::MAX).await.expect("is kept");
    assert!(kept == bytes, "as it came, byte for byte");
    let path = gateway.files().into_iter().next().expect("a file");
    let sealed = std::fs::read(path).expect("readable");
    assert!(!sealed.windows(6).any(|part| part == b"Nodule"), "and not to be read on the disk");
}

async fn what_cannot_come_in_leaves_nothing(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let feed = gateway.role(Role::Integrator).await;
    import(&feed, &foreign("contained.json")).await.expect(201);
    gateway.idle().await;
    let before = (gateway.rows().await, gateway.files());

    let document: Value = serde_json::from_slice(&foreign("contained.json")).expect("JSON");
    // The same report again, and others under other bytes: the id is taken.
    import(&feed, &foreign("contained.json")).await.expect(409);
    let spaced = serde_json::to_vec_pretty(&document).expect("JSON");
    import(&feed, &spaced).await.expect(409);

    for status in ["cancelled", "entered-in-error", "amended"] {
        let other = with(with(document.clone(), "/status", status), "/id", "other");
        let refused = import(&feed, other.to_string().as_bytes()).await;
        assert!(matches!(refused.status, 400 | 422), "{status}: {} {}", refused.status, refused.text());
        assert!(!refused.named().is_empty());
    }
    for (what, body) in [
        ("another resource", json!({"resourceType": "Patient", "id": "x"})),
        ("no resource", json!({"a": 1})),
        ("a bundle without a report", json!({"resourceType": "Bundle", "type": "collection", "entry": []})),
        ("a list", json!([])),
        ("an unknown status", with(with(document.clone(), "/status", "done"), "/id", "other")),
    ] {
        let refused = import(&feed, body.to_string().as_bytes()).await.expect(400);
        assert!(refused.header("content-type") == Some("application/problem+json"), "{what}");
        assert!(!refused.named().is_empty(), "{what}");
    }
    import(&feed, b"{\"resourceType\": ").await.expect(400);
    import(&feed, b"").await.expect(400);
    let report = document.to_string();
    let other_type = [("Content-Type", "application/fhir+xml")];
    feed.send("POST", "/api/reports/import", &other_type, report.as_bytes()).await.expect(415);
    let r5 = [("Content-Type", "application/fhir+json; fhirVersion=5.0")];
    feed.send("POST", "/api/reports/import", &r5, report.as_bytes()).await.expect(415);

    gateway.idle().await;
    assert_eq!((gateway.rows().await, gateway.files()), before);
}
