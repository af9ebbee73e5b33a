//! C-STORE: what is acknowledged is there; what was broken off has left nothing.

use causeway::dicom::dimse::{AbortReason, Command, DEFLATED_LE, EXPLICIT_LE, Pdu, element};
use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::raw::{CT, Ended, Raw, request, unit, value};
use super::{Sample, peer, store, uid};
use crate::each_backend;
use crate::support::samples::eventually;
use crate::support::{Backend, TestGateway};

each_backend!(
    instances_are_stored_and_found,
    the_same_again_is_the_same_and_another_is_refused,
    what_is_broken_off_leaves_nothing,
    a_caller_without_the_right_stores_nothing,
    a_command_that_speaks_of_something_else_is_refused,
    many_at_once_are_all_kept,
);

async fn instances_are_stored_and_found(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let peer = peer(&gateway).await;
    let slices = Sample::slices();
    assert!(store(&peer, &slices).await.iter().all(|status| *status == 0));
    let found = super::retrieval::find(&peer, "STUDY", &[(tags::STUDY_INSTANCE_UID, VR::UI, "")]).await;
    assert_eq!(found.len(), 1);
}

async fn the_same_again_is_the_same_and_another_is_refused(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let peer = peer(&gateway).await;
    let mut slices = Sample::slices();
    slices.truncate(1);
    assert_eq!(store(&peer, &slices).await, [0]);
    assert_eq!(store(&peer, &slices).await, [0], "a retry");
    let last = slices[0].data_set.len() - 1;
    slices[0].data_set[last] ^= 1;
    assert_eq!(store(&peer, &slices).await, [0x0111]);
}

async fn what_is_broken_off_leaves_nothing(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (files, rows) = (gateway.files(), gateway.rows().await);
    let slice = Sample::slices().swap_remove(0);
    for how in 0..4 {
        let mut wanted = request();
        wanted.contexts[1].transfer_syntaxes = vec![slice.outgoing.transfer_syntax_uid.to_string()];
        wanted.contexts[1].abstract_syntax = slice.outgoing.sop_class_uid.to_string();
        let mut raw = Raw::connect(gateway.dimse()).await;
        raw.send(&wanted.to_bytes().expect("fits")).await;
        assert!(matches!(raw.unit().await, Some(Pdu::AssociateAccept(_))));
        let command = Command::store_request(1, &slice.outgoing.sop_class_uid, &slice.outgoing.sop_instance_uid);
        raw.send_message(3, &command, None).await;
        raw.send(&unit(&[value(3, 0, &slice.data_set[..10_000])])).await;
        match how {
            0 => raw.send(&AbortReason::BY_USER.to_bytes()).await,
            1 => {
                raw.send(&Pdu::RELEASE_REQUEST).await;
                assert_eq!(raw.end().await, Ended::Released);
            }
            2 => {
                raw.send(&unit(&[value(1, 3, b"another")])).await;
                assert_eq!(raw.end().await, Ended::Abort(AbortReason::UNEXPECTED_PDU));
            }
            _ => {}
        }
        drop(raw);
    }
    eventually("it is as it was", async || (gateway.files() == files && gateway.rows().await == rows).then_some(()))
        .await;
    peer(&gateway).await.echo().await.expect("answered");
}

async fn a_caller_without_the_right_stores_nothing(backend: Backend) {
    let entry = "[[dimse.caller]]\nae_title = \"CT1\"\nrights = [\"find\", \"retrieve\"]\n";
    let gateway = TestGateway::with(&backend, &[], entry).await;
    let slices = Sample::slices();
    assert!(store(&peer(&gateway).await, &slices[..2]).await.iter().all(|status| *status == 0xFFFF), "no context");
}

async fn a_command_that_speaks_of_something_else_is_refused(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let slice = Sample::slices().swap_remove(0);
    let mut wanted = request();
    wanted.contexts[1].transfer_syntaxes = vec![EXPLICIT_LE.to_owned()];
    let mut raw = Raw::connect(gateway.dimse()).await;
    raw.send(&wanted.to_bytes().expect("fits")).await;
    assert!(matches!(raw.unit().await, Some(Pdu::AssociateAccept(_))));
    let other = Command::store_request(1, &uid("1.2.840.10008.5.1.4.1.1.4"), &slice.outgoing.sop_instance_uid);
    raw.send_message(3, &other, Some(&slice.data_set[..16_000])).await;
    assert_eq!(raw.message().await.command.u16(element::STATUS), Some(0xA900), "another class than the context's");
    let bad = Command::store_request(2, &uid(CT), &uid("1.2")).with_comment("x");
    raw.send_message(3, &bad, Some(b"this is no data set at all")).await;
    let status = raw.message().await.command.u16(element::STATUS).expect("a status");
    assert!((0xA900..=0xCFFF).contains(&status), "{status:04X}");
    let illegal = Command::default()
        .with_uid(element::AFFECTED_SOP_CLASS, CT)
        .with_u16(element::COMMAND_FIELD, 1)
        .with_u16(element::MESSAGE_ID, 3)
        .with_u16(element::DATA_SET_TYPE, 1)
        .with_uid(element::AFFECTED_SOP_INSTANCE, "../../etc");
    raw.send_message(3, &illegal, Some(b"x")).await;
    assert_eq!(raw.message().await.command.u16(element::STATUS), Some(0xC001));
    raw.send_message(1, &Command::echo_request(4), None).await;
    assert_eq!(raw.message().await.command.u16(element::STATUS), Some(0));
}

async fn many_at_once_are_all_kept(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let peer = peer(&gateway).await;
    let samples = super::retrieval::valid_files();
    let mut senders = tokio::task::JoinSet::new();
    for part in samples.chunks(samples.len().div_ceil(4)) {
        let (peer, part) = (peer.clone(), part.to_vec());
        senders.spawn(async move {
            let part: Vec<_> = part.iter().map(|(_, file)| Sample::of(file).expect("valid")).collect();
            store(&peer, &part).await
        });
    }
    let statuses = senders.join_all().await.concat();
    assert!(statuses.iter().all(|status| matches!(status, 0 | 0xB007)), "{statuses:04X?}");
    assert_eq!(statuses.len(), samples.len());
    assert!(samples.iter().any(|(_, file)| {
        Sample::of(file).is_some_and(|sample| sample.outgoing.transfer_syntax_uid.as_str() == DEFLATED_LE)
    }));
}
