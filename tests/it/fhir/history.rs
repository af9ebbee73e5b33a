//! Histories: of a resource, of a type, of everything; paged, and the same on every page.

use std::collections::BTreeMap;

use causeway::access::Role;
use serde_json::{Value, json};

use crate::each_backend;
use crate::support::samples::text;
use crate::support::{Backend, Client, PUBLIC_URL, TestGateway};

each_backend!(
    a_resource_has_a_history,
    pages_neither_repeat_nor_leave_out,
    walks_beside_eight_writers_have_no_gap,
    what_was_current_at_a_time_is_told,
    parameters_are_held_to_their_form,
);

fn basic(id: &str, text: &str) -> Value {
    json!({"resourceType": "Basic", "id": id, "code": {"text": text}})
}

fn entries(bundle: &Value) -> Vec<Value> {
    bundle["entry"].as_array().cloned().unwrap_or_default()
}

fn next(bundle: &Value) -> Option<String> {
    let links = bundle["link"].as_array().expect("links");
    let next = links.iter().find(|link| link["relation"] == "next")?;
    Some(text(next, "url").strip_prefix(PUBLIC_URL).expect("is ours").to_owned())
}

async fn a_resource_has_a_history(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    client.get("/fhir/r4/Basic/b-1/_history").await.expect(404);
    client.put("/fhir/r4/Basic/b-1", &basic("b-1", "one")).await.expect(201);
    client.put("/fhir/r4/Basic/b-1", &basic("b-1", "two")).await.expect(200);
    client.delete("/fhir/r4/Basic/b-1").await.expect(204);
    let history = client.get("/fhir/r4/Basic/b-1/_history").await.expect(200).json();
    assert_eq!((&history["type"], &history["total"]), (&json!("history"), &json!(3)));
    let told: Vec<_> = entries(&history)
        .iter()
        .map(|entry| {
            let request = text(&entry["request"], "method");
            (request, text(&entry["response"], "etag"), entry["resource"]["code"]["text"].clone())
        })
        .collect();
    let told: Vec<_> = told.iter().map(|(method, tag, text)| (method.as_str(), tag.as_str(), text)).collect();
    assert_eq!(
        told,
        [("DELETE", "W/\"3\"", &Value::Null), ("PUT", "W/\"2\"", &json!("two")), ("POST", "W/\"1\"", &json!("one"))]
    );
    assert!(entries(&history).iter().all(|entry| entry["fullUrl"] == format!("{PUBLIC_URL}/fhir/r4/Basic/b-1")));
}

/// Every page from `first` on.
async fn all(client: &Client, first: &str) -> Vec<Value> {
    let (mut found, mut path) = (Vec::new(), Some(first.to_owned()));
    while let Some(page) = path {
        let bundle = client.get(&page).await.expect(200).json();
        found.extend(entries(&bundle));
        path = next(&bundle);
    }
    found
}

async fn pages_neither_repeat_nor_leave_out(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    for number in 0..7 {
        let id = format!("b-{number}");
        client.put(&format!("/fhir/r4/Basic/{id}"), &basic(&id, "x")).await.expect(201);
    }
    client.post("/fhir/r4/Patient", &json!({"resourceType": "Patient"})).await.expect(201);
    for count in [1, 2, 3, 7, 50] {
        let first = client.get(&format!("/fhir/r4/Basic/_history?_count={count}")).await.expect(200).json();
        assert_eq!(first["total"], 7);
        // What comes in between does not move what is on later pages.
        let extra = format!("later-{count}");
        client
            .put(&format!("/fhir/r4/Patient/{extra}"), &json!({"resourceType": "Patient", "id": extra}))
            .await
            .expect(201);
        let mut urls: Vec<String> = entries(&first).iter().map(|entry| text(entry, "fullUrl")).collect();
        if let Some(path) = next(&first) {
            urls.extend(all(&client, &path).await.iter().map(|entry| text(entry, "fullUrl")));
        }
        let expected: Vec<String> =
            (0..7).rev().map(|number| format!("{PUBLIC_URL}/fhir/r4/Basic/b-{number}")).collect();
        assert_eq!(urls, expected, "{count}");
    }
    let everything = all(&client, "/fhir/r4/_history?_count=2").await;
    assert_eq!(everything.len(), 7 + 1 + 5);
}

