//! Subscriptions as subscribers see them: R4 by criteria, topics of the Backport IG, sockets, and what is refused.

mod bad_input;
mod crash;
mod hooks;
mod operations;
mod outages;
mod sockets;
mod topics;

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};

use crate::support::samples::{eventually, text};
use crate::support::{Backend, Client, Received, TestGateway, WebPeer};

const BACKPORT: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/";
const REPORTS: &str = "https://causeway.health/fhir/SubscriptionTopic/diagnostic-report-change";
const STUDIES: &str = "https://causeway.health/fhir/SubscriptionTopic/imaging-study-change";

/// A gateway whose subscribers may be on this machine.
async fn gateway(backend: &Backend) -> TestGateway {
    gateway_with(backend, &[]).await
}

async fn gateway_with(backend: &Backend, flags: &[&str]) -> TestGateway {
    let own = [
        "subscriptions.allow_http=true",
        "subscriptions.allow_private_addresses=true",
        "subscriptions.shortest_heartbeat=1s",
        "subscriptions.attempts=1000",
    ];
    let flags: Vec<&str> = own.iter().chain(flags).copied().collect();
    TestGateway::with(backend, &flags, "").await
}

/// A subscriber that answers with a status that tests may change.
struct Subscriber {
    peer: WebPeer,
    status: Arc<AtomicU16>,
}

impl Subscriber {
    fn new() -> Self {
        let status = Arc::new(AtomicU16::new(200));
        let current = Arc::clone(&status);
        let peer = WebPeer::start(move |_request| (current.load(Ordering::SeqCst), "text/plain", Vec::new()));
        Self { peer, status }
    }

    fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn url(&self) -> String {
        format!("{}/hook", self.peer.url)
    }

    fn requests(&self) -> Vec<Received> {
        self.peer.requests()
    }

    /// The notifications of a type that came so far.
    fn notices(&self, kind: &str) -> Vec<Value> {
        let read = |request: &Received| serde_json::from_slice::<Value>(&request.body).ok();
        self.requests().iter().filter_map(read).filter(|bundle| parameter(&status(bundle), "type") == kind).collect()
    }

    /// Waits for so many events, and gives the numbers in the order in which they came.
    async fn events(&self, count: usize) -> Vec<i64> {
        eventually("the events have come", async || {
            let numbers: Vec<i64> = self.notices("event-notification").iter().flat_map(numbers).collect();
            (numbers.len() >= count).then_some(numbers)
        })
        .await
    }
}

/// The Parameters of a notification.
fn status(bundle: &Value) -> Value {
    bundle["entry"][0]["resource"].clone()
}

/// The value of a parameter.
fn parameter(parameters: &Value, name: &str) -> Value {
    let items = parameters["parameter"].as_array().cloned().unwrap_or_default();
    let found = items.into_iter().find(|item| item["name"] == name).unwrap_or_default();
    let value = found.as_object().and_then(|item| item.iter().find(|(key, _)| key.starts_with("value")));
    value.map(|(_, value)| value.clone()).unwrap_or_default()
}

/// The parts of the events of a notification, by name.
fn event_parts(bundle: &Value) -> Vec<Value> {
    let items = status(bundle)["parameter"].as_array().cloned().unwrap_or_default();
    items
        .into_iter()
        .filter(|item| item["name"] == "notification-event")
        .map(|item| json!({"parameter": item["part"]}))
        .collect()
}

fn numbers(bundle: &Value) -> Vec<i64> {
    let number =
        |event: &Value| parameter(event, "event-number").as_str().expect("a string").parse().expect("a number");
    event_parts(bundle).iter().map(number).collect()
}

/// A subscription to the topic of reports.
fn to_topic(endpoint: &str, content: &str) -> Value {
    json!({
        "resourceType": "Subscription", "status": "requested", "reason": "tests", "criteria": REPORTS,
        "channel": {
            "type": "rest-hook", "endpoint": endpoint, "payload": "application/fhir+json",
            "_payload": {"extension": [{"url": format!("{BACKPORT}backport-payload-content"), "valueCode": content}]},
        },
    })
}

/// A subscription by criteria.
fn by_criteria(endpoint: &str, criteria: &str) -> Value {
    json!({
        "resourceType": "Subscription", "status": "requested", "reason": "tests", "criteria": criteria,
        "channel": {"type": "rest-hook", "endpoint": endpoint, "payload": "application/fhir+json"},
    })
}

fn filtered(mut subscription: Value, filter: &str) -> Value {
    subscription["_criteria"] =
        json!({"extension": [{"url": format!("{BACKPORT}backport-filter-criteria"), "valueString": filter}]});
    subscription
}

fn extended(mut subscription: Value, name: &str, key: &str, value: impl Into<Value>) -> Value {
    let value: Value = value.into();
    let mut extension = json!({"url": format!("{BACKPORT}{name}")});
    extension[key] = value;
    match subscription["channel"]["extension"].as_array_mut() {
        Some(extensions) => extensions.push(extension),
        None => subscription["channel"]["extension"] = json!([extension]),
    }
    subscription
}

/// Writes a subscription and waits until it has this status.
async fn subscribe(client: &Client, subscription: &Value, status: &str) -> String {
    let created = client.post("/fhir/r4/Subscription", subscription).await.expect(201).json();
    assert_eq!(created["status"], "requested", "a server begins after it has answered");
    let id = text(&created, "id");
    has_status(client, &id, status).await;
    id
}

async fn has_status(client: &Client, id: &str, status: &str) -> Value {
    eventually("the subscription has its status", async || {
        let found = client.get(&format!("/fhir/r4/Subscription/{id}")).await.expect(200).json();
        (found["status"] == status).then_some(found)
    })
    .await
}

fn report(status: &str) -> Value {
    json!({"resourceType": "DiagnosticReport", "status": status, "code": {"text": "Chest"},
        "subject": {"reference": "Patient/p1"}, "conclusion": "Nothing 1.50 abnormal"})
}

/// Writes a report; gives its id.
async fn write(client: &Client, status: &str) -> String {
    text(&client.post("/fhir/r4/DiagnosticReport", &report(status)).await.expect(201).json(), "id")
}
