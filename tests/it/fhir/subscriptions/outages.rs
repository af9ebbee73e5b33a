//! Subscribers that are away, gateways that stop: every event comes, in order, with the number that it had.

use causeway::access::Role;
use serde_json::json;

use super::{Subscriber, gateway, gateway_with, has_status, subscribe, to_topic, write};
use crate::each_backend;
use crate::support::Backend;
use crate::support::samples::{eventually, text};

each_backend!(
    a_subscriber_that_comes_back_hears_everything_in_order,
    a_restart_loses_nothing_and_numbers_nothing_anew,
    many_writers_leave_no_gap,
    a_subscriber_that_stays_away_is_given_up_and_can_ask_again,
);

/// The numbers without those that came twice, which at least once allows.
fn once(mut numbers: Vec<i64>) -> Vec<i64> {
    let mut highest = 0;
    numbers.retain(|number| {
        let is_new = *number > highest;
        highest = highest.max(*number);
        is_new
    });
    numbers
}

async fn a_subscriber_that_comes_back_hears_everything_in_order(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    let id = subscribe(&client, &to_topic(&subscriber.url(), "id-only"), "active").await;
    write(&client, "final").await;
    subscriber.events(1).await;
    subscriber.answer(503);
    for _ in 0..7 {
        write(&client, "final").await;
    }
    eventually("it was tried", async || (subscriber.notices("event-notification").len() > 2).then_some(())).await;
    let before = subscriber.requests().len();
    subscriber.answer(200);
    eventually("all were taken", async || {
        let query = format!("select delivered from subscription where id = '{id}'");
        (gateway.database.count(&query).await == 8).then_some(())
    })
    .await;
    let taken = subscriber.requests()[before..].to_vec();
    let numbers: Vec<i64> = taken
        .iter()
        .flat_map(|request| super::numbers(&serde_json::from_slice(&request.body).expect("JSON")))
        .collect();
    assert_eq!(once(numbers), (2..=8).collect::<Vec<i64>>());
    assert_eq!(has_status(&client, &id, "active").await["status"], "active");
}

async fn a_restart_loses_nothing_and_numbers_nothing_anew(backend: Backend) {
    let mut gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    let id = subscribe(&client, &to_topic(&subscriber.url(), "id-only"), "active").await;
    subscriber.answer(503);
    for _ in 0..3 {
        write(&client, "final").await;
    }
    gateway.restart().await;
    let client = gateway.role(Role::Integrator).await;
    let events = format!("/fhir/r4/Subscription/{id}/$events");
    let known = eventually("all are recorded", async || {
        let found = client.get(&events).await.expect(200).json();
        (super::numbers(&found) == [1, 2, 3]).then_some(found)
    })
    .await;
    write(&client, "final").await;
    gateway.restart().await;
    subscriber.answer(200);
    let client = gateway.role(Role::Integrator).await;
    eventually("all were taken", async || {
        let query = format!("select delivered from subscription where id = '{id}'");
        (gateway.database.count(&query).await == 4).then_some(())
    })
    .await;
    let again = client.get(&events).await.expect(200).json();
    assert_eq!(super::numbers(&again), [1, 2, 3, 4]);
    assert_eq!(super::event_parts(&again)[..3], super::event_parts(&known)[..], "each with the number that it had");
}

async fn many_writers_leave_no_gap(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    let id = subscribe(&client, &to_topic(&subscriber.url(), "empty"), "active").await;
    let writers = (0..8).map(|_| {
        let client = client.clone();
        tokio::spawn(async move {
            for _ in 0..5 {
                write(&client, "final").await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("writes");
    }
    assert_eq!(once(subscriber.events(40).await), (1..=40).collect::<Vec<i64>>());
    gateway.idle().await;
    let query = format!("select count(*) from subscription_event where subscription = '{id}'");
    assert_eq!(gateway.database.count(&query).await, 40, "each change once");
    let distinct = "select count(*) from (select distinct logical_id, version_id from subscription_event) as one";
    assert_eq!(gateway.database.count(distinct).await, 40);
}

async fn a_subscriber_that_stays_away_is_given_up_and_can_ask_again(backend: Backend) {
    let gateway = gateway_with(&backend, &["subscriptions.attempts=2"]).await;
    let client = gateway.role(Role::Integrator).await;
    let subscriber = Subscriber::new();
    let id = subscribe(&client, &to_topic(&subscriber.url(), "id-only"), "active").await;
    subscriber.answer(502);
    write(&client, "final").await;
    let mut failed = has_status(&client, &id, "error").await;
    assert!(text(&failed, "error").contains("502"), "{failed}");
    assert!(!text(&failed, "error").contains("127.0.0.1"));
    let said = client.get(&format!("/fhir/r4/Subscription/{id}/$status")).await.expect(200).json();
    assert!(super::parameter(&super::status(&said), "error")["text"].as_str().expect("text").contains("502"));
    write(&client, "final").await;
    subscriber.answer(200);
    failed["status"] = json!("requested");
    client.put(&format!("/fhir/r4/Subscription/{id}"), &failed).await.expect(200);
    has_status(&client, &id, "active").await;
    eventually("all were taken", async || {
        let query = format!("select delivered from subscription where id = '{id}'");
        (gateway.database.count(&query).await == 2).then_some(())
    })
    .await;
}
