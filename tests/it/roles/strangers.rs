//! What belongs to another tenant, and what someone else began, answers as if it had never been.

use std::collections::BTreeSet;

use causeway::access::Role;
use causeway::base::TenantId;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::samples::{create, eventually, export, finished, items, short, text};
use crate::support::{Answer, Backend, Client, TestGateway, token};

each_backend!(
    what_another_tenant_has_looks_absent,
    lists_of_one_tenant_hold_nothing_of_another,
    what_someone_else_began_looks_absent,
    a_token_is_good_in_its_own_tenant_only,
);

/// Everyone there is in a tenant, in one.
async fn everyone(gateway: &TestGateway, tenant: &TenantId) -> Client {
    gateway.client(tenant, token("everyone", &Role::ALL)).await
}

/// One of each thing that has an id.
struct Belongings {
    report: String,
    export: String,
    delivery: String,
    job: String,
    peer: String,
    patient: String,
    token: String,
}

async fn belongings(client: &Client) -> Belongings {
    let (report, _) = create(client, &short("final")).await;
    let export = export(client, &report, "pdf").await;
    finished(client, &export).await;
    let peer = json!({"name": "their-pacs", "kind": "fhir", "url": "http://127.0.0.1:9/fhir"});
    client.put("/api/admin/peers/their-pacs", &peer).await.expect(204);
    let order = json!({"peers": ["their-pacs"], "formats": ["fhir"]});
    let ordered = client.post(&format!("/api/reports/{report}/deliver"), &order).await.expect(202);
    let delivery = text(&items(&ordered)[0], "id");
    eventually("an attempt was made", async || {
        let found = items(&client.get("/api/deliveries").await.expect(200));
        (found[0]["attempts"].as_i64() > Some(0)).then_some(())
    })
    .await;
    let job = text(&items(&client.get("/api/admin/jobs?limit=1").await.expect(200))[0], "id");
    let resource = client.get(&format!("/fhir/r4/DiagnosticReport/{report}")).await.expect(200).json();
    let subject = text(&resource["subject"], "reference");
    let patient = subject.strip_prefix("Patient/").expect("a patient").to_owned();
    let minted = client.post("/api/admin/tokens", &json!({"user": "theirs", "roles": ["clinician"]})).await.expect(200);
    Belongings { report, export, delivery, job, peer: "their-pacs".into(), patient, token: text(&minted.json(), "jti") }
}

impl Belongings {
    /// Things of which nothing is.
    fn made_up() -> Self {
        let unknown = || "nothing-has-this-id".to_owned();
        Self {
            report: unknown(),
            export: unknown(),
            delivery: unknown(),
            job: unknown(),
            peer: unknown(),
            patient: unknown(),
            token: unknown(),
        }
    }

    /// Everything that can be asked of them: method, path, body.
    fn asked(&self) -> Vec<(&'static str, String, Value)> {
        let Self { report, export, delivery, job, peer, patient, .. } = self;
        let amendment = short("final");
        let mut asked = vec![
            ("PUT", format!("/api/reports/{report}"), amendment.clone()),
            ("DELETE", format!("/api/reports/{report}"), Value::Null),
            ("POST", format!("/api/reports/{report}/finalize"), Value::Null),
            ("POST", format!("/api/reports/{report}/amend"), json!({"report": amendment})),
            ("POST", format!("/api/reports/{report}/cancel"), Value::Null),
            ("POST", format!("/api/reports/{report}/enter-in-error"), Value::Null),
            ("POST", format!("/api/reports/{report}/deliver"), json!({"peers": ["ours"], "formats": ["fhir"]})),
            ("POST", format!("/api/reports/{report}/export/pdf"), json!({})),
            ("POST", format!("/api/reports/export/retry/{export}"), Value::Null),
            ("DELETE", format!("/api/reports/export/{export}"), Value::Null),
            ("POST", format!("/api/deliveries/{delivery}/resend"), Value::Null),
            ("POST", format!("/api/admin/jobs/{job}/retry"), Value::Null),
            ("POST", format!("/api/admin/jobs/{job}/cancel"), Value::Null),
            ("DELETE", format!("/api/admin/peers/{peer}"), Value::Null),
            ("POST", format!("/api/admin/peers/{peer}/test"), Value::Null),
        ];
        let reads = [
            format!("/api/reports/{report}"),
            format!("/api/reports/{report}/history"),
            format!("/api/reports/{report}/versions/1"),
            format!("/api/reports/{report}/versions/1/fhir"),
            format!("/api/reports/{report}/versions/1/pdf"),
            format!("/api/reports/{report}/deliveries"),
            format!("/api/reports/export/status/{export}"),
            format!("/api/reports/export/status/{export}/events"),
            format!("/api/reports/export/download/{export}"),
            format!("/api/admin/jobs/{job}"),
            format!("/fhir/r4/DiagnosticReport/{report}"),
            format!("/fhir/r4/DiagnosticReport/{report}/_history/1"),
            format!("/fhir/r4/Patient/{patient}"),
            format!("/fhir/r4/Patient/{patient}/_history/1"),
        ];
        asked.extend(reads.into_iter().map(|path| ("GET", path, Value::Null)));
        asked
    }
}

