//! Exports that take a while: seen on their way, held back, given up, and tried again with success. The
//! archive keeps them waiting for as long as a test wants.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use causeway::access::Role;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::each_backend;
use crate::support::samples::{create, eventually, export, finished, items, measured, short, text};
use crate::support::{Backend, TestGateway, WebPeer};

each_backend!(
    progress_is_polled_and_never_goes_back,
    events_tell_each_change_until_the_end,
    what_is_not_finished_is_not_fetched,
    a_session_may_be_deleted_on_its_way,
    no_more_exports_than_allowed_are_unfinished,
    a_fault_of_the_disk_passes,
    without_the_archive_a_report_goes_out_and_says_so,
);

/// An archive that answers nothing before it is opened, and knows no study then.
struct SlowArchive {
    peer: WebPeer,
    gate: watch::Sender<bool>,
}

impl SlowArchive {
    fn start() -> Self {
        let (gate, _) = watch::channel(false);
        let waiting = gate.clone();
        let peer = WebPeer::start_slow(move |_request| {
            let mut opened = waiting.subscribe();
            async move {
                let _opened = opened.wait_for(|is_open| *is_open).await;
                (200, "application/dicom+json", b"[]".to_vec())
            }
        });
        Self { peer, gate }
    }

    fn settings(&self) -> String {
        format!("[[peer]]\nname = \"archive\"\nkind = \"dicomweb\"\nurl = \"{}\"\n", self.peer.url)
    }

    fn open(&self) {
        self.gate.send_replace(true);
    }
}

const PATIENT: &[&str] = &["archive.peer=archive", "archive.timeout=2m"];

async fn processing(doctor: &crate::support::Client, export: &str) -> Value {
    eventually("the export is being made", async || {
        let status = doctor.get(&format!("/api/reports/export/status/{export}")).await.expect(200);
        assert_eq!(status.header("retry-after"), Some("1"));
        (status.json()["status"] == "processing").then(|| status.json())
    })
    .await
}

async fn progress_is_polled_and_never_goes_back(backend: Backend) {
    let archive = SlowArchive::start();
    let gateway = TestGateway::with(&backend, PATIENT, &archive.settings()).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    let id = export(&doctor, &report, "pdf").await;
    let watching = {
        let (doctor, path) = (doctor.clone(), format!("/api/reports/export/status/{id}"));
        tokio::spawn(async move {
            let mut seen = Vec::new();
            loop {
                let status = doctor.get(&path).await.expect(200).json();
                seen.push((status["progress"].as_i64().expect("a number"), text(&status, "status")));
                if matches!(status["status"].as_str(), Some("completed" | "failed")) {
                    return seen;
                }
            }
        })
    };
    let underway = processing(&doctor, &id).await;
    assert!(underway["progress"].as_i64().is_some_and(|progress| (1..100).contains(&progress)), "{underway}");
    assert_eq!(underway.get("downloadUrl"), None);
    archive.open();
    let seen = watching.await.expect("ends");
    assert!(seen.is_sorted_by(|before, after| before.0 <= after.0), "{seen:?}");
    let mut states: Vec<&str> = seen.iter().map(|(_, status)| status.as_str()).collect();
    states.dedup();
    let all = ["initiated", "processing", "completed"];
    let mut rest = all.iter();
    assert!(states.iter().all(|state| rest.any(|next| next == state)), "only forward: {states:?}");
    assert_eq!(seen.last(), Some(&(100, "completed".to_owned())));
}

async fn events_tell_each_change_until_the_end(backend: Backend) {
    let archive = SlowArchive::start();
    let gateway = TestGateway::with(&backend, PATIENT, &archive.settings()).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    let id = export(&doctor, &report, "pdf").await;
    let path = format!("/api/reports/export/status/{id}/events");
    let watching = {
        let (doctor, path) = (doctor.clone(), path.clone());
        tokio::spawn(async move { doctor.get(&path).await })
    };
    processing(&doctor, &id).await;
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    archive.open();
    let stream = watching.await.expect("ends by itself").expect(200);
    assert_eq!(stream.header("content-type"), Some("text/event-stream; charset=utf-8"));
    let body = stream.text();
    let events: Vec<Value> = body
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).expect("JSON"))
        .collect();
    assert!(body.contains("event: status\n") && events.len() >= 2, "{body}");
    let progress: Vec<i64> = events.iter().map(|event| event["progress"].as_i64().expect("a number")).collect();
    assert!(progress.is_sorted() && progress.last() == Some(&100), "{progress:?}");
    assert_eq!(events.last(), Some(&finished(&doctor, &id).await), "the last one is what polling says");
    let late = doctor.get(&path).await.expect(200).text();
    assert_eq!(late.matches("data: ").count(), 1, "who comes late is told the end");
}

async fn what_is_not_finished_is_not_fetched(backend: Backend) {
    let archive = SlowArchive::start();
    let gateway = TestGateway::with(&backend, PATIENT, &archive.settings()).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    let id = export(&doctor, &report, "pdf").await;
    processing(&doctor, &id).await;
    doctor.get(&format!("/api/reports/export/download/{id}")).await.expect(409);
    doctor.act(&format!("/api/reports/export/retry/{id}")).await.expect(409);
    let counted = doctor.get("/api/reports/export/statistics").await.expect(200).json();
    assert_eq!(counted["byStatus"]["processing"], 1);
    // An export is of the version that was there when it was ordered.
    let body = json!({"report": short("amended")});
    doctor.post(&format!("/api/reports/{report}/amend"), &body).await.expect(200);
    archive.open();
    let done = finished(&doctor, &id).await;
    assert_eq!((&done["status"], &done["reportVersion"]), (&json!("completed"), &json!("1")));
}

