//! Storage commitment: promised for what is there, told until it is acknowledged.

use causeway::dicom::dimse::{
    AeField, Command, CommitmentRequest, IMPLICIT_LE, Pdu, Reference, RoleSelection, STORAGE_COMMITMENT,
    STORAGE_COMMITMENT_INSTANCE, element, field,
};
use causeway::dicom::element::{DataSet, items, text};
use causeway::dicom::part10::{ReadLimits, TransferSyntax, encode, read_data_set};
use dicom_dictionary_std::tags;
use tokio::net::TcpListener;

use super::raw::{Raw, request};
use super::{Sample, peer, store, title, uid};
use crate::each_backend;
use crate::support::samples::eventually;
use crate::support::{Backend, TestGateway};

each_backend!(
    the_report_comes_on_the_same_association,
    the_report_comes_on_another_association_until_it_is_acknowledged,
    a_request_that_makes_no_sense_is_refused,
);

const IMPLICIT: TransferSyntax = TransferSyntax::ImplicitVrLittleEndian;

async fn the_report_comes_on_the_same_association(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let slices = Sample::slices();
    store(&peer(&gateway).await, &slices).await;
    let mut raw = associated(&gateway).await;
    ask(&mut raw, &asked(&slices, "1.2.840.9")).await;
    let report = raw.message().await;
    assert_eq!(report.command.field(), Some(field::N_EVENT_REPORT_RQ));
    assert_eq!(report.command.u16(element::EVENT_TYPE), Some(2), "one of them is not there");
    check(&report.data_set, slices.len());
    raw.send_message(1, &report.command.response(0), None).await;
    let open = "select count(*) from job where kind = 'storage.commit' and state in ('pending', 'in_progress')";
    eventually("nothing is left to do", async || (gateway.database.count(open).await == 0).then_some(())).await;
    raw.send(&Pdu::RELEASE_REQUEST).await;
}

async fn the_report_comes_on_another_association_until_it_is_acknowledged(backend: Backend) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("binds");
    let port = listener.local_addr().expect("bound").port();
    let modality = format!(
        "[[peer]]\nname = \"modality\"\nkind = \"dimse\"\nhost = \"127.0.0.1\"\nport = {port}\n\
         called_ae_title = \"RAW\"\ntimeouts = {{ response_seconds = 2, association_seconds = 2 }}\n"
    );
    let gateway = TestGateway::with(&backend, &[], &modality).await;
    let slices = Sample::slices();
    store(&peer(&gateway).await, &slices).await;
    let mut raw = associated(&gateway).await;
    ask(&mut raw, &asked(&slices, "1.2.840.9")).await;
    // The modality goes, as many do.
    drop(raw);
    for attempt in 0..2 {
        let (socket, _) = listener.accept().await.expect("is called");
        let mut called = Raw::of(socket);
        let Some(Pdu::AssociateRequest(request)) = called.unit().await else { panic!("a request") };
        let role = RoleSelection { sop_class_uid: STORAGE_COMMITMENT.into(), scu: false, scp: true };
        assert_eq!((request.called.title(), &request.user.roles), (Some(title("RAW")), &vec![role]));
        called.accept(&request, IMPLICIT_LE).await;
        let report = called.message().await;
        assert_eq!(report.command.field(), Some(field::N_EVENT_REPORT_RQ));
        check(&report.data_set, slices.len());
        if attempt == 0 {
            continue;
        }
        called.send_message(report.context_id, &report.command.response(0), None).await;
        assert_eq!(called.unit().await, Some(Pdu::ReleaseRequest));
        called.send(&Pdu::RELEASE_REPLY).await;
    }
    let open = "select count(*) from job where kind = 'storage.commit' and state <> 'completed'";
    eventually("it is done", async || (gateway.database.count(open).await == 0).then_some(())).await;
}

async fn a_request_that_makes_no_sense_is_refused(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let mut raw = associated(&gateway).await;
    let information = encode(&asked(&[], "1.2.840.9").data_set(), IMPLICIT).expect("encodes");
    let nothing = encode(&DataSet::new_empty(), IMPLICIT).expect("encodes");
    let action = |instance: &str, kind| Command::action_request(9, STORAGE_COMMITMENT, instance, kind);
    for (command, data_set, status) in [
        (action("1.2.3", 1), &information, 0x0112),
        (action(STORAGE_COMMITMENT_INSTANCE, 2), &information, 0x0123),
        (action(STORAGE_COMMITMENT_INSTANCE, 1), &nothing, 0x0115),
    ] {
        raw.send_message(1, &command, Some(data_set)).await;
        assert_eq!(raw.message().await.command.u16(element::STATUS), Some(status));
    }
    assert_eq!(gateway.database.count("select count(*) from job where kind = 'storage.commit'").await, 0);
}

/// An association with storage commitment in context 1.
async fn associated(gateway: &TestGateway) -> Raw {
    let mut wanted = request();
    wanted.contexts.truncate(1);
    wanted.contexts[0].abstract_syntax = STORAGE_COMMITMENT.into();
    wanted.calling = AeField::of(&title("RAW"));
    let mut raw = Raw::connect(gateway.dimse()).await;
    raw.send(&wanted.to_bytes().expect("fits")).await;
    assert!(matches!(raw.unit().await, Some(Pdu::AssociateAccept(_))));
    raw
}

/// All of `slices`, and one that is not there.
fn asked(slices: &[Sample], transaction: &str) -> CommitmentRequest {
    let missing = Reference { sop_class_uid: uid(super::raw::CT), sop_instance_uid: uid("1.2.3.4.5") };
    let references = slices.iter().map(|slice| Reference {
        sop_class_uid: slice.outgoing.sop_class_uid.clone(),
        sop_instance_uid: slice.outgoing.sop_instance_uid.clone(),
    });
    CommitmentRequest { transaction_uid: uid(transaction), references: references.chain([missing]).collect() }
}

async fn ask(raw: &mut Raw, request: &CommitmentRequest) {
    let command = Command::action_request(7, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, 1);
    raw.send_message(1, &command, Some(&encode(&request.data_set(), IMPLICIT).expect("encodes"))).await;
    let answer = raw.message().await.command;
    assert_eq!((answer.field(), answer.u16(element::STATUS)), (Some(field::N_ACTION_RSP), Some(0)));
}

fn check(information: &[u8], committed: usize) {
    let read = read_data_set(information, IMPLICIT, &ReadLimits::default()).expect("reads").data_set;
    assert_eq!(text(&read, tags::TRANSACTION_UID).as_deref(), Some("1.2.840.9"));
    assert_eq!(items(&read, tags::REFERENCED_SOP_SEQUENCE).len(), committed);
    let failed = items(&read, tags::FAILED_SOP_SEQUENCE);
    assert_eq!(failed.len(), 1);
    let reason = failed[0].element(tags::FAILURE_REASON).expect("is there").to_int::<u16>();
    assert_eq!(reason.ok(), Some(0x0112));
}
