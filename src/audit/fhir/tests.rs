use std::net::{IpAddr, Ipv4Addr};

use super::super::{Activity, Record};
use super::*;
use crate::access::{Actor, ClientId, Operation, Principal, RequestId, Role, TokenId, UserId};
use crate::base::{Sha256, TenantId, Timestamp, VersionId};

const GATEWAY: Gateway<'_> = Gateway {
    name: "Causeway",
    address: "gw.example.org",
    issuer: "https://gw.example.org",
    canonical: "https://causeway.example/fhir",
};

fn reader() -> Actor {
    let request_id = RequestId::parse("req-1").expect("valid");
    Actor {
        principal: Principal::User { id: UserId::parse("jones").expect("valid"), name: Some("Dr. A. Jones".into()) },
        client_id: Some(ClientId::parse("viewer").expect("valid")),
        purpose: Some(Purpose::Treatment),
        token_id: Some(TokenId::parse("t-1").expect("valid")),
        address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
        ..Actor::system(TenantId::default_tenant(), "x", request_id).with_roles(&[Role::Radiologist])
    }
}

fn event(actor: &Actor, operation: Operation) -> AuditEvent {
    let id = LogicalId::parse("e1").expect("valid");
    AuditEvent::of(actor, id, Timestamp(1_770_091_445_123_456), Activity::Use(operation))
}

fn report() -> Object {
    Object::resource("DiagnosticReport", &LogicalId::parse("r1").expect("valid"), Some(VersionId(2)))
        .of_patient(Some(LogicalId::parse("p1").expect("valid")))
}

fn agent_types(json: &Json) -> Vec<&str> {
    json.items("agent").iter().filter_map(|agent| agent.text_at(&["type", "coding", "0", "code"])).collect()
}

#[test]
fn a_read_is_shown_in_the_patient_read_pattern() {
    let json = to_fhir(&event(&reader(), Operation::ReportRead).on(report()), &GATEWAY);
    insta::assert_snapshot!(json.to_pretty());
}

#[test]
fn the_raw_query_of_a_search_is_an_entity_of_its_own() {
    let json = to_fhir(&event(&reader(), Operation::ReportList).with_query(b"status=final&patientId=%00"), &GATEWAY);
    assert_eq!(agent_types(&json), ["110153", "110152", "IRCP"]);
    assert_eq!(json.text_at(&["action"]), Some("E"));
    assert_eq!(json.text_at(&["entity", "0", "role", "code"]), Some("24"));
    assert_eq!(json.text_at(&["entity", "0", "query"]), Some("c3RhdHVzPWZpbmFsJnBhdGllbnRJZD0lMDA="));
    assert_eq!(json.at(&["entity", "0", "what"]), None);
}

#[test]
fn a_delivery_names_the_peer_as_receiver_and_has_one_requestor() {
    let gateway = Actor::system(TenantId::default_tenant(), "report.deliver", RequestId::parse("r").expect("valid"));
    for actor in [reader(), gateway] {
        let json = to_fhir(&event(&actor, Operation::ReportDeliver).on(report()).to_peer("orthanc"), &GATEWAY);
        assert_eq!(json.text_at(&["type", "code"]), Some("110106"));
        assert_eq!(json.text_at(&["agent", "0", "who", "display"]), Some("orthanc"));
        assert_eq!(json.text_at(&["agent", "1", "type", "coding", "0", "code"]), Some("110153"));
        let requestors = json.items("agent").iter().filter(|agent| agent.at(&["requestor"]) == Some(&Json::Bool(true)));
        assert_eq!(requestors.count(), 1);
    }
}

#[test]
fn every_activity_has_one_requestor_and_the_request_id() {
    let activities = Operation::ALL.iter().map(|operation| Activity::Use(*operation)).chain([
        Activity::ServerStart,
        Activity::ServerStop,
        Activity::TokenRefused,
        Activity::AssociationRefused,
    ]);
    for activity in activities {
        assert_eq!(Activity::parse(activity.as_str()), Some(activity));
        let mut event = event(&reader(), Operation::ReportRead);
        event.activity = activity;
        let json = to_fhir(&event, &GATEWAY);
        let requestors = json.items("agent").iter().filter(|agent| agent.at(&["requestor"]) == Some(&Json::Bool(true)));
        assert_eq!(requestors.count(), 1, "{activity:?}");
        let last = json.items("entity").last().expect("an entity");
        assert_eq!(last.text_at(&["what", "identifier", "value"]), Some("req-1"), "{activity:?}");
    }
}

#[test]
fn a_failure_says_why_and_a_success_does_not() {
    let failed = event(&reader(), Operation::ReportRead).failed(Outcome::MinorFailure, "no role\nof the actor");
    let json = to_fhir(&failed, &GATEWAY);
    assert_eq!(json.text_at(&["outcome"]), Some("4"));
    assert_eq!(json.text_at(&["outcomeDesc"]), Some("no role of the actor"));
    assert_eq!(to_fhir(&event(&reader(), Operation::ReportRead), &GATEWAY).at(&["outcomeDesc"]), None);
}

#[test]
fn a_record_gives_its_event_back() {
    let digest = Sha256::of(b"x");
    let full = event(&reader(), Operation::ReportUpdate)
        .on(report().changed(Some(digest), Some(digest)))
        .on(Object::new(ObjectKind::Peer, "orthanc"))
        .with_query(b"a=b")
        .to_peer("orthanc")
        .failed(Outcome::SeriousFailure, "line\u{1b}[31m\nbreak\",\"outcome\":0");
    let record = Record::of(&full).expect("an event");
    assert_eq!(Record::parse(record.as_str()).and_then(|record| record.event()), Ok(full));
    assert!(!record.as_str().contains(['\n', '\u{1b}']), "what comes from outside stays data");
}
