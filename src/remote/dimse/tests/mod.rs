mod scp;

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::base::{PeerName, Retry};
use crate::dicom::dimse::{EXPLICIT_LE, IMPLICIT_LE};
use crate::dicom::sample_study;
use crate::dicom::status::StoreClass;
use crate::remote::peer::{Timeouts, Trial};
use crate::remote::testing::{CLIENT, clock, slices, tls_acceptor, tls_settings};
use crate::remote::tls::TlsSettings;
use scp::{Greeting, Reply, Scp};

fn settings(port: u16) -> PeerSettings {
    let name = PeerName::parse("pacs").expect("valid");
    let mut settings = PeerSettings::dimse(name, "127.0.0.1", port, AeTitle::parse("PACS").expect("valid"));
    settings.timeouts = Timeouts { association_seconds: 1, response_seconds: 1, ..Timeouts::default() };
    settings
}

async fn peer_of(scp: &Scp) -> DimsePeer {
    DimsePeer::new(&settings(scp.listen().await)).await.expect("good settings")
}

fn classes(outcomes: &[StoreOutcome]) -> Vec<StoreClass> {
    outcomes.iter().map(|outcome| outcome.class).collect()
}

#[tokio::test]
async fn an_echo_is_answered() {
    let scp = Scp::new(&[Reply::StatusInPiecesOfOneByte(0)]);
    let echo = peer_of(&scp).await.echo().await.expect("answered");
    assert_eq!(echo.implementation.as_deref(), Some("TESTPEER"));
    let seen = scp.seen.lock().expect("not poisoned");
    assert_eq!(seen.requests[0].called_ae_title, "PACS");
    assert_eq!(seen.requests[0].calling_ae_title, "CAUSEWAY");
    assert_eq!(seen.released, 1);
}

