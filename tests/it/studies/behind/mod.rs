//! An archive that stands behind and fails: nothing is lost, nothing comes back, nothing is answered wrongly. What
//! Orthanc itself does is judged by `conformance/orthanc/behind.py`.

mod stand_in;

use causeway::access::Role;
use causeway::base::Uid;
use causeway::dicom::query::StudyScope;
use causeway::ops::Error;
use futures_util::TryStreamExt as _;

use super::{Made, archivist, data_set, read, store};
use crate::each_backend;
use crate::support::samples::eventually;
use crate::support::{Backend, TestGateway};
use stand_in::{StandIn, id_of};

each_backend!(
    what_is_stored_waits_until_the_archive_has_it,
    a_lost_answer_makes_no_second_instance,
    what_the_archive_refuses_stays_here,
    what_is_put_there_is_found_read_and_gone_again,
    other_bytes_than_were_indexed_are_no_answer,
    what_is_deleted_while_it_is_away_does_not_come_back,
    a_replacement_takes_the_place_there_too,
    a_list_of_changes_that_was_emptied_is_no_loss,
    another_database_takes_the_place_of_the_first,
    a_mirror_keeps_both_and_fills_another_database,
    requests_that_pass_take_nothing_of_ours_along,
);

/// A file of one instance of study 1.2.3.
fn made(number: u32) -> Vec<u8> {
    Made::new("1.2.3", "1.2.3.1", &format!("1.2.3.1.{number}")).file()
}

fn uid(number: u32) -> String {
    format!("1.2.3.1.{number}")
}

fn study() -> StudyScope {
    StudyScope::study(Uid::parse("1.2.3").expect("valid"))
}

async fn gateway(backend: &Backend, archive: &StandIn, mode: &str) -> TestGateway {
    TestGateway::with(backend, &["archive.settle=1s"], &archive.settings(mode)).await
}

/// How many instances have their file in this place.
async fn placed(gateway: &TestGateway, place: &str) -> i64 {
    gateway.database.count(&format!("select count(*) from dicom_instance where place = '{place}'")).await
}

async fn until_placed(gateway: &TestGateway, place: &str, count: i64) {
    eventually(&format!("{count} {place}"), async || (placed(gateway, place).await == count).then_some(())).await;
}

/// Waits until the index has so many instances.
async fn until_known(gateway: &TestGateway, count: i64) {
    let sql = "select count(*) from dicom_instance";
    eventually("the index", async || (gateway.database.count(sql).await == count).then_some(())).await;
}

/// The file of an instance as readers get it.
async fn file(gateway: &TestGateway, number: u32) -> Vec<u8> {
    let held = held(gateway, number).await;
    read(gateway.ops(), &archivist(), &held).await
}

async fn held(gateway: &TestGateway, number: u32) -> causeway::ops::studies::HeldInstance {
    let held = gateway.ops().held_instances(&archivist(), &study()).await.expect("is there");
    held.into_iter().find(|held| held.sop_instance_uid.as_str() == uid(number)).expect("is there")
}

async fn what_is_stored_waits_until_the_archive_has_it(backend: Backend) {
    let archive = StandIn::start();
    archive.state().is_away = true;
    let mut gateway = gateway(&backend, &archive, "orthanc").await;
    for number in 1..=3 {
        assert!(store(gateway.ops(), &archivist(), &made(number)).await.status.class().is_kept());
    }
    assert_eq!(placed(&gateway, "outgoing").await, 3);
    assert_eq!(data_set(&file(&gateway, 2).await), data_set(&made(2)), "read here while it waits");
    let client = gateway.radiologist().await;
    let found = eventually("answers that are marked", async || {
        let found = client.get("/dicom-web/instances").await.expect(200);
        found.header("warning").is_some().then_some(found)
    })
    .await;
    assert_eq!(found.must("warning"), "110 - \"Response is Stale\"");
    assert!(found.must("causeway-archive").starts_with("stale"));
    assert_eq!(found.json().as_array().map(Vec::len), Some(3));

    gateway.restart().await;
    assert_eq!(placed(&gateway, "outgoing").await, 3, "on disk, not in memory");
    archive.state().is_away = false;
    until_placed(&gateway, "there", 3).await;
    let kept = gateway.database.count("select count(*) from blob_ref where owner_kind = 'instance'").await;
    assert_eq!(kept, 0, "what has arrived is let go of");
    let sent = archive.state().file(&uid(2)).expect("has arrived");
    assert_eq!(file(&gateway, 2).await, sent);
    eventually("fresh answers", async || {
        let client = gateway.radiologist().await;
        client.get("/dicom-web/studies").await.expect(200).header("warning").is_none().then_some(())
    })
    .await;
    let stores = archive.writes().iter().filter(|write| *write == "POST /instances").count();
    assert!(stores >= 3);
    assert_eq!(archive.state().instances.len(), 3);
}

