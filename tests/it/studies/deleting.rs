//! What is deleted is gone, and what is left is counted.

use causeway::base::Uid;
use causeway::dicom::query::StudyScope;
use causeway::ops::Error;

use super::{Made, archivist, metadata, store_all};
use crate::each_backend;
use crate::support::{Backend, TestGateway};

each_backend!(instances_series_and_studies_are_deleted);

async fn instances_series_and_studies_are_deleted(backend: Backend) {
    for (short_files, blobs, files) in [("64KiB", 0, 6), ("0", 6, 0)] {
        let gateway = TestGateway::with(&backend, &[&format!("archive.short_files={short_files}")], "").await;
        are_deleted(&gateway, blobs, files).await;
    }
}

/// `blobs` and `kept` are the files of a study, as blobs and in the database.
async fn are_deleted(gateway: &TestGateway, blobs: i64, kept: i64) {
    let (ops, actor) = (gateway.ops(), archivist());
    let mut files = Vec::new();
    for study in 1..3 {
        for number in 0..6 {
            let series = format!("1.2.{study}.{}", number % 2);
            let made = Made::new(&format!("1.2.{study}"), &series, &format!("1.2.{study}.9.{number}"));
            files.push((number.to_string(), made.file()));
        }
    }
    store_all(ops, &actor, &files).await;
    let uid = |text: &str| Uid::parse(text).expect("valid");
    let scope = |series: Option<&str>, instance: Option<&str>| StudyScope {
        study: uid("1.2.1"),
        series: series.map(uid),
        instance: instance.map(uid),
    };
    let counts = async || {
        let sql = "select series * 100 + instances from dicom_study where study_uid = '1.2.1'";
        gateway.database.count(sql).await
    };
    assert_eq!(ops.delete_study(&actor, &scope(None, Some("1.2.1.9.0"))).await.expect("is there"), 1);
    assert_eq!(counts().await, 205);
    assert!(matches!(ops.delete_study(&actor, &scope(None, Some("1.2.1.9.0"))).await, Err(Error::NotFound)));
    assert!(matches!(ops.delete_study(&actor, &scope(Some("1.2.1.0"), Some("1.2.1.9.1"))).await, Err(Error::NotFound)));
    assert_eq!(ops.delete_study(&actor, &scope(Some("1.2.1.0"), None)).await.expect("is there"), 2);
    assert_eq!(counts().await, 103);
    assert_eq!(metadata(ops, &actor, &scope(None, None)).await.as_array().map(Vec::len), Some(3));
    assert_eq!(ops.delete_study(&actor, &scope(None, None)).await.expect("is there"), 3);
    assert!(matches!(ops.held_instances(&actor, &scope(None, None)).await, Err(Error::NotFound)));
    assert_eq!(gateway.database.count("select count(*) from dicom_study").await, 1);
    assert_eq!(gateway.database.count("select count(*) from dicom_series").await, 2);
    assert_eq!(gateway.database.count("select count(*) from blob_ref where owner_kind = 'instance'").await, blobs);
    assert_eq!(gateway.database.count("select count(*) from dicom_file").await, kept);
    // What was deleted can come again.
    store_all(ops, &actor, &files[..6]).await;
    assert_eq!(counts().await, 206);
}
