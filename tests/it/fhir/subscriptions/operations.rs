//! `$status` and `$events`.

use causeway::access::Role;
use causeway::base::TenantId;
use serde_json::{Value, json};

use super::{
    BACKPORT, Subscriber, by_criteria, event_parts, gateway, numbers, parameter, status, subscribe, to_topic, write,
};
use crate::each_backend;
use crate::support::{Backend, token};

each_backend!(
    the_status_of_subscriptions_is_asked_for,
    events_are_asked_for_again,
    events_show_no_more_than_the_asker_may_read,
);

async fn the_status_of_subscriptions_is_asked_for(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    let one = subscribe(&client, &to_topic(&subscriber.url(), "id-only"), "active").await;
    let two = subscribe(&client, &by_criteria(&subscriber.url(), "DiagnosticReport"), "active").await;
    write(&client, "final").await;
    subscriber.events(1).await;
    let found = client.get(&format!("/fhir/r4/Subscription/{one}/$status")).await.expect(200).json();
    assert_eq!((&found["type"], &found["total"]), (&json!("searchset"), &json!(1)));
    let state = status(&found);
    assert_eq!(parameter(&state, "type"), "query-status");
    assert_eq!(parameter(&state, "events-since-subscription-start"), "1");
    let all = client.get("/fhir/r4/Subscription/$status").await.expect(200).json();
    assert_eq!(all["total"], 2);
    let asked = json!({"resourceType": "Parameters", "parameter": [{"name": "id", "valueId": two}]});
    let found = client.post("/fhir/r4/Subscription/$status", &asked).await.expect(200).json();
    assert!(parameter(&status(&found), "subscription")["reference"].as_str().expect("text").ends_with(&two));
    let off = client.get("/fhir/r4/Subscription/$status?status=off,error").await.expect(200).json();
    assert_eq!(off["total"], 0);
    client.get("/fhir/r4/Subscription/$status?status=nonsense").await.expect(400);
    client.get("/fhir/r4/Subscription/$status?nonsense=1").await.expect(400);
    client.get("/fhir/r4/Subscription/nobody/$status").await.expect(404);
}

async fn events_are_asked_for_again(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    let id = subscribe(&client, &to_topic(&subscriber.url(), "id-only"), "active").await;
    for _ in 0..5 {
        write(&client, "final").await;
    }
    assert_eq!(subscriber.events(5).await, [1, 2, 3, 4, 5]);
    let path = format!("/fhir/r4/Subscription/{id}/$events");
    let all = client.get(&path).await.expect(200).json();
    assert_eq!(all["meta"]["profile"][0], format!("{BACKPORT}backport-subscription-notification-r4"));
    assert_eq!((&all["type"], numbers(&all)), (&json!("history"), vec![1, 2, 3, 4, 5]));
    assert_eq!(parameter(&status(&all), "type"), "query-event");
    let some = client.get(&format!("{path}?eventsSinceNumber=2&eventsUntilNumber=3")).await.expect(200).json();
    assert_eq!(numbers(&some), [2, 3], "both ends are in");
    let asked = json!({"resourceType": "Parameters", "parameter": [
        {"name": "eventsSinceNumber", "valueString": "5"}, {"name": "content", "valueCode": "full-resource"},
    ]});
    let full = client.post(&path, &asked).await.expect(200).json();
    assert_eq!(full["entry"][1]["resource"]["conclusion"], "Nothing 1.50 abnormal");
    let empty = client.get(&format!("{path}?content=empty")).await.expect(200).json();
    assert_eq!(empty["entry"].as_array().map(Vec::len), Some(1));
    let none = client.get(&format!("{path}?eventsSinceNumber=6")).await.expect(200).json();
    assert!(event_parts(&none).is_empty());
    for wrong in
        ["eventsSinceNumber=x", "eventsSinceNumber=-1", "content=all", "eventsSinceNumber=3&eventsUntilNumber=2"]
    {
        client.get(&format!("{path}?{wrong}")).await.expect(400);
    }
    assert_eq!(subscriber.events(5).await.len(), 5, "nobody was told again");
}

async fn events_show_no_more_than_the_asker_may_read(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    let id = subscribe(&client, &to_topic(&subscriber.url(), "full-resource"), "active").await;
    write(&client, "final").await;
    subscriber.events(1).await;
    let mut narrow = token("narrow", &[Role::Integrator]);
    narrow.scope = Some("user/Subscription.rs".to_owned());
    let narrow = gateway.client(&TenantId::default_tenant(), narrow).await;
    let found: Value = narrow.get(&format!("/fhir/r4/Subscription/{id}/$events")).await.expect(200).json();
    assert_eq!(numbers(&found), [1]);
    assert!(!found.to_string().contains("DiagnosticReport/"), "{found}");
    gateway.role(Role::Admin).await.get(&format!("/fhir/r4/Subscription/{id}/$events")).await.expect(403);
    gateway.nobody().get(&format!("/fhir/r4/Subscription/{id}/$events")).await.expect(401);
}
