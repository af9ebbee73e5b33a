//! Sessions from their order to their end: who sees them, what is kept of them, and when they go.

use causeway::access::Role;
use causeway::base::TenantId;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::samples::{create, export, exported, finished, items, measured, saying, short, text};
use crate::support::{Backend, PUBLIC_URL, TestGateway, token};

each_backend!(
    an_export_is_taken_on_and_completed,
    orders_are_held_to_their_form,
    an_export_that_cannot_be_fails_and_says_why,
    one_version_is_one_file,
    history_finds_what_it_is_asked_for,
    everyone_sees_their_own_and_those_above_see_all,
    expired_sessions_go,
    a_restart_loses_no_session,
);

async fn an_export_is_taken_on_and_completed(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &measured("final")).await;
    for form in ["dicom-sr", "fhir", "pdf"] {
        let order = json!({"recipient": "Dr. Grün, Ωmega Clinic", "purpose": "TREAT"});
        let ordered = doctor.post(&format!("/api/reports/{report}/export/{form}"), &order).await.expect(202);
        let session = ordered.json();
        let id = text(&session, "exportId");
        let status_url = format!("{PUBLIC_URL}/api/reports/export/status/{id}");
        assert_eq!(
            (ordered.must("location"), session["statusUrl"].as_str()),
            (status_url.as_str(), Some(status_url.as_str()))
        );
        assert_eq!(
            (&session["status"], &session["progress"], &session["format"], &session["reportVersion"]),
            (&json!("initiated"), &json!(0), &json!(form), &json!("1"))
        );
        let done = finished(&doctor, &id).await;
        assert_eq!((&done["status"], &done["progress"]), (&json!("completed"), &json!(100)), "{done}");
        assert_eq!((&done["recipient"], &done["purpose"]), (&json!("Dr. Grün, Ωmega Clinic"), &json!("TREAT")));
        assert_eq!((&done["requestedBy"], &done["attempts"]), (&json!("user:radiologist-1"), &json!(1)));
        assert_eq!(done["downloadUrl"], format!("{PUBLIC_URL}/api/reports/export/download/{id}"));
        for instant in ["createdAt", "updatedAt", "finishedAt", "expiresAt"] {
            assert!(done[instant].is_string(), "{instant}");
        }
    }
    let without_body = doctor.act(&format!("/api/reports/{report}/export/pdf")).await.expect(202).json();
    assert_eq!((without_body.get("recipient"), without_body.get("purpose")), (None, None));
    finished(&doctor, &text(&without_body, "exportId")).await;
    let sealed = "select count(*) from export_session where recipient is not null";
    assert_eq!(gateway.database.count(sealed).await, 3);
}

async fn orders_are_held_to_their_form(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    gateway.idle().await;
    let before = (gateway.rows().await, gateway.files());
    let path = format!("/api/reports/{report}/export/pdf");
    for (body, named) in [
        (json!({"recipient": ""}), vec!["recipient"]),
        (json!({"recipient": "x".repeat(257), "purpose": "a\u{7}b"}), vec!["recipient", "purpose"]),
        (json!({"recipient": 5, "purpose": null, "colour": "red"}), vec!["recipient", "purpose", "colour"]),
        (json!([]), vec![""]),
    ] {
        assert_eq!(doctor.post(&path, &body).await.expect(400).named(), named, "{body}");
    }
    doctor.send("POST", &path, &[("Content-Type", "text/plain")], b"x").await.expect(415);
    for (path, status) in [
        (format!("/api/reports/{report}/export/docx"), 404),
        (format!("/api/reports/{report}/export/txt"), 404),
        ("/api/reports/nothing/export/pdf".to_owned(), 404),
        ("/api/reports/export/retry/nothing".to_owned(), 404),
    ] {
        doctor.act(&path).await.expect(status);
    }
    for path in ["status/nothing", "status/nothing/events", "download/nothing"] {
        doctor.get(&format!("/api/reports/export/{path}")).await.expect(404);
    }
    doctor.delete("/api/reports/export/nothing").await.expect(404);
    assert_eq!((gateway.rows().await, gateway.files()), before);
}

