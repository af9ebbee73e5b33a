//! What is acknowledged can be found and read, byte for byte.

use std::collections::BTreeSet;

use bytes::Bytes;
use causeway::base::{AeTitle, Uid};
use causeway::dicom::query::StudyScope;
use causeway::dicom::status::StoreStatus;
use causeway::ops::studies::{Framing, Source};
use futures_util::future::join_all;

use super::{Made, archivist, data_set, fixture, folder, metadata, read, scope_of, store, store_all};
use crate::each_backend;
use crate::support::{Backend, TestGateway};

each_backend!(
    valid_files_keep_their_data_sets,
    a_data_set_alone_is_kept_with_file_meta_information,
    the_metadata_of_a_study_is_one_array,
    parallel_senders_lose_nothing,
    an_instance_that_is_given_up_leaves_nothing,
    a_large_instance_streams_through,
);

/// Whose file meta information names another instance than the data set.
const ANNOUNCED_OTHERWISE: [&str; 4] = ["HTJ2K_08_RGB.dcm", "JPEGLSNearLossless_08.dcm", "rtdose.dcm", "rtplan.dcm"];

async fn valid_files_keep_their_data_sets(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    let mut seen = BTreeSet::new();
    for name in ["images", "charset", "rt", "sr", "studies"] {
        for (name, file) in folder(name) {
            let received = store(ops, &actor, &file).await;
            if name.ends_with("DICOMDIR.dcm") {
                assert!(!received.status.class().is_kept(), "{name} is no instance");
                continue;
            }
            if received.study_instance_uid.is_none() {
                assert_eq!(received.status, StoreStatus::MISMATCH, "{name} names no study");
                continue;
            }
            if ANNOUNCED_OTHERWISE.iter().any(|other| name.ends_with(other)) {
                assert_eq!(received.status, StoreStatus::MISMATCH, "{name} is announced as another instance");
                continue;
            }
            let uid = received.sop_instance_uid.clone().expect("was read");
            // One image of the fixtures comes in many transfer syntaxes.
            if seen.insert(uid.clone()) {
                assert!(received.status.class().is_kept(), "{name}: {} {:?}", received.status, received.comment);
            } else {
                assert_eq!(received.status, StoreStatus::DUPLICATE_SOP_INSTANCE, "{name}");
                let whole = StudyScope::study(received.study_instance_uid.clone().expect("was read"));
                ops.delete_study(&actor, &whole).await.expect("is deleted");
                assert!(store(ops, &actor, &file).await.status.class().is_kept(), "{name}");
            }
            let held = ops.held_instances(&actor, &scope_of(&received)).await.expect("is there");
            let [held] = held.as_slice() else { panic!("{name} is there once") };
            assert_eq!(held.sop_instance_uid, uid);
            let stored = read(ops, &actor, held).await;
            assert_eq!(stored.len() as u64, held.blob.size);
            assert!(stored.starts_with(&[0; 128]) && &stored[128..132] == b"DICM", "{name}");
            assert!(data_set(&stored) == data_set(&file), "{name} has another data set");
            let offset = usize::try_from(held.data_set_offset).expect("is small");
            assert!(stored[offset..] == *data_set(&file));
            let json = metadata(ops, &actor, &scope_of(&received)).await;
            assert_eq!(json[0]["00080018"]["Value"][0], uid.as_str(), "{name}");
        }
    }
}

