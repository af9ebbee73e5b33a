//! Broken files end in the status that their fault demands, and leave nothing.

use bytes::Bytes;
use causeway::base::Uid;
use causeway::dicom::header::MetaReader;
use causeway::dicom::status::StoreStatus;
use causeway::ops::studies::{Framing, Source};

use super::{archivist, data_set, fixture, folder, store};
use crate::each_backend;
use crate::support::{Backend, TestGateway};

each_backend!(each_fault_has_its_status, a_value_that_its_vr_does_not_allow_is_a_warning, cut_files_leave_nothing);

async fn each_fault_has_its_status(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    let mut said = Vec::new();
    for (name, file) in folder("broken") {
        let received = store(ops, &actor, &file).await;
        let uid = if received.sop_instance_uid.is_some() { "known" } else { "unknown" };
        let comment = received.comment.unwrap_or_default();
        assert!(comment.len() <= 64);
        said.push(format!("{name}: {} {uid} {comment}", received.status));
    }
    insta::assert_snapshot!("broken_files", said.join("\n"));
    let stored = said.iter().filter(|line| line.contains(": 0000H") || line.contains(": B007H")).count();
    let counted = gateway.database.count("select count(*) from dicom_instance").await;
    assert_eq!(counted, i64::try_from(stored).expect("is small"));
}

async fn a_value_that_its_vr_does_not_allow_is_a_warning(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    // Its file meta information names another instance; by C-STORE the data set comes alone.
    let file = fixture("broken/badVR.dcm");
    let uid = |text: &str| Uid::parse(text).expect("valid");
    let (meta, _) = MetaReader::default().write(&file).expect("is readable").expect("is whole");
    let framing = Framing::DataSet {
        transfer_syntax_uid: meta.transfer_syntax_uid.expect("has one"),
        sop_class_uid: uid("1.2.840.10008.5.1.4.1.1.481.2"),
        sop_instance_uid: uid("1.9.999.999.99.9.9999.9999.20030818153516"),
    };
    let begun = ops.receive_instance(&actor, &Source::default(), framing, None).await;
    let mut incoming = begun.expect("may store");
    incoming.write(Bytes::copy_from_slice(data_set(&file))).await.expect("is taken");
    let received = incoming.finish().await.expect("is answered");
    assert_eq!(received.status, StoreStatus::STORED_WITH_WARNING, "{:?}", received.comment);
    assert_ne!(gateway.database.texts("select flaws from dicom_instance").await, [""]);
}

async fn cut_files_leave_nothing(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    for name in ["images", "sr"] {
        for (name, file) in folder(name).into_iter().filter(|(_, file)| file.len() < 60_000) {
            for cut in (0..file.len()).step_by(1000) {
                let received = store(ops, &actor, &file[..cut]).await;
                // A cut between two elements cannot be seen. No fixture has one there.
                assert!(!received.status.class().is_kept(), "{name} at {cut}: {}", received.status);
                assert_ne!(received.status, StoreStatus::PROCESSING_FAILURE);
            }
        }
    }
    assert!(gateway.files().is_empty());
    assert_eq!(gateway.database.count("select count(*) from dicom_study").await, 0);
}