async fn an_export_that_cannot_be_fails_and_says_why(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("preliminary")).await;
    doctor.act(&format!("/api/reports/{report}/cancel")).await.expect(200);
    // A report that was given up is no SR; as a document it still says so.
    let id = export(&doctor, &report, "dicom-sr").await;
    let failed = finished(&doctor, &id).await;
    assert_eq!(failed["status"], "failed");
    assert!(text(&failed, "error").len() > 10, "{failed}");
    assert_eq!(failed.get("downloadUrl"), None);
    assert!(failed["expiresAt"].is_string() && failed["finishedAt"].is_string());
    let download = format!("/api/reports/export/download/{id}");
    doctor.get(&download).await.expect(409);

    let retry = format!("/api/reports/export/retry/{id}");
    let again = doctor.act(&retry).await.expect(202);
    assert_eq!(again.must("location"), format!("{PUBLIC_URL}/api/reports/export/status/{id}"));
    let again = finished(&doctor, &id).await;
    assert_eq!((&again["status"], &again["attempts"]), (&json!("failed"), &json!(2)));

    assert!(exported(&doctor, &report, "pdf").await.body.starts_with(b"%PDF-"));
    let (kept, _) = create(&doctor, &short("final")).await;
    let id = export(&doctor, &kept, "pdf").await;
    finished(&doctor, &id).await;
    doctor.act(&format!("/api/reports/export/retry/{id}")).await.expect(409);
}

async fn one_version_is_one_file(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (report, tag) = create(&doctor, &measured("preliminary")).await;
    let path = format!("/api/reports/{report}");
    let mut first = Vec::new();
    for form in ["dicom-sr", "fhir", "pdf"] {
        first.push(exported(&doctor, &report, form).await);
    }
    gateway.idle().await;
    let made = "select twin || ' ' || digest || ' ' || created_at from rendition order by 1";
    let (renditions, files) = (gateway.database.texts(made).await, gateway.files());
    // Less than the time of grace of blobs: the times of files are the machine's, which does not move along.
    gateway.clock.advance_seconds(600);
    for (form, before) in ["dicom-sr", "fhir", "pdf"].into_iter().zip(&first) {
        let again = exported(&doctor, &report, form).await;
        assert!(again.body == before.body, "{form}: the same bytes");
        assert_eq!(again.tag(), before.tag());
        let direct = doctor.get(&format!("{path}/versions/1/{form}")).await.expect(200);
        assert!(direct.body == before.body && direct.tag() == before.tag(), "{form}: by the version's own address");
    }
    assert_eq!(gateway.database.texts(made).await, renditions, "what was made is reused, not made again");
    assert_eq!(gateway.files(), files);

    doctor.put_at(&path, &tag, &saying(measured("preliminary"), "Another impression.")).await.expect(200);
    for (form, before) in ["dicom-sr", "fhir", "pdf"].into_iter().zip(&first) {
        let after = exported(&doctor, &report, form).await;
        assert!(after.body != before.body && after.tag() != before.tag(), "{form}: another version");
        let former = doctor.get(&format!("{path}/versions/1/{form}")).await.expect(200);
        assert!(former.body == before.body, "{form}: the version before is what it was");
    }
}

async fn history_finds_what_it_is_asked_for(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let clinician = gateway.role(Role::Clinician).await;
    let (one, _) = create(&doctor, &short("final")).await;
    let (two, _) = create(&doctor, &short("preliminary")).await;
    doctor.act(&format!("/api/reports/{two}/cancel")).await.expect(200);
    let pdf = export(&doctor, &one, "pdf").await;
    gateway.clock.advance_seconds(60);
    let begun = gateway.now();
    gateway.clock.advance_seconds(60);
    let fhir = export(&clinician, &one, "fhir").await;
    let failed = export(&doctor, &two, "dicom-sr").await;
    for id in [&pdf, &fhir, &failed] {
        finished(&doctor, id).await;
    }
    gateway.clock.advance_seconds(60);
    let ended = gateway.now();
    for (query, wanted) in [
        (String::new(), vec![&failed, &fhir, &pdf]),
        (format!("reportId={one}"), vec![&fhir, &pdf]),
        ("status=failed".to_owned(), vec![&failed]),
        ("status=completed&format=pdf".to_owned(), vec![&pdf]),
        ("format=fhir".to_owned(), vec![&fhir]),
        ("requestedBy=user:clinician-1".to_owned(), vec![&fhir]),
        ("requestedBy=nobody".to_owned(), vec![]),
        (format!("from={begun}"), vec![&failed, &fhir]),
        (format!("to={begun}"), vec![&pdf]),
        (format!("from={ended}"), vec![]),
    ] {
        let page = doctor.get(&format!("/api/reports/export/history?{query}")).await.expect(200);
        let found: Vec<String> = items(&page).iter().map(|session| text(session, "exportId")).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), wanted, "{query}");
    }
    let first = doctor.get("/api/reports/export/history?limit=2").await.expect(200);
    let next = text(&first.json(), "next");
    let second = doctor.get(&format!("/api/reports/export/history?limit=2&cursor={next}")).await.expect(200);
    assert_eq!((items(&first).len(), items(&second).len()), (2, 1));
    assert_eq!(text(&items(&second)[0], "exportId"), pdf);
    for (query, named) in [
        ("reportId=no/id&status=done", vec!["reportId", "status"]),
        ("format=docx&from=yesterday&to=x", vec!["format", "from", "to"]),
        ("colour=red", vec!["colour"]),
    ] {
        let refused = doctor.get(&format!("/api/reports/export/history?{query}")).await.expect(400);
        assert_eq!(refused.named(), named, "{query}");
    }

    let statistics = doctor.get("/api/reports/export/statistics").await.expect(200).json();
    assert_eq!(statistics["total"], 3);
    assert_eq!(statistics["byStatus"], json!({"initiated": 0, "processing": 0, "completed": 2, "failed": 1}));
    assert_eq!(statistics["byFormat"], json!({"dicom-sr": 1, "fhir": 1, "pdf": 1}));
    assert_eq!(statistics["downloads"], 0);
}

