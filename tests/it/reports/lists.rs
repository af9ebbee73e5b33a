//! Lists of reports: each filter, all of them together, and pages that lose and repeat nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use causeway::access::Role;
use causeway::base::TenantId;
use serde_json::Value;

use crate::each_backend;
use crate::support::samples::{create, items, saying, short, text, with};
use crate::support::{Backend, Client, TestGateway, token};

each_backend!(
    each_filter_finds_what_it_names,
    a_list_shows_the_newest_versions,
    pages_lose_and_repeat_nothing_while_reports_come_in,
    a_cursor_is_for_its_own_list,
    parameters_are_held_to_their_form,
);

async fn ids(client: &Client, query: &str) -> BTreeSet<String> {
    let page = client.get(&format!("/api/reports?limit=100&{query}")).await.expect(200);
    assert_eq!(page.json().get("next"), None);
    items(&page).iter().map(|report| text(report, "id")).collect()
}

fn set(ids: &[&String]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).clone()).collect()
}

async fn each_filter_finds_what_it_names(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let base = short("preliminary");
    let (plain, _) = create(&doctor, &base).await;
    let other = with(with(base.clone(), "/patient/id", "P 2/ü"), "/study/accessionNumber", "ACC&2");
    let other = with(with(other, "/study/modality", "CR"), "/study/studyDate", "2024-02-29");
    let other = with(with(other, "/study/studyInstanceUID", "1.2.3"), "/status", "draft");
    let (other, _) = create(&doctor, &other).await;
    let (verified, _) = create(&doctor, &with(short("final"), "/study/studyDate", "2025-08-23")).await;

    let date = text(&base["study"], "studyDate");
    let study = text(&base["study"], "studyInstanceUID");
    for (query, wanted) in [
        ("patientId=FX-100644".to_owned(), set(&[&plain, &verified])),
        ("patientId=P+2%2F%C3%BC".to_owned(), set(&[&other])),
        ("patientId=FX".to_owned(), set(&[])),
        (format!("studyInstanceUID={study}"), set(&[&plain, &verified])),
        ("studyInstanceUID=1.2.3".to_owned(), set(&[&other])),
        ("accessionNumber=ACC%262".to_owned(), set(&[&other])),
        ("status=draft".to_owned(), set(&[&other])),
        ("status=draft,final".to_owned(), set(&[&other, &verified])),
        ("status=amended".to_owned(), set(&[])),
        ("modality=CR".to_owned(), set(&[&other])),
        (format!("from={date}"), set(&[&plain, &verified])),
        (format!("to={date}"), set(&[&plain, &other])),
        (format!("from={date}&to={date}"), set(&[&plain])),
        ("from=2024-02-29&to=2024-02-29".to_owned(), set(&[&other])),
        ("from=2025-08-24".to_owned(), set(&[])),
        (format!("patientId=FX-100644&status=final&modality=DX&from={date}"), set(&[&verified])),
        ("patientId=FX-100644&status=draft".to_owned(), set(&[])),
        ("to=2026-01-01".to_owned(), set(&[&plain, &other, &verified])),
    ] {
        assert_eq!(ids(&doctor, &query).await, wanted, "{query}");
    }
}

async fn a_list_shows_the_newest_versions(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (first, _) = create(&doctor, &short("preliminary")).await;
    let (second, tag) = create(&doctor, &short("draft")).await;
    let (gone, _) = create(&doctor, &short("draft")).await;
    doctor.delete(&format!("/api/reports/{gone}")).await.expect(204);
    let moved = with(saying(short("preliminary"), "Changed."), "/study/modality", "CR");
    doctor.put_at(&format!("/api/reports/{second}"), &tag, &moved).await.expect(200);
    doctor.act(&format!("/api/reports/{first}/finalize")).await.expect(200);

    let listed = items(&doctor.get("/api/reports").await.expect(200));
    let seen: Vec<(String, &Value)> = listed.iter().map(|report| (text(report, "id"), &report["status"])).collect();
    assert_eq!(seen, [(first.clone(), &Value::from("final")), (second.clone(), &Value::from("preliminary"))]);
    assert_eq!(listed[1], doctor.get(&format!("/api/reports/{second}")).await.json(), "as if it were read alone");
    assert_eq!(ids(&doctor, "status=draft").await, set(&[]), "the index follows the newest version");
    assert_eq!(ids(&doctor, "modality=DX").await, set(&[&first]));
    assert_eq!(ids(&doctor, "modality=CR").await, set(&[&second]));
    let empty = doctor.get("/api/reports?patientId=nobody").await.expect(200).json();
    assert_eq!(empty, serde_json::json!({"items": []}));
}

