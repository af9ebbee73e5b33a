//! R4 Subscriptions by criteria.

use causeway::access::Role;
use serde_json::{Value, json};

use super::{Subscriber, by_criteria, gateway, has_status, report, subscribe, write};
use crate::each_backend;
use crate::support::samples::{create, eventually, short, text};
use crate::support::{Backend, token};

each_backend!(
    a_resource_that_matches_is_put_to_the_endpoint,
    without_a_payload_an_empty_request_says_that_something_happened,
    a_report_of_ours_is_told_like_any_other_resource,
    header_values_are_sent_and_never_shown,
    a_subscription_that_is_off_or_gone_tells_nothing,
    it_ends_when_it_says,
    scopes_of_whoever_wrote_it_hold,
    tenants_hear_nothing_of_each_other,
);

async fn a_resource_that_matches_is_put_to_the_endpoint(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let before = write(&client, "final").await;
    let subscriber = Subscriber::new();
    subscribe(&client, &by_criteria(&subscriber.url(), "DiagnosticReport?status=final,amended"), "active").await;
    let draft = write(&client, "preliminary").await;
    let first = write(&client, "final").await;
    let mut finished = report("final");
    finished["id"] = json!(draft);
    client.put(&format!("/fhir/r4/DiagnosticReport/{draft}"), &finished).await.expect(200);
    client.delete(&format!("/fhir/r4/DiagnosticReport/{first}")).await;
    let last = write(&client, "amended").await;
    let requests = eventually("three have come", async || {
        let requests = subscriber.requests();
        (requests.len() >= 3).then_some(requests)
    })
    .await;
    let targets: Vec<String> = requests.iter().map(|request| request.target.clone()).collect();
    let wanted = [first, draft, last].map(|id| format!("/hook/DiagnosticReport/{id}"));
    assert_eq!(targets, wanted, "in order; not {before}, which was there before, and no deletion");
    for request in &requests {
        assert_eq!((request.method.as_str(), request.content_type.as_str()), ("PUT", "application/fhir+json"));
        assert!(String::from_utf8_lossy(&request.body).contains("1.50 abnormal"));
    }
    gateway.idle().await;
    assert_eq!(subscriber.requests().len(), 3);
}

async fn without_a_payload_an_empty_request_says_that_something_happened(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    let mut wanted = by_criteria(&subscriber.url(), "DiagnosticReport");
    wanted["channel"].as_object_mut().expect("an object").remove("payload");
    subscribe(&client, &wanted, "active").await;
    write(&client, "final").await;
    write(&client, "final").await;
    eventually("both have come", async || (subscriber.requests().len() == 2).then_some(())).await;
    for request in subscriber.requests() {
        assert_eq!((request.method.as_str(), request.target.as_str(), request.body.len()), ("POST", "/hook", 0));
    }
}

async fn a_report_of_ours_is_told_like_any_other_resource(backend: Backend) {
    let gateway = gateway(&backend).await;
    let doctor = gateway.radiologist().await;
    let subscriber = Subscriber::new();
    subscribe(&doctor, &by_criteria(&subscriber.url(), "DiagnosticReport?status=final"), "active").await;
    let (id, _) = create(&doctor, &short("final")).await;
    let request = eventually("it has come", async || subscriber.requests().first().cloned()).await;
    assert_eq!(request.target, format!("/hook/DiagnosticReport/{id}"));
}

async fn header_values_are_sent_and_never_shown(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    let mut wanted = by_criteria(&subscriber.url(), "DiagnosticReport");
    wanted["channel"]["header"] = json!(["Authorization: Bearer open-sesame", "X-House: north"]);
    let id = subscribe(&client, &wanted, "active").await;
    let path = format!("/fhir/r4/Subscription/{id}");
    let masked = json!(["Authorization: ***", "X-House: ***"]);
    let mut shown = client.get(&path).await.expect(200).json();
    assert_eq!(shown["channel"]["header"], masked);
    let history = client.get(&format!("{path}/_history")).await.expect(200);
    assert!(!String::from_utf8_lossy(&history.body).contains("sesame"), "in no version");

    let authorization = async |count: usize| {
        let requests = eventually("it has come", async || {
            let requests = subscriber.requests();
            (requests.len() >= count).then_some(requests)
        })
        .await;
        let headers = &requests.last().expect("one").headers;
        headers.iter().find(|(name, _)| name == "authorization").map(|(_, value)| value.clone())
    };
    write(&client, "final").await;
    assert_eq!(authorization(1).await.as_deref(), Some("Bearer open-sesame"));

    // What was shown masked may come back so, and keeps its value.
    shown["reason"] = json!("another one");
    client.put(&path, &shown).await.expect(200);
    has_status(&client, &id, "active").await;
    write(&client, "final").await;
    assert_eq!(authorization(2).await.as_deref(), Some("Bearer open-sesame"));

    // But not to go somewhere else.
    let elsewhere = Subscriber::new();
    shown["channel"]["endpoint"] = json!(elsewhere.url());
    let refused = client.put(&path, &shown).await.expect(422);
    assert!(refused.json()["issue"][0]["diagnostics"].as_str().expect("text").contains("masked"));
}