async fn a_lost_answer_makes_no_second_instance(backend: Backend) {
    let archive = StandIn::start();
    archive.state().loses_answers = true;
    let gateway = gateway(&backend, &archive, "orthanc").await;
    store(gateway.ops(), &archivist(), &made(1)).await;
    eventually("it was sent", async || (!archive.state().instances.is_empty()).then_some(())).await;
    assert_eq!(placed(&gateway, "outgoing").await, 1, "not let go of on hearsay");
    archive.state().loses_answers = false;
    until_placed(&gateway, "there", 1).await;
    assert_eq!(archive.state().instances.len(), 1);
    let unindexed = gateway.database.count("select count(*) from archive_note").await;
    assert_eq!(unindexed, 0);
}

async fn what_the_archive_refuses_stays_here(backend: Backend) {
    let archive = StandIn::start();
    archive.state().refuses = true;
    let gateway = gateway(&backend, &archive, "orthanc").await;
    store(gateway.ops(), &archivist(), &made(1)).await;
    until_placed(&gateway, "refused", 1).await;
    assert_eq!(data_set(&file(&gateway, 1).await), data_set(&made(1)));
    // What it has under the same UID, but not the same, is not taken for ours.
    archive.state().refuses = false;
    let other = Made::new("1.2.3", "1.2.3.1", &uid(2)).pixels(128).file();
    archive.state().put(&other);
    until_known(&gateway, 2).await;
    let again = store(gateway.ops(), &archivist(), &made(2)).await;
    assert!(!again.status.class().is_kept(), "{}", again.status);
}

async fn what_is_put_there_is_found_read_and_gone_again(backend: Backend) {
    let archive = StandIn::start();
    for number in 1..=3 {
        archive.state().put(&made(number));
    }
    let mut gateway = gateway(&backend, &archive, "orthanc").await;
    until_placed(&gateway, "there", 3).await;
    assert_eq!(file(&gateway, 1).await, made(1));
    gateway.restart().await;
    archive.state().put(&made(4));
    until_placed(&gateway, "there", 4).await;
    let reads =
        |archive: &StandIn| archive.peer.requests().iter().filter(|request| request.target.ends_with("/file")).count();
    let before = reads(&archive);
    // A part is read out of a copy, which is fetched once.
    let held = held(&gateway, 4).await;
    let end = held.blob.size;
    for _ in 0..3 {
        let part = gateway.ops().open_instance(&archivist(), &held, Some(end - 10..end)).await.expect("opens");
        let pieces: Vec<bytes::Bytes> = part.body.try_collect().await.expect("is whole");
        assert_eq!(pieces.concat(), made(4)[made(4).len() - 10..]);
    }
    assert_eq!(reads(&archive), before + 1);

    archive.state().remove(&id_of(&uid(4)));
    until_known(&gateway, 3).await;
    for number in 1..=3 {
        archive.state().remove(&id_of(&uid(number)));
    }
    until_known(&gateway, 0).await;
    assert_eq!(gateway.database.count("select count(*) from dicom_study").await, 0);
    assert!(archive.writes().is_empty(), "nothing is written there: {:?}", archive.writes());
}

async fn other_bytes_than_were_indexed_are_no_answer(backend: Backend) {
    let archive = StandIn::start();
    archive.state().put(&made(1));
    let gateway = gateway(&backend, &archive, "orthanc").await;
    until_placed(&gateway, "there", 1).await;
    archive.state().is_corrupt = true;
    let (ops, held) = (gateway.ops(), held(&gateway, 1).await);
    let whole = ops.open_instance(&archivist(), &held, None).await.expect("opens");
    assert!(whole.body.try_collect::<Vec<_>>().await.is_err(), "the last piece is held back");
    let part = ops.open_instance(&archivist(), &held, Some(held.blob.size - 4..held.blob.size)).await;
    assert!(matches!(part, Err(Error::Busy(_))));
    archive.state().is_away = true;
    assert!(matches!(ops.open_instance(&archivist(), &held, None).await, Err(Error::Busy(_))), "never absent");
    // What is on its way is let go of only when it came back as it went.
    archive.state().is_away = false;
    let stored = store(ops, &archivist(), &made(2)).await;
    assert!(stored.status.class().is_kept());
    until_placed(&gateway, "refused", 1).await;
    assert_eq!(data_set(&file(&gateway, 2).await), data_set(&made(2)));
}

async fn what_is_deleted_while_it_is_away_does_not_come_back(backend: Backend) {
    let archive = StandIn::start();
    for number in 1..=3 {
        archive.state().put(&made(number));
    }
    let gateway = gateway(&backend, &archive, "orthanc").await;
    until_placed(&gateway, "there", 3).await;
    archive.state().is_away = true;
    let instance = |number| StudyScope {
        series: Some(Uid::parse("1.2.3.1").expect("valid")),
        instance: Some(Uid::parse(&uid(number)).expect("valid")),
        ..study()
    };
    let (ops, actor) = (gateway.ops(), archivist());
    ops.delete_study(&actor, &instance(1)).await.expect("is there");
    ops.delete_study(&actor, &instance(2)).await.expect("is there");
    until_known(&gateway, 1).await;
    // The second one comes again: first it has to go there, then it is stored anew.
    store(ops, &actor, &made(2)).await;
    archive.state().is_away = false;
    eventually("the first one is gone", async || archive.state().file(&uid(1)).is_none().then_some(())).await;
    until_placed(&gateway, "there", 2).await;
    let writes = archive.writes();
    let place = |write: &str| writes.iter().rposition(|other| other == write).expect("was done");
    assert!(place(&format!("DELETE /instances/{}", id_of(&uid(2)))) < place("POST /instances"));
    archive.state().put(&made(4));
    until_known(&gateway, 3).await;
    assert_eq!(archive.state().instances.len(), 3);
    assert_eq!(gateway.database.count("select count(*) from archive_note").await, 0);
}