#[tokio::test]
async fn every_instance_gets_the_status_that_the_peer_answered() {
    let replies = [
        Reply::Status(0x0000),
        Reply::Status(0xB007),
        Reply::StatusWithComment(0xA700, "disk is full"),
        Reply::Status(0xC000),
        Reply::Status(0x0111),
    ];
    let scp = Scp::new(&replies);
    let outcomes = peer_of(&scp).await.store(&slices(5)).await.expect("associates");
    let statuses: Vec<_> = outcomes.iter().map(|outcome| outcome.status.map(|status| status.0)).collect();
    assert_eq!(statuses, [Some(0), Some(0xB007), Some(0xA700), Some(0xC000), Some(0x0111)]);
    let expected =
        [StoreClass::Success, StoreClass::Warning, StoreClass::Refused, StoreClass::Failed, StoreClass::Failed];
    assert_eq!(classes(&outcomes), expected);
    assert_eq!(outcomes[2].comment.as_deref(), Some("disk is full"));
    assert_eq!(outcomes[3].comment.as_deref(), Some("cannot understand"));
    assert_eq!(outcomes[4].sop_instance_uid, sample_study::sop_instance_uid(5));
    let seen = scp.seen.lock().expect("not poisoned");
    assert_eq!((seen.requests.len(), seen.released), (1, 1));
    let ids: Vec<_> = seen.messages.iter().map(|(_, command, _)| command.u16(element::MESSAGE_ID)).collect();
    assert_eq!(ids, (1..=5).map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_data_set_arrives_unchanged_in_units_that_the_peer_takes() {
    let scp = Scp { max_pdu_bytes: 1_025, ..Scp::new(&[Reply::Status(0)]) };
    let slices = slices(1);
    peer_of(&scp).await.store(&slices).await.expect("associates");
    let seen = scp.seen.lock().expect("not poisoned");
    let (_, command, data_set) = &seen.messages[0];
    assert_eq!(Bytes::from(data_set.clone()), slices[0].data_set());
    assert_eq!(command.text(element::AFFECTED_SOP_INSTANCE).as_deref(), Some(slices[0].sop_instance_uid.as_str()));
    assert!(seen.longest_unit <= 1_025 && seen.longest_unit > 1_000, "{}", seen.longest_unit);
}

#[tokio::test]
async fn a_peer_of_implicit_vr_gets_implicit_vr() {
    let choose: scp::Choice =
        |proposed| proposed.transfer_syntaxes.iter().find(|syntax| syntax.as_str() == IMPLICIT_LE).cloned();
    let scp = Scp { choose, ..Scp::new(&[Reply::Status(0)]) };
    let slices = slices(1);
    let outcomes = peer_of(&scp).await.store(&slices).await.expect("associates");
    assert_eq!(classes(&outcomes), [StoreClass::Success]);
    let seen = scp.seen.lock().expect("not poisoned");
    let expected = transcode::data_set(slices[0].data_set(), EXPLICIT_LE, IMPLICIT_LE).expect("converts");
    assert_eq!(Bytes::from(seen.messages[0].2.clone()), expected);
}

#[tokio::test]
async fn a_class_that_is_not_accepted_is_never_sent() {
    let scp = Scp { choose: |_| None, ..Scp::new(&[Reply::Status(0)]) };
    let outcomes = peer_of(&scp).await.store(&slices(2)).await.expect("associates");
    assert_eq!(classes(&outcomes), [StoreClass::NotAccepted; 2]);
    assert_eq!(outcomes[0].class.retry(), Some(Retry::Never));
    assert_eq!(outcomes[0].status, None);
    let seen = scp.seen.lock().expect("not poisoned");
    assert!(seen.messages.is_empty());
    assert_eq!(seen.released, 1);
}

#[tokio::test]
async fn a_broken_association_leaves_the_rest_unanswered_and_to_be_tried_again() {
    for broken in [Reply::Abort, Reply::Close, Reply::Silence, Reply::AnswerToAnotherMessage, Reply::DataWithoutCommand]
    {
        let scp = Scp::new(&[Reply::Status(0), broken]);
        let outcomes = peer_of(&scp).await.store(&slices(3)).await.expect("associates");
        assert_eq!(
            classes(&outcomes),
            [StoreClass::Success, StoreClass::Unanswered, StoreClass::Unanswered],
            "{broken:?}"
        );
        assert_eq!(outcomes[1].class.retry(), Some(Retry::Backoff));
        assert_eq!(outcomes[1].status, None);
    }
}

#[tokio::test]
async fn an_answer_to_another_message_is_answered_with_an_abort() {
    let scp = Scp::new(&[Reply::AnswerToAnotherMessage]);
    peer_of(&scp).await.store(&slices(1)).await.expect("associates");
    for _ in 0..100 {
        if scp.seen.lock().expect("not poisoned").aborted == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no abort");
}

#[tokio::test]
async fn a_rejection_says_whether_it_is_worth_trying_again() {
    for (transient, retry) in [(true, Retry::Backoff), (false, Retry::Never)] {
        let scp = Scp { greeting: Greeting::Reject { transient }, ..Scp::new(&[Reply::Status(0)]) };
        let error = peer_of(&scp).await.store(&slices(1)).await.expect_err("rejected");
        assert_eq!(error.to_string(), "association rejected: called AE title not recognized");
        assert_eq!(error.retry(), retry);
    }
}

#[tokio::test]
async fn a_peer_that_does_not_speak_dicom_is_told_from_one_that_is_silent() {
    let error_of = async |greeting| {
        let scp = Scp { greeting, ..Scp::new(&[Reply::Status(0)]) };
        peer_of(&scp).await.echo().await.expect_err("no association")
    };
    assert!(matches!(error_of(Greeting::Silence).await, DimseError::Timeout { .. }));
    assert!(matches!(error_of(Greeting::Close).await, DimseError::Lost(_)));
    assert!(matches!(error_of(Greeting::Garbage).await, DimseError::Protocol(_)));
    let unused = {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("binds");
        listener.local_addr().expect("bound").port()
    };
    let peer = DimsePeer::new(&settings(unused)).await.expect("good settings");
    let error = peer.echo().await.expect_err("nobody there");
    assert!(matches!(error, DimseError::Connect(std::io::ErrorKind::ConnectionRefused)));
    assert_eq!(error.retry(), Retry::Backoff);
}

#[tokio::test]
async fn more_contexts_than_one_association_holds_go_over_several() {
    let slice = slices(1).remove(0);
    let many: Vec<_> = (0..70)
        .map(|index| {
            let mut instance = slice.clone();
            instance.sop_class_uid = Uid::parse(&format!("1.2.{index}")).expect("valid");
            instance
        })
        .collect();
    let scp = Scp::new(&[Reply::Status(0)]);
    let outcomes = peer_of(&scp).await.store(&many).await.expect("associates");
    assert!(outcomes.iter().all(|outcome| outcome.class == StoreClass::Success));
    assert_eq!(outcomes.len(), 70);
    let seen = scp.seen.lock().expect("not poisoned");
    let contexts: Vec<_> = seen.requests.iter().map(|request| request.presentation_contexts.len()).collect();
    assert_eq!(contexts, [128, 12]);
}

#[tokio::test]
async fn offers_tell_which_classes_a_peer_takes() {
    let choose: scp::Choice =
        |proposed| (proposed.abstract_syntax == "1.2.3").then(|| proposed.transfer_syntaxes[0].clone());
    let scp = Scp { choose, ..Scp::new(&[Reply::Status(0)]) };
    let uids = [Uid::parse("1.2.3").expect("valid"), Uid::parse("1.2.4").expect("valid")];
    let offers = peer_of(&scp).await.offers(&uids).await.expect("associates");
    let accepted: Vec<_> = offers.iter().map(|offer| offer.transfer_syntax_uids.len()).collect();
    assert_eq!(accepted, [1, 0]);
}

#[tokio::test]
async fn tls_verifies_the_peer_and_shows_our_certificate() {
    let scp = Scp { tls: Some(tls_acceptor()), ..Scp::new(&[Reply::Status(0)]) };
    let port = scp.listen().await;
    let with = |tls: TlsSettings| PeerSettings { tls: Some(tls), ..settings(port) };
    let echo = async |settings: &PeerSettings| DimsePeer::new(settings).await?.echo().await;
    let good = tls_settings();
    echo(&with(good.clone())).await.expect("answered");
    let other_name = TlsSettings { server_name: Some("other.example".to_owned()), ..good.clone() };
    let error = echo(&with(other_name)).await.expect_err("wrong name");
    assert!(matches!(error, DimseError::Handshake(_)), "{error}");
    let other_authority = TlsSettings { ca_pem: Some(CLIENT.to_owned()), ..good.clone() };
    let error = echo(&with(other_authority)).await.expect_err("unknown authority");
    assert_eq!(error.retry(), Retry::Backoff);
    let anonymous = TlsSettings { client_certificate_pem: None, client_key_pem: None, ..good };
    echo(&with(anonymous)).await.expect_err("no certificate of ours");
    let error = echo(&settings(port)).await.expect_err("no TLS");
    assert!(!matches!(error, DimseError::Handshake(_)), "{error}");
}

#[tokio::test]
async fn a_test_says_in_plain_words_what_the_peer_takes() {
    let choose: scp::Choice = |proposed| {
        let taken = matches!(proposed.abstract_syntax.as_str(), "1.2.840.10008.1.1" | "1.2.840.10008.5.1.4.1.1.104.1");
        taken.then(|| proposed.transfer_syntaxes[0].clone())
    };
    let scp = Scp { choose, ..Scp::new(&[Reply::Status(0)]) };
    let mut settings = settings(scp.listen().await);
    let report = crate::remote::peer::test(&settings, clock(), &Trial::default()).await;
    let texts: Vec<_> = report.findings.iter().skip(1).map(|finding| finding.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "basic text SR is not accepted",
            "comprehensive SR is not accepted",
            "encapsulated PDF is accepted",
            "key object selection is not accepted",
            "Study Root Query/Retrieve Information Model - FIND is not accepted; deliveries do not need it",
            "Study Root Query/Retrieve Information Model - MOVE is not accepted; deliveries do not need it",
            "Study Root Query/Retrieve Information Model - GET is not accepted; deliveries do not need it",
            "Storage Commitment Push Model is not accepted; deliveries do not need it",
            "connection is not encrypted: tls is not set"
        ]
    );
    assert!(!report.is_good());
    settings.formats = Some(vec!["dicom-pdf".to_owned()]);
    assert!(crate::remote::peer::test(&settings, clock(), &Trial::default()).await.is_good());
    let rejecting = Scp { greeting: Greeting::Reject { transient: false }, ..scp };
    settings.port = Some(rejecting.listen().await);
    let report = crate::remote::peer::test(&settings, clock(), &Trial::default()).await;
    assert_eq!(report.findings[0].text, "association rejected: called AE title not recognized: check called_ae_title");
}

#[tokio::test]
async fn a_test_stores_an_object_asks_for_its_commitment_and_looks_for_it() {
    let trial = Trial { stores: true, origin: None };
    let taking = Scp::new(&[Reply::Status(0)]);
    let report = crate::remote::peer::test(&settings(taking.listen().await), clock(), &trial).await;
    let texts: Vec<_> = report.findings.iter().map(|finding| finding.text.as_str()).collect();
    assert!(texts.iter().any(|text| text.starts_with("takes a request for storage commitment")), "{texts:?}");
    assert!(texts.iter().any(|text| text.starts_with("does not find the test object")), "{texts:?}");
    assert!(texts.iter().any(|text| text.ends_with("delete it by hand")), "{texts:?}");
    let seen = taking.seen.lock().expect("not poisoned");
    let fields: Vec<_> = seen.messages.iter().filter_map(|(_, command, _)| command.field()).collect();
    assert_eq!(fields, [field::C_ECHO_RQ, field::C_STORE_RQ, field::N_ACTION_RQ, field::C_FIND_RQ]);
}