async fn a_subscription_that_is_off_or_gone_tells_nothing(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    let wanted = by_criteria(&subscriber.url(), "DiagnosticReport");
    let id = subscribe(&client, &wanted, "active").await;
    let path = format!("/fhir/r4/Subscription/{id}");
    let mut off = client.get(&path).await.expect(200).json();
    off["status"] = json!("off");
    assert_eq!(client.put(&path, &off).await.expect(200).json()["status"], "off");
    write(&client, "final").await;
    off["status"] = json!("requested");
    client.put(&path, &off).await.expect(200);
    has_status(&client, &id, "active").await;
    let told = write(&client, "final").await;
    let first = eventually("one has come", async || subscriber.requests().first().cloned()).await;
    assert_eq!(first.target, format!("/hook/DiagnosticReport/{told}"));
    client.delete(&path).await;
    write(&client, "final").await;
    gateway.idle().await;
    assert_eq!(subscriber.requests().len(), 1);
    assert_eq!(gateway.database.count("select count(*) from subscription_event").await, 0);
}

async fn it_ends_when_it_says(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    let mut wanted = by_criteria(&subscriber.url(), "DiagnosticReport");
    let clock: std::sync::Arc<dyn causeway::base::Clock> = gateway.clock.clone();
    wanted["end"] = json!(clock.now().plus_seconds(3600).to_fhir());
    let id = subscribe(&client, &wanted, "active").await;
    gateway.clock.advance_seconds(3601);
    has_status(&client, &id, "off").await;
}

async fn scopes_of_whoever_wrote_it_hold(backend: Backend) {
    let gateway = gateway(&backend).await;
    let mut narrow = token("narrow", &[Role::Integrator]);
    narrow.scope = Some("user/Subscription.cruds user/DiagnosticReport.r".to_owned());
    let tenant = causeway::base::TenantId::default_tenant();
    let client = gateway.client(&tenant, narrow).await;
    let subscriber = Subscriber::new();
    subscribe(&client, &by_criteria(&subscriber.url(), "DiagnosticReport"), "active").await;
    let refused = client.post("/fhir/r4/Subscription", &by_criteria(&subscriber.url(), "Patient?name=x")).await;
    refused.expect(403);
    // One that can write subscriptions and nothing else.
    let mut blind = token("blind", &[Role::Integrator]);
    blind.scope = Some("user/Subscription.cruds".to_owned());
    let blind = gateway.client(&tenant, blind).await;
    blind.post("/fhir/r4/Subscription", &by_criteria(&subscriber.url(), "DiagnosticReport")).await.expect(403);
    let admin = gateway.role(Role::Admin).await;
    admin.post("/fhir/r4/Subscription", &by_criteria(&subscriber.url(), "DiagnosticReport")).await.expect(403);
}

async fn tenants_hear_nothing_of_each_other(backend: Backend) {
    let gateway = gateway(&backend).await;
    let tenant = gateway.add_tenant("north").await;
    let (here, there) =
        (gateway.role(Role::Integrator).await, gateway.client(&tenant, token("i", &[Role::Integrator])).await);
    let (own, other) = (Subscriber::new(), Subscriber::new());
    let id = subscribe(&here, &by_criteria(&own.url(), "DiagnosticReport"), "active").await;
    subscribe(&there, &by_criteria(&other.url(), "DiagnosticReport"), "active").await;
    there.get(&format!("/fhir/r4/Subscription/{id}/$status")).await.expect(404);
    there.get(&format!("/fhir/r4/Subscription/{id}/$events")).await.expect(404);
    let written = write(&there, "final").await;
    let request = eventually("it has come", async || other.requests().first().cloned()).await;
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!(text(&body, "id"), written);
    gateway.idle().await;
    assert!(own.requests().is_empty());
}