async fn a_data_set_alone_is_kept_with_file_meta_information(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    let file = fixture("images/CT_small.dcm");
    let uid = |text: &str| Uid::parse(text).expect("valid");
    let instance = uid("1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322");
    let framing = |class: &str| Framing::DataSet {
        transfer_syntax_uid: "1.2.840.10008.1.2.1".into(),
        sop_class_uid: uid(class),
        sop_instance_uid: instance.clone(),
    };
    let source = Source {
        calling_ae_title: Some(AeTitle::parse("MODALITY").expect("valid")),
        called_ae_title: Some(AeTitle::causeway()),
    };
    for (class, status) in [("1.2.840.10008.5.1.4.1.1.4", 0xA900), ("1.2.840.10008.5.1.4.1.1.2", 0)] {
        let mut incoming = ops.receive_instance(&actor, &source, framing(class), None).await.expect("may");
        for piece in data_set(&file).chunks(16_000) {
            incoming.write(Bytes::copy_from_slice(piece)).await.expect("is taken");
        }
        let received = incoming.finish().await.expect("is answered");
        assert_eq!(received.status, StoreStatus(status), "{:?}", received.comment);
        assert_eq!(received.sop_instance_uid.as_ref(), Some(&instance));
        if status == 0 {
            let held = ops.held_instances(&actor, &scope_of(&received)).await.expect("is there");
            let stored = read(ops, &actor, &held[0]).await;
            assert!(stored.windows(8).any(|window| window == b"MODALITY"));
            assert!(data_set(&stored) == data_set(&file));
            let part = held[0].pixel_data_offset.expect("has pixels");
            let blob = ops.open_instance(&actor, &held[0], Some(part..part + 4)).await.expect("opens");
            let bytes: Vec<Bytes> = futures_util::TryStreamExt::try_collect(blob.body).await.expect("is whole");
            assert_eq!(bytes.concat(), [0xe0, 0x7f, 0x10, 0]);
        }
    }
    // STOW-RS into a study takes no other one.
    let other = uid("1.2.3");
    let begun = ops.receive_instance(&actor, &source, framing("1.2.840.10008.5.1.4.1.1.2"), Some(&other));
    let mut incoming = begun.await.expect("may");
    incoming.write(Bytes::copy_from_slice(data_set(&file))).await.expect("is taken");
    assert_eq!(incoming.finish().await.expect("is answered").status, StoreStatus::OTHER_STUDY);
}

async fn the_metadata_of_a_study_is_one_array(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    let files: Vec<(String, Vec<u8>)> = (0..600)
        .map(|number| {
            let made = Made::new("1.2.1", &format!("1.2.1.{}", 2 - number % 2), &format!("1.2.1.9.{number}"));
            let made = made.with(0x20, 0x11, *b"IS", &(number % 2).to_string());
            let made = made.with(0x20, 0x13, *b"IS", &(1000 - number).to_string()).with(0x10, 0x10, *b"PN", "Doe^J");
            (number.to_string(), made.file())
        })
        .collect();
    store_all(ops, &actor, &files).await;
    let study = StudyScope::study(Uid::parse("1.2.1").expect("valid"));
    let json = metadata(ops, &actor, &study).await;
    let all = json.as_array().expect("is an array");
    assert_eq!(all.len(), 600);
    let place = |one: &serde_json::Value| {
        (one["00200011"]["Value"][0].as_i64().expect("has one"), one["00200013"]["Value"][0].as_i64().expect("has one"))
    };
    assert!(all.is_sorted_by_key(place));
    let (first, uid) = (&all[0], all[0]["00080018"]["Value"][0].as_str().expect("has one"));
    let series = first["0020000E"]["Value"][0].as_str().expect("has one");
    let url = format!("http://x/dicom-web/studies/1.2.1/series/{series}/instances/{uid}/bulkdata/7FE00010");
    assert_eq!(first["7FE00010"]["BulkDataURI"], url);
    let held = ops.held_instances(&actor, &study).await.expect("is there");
    let order: Vec<&str> = held.iter().map(|held| held.sop_instance_uid.as_str()).collect();
    let listed: Vec<&str> = all.iter().map(|one| one["00080018"]["Value"][0].as_str().expect("has one")).collect();
    assert_eq!(order, listed);
    let way = [(dicom_core::Tag(0x7fe0, 0x0010), None)];
    let (_, bulk) = ops.bulk_value(&actor, &held[0], &way).await.expect("is there");
    assert_eq!(bulk.length, Some(64));
    assert!(ops.bulk_value(&actor, &held[0], &[(dicom_core::Tag(0x42, 0x11), None)]).await.is_err());
}

