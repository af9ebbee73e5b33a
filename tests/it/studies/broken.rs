//! Broken files end in the status that their fault demands, and leave nothing.

use causeway::dicom::status::StoreStatus;

use super::{archivist, folder, store};
use crate::each_backend;
use crate::support::{Backend, TestGateway};

each_backend!(each_fault_has_its_status, cut_files_leave_nothing);

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
