//! Who is let in, how many, for how long.

use std::time::{Duration, Instant};

use causeway::access::Role;
use causeway::dicom::dimse::{AbortReason, AeField, Command, ContextResult, Pdu, Rejection, element};
use causeway::remote::dimse::DimseError;

use super::raw::{Ended, Raw, request};
use super::{peer, settings, title};
use crate::each_backend;
use crate::support::samples::eventually;
use crate::support::{Backend, TestGateway};

each_backend!(
    an_echo_is_answered,
    who_may_not_call_is_rejected_and_it_is_in_the_audit_log,
    an_association_names_the_tenant_by_its_title,
    what_is_not_provided_is_rejected_context_by_context,
);

#[test]
fn too_many_associations_are_a_matter_of_time() {
    crate::support::run(async {
        let flags = ["dimse.associations=3", "dimse.associations_per_caller=2"];
        let gateway = TestGateway::with(&Backend::Sqlite, &flags, "").await;
        let first = Raw::associated(gateway.dimse()).await;
        let _second = Raw::associated(gateway.dimse()).await;
        let mut third = Raw::connect(gateway.dimse()).await;
        third.send(&request().to_bytes().expect("fits")).await;
        assert_eq!(third.end().await, Ended::Rejected(Rejection::LOCAL_LIMIT), "of one caller");
        peer(&gateway).await.echo().await.expect("another caller");
        drop(first);
        eventually("a place is free", async || {
            let mut again = Raw::connect(gateway.dimse()).await;
            again.send(&request().to_bytes().expect("fits")).await;
            matches!(again.unit().await, Some(Pdu::AssociateAccept(_))).then_some(())
        })
        .await;
    });
}

#[test]
fn a_thousand_at_once_leave_the_listener_alive() {
    crate::support::run(async {
        let gateway = TestGateway::with(&Backend::Sqlite, &["dimse.associations=50"], "").await;
        let address = gateway.dimse();
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..1_000 {
            callers.spawn(async move {
                let mut raw = Raw::connect(address).await;
                raw.send(&request().to_bytes().expect("fits")).await;
                let answer = raw.unit().await;
                let accepted = matches!(answer, Some(Pdu::AssociateAccept(_)));
                assert!(accepted || answer == Some(Pdu::AssociateReject(Rejection::LOCAL_LIMIT)), "{answer:?}");
                (accepted, raw)
            });
        }
        let open = callers.join_all().await;
        assert_eq!(open.iter().filter(|(accepted, _)| *accepted).count(), 50);
        drop(open);
        eventually("an echo is answered", async || peer(&gateway).await.echo().await.ok().map(|_echo| ())).await;
    });
}

#[test]
fn silence_ends() {
    crate::support::run(async {
        let flags = ["dimse.artim=1s", "dimse.idle=1s", "dimse.message_timeout=1s"];
        let gateway = TestGateway::with(&Backend::Sqlite, &flags, "").await;
        let begun = Instant::now();
        let mut silent = Raw::connect(gateway.dimse()).await;
        assert_eq!(silent.end().await, Ended::Closed, "no request");
        let mut half = Raw::connect(gateway.dimse()).await;
        half.send(&request().to_bytes().expect("fits")[..100]).await;
        assert_eq!(half.end().await, Ended::Closed, "half a request");
        let mut idle = Raw::associated(gateway.dimse()).await;
        assert_eq!(idle.end().await, Ended::Abort(AbortReason::UNSPECIFIED), "no command");
        let mut within = Raw::associated(gateway.dimse()).await;
        let command = Command::default()
            .with_uid(element::AFFECTED_SOP_CLASS, super::raw::CT)
            .with_u16(element::COMMAND_FIELD, 1)
            .with_u16(element::MESSAGE_ID, 1)
            .with_u16(element::DATA_SET_TYPE, 1)
            .with_uid(element::AFFECTED_SOP_INSTANCE, "1.2.3");
        within.send_message(3, &command, None).await;
        assert_eq!(within.end().await, Ended::Abort(AbortReason::UNSPECIFIED), "no data set");
        assert!(begun.elapsed() < Duration::from_secs(30));
        peer(&gateway).await.echo().await.expect("answered");
    });
}

#[test]
fn a_gateway_that_stops_waits_for_nobody_who_is_idle() {
    crate::support::run(async {
        let mut gateway = TestGateway::new(&Backend::Sqlite).await;
        let mut idle = Raw::associated(gateway.dimse()).await;
        let mut silent = Raw::connect(gateway.dimse()).await;
        let ends = tokio::spawn(async move { (idle.end().await, silent.end().await) });
        let begun = Instant::now();
        gateway.restart().await;
        assert!(begun.elapsed() < Duration::from_secs(20));
        assert_eq!(ends.await.expect("ends"), (Ended::Abort(AbortReason::UNSPECIFIED), Ended::Closed));
    });
}