async fn pages_lose_and_repeat_nothing_while_reports_come_in(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = Arc::new(gateway.radiologist().await);
    let mut entered = BTreeSet::new();
    for number in 0..23 {
        entered.insert(create(&doctor, &saying(short("preliminary"), &format!("no {number}"))).await.0);
    }
    let newcomers = {
        let doctor = Arc::clone(&doctor);
        tokio::spawn(async move {
            for number in 0..20 {
                create(&doctor, &saying(short("preliminary"), &format!("late {number}"))).await;
            }
        })
    };
    let (mut seen, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = doctor.get(&format!("/api/reports?limit=4{cursor}")).await.expect(200);
        let found = items(&page);
        seen.extend(found.iter().map(|report| (text(&report["meta"], "lastUpdated"), text(report, "id"))));
        pages += 1;
        match page.json().get("next").and_then(Value::as_str) {
            Some(next) => {
                assert_eq!(found.len(), 4, "a page that is followed by another is full");
                cursor = format!("&cursor={next}");
            }
            None => break,
        }
    }
    newcomers.await.expect("come in");
    assert!(pages >= 6);
    assert!(seen.is_sorted_by(|left, right| left > right), "newest first, each once: {seen:?}");
    let seen: BTreeSet<String> = seen.into_iter().map(|(_, id)| id).collect();
    assert!(seen.is_superset(&entered), "all that were there before are seen");
}

async fn a_cursor_is_for_its_own_list(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    for _ in 0..3 {
        create(&doctor, &short("preliminary")).await;
    }
    let first = doctor.get("/api/reports?limit=1").await.expect(200).json();
    let cursor = text(&first, "next");
    doctor.get(&format!("/api/reports?limit=2&cursor={cursor}")).await.expect(200);

    let north = gateway.add_tenant("north").await;
    let stranger = gateway.client(&north, token("rad", &[Role::Radiologist])).await;
    assert_eq!(stranger.get(&format!("/api/reports?cursor={cursor}")).await.expect(400).named(), ["cursor"]);
    let mut turned = cursor.clone().into_bytes();
    let middle = turned.len() / 2;
    turned[middle] = if turned[middle] == b'A' { b'B' } else { b'A' };
    let turned = String::from_utf8(turned).expect("ASCII");
    for bad in [turned.as_str(), &cursor[..cursor.len() - 1], "x", "%00", "AAAA"] {
        let refused = doctor.get(&format!("/api/reports?cursor={bad}")).await.expect(400);
        assert_eq!(refused.named(), ["cursor"], "{bad}");
    }
    for other in ["/api/reports?status=draft&", "/api/reports/export/history?", "/api/deliveries?"] {
        let refused = doctor.get(&format!("{other}cursor={cursor}")).await.expect(400);
        assert_eq!(refused.named(), ["cursor"], "{other}");
    }
    let auditor = gateway.client(&TenantId::default_tenant(), token("aud", &[Role::Auditor])).await;
    assert_eq!(auditor.get(&format!("/api/admin/audit?cursor={cursor}")).await.expect(400).named(), ["cursor"]);
}

async fn parameters_are_held_to_their_form(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    for (query, named) in [
        ("limit=0", vec!["limit"]),
        ("limit=101", vec!["limit"]),
        ("limit=ten&status=done&from=2024-02-30&to=x", vec!["status", "from", "to", "limit"]),
        ("status=final,", vec!["status"]),
        ("studyInstanceUID=1.02", vec!["studyInstanceUID"]),
        ("patientId=", vec!["patientId"]),
        ("patientId=a&patientId=b", vec!["patientId"]),
        ("colour=red&limit=5", vec!["colour"]),
        ("%3Cscript%3E=1", vec!["script"]),
    ] {
        assert_eq!(doctor.get(&format!("/api/reports?{query}")).await.expect(400).named(), named, "{query}");
    }
}
