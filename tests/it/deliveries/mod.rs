//! Deliveries: orders and rules, peers that take, refuse, warn, are away and come back. What a delivery
//! says is what the peer has answered.

mod dimse;
mod orders;
mod rules;
mod web;

use causeway::access::Role;
use serde_json::{Value, json};

use crate::support::samples::{eventually, items, text};
use crate::support::{Client, TestGateway};

/// Adds a DIMSE peer at a port of this machine.
async fn add_dimse(gateway: &TestGateway, name: &str, port: u16) {
    let settings = json!({
        "name": name, "kind": "dimse", "host": "127.0.0.1", "port": port, "called_ae_title": "PACS",
        "timeouts": {"connect_seconds": 5, "association_seconds": 20, "response_seconds": 20},
    });
    let admin = gateway.role(Role::Admin).await;
    admin.put(&format!("/api/admin/peers/{name}"), &settings).await.expect(204);
}

/// Adds a peer that speaks HTTP.
async fn add_web(gateway: &TestGateway, name: &str, kind: &str, url: &str) {
    let settings = json!({"name": name, "kind": kind, "url": url});
    let admin = gateway.role(Role::Admin).await;
    admin.put(&format!("/api/admin/peers/{name}"), &settings).await.expect(204);
}

/// Orders the newest version of a report.
async fn deliver(client: &Client, report: &str, peers: &[&str], formats: &[&str]) -> Vec<Value> {
    let order = json!({"peers": peers, "formats": formats});
    items(&client.post(&format!("/api/reports/{report}/deliver"), &order).await.expect(202))
}

/// The deliveries of a report, by peer and form.
async fn deliveries(client: &Client, report: &str) -> Vec<Value> {
    let mut found = items(&client.get(&format!("/api/reports/{report}/deliveries?limit=100")).await.expect(200));
    found.sort_by_key(|delivery| (text(delivery, "peer"), text(delivery, "format"), text(delivery, "reportVersion")));
    found
}

/// Waits until nothing more happens to the deliveries of a report by itself; gives form and state.
async fn settled(client: &Client, report: &str) -> Vec<(String, String)> {
    eventually("the deliveries are settled", async || {
        let found = deliveries(client, report).await;
        let is_settled = |delivery: &Value| !matches!(delivery["state"].as_str(), Some("pending" | "sending"));
        let line = |delivery: &Value| (text(delivery, "format"), text(delivery, "state"));
        (!found.is_empty() && found.iter().all(is_settled)).then(|| found.iter().map(line).collect())
    })
    .await
}

/// Waits until the first attempt at a delivery of a report has failed, and gives it.
async fn waiting(client: &Client, report: &str) -> Value {
    eventually("an attempt was made", async || {
        let found = deliveries(client, report).await;
        let tried = |delivery: &&Value| delivery["attempts"].as_i64() > Some(0) && delivery["state"] == "pending";
        found.iter().find(tried).cloned()
    })
    .await
}

fn line(form: &str, state: &str) -> (String, String) {
    (form.to_owned(), state.to_owned())
}