async fn an_echo_is_answered(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let echo = peer(&gateway).await.echo().await.expect("answered");
    assert_eq!(echo.implementation.as_deref(), Some("CAUSEWAY_0_1"));
    let mut raw = Raw::associated(gateway.dimse()).await;
    raw.send_message(1, &Command::echo_request(7), None).await;
    let answer = raw.message().await;
    assert_eq!(answer.command.u16(element::STATUS), Some(0));
    assert_eq!(answer.command.u16(element::RESPONDED_MESSAGE_ID), Some(7));
    raw.send(&Pdu::RELEASE_REQUEST).await;
    assert_eq!(raw.end().await, Ended::Released);
}

async fn who_may_not_call_is_rejected_and_it_is_in_the_audit_log(backend: Backend) {
    let entries = "[[dimse.caller]]\nae_title = \"CT1\"\naddresses = [\"127.0.0.0/8\"]\nrights = [\"store\"]\n\
                   [[dimse.caller]]\nae_title = \"CT2\"\naddresses = [\"10.0.0.0/8\"]\n";
    let gateway = TestGateway::with(&backend, &["dimse.accept_any_caller=no"], entries).await;
    peer(&gateway).await.echo().await.expect("has an entry");
    let mut rejected = 0;
    let mut refuse = async |change: fn(&mut causeway::dicom::dimse::AssociateRequest), expected: Rejection| {
        let mut wanted = request();
        wanted.calling = AeField::of(&title("CT1"));
        change(&mut wanted);
        let mut raw = Raw::connect(gateway.dimse()).await;
        raw.send(&wanted.to_bytes().expect("fits")).await;
        assert_eq!(raw.end().await, Ended::Rejected(expected));
        rejected += 1;
    };
    refuse(|request| request.calling = AeField::of(&title("CT2")), Rejection::CALLING_AE_TITLE).await;
    refuse(|request| request.calling = AeField::of(&title("CT3")), Rejection::CALLING_AE_TITLE).await;
    refuse(|request| request.calling = AeField(*b"CT1\0\0\0\0\0\0\0\0\0\0\0\0\0"), Rejection::CALLING_AE_TITLE).await;
    refuse(|request| request.calling = AeField([b' '; 16]), Rejection::CALLING_AE_TITLE).await;
    refuse(|request| request.called = AeField::of(&title("OTHER")), Rejection::CALLED_AE_TITLE).await;
    refuse(|request| request.application_context = "1.2.3".into(), Rejection::APPLICATION_CONTEXT).await;
    refuse(|request| request.protocol_version = 2, Rejection::PROTOCOL_VERSION).await;
    gateway.ops().flush().await;
    let auditor = gateway.role(Role::Auditor).await;
    let log = auditor.get("/api/admin/audit?limit=100").await.expect(200).text();
    assert_eq!(log.matches("association.refused").count(), rejected, "{log}");
    let other = DimseError::Rejected(Rejection::CALLED_AE_TITLE).to_string();
    let mut wrong = settings(&gateway);
    wrong.called_ae_title = Some(title("OTHER"));
    let peer = causeway::remote::dimse::DimsePeer::new(&wrong).await.expect("good settings");
    assert_eq!(peer.echo().await.expect_err("is rejected").to_string(), other);
}

async fn an_association_names_the_tenant_by_its_title(backend: Backend) {
    let titles = "[[dimse.title]]\nae_title = \"CLINIC\"\ntenant = \"clinic\"\n";
    let gateway = TestGateway::with(&backend, &[], titles).await;
    let mut clinic = settings(&gateway);
    clinic.called_ae_title = Some(title("CLINIC"));
    let peer = causeway::remote::dimse::DimsePeer::new(&clinic).await.expect("good settings");
    assert!(peer.echo().await.is_err(), "there is no such tenant yet");
    gateway.add_tenant("clinic").await;
    peer.echo().await.expect("now there is");
}

async fn what_is_not_provided_is_rejected_context_by_context(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let mut wanted = request();
    wanted.protocol_version = 3;
    let mut other = wanted.contexts[0].clone();
    (other.id, other.abstract_syntax) = (5, "1.2.840.10008.5.1.4.31".into());
    wanted.contexts.push(other.clone());
    (other.id, other.abstract_syntax) = (7, "1.2.840.10008.1.3.10".into());
    wanted.contexts.push(other.clone());
    (other.id, other.abstract_syntax) = (255, super::raw::CT.into());
    other.transfer_syntaxes = vec!["1.2.840.10008.1.2.4.94".into()];
    wanted.contexts.push(other);
    let mut raw = Raw::connect(gateway.dimse()).await;
    raw.send(&wanted.to_bytes().expect("fits")).await;
    let Some(Pdu::AssociateAccept(accept)) = raw.unit().await else { panic!("is accepted") };
    let results: Vec<_> = accept.contexts.iter().map(|context| (context.id, context.result)).collect();
    assert_eq!(
        results,
        [
            (1, ContextResult::ACCEPTED),
            (3, ContextResult::ACCEPTED),
            (5, ContextResult::ABSTRACT_SYNTAX),
            (7, ContextResult::ABSTRACT_SYNTAX),
            (255, ContextResult::TRANSFER_SYNTAXES)
        ]
    );
    assert_eq!(accept.user.max_pdu_bytes, Some(131_072));
}
