//! The program, killed between a write and its notification: whatever was acknowledged is told, with one number for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::{Subscriber, event_parts, has_status, parameter, report, to_topic};
use crate::each_backend;
use crate::support::samples::{eventually, text};
use crate::support::{Backend, Client, Program};

each_backend!(what_was_acknowledged_is_told_after_every_kill);

async fn what_was_acknowledged_is_told_after_every_kill(backend: Backend) {
    let program = Program::with(&backend, SETTINGS).await;
    let subscriber = Subscriber::new();
    let acknowledged: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let serving = program.serve().await;
    let token = program.token("integrator");
    let client = serving.client(&token);
    let wanted = to_topic(&subscriber.url(), "id-only");
    let id = text(&client.post("/fhir/r4/Subscription", &wanted).await.expect(201).json(), "id");
    has_status(&client, &id, "active").await;
    serving.kill();
    for round in 1..=ROUNDS {
        // Away, or slow to be told: something is left for the next life.
        subscriber.answer(if round % 2 == 0 { 200 } else { 503 });
        let serving = program.serve().await;
        let writers = (0..2).map(|_| tokio::spawn(write_until_gone(serving.client(&token), Arc::clone(&acknowledged))));
        let writers: Vec<_> = writers.collect();
        while acknowledged.lock().expect("not poisoned").len() < 4 * round {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        serving.kill();
        for writer in writers {
            writer.await.expect("ends");
        }
    }
    subscriber.answer(200);
    let serving = program.serve().await;
    let acknowledged = acknowledged.lock().expect("not poisoned").clone();
    let query = format!("select count(*) from subscription where id = '{id}' and delivered = events");
    eventually("everything was told", async || {
        let told = told(&subscriber);
        let all: BTreeSet<&String> = told.values().collect();
        let quiet = program.database.count(&query).await == 1;
        (quiet && acknowledged.iter().all(|report| all.contains(report))).then_some(())
    })
    .await;
    let told = told(&subscriber);
    let numbers: Vec<i64> = told.keys().copied().collect();
    assert_eq!(numbers, (1..=i64::try_from(told.len()).expect("few")).collect::<Vec<i64>>(), "no gap");
    serving.stop().await;
}

/// Which report each number stood for; one that stood for two fails.
fn told(subscriber: &Subscriber) -> BTreeMap<i64, String> {
    let mut told: BTreeMap<i64, String> = BTreeMap::new();
    for bundle in subscriber.notices("event-notification") {
        for event in event_parts(&bundle) {
            let number = parameter(&event, "event-number").as_str().expect("text").parse().expect("a number");
            let focus = parameter(&event, "focus")["reference"].as_str().expect("text").to_owned();
            let report = focus.rsplit('/').next().expect("an id").to_owned();
            let former = told.insert(number, report.clone());
            assert!(former.is_none_or(|former| former == report), "{number} stood for two");
        }
    }
    told
}

async fn write_until_gone(client: Client, acknowledged: Arc<Mutex<BTreeSet<String>>>) {
    let body = report("final").to_string();
    while let Ok(answer) = client.try_send("POST", "/fhir/r4/DiagnosticReport", JSON, body.as_bytes()).await {
        let written: Value = answer.expect(201).json();
        acknowledged.lock().expect("not poisoned").insert(text(&written, "id"));
    }
}

const ROUNDS: usize = 4;
const JSON: &[(&str, &str)] = &[("Content-Type", "application/fhir+json")];
const SETTINGS: &str = "\n[subscriptions]\nallow_http = true\nallow_private_addresses = true\nattempts = 1000\n";
