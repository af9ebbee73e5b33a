//! Subscriptions on WebSockets.

use causeway::access::Role;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{extended, gateway, numbers, parameter, status, subscribe, to_topic, write};
use crate::each_backend;
use crate::support::{Backend, Client, PUBLIC_URL, TestGateway};

each_backend!(
    events_come_on_a_socket_that_was_bound,
    what_happened_while_no_socket_was_there_comes_first,
    a_subscription_by_criteria_is_pinged,
    a_socket_beats,
    a_socket_without_a_good_token_is_closed,
);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

fn on_socket(content: &str) -> Value {
    let mut wanted = to_topic("https://ehr.example", content);
    wanted["channel"]["type"] = json!("websocket");
    wanted["channel"].as_object_mut().expect("an object").remove("endpoint");
    wanted
}

async fn open(gateway: &TestGateway) -> Socket {
    let url = format!("ws://{}/fhir/r4/$subscription-events", gateway.address());
    connect_async(url).await.expect("connects").0
}

async fn token(client: &Client, id: &str) -> String {
    let found = client.get(&format!("/fhir/r4/Subscription/{id}/$get-ws-binding-token")).await.expect(200).json();
    let url = format!("{}/fhir/r4/$subscription-events", PUBLIC_URL.replace("http", "ws"));
    assert_eq!(parameter(&found, "websocket-url"), url);
    assert_eq!(parameter(&found, "subscription"), id);
    assert!(parameter(&found, "expiration").is_string());
    parameter(&found, "token").as_str().expect("a token").to_owned()
}

async fn bound(gateway: &TestGateway, client: &Client, id: &str) -> Socket {
    let mut socket = open(gateway).await;
    let message = format!("bind-with-token {}", token(client, id).await);
    socket.send(Message::text(message)).await.expect("is sent");
    socket
}

/// The next text.
async fn heard(socket: &mut Socket) -> String {
    let wait = async {
        while let Some(message) = socket.next().await {
            match message.expect("a message") {
                Message::Text(text) => return text.to_string(),
                Message::Close(frame) => panic!("closed: {frame:?}"),
                _ => {}
            }
        }
        panic!("the socket has ended")
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), wait).await.expect("in time")
}

async fn notice(socket: &mut Socket) -> Value {
    serde_json::from_str(&heard(socket).await).expect("JSON")
}

async fn events_come_on_a_socket_that_was_bound(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let id = subscribe(&client, &on_socket("full-resource"), "active").await;
    let mut socket = bound(&gateway, &client, &id).await;
    let handshake = notice(&mut socket).await;
    assert_eq!(parameter(&status(&handshake), "type"), "handshake");
    let mut came = Vec::new();
    write(&client, "final").await;
    write(&client, "final").await;
    while came.len() < 2 {
        let events = notice(&mut socket).await;
        assert_eq!(parameter(&status(&events), "type"), "event-notification");
        assert_eq!(events["entry"][1]["resource"]["conclusion"], "Nothing 1.50 abnormal");
        came.extend(numbers(&events));
    }
    assert_eq!(came, [1, 2]);
    socket.close(None).await.expect("closes");
}

async fn what_happened_while_no_socket_was_there_comes_first(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let id = subscribe(&client, &on_socket("id-only"), "active").await;
    write(&client, "final").await;
    let mut first = bound(&gateway, &client, &id).await;
    notice(&mut first).await;
    assert_eq!(numbers(&notice(&mut first).await), [1]);
    // What was sent is noted behind the sending.
    crate::support::samples::eventually("it is noted", async || {
        let query = format!("select delivered from subscription where id = '{id}'");
        (gateway.database.count(&query).await == 1).then_some(())
    })
    .await;
    drop(first);
    write(&client, "final").await;
    let mut second = bound(&gateway, &client, &id).await;
    notice(&mut second).await;
    assert_eq!(numbers(&notice(&mut second).await), [2]);
}

async fn a_subscription_by_criteria_is_pinged(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let wanted = json!({"resourceType": "Subscription", "status": "requested", "reason": "tests",
        "criteria": "DiagnosticReport?status=final", "channel": {"type": "websocket"}});
    let id = subscribe(&client, &wanted, "active").await;
    let mut socket = bound(&gateway, &client, &id).await;
    assert_eq!(heard(&mut socket).await, format!("bound {id}"));
    write(&client, "preliminary").await;
    write(&client, "final").await;
    assert_eq!(heard(&mut socket).await, format!("ping {id}"));
}

async fn a_socket_beats(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let wanted = extended(on_socket("empty"), "backport-heartbeat-period", "valueUnsignedInt", 1);
    let id = subscribe(&client, &wanted, "active").await;
    let mut socket = bound(&gateway, &client, &id).await;
    assert_eq!(parameter(&status(&notice(&mut socket).await), "type"), "handshake");
    assert_eq!(parameter(&status(&notice(&mut socket).await), "type"), "heartbeat");
}

async fn a_socket_without_a_good_token_is_closed(backend: Backend) {
    let gateway = gateway(&backend).await;
    let client = gateway.role(Role::Integrator).await;
    let id = subscribe(&client, &on_socket("id-only"), "active").await;
    let good = token(&client, &id).await;
    let mut changed = good.clone();
    let last = if changed.pop() == Some('A') { 'B' } else { 'A' };
    changed.insert(5, last);
    gateway.clock.advance_seconds(2 * 3600);
    for message in [format!("bind-with-token {changed}"), format!("bind-with-token {good}"), "bind x".to_owned()] {
        let mut socket = open(&gateway).await;
        socket.send(Message::text(message)).await.expect("is sent");
        let closed = loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => break frame.map(|frame| u16::from(frame.code)),
                Some(Ok(Message::Text(text))) => panic!("heard {text}"),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break None,
            }
        };
        assert_eq!(closed, Some(1008), "told why");
    }
    gateway.nobody().get("/fhir/r4/$subscription-events").await.expect(400);
    let hook = subscribe(&client, &super::by_criteria("http://127.0.0.1:9/x", "Patient"), "active").await;
    client.get(&format!("/fhir/r4/Subscription/{hook}/$get-ws-binding-token")).await.expect(422);
    client.get("/fhir/r4/Subscription/nobody/$get-ws-binding-token").await.expect(404);
}
