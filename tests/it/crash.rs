//! The program, killed in the middle of its work: what it has acknowledged is there when it comes back, to
//! the byte, and what it has promised to do gets done.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway::base::{Clock, SystemClock};
use serde_json::json;

use crate::each_backend;
use crate::support::samples::{eventually, finished, measured, saying, short, text};
use crate::support::{Backend, Client, Program};

each_backend!(what_was_acknowledged_survives_every_kill);

/// What the gateway has answered for: versions of reports with their bytes, and exports.
#[derive(Default)]
struct Acknowledged {
    versions: Vec<(String, Vec<u8>)>,
    exports: Vec<String>,
}

async fn what_was_acknowledged_survives_every_kill(backend: Backend) {
    let program = Program::new(&backend).await;
    let acknowledged: Arc<Mutex<Acknowledged>> = Arc::default();
    let mut token = None;
    for round in 0..ROUNDS {
        let serving = program.serve().await;
        let token = token.get_or_insert_with(|| program.token("radiologist"));
        let writers = (0..WRITERS).map(|writer| {
            let client = serving.client(token);
            tokio::spawn(write_until_gone(client, format!("{round}.{writer}"), Arc::clone(&acknowledged)))
        });
        let writers: Vec<_> = writers.collect();
        // At least something is acknowledged; then it ends at any moment.
        let enough = 3 * (round + 1);
        while acknowledged.lock().expect("not poisoned").versions.len() < enough {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_micros(any_below(300_000))).await;
        serving.kill();
        for writer in writers {
            writer.await.expect("ends");
        }
        let verified = program.ok(&["audit", "verify"]);
        assert!(verified.starts_with("whole: "), "{verified}");
    }

    let serving = program.serve().await;
    let client = serving.client(&token.expect("was minted"));
    let Acknowledged { versions, exports } = std::mem::take(&mut *acknowledged.lock().expect("not poisoned"));
    assert!(!exports.is_empty(), "{} versions and no export", versions.len());
    for (path, body) in &versions {
        let found = client.get(path).await.expect(200);
        assert!(found.body == *body, "{path} differs:\n{}\n{}", found.text(), String::from_utf8_lossy(body));
    }
    for export in &exports {
        let status = finished(&client, export).await;
        assert_eq!(status["status"], "completed", "{status}");
        let file = client.get(&format!("/api/reports/export/download/{export}")).await.expect(200);
        let (report, version) = (text(&status, "reportId"), text(&status, "reportVersion"));
        let path = format!("/api/reports/{report}/versions/{version}/{}", text(&status, "format"));
        assert!(file.body == client.get(&path).await.expect(200).body, "{path} is another file than the export");
    }
    let count = async |rows: &str| program.database.count(&format!("select count(*) from job where {rows}")).await;
    eventually("nothing is held by the dead", async || (count("lease_owner is not null").await == 0).then_some(()))
        .await;
    serving.stop().await;
    assert!(program.ok(&["audit", "verify"]).starts_with("whole: "));
    assert_eq!(count("lease_owner is not null").await, 0, "leases");
    assert_eq!(count("state = 'failed'").await, 0, "dead letters");
}

/// Reports come in, are changed, verified and exported, until nobody answers.
async fn write_until_gone(client: Client, name: String, acknowledged: Arc<Mutex<Acknowledged>>) {
    for turn in 0_u32.. {
        let impression = format!("Report {turn} of writer {name}.");
        let report = if turn % 3 == 2 { measured("preliminary") } else { short("preliminary") };
        let report = saying(report, &impression).to_string();
        let Some((id, tag)) = write(&client, "/api/reports", None, report.as_bytes(), &acknowledged).await else {
            return;
        };
        let path = format!("/api/reports/{id}/finalize");
        let Some((_, _)) = write(&client, &path, Some(&tag), b"", &acknowledged).await else { return };
        let form = ["pdf", "dicom-sr", "fhir"][turn as usize % 3];
        let body = json!({}).to_string();
        let path = format!("/api/reports/{id}/export/{form}");
        let Ok(started) = client.try_send("POST", &path, JSON, body.as_bytes()).await else { return };
        let export = text(&started.expect(202).json(), "exportId");
        acknowledged.lock().expect("not poisoned").exports.push(export);
    }
}

/// Writes a version and notes the answer; gives the id and the tag of it, nothing if there was no answer.
async fn write(
    client: &Client,
    path: &str,
    tag: Option<&str>,
    body: &[u8],
    acknowledged: &Mutex<Acknowledged>,
) -> Option<(String, String)> {
    let headers: Vec<(&str, &str)> = JSON.iter().copied().chain(tag.map(|tag| ("If-Match", tag))).collect();
    let headers = if body.is_empty() { &headers[1..] } else { &headers[..] };
    let answer = client.try_send("POST", path, headers, body).await.ok()?;
    assert!(matches!(answer.status, 200 | 201), "{path}: {}: {}", answer.status, answer.text());
    let json = answer.json();
    let id = text(&json, "id");
    let version = format!("/api/reports/{id}/versions/{}", text(&json["meta"], "versionId"));
    let tag = answer.tag();
    acknowledged.lock().expect("not poisoned").versions.push((version, answer.body));
    Some((id, tag))
}

/// Any number below this one; the moment of a kill need not be fair.
fn any_below(limit: u64) -> u64 {
    SystemClock::default().now().0.unsigned_abs().wrapping_mul(2_654_435_761) % limit
}

const ROUNDS: usize = 5;
const WRITERS: usize = 2;
const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];