/// Asks under one request id, so that answers to two requests can be the same.
async fn ask(client: &Client, (method, path, body): &(&'static str, String, Value)) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers = [("X-Request-Id", "the-same"), ("Content-Type", "application/json"), ("If-Match", "W/\"1\"")];
    client.send(method, path, &headers, body.as_bytes()).await
}

/// Holds the answers about `theirs` against those about nothing at all.
async fn looks_absent(stranger: &Client, theirs: &Belongings) {
    for (of_theirs, of_nothing) in theirs.asked().iter().zip(Belongings::made_up().asked()) {
        let found = ask(stranger, of_theirs).await;
        let absent = ask(stranger, &of_nothing).await;
        let name = format!("{} {}", of_theirs.0, of_theirs.1);
        assert_eq!(found.status, 404, "{name}: {}", found.text());
        assert_eq!((found.status, found.text()), (absent.status, absent.text()), "{name}");
        let without_date = |answer: &Answer| -> BTreeSet<(String, String)> {
            answer.headers.iter().filter(|(name, _)| name != "date").cloned().collect()
        };
        assert_eq!(without_date(&found), without_date(&absent), "{name}");
    }
}

async fn what_another_tenant_has_looks_absent(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let north = gateway.add_tenant("north").await;
    let (ours, theirs) = (everyone(&gateway, &TenantId::default_tenant()).await, everyone(&gateway, &north).await);
    let of_north = belongings(&theirs).await;
    let before = gateway.rows().await;
    looks_absent(&ours, &of_north).await;
    assert_eq!(gateway.rows().await, before, "a stranger changes nothing");

    // Taking another hospital's token back does nothing to it.
    ours.delete(&format!("/api/admin/tokens/{}", of_north.token)).await;
    theirs.get(&format!("/api/reports/{}", of_north.report)).await.expect(200);
    theirs.get(&format!("/api/reports/export/download/{}", of_north.export)).await.expect(200);
    theirs.delete("/api/admin/peers/their-pacs").await.expect(204);
}

async fn lists_of_one_tenant_hold_nothing_of_another(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let north = gateway.add_tenant("north").await;
    let (ours, theirs) = (everyone(&gateway, &TenantId::default_tenant()).await, everyone(&gateway, &north).await);
    let of_north = belongings(&theirs).await;
    let patient = text(&short("final")["patient"], "id");
    for path in [
        "/api/reports".to_owned(),
        format!("/api/reports?patientId={patient}"),
        "/api/reports/export/history".to_owned(),
        "/api/deliveries".to_owned(),
        "/api/admin/peers".to_owned(),
        "/api/admin/rules".to_owned(),
    ] {
        let found = ours.get(&path).await.expect(200).json();
        let list = found.get("items").or_else(|| found.get("rules")).unwrap_or_else(|| panic!("{path}: {found}"));
        assert_eq!(list, &json!([]), "{path}");
    }
    assert_eq!(ours.get("/api/reports/export/statistics").await.expect(200).json()["total"], 0);
    for path in ["/api/admin/jobs", "/api/admin/audit?limit=100"] {
        let found = ours.get(path).await.expect(200).text();
        for id in [&of_north.report, &of_north.export, &of_north.delivery, &of_north.job, &of_north.patient] {
            assert!(!found.contains(id.as_str()), "{path} speaks of {id}");
        }
    }
    assert!(theirs.get("/api/admin/audit?limit=100").await.expect(200).text().contains(&of_north.report));
}

async fn what_someone_else_began_looks_absent(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let first = gateway.role(Role::Clinician).await;
    let second = gateway.client(&TenantId::default_tenant(), token("other", &[Role::Clinician])).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    let mine = export(&first, &report, "pdf").await;
    finished(&first, &mine).await;
    let unknown = "nothing-has-this-id";
    for (method, path) in [
        ("GET", "/api/reports/export/status/"),
        ("GET", "/api/reports/export/download/"),
        ("POST", "/api/reports/export/retry/"),
        ("DELETE", "/api/reports/export/"),
    ] {
        let found = ask(&second, &(method, format!("{path}{mine}"), Value::Null)).await;
        let absent = ask(&second, &(method, format!("{path}{unknown}"), Value::Null)).await;
        assert_eq!((found.status, found.text()), (404, absent.text()), "{method} {path}");
    }
    first.get(&format!("/api/reports/export/download/{mine}")).await.expect(200);
}

async fn a_token_is_good_in_its_own_tenant_only(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let north = gateway.add_tenant("north").await;
    let default = TenantId::default_tenant();
    let (ours, theirs) = (everyone(&gateway, &default).await, everyone(&gateway, &north).await);
    for (client, tenant) in [(&ours, &north), (&theirs, &default)] {
        let moved = gateway.bearer(tenant, Some(client.token().to_owned()));
        let answer = moved.get("/api/reports").await.expect(401);
        assert_eq!(answer.must("www-authenticate"), "Bearer realm=\"causeway\", error=\"invalid_token\"");
        moved.get("/fhir/r4/Patient/p1").await.expect(401);
    }
    let nowhere = gateway.bearer(&TenantId::parse("nowhere").expect("valid"), Some(ours.token().to_owned()));
    nowhere.get("/api/reports").await.expect(404);
    // A thing has one address: the default tenant lives at the root only.
    let doubled = Client::new(gateway.address(), "/t/default", Some(ours.token().to_owned()));
    doubled.get("/api/reports").await.expect(404);
    ours.get("/api/reports").await.expect(200);
    theirs.get("/api/reports").await.expect(200);
}
