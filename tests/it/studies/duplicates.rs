//! What becomes of an instance whose UID is known.

use causeway::dicom::status::StoreStatus;

use super::{archivist, data_set, fixture, read, scope_of, store, with_uid};
use crate::each_backend;
use crate::support::{Backend, TestGateway};

each_backend!(
    the_same_bytes_again_are_a_success_without_a_copy,
    other_content_is_refused,
    other_content_may_take_the_place,
    another_patient_is_stored_with_a_warning,
);

const CT: &str = "images/CT_small.dcm";
const OTHER: &str = "broken/same_uid_different_content.dcm";

async fn the_same_bytes_again_are_a_success_without_a_copy(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    let first = store(ops, &actor, &fixture(CT)).await;
    assert!(!first.was_there && first.status == StoreStatus::SUCCESS, "{first:?}");
    let files = gateway.files();
    let again = store(ops, &actor, &fixture(CT)).await;
    assert!(again.was_there && again.status == StoreStatus::SUCCESS);
    assert_eq!(gateway.files(), files);
    assert_eq!(gateway.database.count("select instances from dicom_study").await, 1);
}

async fn other_content_is_refused(backend: Backend) {
    for policy in ["reject", "keep-first"] {
        let gateway = TestGateway::with(&backend, &[&format!("archive.duplicates={policy}")], "").await;
        let (ops, actor) = (gateway.ops(), archivist());
        let first = store(ops, &actor, &fixture(CT)).await;
        let second = store(ops, &actor, &fixture(OTHER)).await;
        assert_eq!(second.status, StoreStatus::DUPLICATE_SOP_INSTANCE);
        let held = ops.held_instances(&actor, &scope_of(&first)).await.expect("is there");
        assert!(data_set(&read(ops, &actor, &held[0]).await) == data_set(&fixture(CT)));
    }
}

async fn other_content_may_take_the_place(backend: Backend) {
    for (short_files, owners, kept) in [("64KiB", 0, 1), ("0", 1, 0)] {
        let short_files = format!("archive.short_files={short_files}");
        let gateway = TestGateway::with(&backend, &["archive.duplicates=replace", &short_files], "").await;
        takes_the_place(&gateway, owners, kept).await;
    }
}

/// `owners` is how many blobs belong to what was replaced, `kept` how many files stand with it in the database.
async fn takes_the_place(gateway: &TestGateway, owners: i64, kept: i64) {
    let (ops, actor) = (gateway.ops(), archivist());
    let first = store(ops, &actor, &fixture(CT)).await;
    let second = store(ops, &actor, &fixture(OTHER)).await;
    assert!(second.status.class().is_kept() && !second.was_there, "{second:?}");
    let held = ops.held_instances(&actor, &scope_of(&first)).await.expect("is there");
    let [held] = held.as_slice() else { panic!("is there once") };
    assert!(data_set(&read(ops, &actor, held).await) == data_set(&fixture(OTHER)));
    assert_eq!(gateway.database.count("select instances from dicom_study").await, 1);
    assert_eq!(gateway.database.count("select count(*) from dicom_replaced").await, 1);
    let of_blobs = "select count(*) from blob_ref where owner_kind = 'instance.replaced'";
    assert_eq!(gateway.database.count(of_blobs).await, owners, "its bytes are kept");
    let of_files = "select count(*) from dicom_replaced_file where length(body) > 1000";
    assert_eq!(gateway.database.count(of_files).await, kept, "its bytes are kept");
    assert_eq!(gateway.database.count("select count(*) from dicom_file").await, kept, "and those in its place");
    // The UID of an instance in another study is never taken, whatever the policy.
    let study = first.study_instance_uid.expect("was read");
    let elsewhere = format!("{}9", &study.as_str()[..study.as_str().len() - 1]);
    let moved = with_uid(&fixture(CT), study.as_str(), &elsewhere);
    assert_eq!(store(ops, &actor, &moved).await.status, StoreStatus::DUPLICATE_SOP_INSTANCE);
}

async fn another_patient_is_stored_with_a_warning(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    let made =
        |uid: &str, patient: &str| super::Made::new("1.2.6", "1.2.6.1", uid).with(0x10, 0x20, *b"LO", patient).file();
    assert_eq!(store(ops, &actor, &made("1.2.6.1.1", "ONE")).await.status, StoreStatus::SUCCESS);
    let other = store(ops, &actor, &made("1.2.6.1.2", "TWO")).await;
    assert_eq!(other.status, StoreStatus::STORED_WITH_WARNING);
    assert_eq!(gateway.database.texts("select patient_id from dicom_study").await, ["ONE"]);
    let noted = "select flaws from dicom_instance where flaws like '%patient%'";
    assert_eq!(gateway.database.texts(noted).await.len(), 1);
}