async fn a_replacement_takes_the_place_there_too(backend: Backend) {
    let archive = StandIn::start();
    archive.state().put(&made(1));
    let flags = ["archive.duplicates=replace"];
    let gateway = TestGateway::with(&backend, &flags, &archive.settings("orthanc")).await;
    until_placed(&gateway, "there", 1).await;
    let other = Made::new("1.2.3", "1.2.3.1", &uid(1)).pixels(128).file();
    assert!(store(gateway.ops(), &archivist(), &other).await.status.class().is_kept());
    until_placed(&gateway, "there", 1).await;
    let there = archive.state().file(&uid(1)).expect("is there");
    assert_eq!(data_set(&there), data_set(&other));
    assert_eq!(data_set(&file(&gateway, 1).await), data_set(&other));
    let kept = gateway.database.count("select count(*) from dicom_replaced").await;
    assert_eq!(kept, 1, "the former bytes are kept beside");
}

async fn a_list_of_changes_that_was_emptied_is_no_loss(backend: Backend) {
    let archive = StandIn::start();
    {
        let mut state = archive.state();
        for number in 1..=3 {
            state.put(&made(number));
        }
        state.forget_changes();
    }
    let gateway = gateway(&backend, &archive, "orthanc").await;
    until_placed(&gateway, "there", 3).await;
}

async fn another_database_takes_the_place_of_the_first(backend: Backend) {
    let archive = StandIn::start();
    archive.state().put(&made(1));
    archive.state().put(&made(2));
    let gateway = gateway(&backend, &archive, "orthanc").await;
    until_placed(&gateway, "there", 2).await;
    archive.state().begin_anew();
    for number in 3..=5 {
        archive.state().put(&made(number));
    }
    eventually("the index of the new one", async || {
        let sql = "select instance_uid from dicom_instance order by instance_uid";
        (gateway.database.texts(sql).await == [uid(3), uid(4), uid(5)]).then_some(())
    })
    .await;
}

async fn a_mirror_keeps_both_and_fills_another_database(backend: Backend) {
    let archive = StandIn::start();
    archive.state().put(&made(1));
    let gateway = gateway(&backend, &archive, "mirror").await;
    store(gateway.ops(), &archivist(), &made(2)).await;
    until_placed(&gateway, "both", 2).await;
    archive.state().is_away = true;
    assert_eq!(data_set(&file(&gateway, 1).await), data_set(&made(1)));
    assert_eq!(data_set(&file(&gateway, 2).await), data_set(&made(2)));
    archive.state().begin_anew();
    archive.state().is_away = false;
    eventually("it is filled", async || (archive.state().instances.len() == 2).then_some(())).await;
    until_placed(&gateway, "both", 2).await;
    archive.state().remove(&id_of(&uid(1)));
    until_known(&gateway, 1).await;
}

async fn requests_that_pass_take_nothing_of_ours_along(backend: Backend) {
    let archive = StandIn::start();
    let gateway = gateway(&backend, &archive, "orthanc").await;
    let client = gateway.role(Role::Integrator).await;
    let headers = [("cookie", "a=b"), ("x-forwarded-for", "10.0.0.1"), ("accept", "application/json")];
    let answer = client.send("GET", "/orthanc/system?x=%2e%2e", &headers, b"").await.expect(200);
    assert_eq!(answer.json()["Version"], "1.10.1");
    assert_eq!(answer.must("content-security-policy"), "sandbox");
    let passed = archive.peer.requests().into_iter().find(|request| request.target.starts_with("/system"));
    let passed = passed.expect("was passed on");
    assert_eq!(passed.target, "/system?x=%2e%2e");
    for name in ["authorization", "cookie", "x-forwarded-for"] {
        assert!(!passed.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)), "{name}");
    }
    for path in ["/orthanc/modalities", "/orthanc/instances/%2e%2e/system", "/orthanc/instances//a", "/orthanc/"] {
        client.get(path).await.expect(404);
    }
    client.send("DELETE", "/orthanc/instances/a-b", &[], b"").await.expect(404);
    gateway.radiologist().await.get("/orthanc/system").await.expect(403);
    archive.state().is_away = true;
    client.get("/orthanc/system").await.expect(503);
    assert!(archive.writes().is_empty());
}
