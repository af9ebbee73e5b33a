mod calls;

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::remote::testing::{Reply, Server, clock};

async fn peer(server: &Server) -> FhirPeer {
    FhirPeer::new(&server.settings(PeerKind::Fhir), clock()).await.expect("good settings")
}

fn bundle() -> Json {
    let text = br#"{"resourceType":"Bundle","type":"transaction","entry":[
        {"resource":{"resourceType":"Observation","valueQuantity":{"value":1.50}},"request":{"method":"POST","url":"Observation"}},
        {"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=x"}}]}"#;
    Json::parse(text, &JsonLimits::default()).expect("reads")
}

async fn pushed(reply: Reply) -> Result<PushOutcome, FhirError> {
    let server = Server::start(move |_| reply.clone()).await;
    peer(&server).await.push(&bundle()).await
}

fn outcome(code: &str, expression: &str) -> serde_json::Value {
    json!({"resourceType": "OperationOutcome", "issue": [
        {"severity": "error", "code": code, "diagnostics": "Patient Smith is unknown", "expression": [expression]}]})
}

#[tokio::test]
async fn each_entry_gets_its_status_and_digits_stay() {
    let server = Server::start(|_| {
        Reply::json(
            200,
            &json!({"resourceType": "Bundle", "type": "transaction-response", "entry": [
                {"response": {"status": "201 Created", "location": "Observation/1/_history/1", "etag": "W/\"1\""}},
                {"response": {"status": "200", "location": "Patient/7/_history/3"}}]}),
        )
    })
    .await;
    let outcome = peer(&server).await.push(&bundle()).await.expect("taken");
    assert!(outcome.is_complete());
    assert_eq!(outcome.entries[0].status, 201);
    assert_eq!(outcome.entries[1].location.as_deref(), Some("Patient/7/_history/3"));
    let request = &server.requests()[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/base"));
    assert_eq!(request.header("content-type"), Some("application/fhir+json; charset=utf-8"));
    assert!(request.text().contains("\"value\":1.50"));
}

#[tokio::test]
async fn a_refusal_keeps_codes_and_no_words() {
    let error =
        pushed(Reply::json(422, &outcome("business-rule", "Bundle.entry[1].resource"))).await.expect_err("refused");
    assert_eq!(error.to_string(), "server answered 422 (error business-rule at Bundle.entry[1].resource)");
    assert_eq!(error.retry(), Retry::Never);
    let error = pushed(Reply::json(400, &outcome("Smith", "name.where(family='Smith')"))).await.expect_err("refused");
    assert!(!format!("{error} {error:?}").contains("Smith"));
}

#[tokio::test]
async fn what_may_succeed_later_is_tried_again() {
    let retry = async |status, after: Option<&str>| {
        let reply = Reply::json(status, &outcome("transient", "Bundle"));
        let reply = match after {
            Some(after) => reply.with("Retry-After", after),
            None => reply,
        };
        pushed(reply).await.expect_err("refused").retry()
    };
    assert_eq!(retry(409, None).await, Retry::Backoff);
    assert_eq!(retry(503, Some("30")).await, Retry::After(Duration::from_secs(30)));
    assert_eq!(retry(500, None).await, Retry::Backoff);
    for never in [401, 403, 404, 410, 412, 413, 501] {
        assert_eq!(retry(never, None).await, Retry::Never, "{never}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_the_bundle_is_no_success() {
    let response = |count: usize| {
        let entries = vec![json!({"response": {"status": "201"}}); count];
        json!({"resourceType": "Bundle", "type": "transaction-response", "entry": entries})
    };
    assert!(pushed(Reply::json(200, &response(2))).await.is_ok());
    for reply in [
        Reply::json(200, &response(1)),
        Reply::json(200, &json!({"resourceType": "Bundle", "type": "collection"})),
        Reply::json(200, &json!({"resourceType": "Bundle", "type": "batch-response", "entry": [{}, {}]})),
        Reply::new(200, "<Bundle/>"),
        Reply::new(200, ""),
    ] {
        let error = pushed(reply).await.expect_err("no answer");
        assert_eq!(error.retry(), Retry::Backoff);
    }
}

#[tokio::test]
async fn a_batch_may_be_taken_in_part() {
    let reply = Reply::json(
        200,
        &json!({"resourceType": "Bundle", "type": "batch-response", "entry": [
            {"response": {"status": "201"}},
            {"response": {"status": "412 Precondition Failed", "outcome": outcome("multiple-matches", "Patient")}}]}),
    );
    let outcome = pushed(reply).await.expect("answered");
    assert!(!outcome.is_complete());
    assert_eq!(outcome.entries[1].issues[0].code, "multiple-matches");
}

#[tokio::test]
async fn other_documents_are_not_pushed() {
    let server = Server::start(|_| Reply::new(500, "")).await;
    let collection = Json::parse(br#"{"resourceType":"Bundle","type":"collection"}"#, &JsonLimits::default());
    let error = peer(&server).await.push(&collection.expect("reads")).await.expect_err("refused");
    assert!(matches!(error, FhirError::NotABundle));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_server_says_what_it_is() {
    let server = Server::start(|_| {
        Reply::json(
            200,
            &json!({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "software": {"name": "S", "version": "2"},
                "rest": [{"interaction": [{"code": "transaction"}]}]}),
        )
    })
    .await;
    let found = peer(&server).await.metadata().await.expect("answers");
    let expected = FhirServer { fhir_version: "4.0.1".into(), software: Some("S 2".into()), takes_transactions: true };
    assert_eq!(found, expected);
    assert_eq!(server.requests()[0].target, "/base/metadata");
}