async fn a_session_may_be_deleted_on_its_way(backend: Backend) {
    let archive = SlowArchive::start();
    let gateway = TestGateway::with(&backend, PATIENT, &archive.settings()).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    let id = export(&doctor, &report, "pdf").await;
    let path = format!("/api/reports/export/status/{id}");
    let watching = {
        let (doctor, path) = (doctor.clone(), format!("{path}/events"));
        tokio::spawn(async move { doctor.get(&path).await })
    };
    processing(&doctor, &id).await;
    doctor.delete(&format!("/api/reports/export/{id}")).await.expect(204);
    doctor.get(&path).await.expect(404);
    // On a busy machine the watcher comes when it is gone already.
    let told = watching.await.expect("ends");
    assert!(matches!(told.status, 200 | 404) && !told.text().contains("completed"), "{}", told.text());
    archive.open();
    gateway.idle().await;
    doctor.get(&path).await.expect(404);
    let failed = gateway.database.count("select count(*) from job where state = 'failed'").await;
    assert_eq!(failed, 0, "the job ends in peace");
}

async fn no_more_exports_than_allowed_are_unfinished(backend: Backend) {
    let archive = SlowArchive::start();
    let flags = [PATIENT, &["limits.concurrent_exports=2"]].concat();
    let gateway = TestGateway::with(&backend, &flags, &archive.settings()).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    let first = export(&doctor, &report, "pdf").await;
    let second = export(&doctor, &report, "fhir").await;
    let path = format!("/api/reports/{report}/export/pdf");
    let busy = doctor.act(&path).await.expect(503);
    assert!(busy.must("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    let north = gateway.add_tenant("north").await;
    let theirs = gateway.client(&north, crate::support::token("rad", &[Role::Radiologist])).await;
    let (other, _) = create(&theirs, &short("final")).await;
    let elsewhere = export(&theirs, &other, "pdf").await;
    archive.open();
    for id in [first, second] {
        finished(&doctor, &id).await;
    }
    finished(&theirs, &elsewhere).await;
    let third = doctor.act(&path).await.expect(202).json();
    finished(&doctor, &text(&third, "exportId")).await;
}

/// The disk of the blobs is away for a while: what was ordered fails in the end, says so, and succeeds
/// when it is tried again.
async fn a_fault_of_the_disk_passes(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    gateway.idle().await;
    let blobs = gateway.data_dir().join("blobs");
    let away = gateway.data_dir().join("away");
    std::fs::rename(&blobs, &away).expect("moves");
    std::fs::write(&blobs, "not a directory").expect("is written");
    let id = export(&doctor, &report, "pdf").await;
    let failed = finished(&doctor, &id).await;
    assert_eq!(failed["status"], "failed", "{failed}");
    assert!(failed["error"].is_string());
    let not_ready = gateway.nobody().get("/health/ready").await.expect(503).json();
    assert_eq!(not_ready["parts"]["blobs"], "down", "{not_ready}");
    std::fs::remove_file(&blobs).expect("goes");
    std::fs::rename(&away, &blobs).expect("comes back");
    gateway.nobody().get("/health/ready").await.expect(200);
    doctor.act(&format!("/api/reports/export/retry/{id}")).await.expect(202);
    let done = finished(&doctor, &id).await;
    assert_eq!((&done["status"], &done["attempts"], done.get("error")), (&json!("completed"), &json!(2), None));
    assert!(doctor.get(&format!("/api/reports/export/download/{id}")).await.expect(200).body.starts_with(b"%PDF-"));
}

async fn without_the_archive_a_report_goes_out_and_says_so(backend: Backend) {
    let is_down = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&is_down);
    let archive = WebPeer::start(move |_request| {
        if asked.load(Ordering::SeqCst) {
            (503, "text/plain", Vec::new())
        } else {
            (200, "application/dicom+json", b"[]".to_vec())
        }
    });
    let file = format!("[[peer]]\nname = \"archive\"\nkind = \"dicomweb\"\nurl = \"{}\"\n", archive.url);
    let gateway = TestGateway::with(&backend, &["archive.peer=archive"], &file).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &measured("final")).await;
    for form in ["dicom-sr", "fhir", "pdf"] {
        let done = finished(&doctor, &export(&doctor, &report, form).await).await;
        assert_eq!(done["status"], "completed", "{done}");
        let lost: Vec<String> =
            done["losses"].as_array().expect("a loss report").iter().map(|loss| text(loss, "path")).collect();
        for missing in ["study", "keyImages[0]", "keyImages[1]"] {
            assert!(lost.iter().any(|path| path == missing), "{form}: {missing} is not in {lost:?}");
        }
    }
    // What a version was first made with stays, also when the archive is back.
    is_down.store(false, Ordering::SeqCst);
    let asked_before = archive.requests().len();
    let again = finished(&doctor, &export(&doctor, &report, "pdf").await).await;
    assert!(!again["losses"].as_array().expect("a loss report").is_empty());
    assert_eq!(archive.requests().len(), asked_before, "the archive is asked once for a version");
    let page = items(&doctor.get(&format!("/api/reports/export/history?reportId={report}")).await.expect(200));
    assert_eq!(page.len(), 4);
}
