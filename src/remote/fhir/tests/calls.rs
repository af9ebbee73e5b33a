//! Single calls: what is sent, what is waited for, and where a link may lead.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::base::LogicalId;

use super::*;

const QUICK: Patience =
    Patience { attempts: 4, first_wait: Duration::from_millis(1), longest_wait: Duration::from_secs(5) };

/// A peer at a server that gives these answers one after the other, and the last one from then on.
async fn answering(replies: Vec<Reply>) -> (Server, FhirPeer) {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        replies.get(number).or(replies.last()).cloned().expect("an answer")
    })
    .await;
    let peer = peer(&server).await.with_patience(QUICK);
    (server, peer)
}

fn patient() -> Json {
    Json::parse(br#"{"resourceType":"Patient","id":"7","multipleBirthInteger":2}"#, &JsonLimits::default())
        .expect("reads")
}

fn busy(after: Option<&str>) -> Reply {
    let reply = Reply::json(503, &outcome("transient", "Patient"));
    after.into_iter().fold(reply, |reply, after| reply.with("Retry-After", after))
}

fn id() -> LogicalId {
    LogicalId::parse("7").expect("an id")
}

fn page(ids: &[&str], next: Option<&str>) -> Reply {
    let entries: Vec<_> = ids.iter().map(|id| json!({"resource": {"resourceType": "Patient", "id": id}})).collect();
    let mut links = vec![json!({"relation": "self", "url": "http://127.0.0.1/base/Patient"})];
    links.extend(next.map(|next| json!({"relation": "next", "url": next})));
    Reply::json(200, &json!({"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries}))
}

#[tokio::test]
async fn a_resource_is_read_or_is_not_there() {
    let found = Reply::new(200, r#"{"resourceType":"Patient","id":"7","x":1.50}"#);
    let (server, peer) = answering(vec![found, Reply::json(404, &outcome("not-found", "")), Reply::new(410, "")]).await;
    let read = peer.read("Patient", &id()).await.expect("answers").expect("is there");
    assert!(read.to_text().contains("1.50"), "digits stay");
    assert_eq!(peer.read("Patient", &id()).await.expect("answers"), None);
    assert_eq!(peer.read("Patient", &id()).await.expect("answers"), None);
    assert_eq!(server.requests()[0].target, "/base/Patient/7");
    assert!(matches!(peer.read("../x", &id()).await, Err(FhirError::NotSendable(_))));
    let (_server, peer) = answering(vec![Reply::new(200, r#"{"resourceType":"Group"}"#)]).await;
    assert!(peer.read("Patient", &id()).await.is_err(), "another type is no answer");
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again_until_patience_ends() {
    let good = Reply::json(200, &json!({"resourceType": "Patient", "id": "7"}));
    let (server, peer) =
        answering(vec![busy(None), Reply::new(500, ""), Reply::new(429, "").with("Retry-After", "0"), good]).await;
    assert!(peer.read("Patient", &id()).await.expect("in the end").is_some());
    assert_eq!(server.requests().len(), 4);

    let (server, peer) = answering(vec![busy(None)]).await;
    assert_eq!(peer.read("Patient", &id()).await.expect_err("busy").retry(), Retry::Backoff);
    assert_eq!(server.requests().len(), 4);

    // Longer than anybody waits here: whoever called may come again then.
    let (server, peer) = answering(vec![busy(Some("3600"))]).await;
    let error = peer.read("Patient", &id()).await.expect_err("busy");
    assert_eq!((error.retry(), server.requests().len()), (Retry::After(Duration::from_hours(1)), 1));

    let (server, peer) = answering(vec![Reply::new(403, "")]).await;
    peer.read("Patient", &id()).await.expect_err("forbidden");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_twice() {
    let made = Reply::new(201, "").with("Location", "Patient/9/_history/1").with("ETag", "W/\"1\"");
    // It says that it did nothing.
    let (server, peer) = answering(vec![busy(None), made.clone()]).await;
    let kept = peer.create(&patient(), None).await.expect("made");
    assert_eq!((kept.status, kept.location.as_deref()), (201, Some("Patient/9/_history/1")));
    assert_eq!((kept.etag.as_deref(), kept.resource), (Some("W/\"1\""), None));
    assert_eq!(server.requests().len(), 2);
    // It may have done it.
    let (server, peer) = answering(vec![Reply::new(500, ""), made.clone()]).await;
    peer.create(&patient(), None).await.expect_err("unknown");
    assert_eq!(server.requests().len(), 1);
    // With criteria it does it once.
    let (server, peer) = answering(vec![Reply::new(500, ""), made]).await;
    peer.create(&patient(), Some("identifier=urn:x|7")).await.expect("made");
    let requests = server.requests();
    assert_eq!((requests.len(), requests[1].header("if-none-exist")), (2, Some("identifier=urn:x|7")));
    assert_eq!((requests[1].method.as_str(), requests[1].target.as_str()), ("POST", "/base/Patient"));
    assert_eq!(requests[1].text(), patient().to_text());
    assert!(matches!(peer.create(&patient(), Some("a\nb")).await, Err(FhirError::NotSendable(_))));
}

#[tokio::test]
async fn an_update_is_by_id_by_version_or_by_criteria() {
    let good = Reply::json(200, &json!({"resourceType": "Patient", "id": "7"}));
    let (server, peer) = answering(vec![good.clone()]).await;
    let kept = peer.update(&patient(), Addressed::Id { if_match: None }).await.expect("taken");
    assert!(kept.resource.is_some());
    peer.update(&patient(), Addressed::Id { if_match: Some("W/\"3\"") }).await.expect("taken");
    peer.update(&patient(), Addressed::Criteria("identifier=urn:x%7C7")).await.expect("taken");
    let requests = server.requests();
    let targets: Vec<&str> = requests.iter().map(|request| request.target.as_str()).collect();
    assert_eq!(targets, ["/base/Patient/7", "/base/Patient/7", "/base/Patient?identifier=urn:x%7C7"]);
    assert!(requests.iter().all(|request| request.method == "PUT"));
    assert_eq!(requests[1].header("if-match"), Some("W/\"3\""));
    assert!(peer.update(&patient(), Addressed::Criteria("")).await.is_err(), "no criteria would mean anyone");
    // The first one may have made the version that the second one would stumble over.
    let (server, peer) = answering(vec![Reply::new(500, ""), good]).await;
    peer.update(&patient(), Addressed::Id { if_match: Some("W/\"3\"") }).await.expect_err("unknown");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_search_is_read_to_its_last_page() {
    let (server, peer) = answering(vec![
        page(&["1", "2"], Some("?page=2&x=a%20b")),
        busy(None),
        page(&["3"], Some("Patient?page=3")),
        page(&[], None),
    ])
    .await;
    let mut pages = peer.search("Patient", [("name", "a|b c"), ("_count", "2")]).expect("begins");
    let mut found = Vec::new();
    while let Some(page) = pages.next().await.expect("answers") {
        found.extend(page.items("entry").iter().filter_map(|one| one.text_at(&["resource", "id"]).map(str::to_owned)));
    }
    assert_eq!(found, ["1", "2", "3"]);
    let targets: Vec<String> = server.requests().into_iter().map(|request| request.target).collect();
    let expected = [
        "/base/Patient?name=a%7Cb+c&_count=2",
        "/base/?page=2&x=a%20b",
        "/base/?page=2&x=a%20b",
        "/base/Patient?page=3",
    ];
    assert_eq!(targets, expected);
}

#[tokio::test]
async fn a_link_leads_nowhere_else_and_in_no_circle() {
    for link in [
        "http://other.example/base/Patient?page=2",
        "https://127.0.0.1/base/Patient?page=2",
        "//other.example/base/Patient",
        "/elsewhere/Patient?page=2",
        "../Patient?page=2",
        "file:///etc/passwd",
        "http://[",
    ] {
        let (server, peer) = answering(vec![page(&["1"], Some(link))]).await;
        let mut pages = peer.search("Patient", []).expect("begins");
        assert!(pages.next().await.is_err(), "{link}");
        assert_eq!(server.requests().len(), 1, "{link}");
    }
    let (server, peer) = answering(vec![page(&["1"], Some("Patient?page=2"))]).await;
    let mut pages = peer.search("Patient", []).expect("begins");
    while let Ok(page) = pages.next().await {
        assert!(page.is_some(), "it never says that it ends");
    }
    assert_eq!(server.requests().len(), 2);
}