async fn parallel_senders_lose_nothing(backend: Backend) {
    // One slot of time, however slow the machine.
    let gateway = TestGateway::with(&backend, &[], "[archive]\nsettle = \"1d\"\n").await;
    let (ops, actor) = (gateway.ops(), archivist());
    let senders = (0..8_u32).map(|sender| {
        let (ops, actor) = (ops.clone(), actor.clone());
        tokio::spawn(async move {
            for number in 0..12_u32 {
                // All send to the same studies and series, and some the same instance.
                let uid = if number == 11 { "1.2.5.9.9".into() } else { format!("1.2.5.{sender}.{number}") };
                let made = Made::new(&format!("1.2.5{}", number % 3), "1.2.5.1", &uid);
                let made = if number == 11 { Made::new("1.2.50", "1.2.5.1", &uid) } else { made };
                // Short files and blobs side by side.
                let made = if number % 4 == 3 && number < 11 { made.pixels(100_000) } else { made };
                let received = store(&ops, &actor, &made.with(0x10, 0x20, *b"LO", "P").file()).await;
                assert_eq!(received.status, StoreStatus::SUCCESS, "{:?}", received.comment);
            }
        })
    });
    for ended in join_all(senders).await {
        ended.expect("all are taken");
    }
    let mut all = BTreeSet::new();
    for study in ["1.2.50", "1.2.51", "1.2.52"] {
        let scope = StudyScope::study(Uid::parse(study).expect("valid"));
        let held = ops.held_instances(&actor, &scope).await.expect("is there");
        let sql = format!("select instances from dicom_study where study_uid = '{study}'");
        assert_eq!(gateway.database.count(&sql).await, i64::try_from(held.len()).expect("is small"));
        all.extend(held.into_iter().map(|held| held.sop_instance_uid));
    }
    assert_eq!(all.len(), 8 * 11 + 1);
    let series = "select cast(sum(series) as bigint) from dicom_study";
    assert_eq!(gateway.database.count(series).await, 3);
    let jobs = "select count(*) from job where kind = 'study.changed'";
    assert_eq!(gateway.database.count(jobs).await, 3, "one for each study and slot of time");
    let pages = gateway.database.count("select count(*) from audit_event").await;
    assert!(pages < 8 * 11, "they share commits, and with them pages of the log: {pages}");
    assert_eq!(gateway.database.count("select count(*) from dicom_file").await, 8 * 9 + 1);
    assert_eq!(gateway.database.count("select count(*) from blob_ref where owner_kind = 'instance'").await, 8 * 2);
}

async fn an_instance_that_is_given_up_leaves_nothing(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    for bytes in [100_000, 6_000_000] {
        let file = Made::new("1.2.7", "1.2.7.1", "1.2.7.1.1").pixels(bytes).file();
        let begun = ops.receive_instance(&actor, &Source::default(), Framing::Part10, None).await;
        let mut incoming = begun.expect("may");
        for piece in file[..file.len() - 10].chunks(64 * 1024) {
            incoming.write(Bytes::copy_from_slice(piece)).await.expect("is taken");
        }
        drop(incoming);
    }
    let cut = Made::new("1.2.7", "1.2.7.1", "1.2.7.1.1").pixels(6_000_000).file();
    let received = store(ops, &actor, &cut[..cut.len() - 10]).await;
    assert_eq!(received.status, StoreStatus::CANNOT_UNDERSTAND);
    assert_eq!(received.sop_instance_uid.as_ref().map(Uid::as_str), Some("1.2.7.1.1"));
    for _ in 0..100 {
        if gateway.files().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(gateway.files().is_empty(), "{:?}", gateway.files());
    assert_eq!(gateway.database.count("select count(*) from dicom_study").await, 0);
}

async fn a_large_instance_streams_through(backend: Backend) {
    let gateway = TestGateway::with(&backend, &["archive.max_instance=16MiB"], "").await;
    let (ops, actor) = (gateway.ops(), archivist());
    let made = Made::new("1.2.8", "1.2.8.1", "1.2.8.1.1");
    let file = made.clone().pixels(9_000_000).file();
    let received = store(ops, &actor, &file).await;
    assert_eq!(received.status, StoreStatus::SUCCESS);
    let held = ops.held_instances(&actor, &scope_of(&received)).await.expect("is there");
    assert!(data_set(&read(ops, &actor, &held[0]).await) == data_set(&file));
    let too_large = Made::new("1.2.8", "1.2.8.1", "1.2.8.1.2").pixels(17_000_000).file();
    assert_eq!(store(ops, &actor, &too_large).await.status, StoreStatus::OUT_OF_RESOURCES);
}