/// Eight write, each their own resource and one that all share, while others go through the histories: in each walk
/// every version is there once, and none is missing below the newest that it has of a resource.
async fn walks_beside_eight_writers_have_no_gap(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    client.put("/fhir/r4/Basic/shared", &basic("shared", "0")).await.expect(201);
    let writing = (0..WRITERS).map(|writer| {
        let client = client.clone();
        async move {
            for round in 0..ROUNDS {
                for id in ["shared".to_owned(), format!("own-{writer}")] {
                    let written = client.put(&format!("/fhir/r4/Basic/{id}"), &basic(&id, &round.to_string())).await;
                    assert!(matches!(written.status, 200 | 201), "{}", written.text());
                }
            }
        }
    });
    let writing = futures_util::future::join_all(writing);
    let walking =
        ["/fhir/r4/_history?_count=7", "/fhir/r4/Basic/_history?_count=5", "/fhir/r4/Basic/shared/_history?_count=3"]
            .map(|first| {
                let client = client.clone();
                async move {
                    for _ in 0..3 {
                        let walked = all(&client, first).await;
                        held_together(&walked, first);
                    }
                }
            });
    tokio::join!(writing, futures_util::future::join_all(walking));
    let whole = all(&client, "/fhir/r4/Basic/_history?_count=9").await;
    held_together(&whole, "at the end");
    assert_eq!(whole.len(), 1 + 2 * WRITERS * ROUNDS);
}

/// Holds that the versions of each resource in a walk go down one by one to the first.
fn held_together(walked: &[Value], what: &str) {
    let mut versions: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for entry in walked {
        let tag = text(&entry["response"], "etag");
        let version = tag.trim_matches(|letter: char| !letter.is_ascii_digit()).parse().expect("a number");
        versions.entry(text(entry, "fullUrl")).or_default().push(version);
    }
    for (resource, seen) in versions {
        let expected: Vec<usize> = (1..=seen.len()).rev().collect();
        assert_eq!(seen, expected, "{what}: {resource}");
    }
}

const WRITERS: usize = 8;
const ROUNDS: usize = 6;

async fn what_was_current_at_a_time_is_told(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let mut moments = vec![gateway.now()];
    let mut step = async || {
        gateway.clock.advance_seconds(60);
        moments.push(gateway.now());
        gateway.clock.advance_seconds(60);
    };
    client.put("/fhir/r4/Basic/b-1", &basic("b-1", "one")).await.expect(201);
    step().await;
    client.put("/fhir/r4/Basic/b-1", &basic("b-1", "two")).await.expect(200);
    client.put("/fhir/r4/Basic/b-2", &basic("b-2", "other")).await.expect(201);
    step().await;
    client.delete("/fhir/r4/Basic/b-1").await.expect(204);
    step().await;
    let at = async |path: &str, moment: &str| {
        let bundle =
            client.get(&format!("{path}/_history?_at={}", moment.replace('+', "%2B"))).await.expect(200).json();
        let said =
            |entry: &Value| format!("{} {}", text(&entry["request"], "method"), text(&entry["response"], "etag"));
        let told: Vec<String> = entries(&bundle).iter().map(said).collect();
        assert_eq!(bundle["total"], told.len());
        told.join(", ").replace("W/", "").replace('"', "")
    };
    assert_eq!(at("/fhir/r4/Basic/b-1", &moments[0]).await, "");
    assert_eq!(at("/fhir/r4/Basic/b-1", &moments[1]).await, "POST 1");
    assert_eq!(at("/fhir/r4/Basic/b-1", &moments[2]).await, "PUT 2");
    assert_eq!(at("/fhir/r4/Basic/b-1", &moments[3]).await, "", "what is deleted is nothing any more");
    assert_eq!(at("/fhir/r4/Basic", &moments[1]).await, "POST 1");
    assert_eq!(at("/fhir/r4/Basic", &moments[2]).await, "POST 1, PUT 2");
    assert_eq!(at("/fhir/r4", &moments[3]).await, "POST 1");
    // All of it was current at some time of the year.
    let year = &moments[0][..4];
    assert_eq!(at("/fhir/r4/Basic/b-1", year).await, "DELETE 3, PUT 2, POST 1");
    let both = client.get(&format!("/fhir/r4/Basic/_history?_at={year}&_count=1")).await.expect(200).json();
    let path = next(&both).expect("there is more");
    assert_eq!((1 + all(&client, &path).await.len(), &both["total"]), (4, &json!(4)));
}

async fn parameters_are_held_to_their_form(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    client.put("/fhir/r4/Basic/b-1", &basic("b-1", "one")).await.expect(201);
    for wrong in ["_count=0", "_count=x", "_since=yesterday", "_at=then", "_cursor=abc", "colour=red"] {
        client.get(&format!("/fhir/r4/Basic/_history?{wrong}")).await.expect(400);
    }
    let later = client.get("/fhir/r4/Basic/_history?_since=2200-01-01T00:00:00%2B01:00").await.expect(200).json();
    assert_eq!((&later["total"], &later["entry"]), (&json!(0), &Value::Null));
    let before = client.get("/fhir/r4/Basic/_history?_since=2000-01-01T00:00:00Z").await.expect(200).json();
    assert_eq!(before["total"], 1);
}
