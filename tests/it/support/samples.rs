//! Reports to begin with, and what tests do with them again and again.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Answer, Client};

/// A report of `fixtures/report` without its id, in this state.
pub(crate) fn fixture(name: &str, status: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/report").join(format!("{name}.json"));
    let text = std::fs::read_to_string(path).expect("is there");
    let mut report: Value = serde_json::from_str(&text).expect("JSON");
    let members = report.as_object_mut().expect("an object");
    members.remove("id");
    members.insert("status".into(), status.into());
    report
}

/// A short report without measurements.
pub(crate) fn short(status: &str) -> Value {
    fixture("dx-chest-normal-final", status)
}

/// A report with findings, measurements and key images.
pub(crate) fn measured(status: &str) -> Value {
    fixture("ct-chest-nodule-final", status)
}

/// `value` with `new` at a JSON pointer, whose parents are there.
pub(crate) fn with(mut value: Value, pointer: &str, new: impl Into<Value>) -> Value {
    let (parent, last) = pointer.rsplit_once('/').expect("a pointer");
    match value.pointer_mut(parent).unwrap_or_else(|| panic!("{parent} is not there")) {
        Value::Object(members) => {
            members.insert(last.to_owned(), new.into());
        }
        Value::Array(items) => items[last.parse::<usize>().expect("an index")] = new.into(),
        _ => panic!("{parent} holds nothing"),
    }
    value
}

/// `value` without the member at a JSON pointer.
pub(crate) fn without(mut value: Value, pointer: &str) -> Value {
    let (parent, last) = pointer.rsplit_once('/').expect("a pointer");
    let members = value.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    members.remove(last).expect("is there");
    value
}

/// `value` with another impression.
pub(crate) fn saying(value: Value, impression: &str) -> Value {
    with(value, "/sections/impression", impression)
}

/// The content of an answer: without the facts of its version.
pub(crate) fn content(answer: &Answer) -> Value {
    without(answer.json(), "/meta")
}

/// Takes a report in; gives its id and tag.
pub(crate) async fn create(client: &Client, report: &Value) -> (String, String) {
    let created = client.post("/api/reports", report).await.expect(201);
    (text(&created.json(), "id"), created.tag())
}

/// The text of a member.
#[track_caller]
pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

/// The items of a page.
#[track_caller]
pub(crate) fn items(answer: &Answer) -> Vec<Value> {
    answer.json()["items"].as_array().expect("a page").clone()
}

/// Orders an export; gives its id.
pub(crate) async fn export(client: &Client, report: &str, form: &str) -> String {
    let started = client.post(&format!("/api/reports/{report}/export/{form}"), &json!({})).await.expect(202);
    text(&started.json(), "exportId")
}

/// Waits until an export is completed or has failed; gives its last status.
pub(crate) async fn finished(client: &Client, export: &str) -> Value {
    eventually("the export is finished", async || {
        let status = client.get(&format!("/api/reports/export/status/{export}")).await.expect(200).json();
        matches!(text(&status, "status").as_str(), "completed" | "failed").then_some(status)
    })
    .await
}

/// Exports a report; gives the file.
pub(crate) async fn exported(client: &Client, report: &str, form: &str) -> Answer {
    let export = export(client, report, form).await;
    let status = finished(client, &export).await;
    assert_eq!(status["status"], "completed", "{status}");
    client.get(&format!("/api/reports/export/download/{export}")).await.expect(200)
}

/// Asks again and again until there is an answer. The deadline is for tests that fail.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_mins(2);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(tokio::time::Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