async fn everyone_sees_their_own_and_those_above_see_all(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let first = gateway.role(Role::Clinician).await;
    let second = gateway.client(&TenantId::default_tenant(), token("other", &[Role::Clinician])).await;
    let feed = gateway.role(Role::Integrator).await;
    let admin = gateway.role(Role::Admin).await;
    let (report, _) = create(&doctor, &short("final")).await;
    let mine = export(&first, &report, "pdf").await;
    finished(&first, &mine).await;

    for other in [&second, &feed] {
        for path in ["status", "download"] {
            other.get(&format!("/api/reports/export/{path}/{mine}")).await.expect(404);
        }
        other.get(&format!("/api/reports/export/status/{mine}/events")).await.expect(404);
        other.act(&format!("/api/reports/export/retry/{mine}")).await.expect(404);
        other.delete(&format!("/api/reports/export/{mine}")).await.expect(404);
        assert!(items(&other.get("/api/reports/export/history").await.expect(200)).is_empty());
        let asked = other.get("/api/reports/export/history?requestedBy=user:clinician-1").await.expect(200);
        assert!(items(&asked).is_empty());
        other.get("/api/reports/export/statistics").await.expect(403);
    }
    assert_eq!(items(&first.get("/api/reports/export/history").await.expect(200)).len(), 1);
    first.get(&format!("/api/reports/export/download/{mine}")).await.expect(200);
    doctor.get(&format!("/api/reports/export/download/{mine}")).await.expect(200);
    admin.get(&format!("/api/reports/export/status/{mine}")).await.expect(200);
    let no_patients = admin.get(&format!("/api/reports/export/download/{mine}")).await.expect(403);
    assert!(no_patients.must("www-authenticate").contains("insufficient_scope"));
    first.delete(&format!("/api/reports/export/{mine}")).await.expect(204);
    first.get(&format!("/api/reports/export/status/{mine}")).await.expect(404);
    doctor.get(&format!("/api/reports/export/download/{mine}")).await.expect(404);
    doctor.get(&format!("/api/reports/{report}/versions/1/pdf")).await.expect(200);
}

async fn expired_sessions_go(backend: Backend) {
    let gateway = TestGateway::with(&backend, &["exports.retention=10m"], "").await;
    let doctor = gateway.radiologist().await;
    let admin = gateway.role(Role::Admin).await;
    let (report, _) = create(&doctor, &short("final")).await;
    let old = export(&doctor, &report, "pdf").await;
    finished(&doctor, &old).await;
    for role in [Role::Radiologist, Role::Clinician, Role::Integrator, Role::Auditor] {
        gateway.role(role).await.act("/api/reports/export/cleanup").await.expect(403);
    }
    let nothing = admin.act("/api/reports/export/cleanup").await.expect(200).json();
    assert_eq!(nothing, json!({"deleted": 0}));

    gateway.clock.advance_seconds(11 * 60);
    let young = export(&doctor, &report, "pdf").await;
    finished(&doctor, &young).await;
    // Expired is expired, whether or not somebody has cleaned up; a schedule may have been first.
    let gone = doctor.get(&format!("/api/reports/export/download/{old}")).await;
    assert!(matches!(gone.status, 404 | 410), "{}", gone.status);
    admin.act("/api/reports/export/cleanup").await.expect(200);
    doctor.get(&format!("/api/reports/export/status/{old}")).await.expect(404);
    doctor.get(&format!("/api/reports/export/download/{old}")).await.expect(404);
    doctor.get(&format!("/api/reports/export/download/{young}")).await.expect(200);
}

async fn a_restart_loses_no_session(backend: Backend) {
    let mut gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &measured("final")).await;
    let mut sessions: Vec<(String, &str)> = Vec::new();
    for form in ["pdf", "fhir", "dicom-sr", "pdf"] {
        sessions.push((export(&doctor, &report, form).await, form));
    }
    gateway.restart().await;
    let doctor = gateway.radiologist().await;
    for (id, form) in sessions {
        let done: Value = finished(&doctor, &id).await;
        assert_eq!((&done["status"], &done["format"]), (&json!("completed"), &json!(form)), "{done}");
    }
}
