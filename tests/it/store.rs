//! What the store promises: all or nothing, one version at a time, tenants apart, sealed on the disk.

use causeway::base::{LogicalId, TenantId, Timestamp, VersionId};
use causeway::fhir::index::{IndexRow, IndexValue};
use causeway::store::{
    DateTouches, Find, NewJob, ResourceWrite, SettingVersion, SettingWrite, StoreError, TokenChange, TokenIs, Write,
    WriteSet,
};

use crate::each_backend;
use crate::support::{Backend, TestStore};

each_backend!(
    versions_follow_each_other,
    a_failed_set_leaves_nothing,
    many_writers_share_commits_and_lose_nothing,
    of_two_writers_of_one_version_one_wins,
    tenants_do_not_see_each_other,
    finding_pages_by_key,
    bodies_are_sealed_on_the_disk,
    keys_rotate_and_old_rows_still_open,
    a_tenant_stays_known_while_keys_are_read_anew,
    audit_rows_cannot_be_changed,
    a_secret_opens_once,
    a_setting_has_versions,
);

fn write(id: &LogicalId, expected: Option<VersionId>, body: &str, at: Timestamp) -> ResourceWrite {
    ResourceWrite {
        resource_type: "Basic".into(),
        logical_id: id.clone(),
        expected,
        last_updated: at,
        body: Some(body.as_bytes().to_vec()),
        rows: vec![token("identifier", "urn:x", body)],
        entries: Vec::new(),
    }
}

fn token(param: &'static str, system: &str, value: &str) -> IndexRow {
    IndexRow { param, value: IndexValue::Token { system: Some(system.into()), value: value.into() } }
}

async fn versions_follow_each_other(backend: Backend) {
    let test = TestStore::new(&backend).await;
    let actor = TestStore::actor();
    let desk = test.store.desk(&actor);
    let id = LogicalId::random();
    let at = Timestamp(1_000);
    desk.commit(WriteSet::new().with(Write::Resource(write(&id, None, "one", at)))).await.expect("creates");
    desk.commit(WriteSet::new().with(Write::Resource(write(&id, Some(VersionId(1)), "two", at))))
        .await
        .expect("updates");
    let stale = desk.commit(WriteSet::new().with(Write::Resource(write(&id, Some(VersionId(1)), "late", at)))).await;
    assert!(matches!(stale, Err(StoreError::VersionConflict { current: Some(VersionId(2)) })), "{stale:?}");
    let twice = desk.commit(WriteSet::new().with(Write::Resource(write(&id, None, "again", at)))).await;
    assert!(matches!(twice, Err(StoreError::VersionConflict { current: Some(VersionId(2)) })), "{twice:?}");
    let gone = ResourceWrite { body: None, rows: Vec::new(), ..write(&id, Some(VersionId(2)), "", at) };
    desk.commit(WriteSet::new().with(Write::Resource(gone))).await.expect("deletes");
    let history = desk.resource_history("Basic", &id).await.expect("reads");
    let seen: Vec<_> = history.iter().map(|row| (row.version_id.0, row.body.as_deref())).collect();
    assert_eq!(seen, [(3, None), (2, Some(&b"two"[..])), (1, Some(&b"one"[..]))]);
    let first = desk.resource_version("Basic", &id, VersionId(1)).await.expect("reads").expect("is there");
    assert_eq!(first.body.as_deref(), Some(&b"one"[..]));
    assert_eq!(desk.resource_version("Basic", &id, VersionId(9)).await.expect("reads"), None);
}

async fn a_failed_set_leaves_nothing(backend: Backend) {
    let test = TestStore::new(&backend).await;
    let actor = TestStore::actor();
    let desk = test.store.desk(&actor);
    let (first, second) = (LogicalId::random(), LogicalId::random());
    let set = WriteSet::new()
        .with(Write::Resource(write(&first, None, "one", Timestamp(1))))
        .with(Write::Job(job("basic.note")))
        .with(Write::Resource(write(&second, Some(VersionId(7)), "two", Timestamp(1))));
    assert!(desk.commit(set).await.is_err());
    assert_eq!(desk.resource("Basic", &first).await.expect("reads"), None);
    assert!(desk.jobs(None, None, None, 10).await.expect("reads").is_empty());
    let found = desk.find("Basic", Find { limit: 10, ..Find::default() }).await.expect("reads");
    assert!(found.is_empty());
}

async fn many_writers_share_commits_and_lose_nothing(backend: Backend) {
    let test = TestStore::new(&backend).await;
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..100 {
        let (store, actor) = (test.store.clone(), TestStore::actor());
        writers.spawn(async move {
            let id = LogicalId::random();
            // Each fifth one fails, in the middle of the others' transaction.
            let expected = (number % 5 == 0).then_some(VersionId(1));
            let set =
                WriteSet::new().with(Write::Resource(write(&id, expected, &number.to_string(), Timestamp(number))));
            (id, store.desk(&actor).commit(set).await.is_ok())
        });
    }
    let outcomes = writers.join_all().await;
    assert_eq!(outcomes.iter().filter(|(_, ok)| *ok).count(), 80);
    let actor = TestStore::actor();
    for (id, ok) in outcomes {
        assert_eq!(test.store.desk(&actor).resource("Basic", &id).await.expect("reads").is_some(), ok);
    }
}

async fn of_two_writers_of_one_version_one_wins(backend: Backend) {
    let test = TestStore::new(&backend).await;
    let (actor, id) = (TestStore::actor(), LogicalId::random());
    let first = WriteSet::new().with(Write::Resource(write(&id, None, "one", Timestamp(1))));
    test.store.desk(&actor).commit(first).await.expect("creates");
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..20 {
        let (store, actor, id) = (test.store.clone(), actor.clone(), id.clone());
        writers.spawn(async move {
            let set = WriteSet::new().with(Write::Resource(write(
                &id,
                Some(VersionId(1)),
                &number.to_string(),
                Timestamp(2),
            )));
            store.desk(&actor).commit(set).await
        });
    }
    let outcomes = writers.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes.iter().filter(|outcome| outcome.is_err()) {
        assert!(matches!(outcome, Err(StoreError::VersionConflict { .. })), "{outcome:?}");
    }
    assert_eq!(test.store.desk(&actor).resource_history("Basic", &id).await.expect("reads").len(), 2);
}

async fn tenants_do_not_see_each_other(backend: Backend) {
    let test = TestStore::new(&backend).await;
    let other = TenantId::parse("north").expect("valid");
    let (ours, theirs) = (TestStore::actor(), TestStore::actor_of(&other));
    let id = LogicalId::random();
    let set = WriteSet::new().with(Write::Resource(write(&id, None, "one", Timestamp(1))));
    let unknown = test.store.desk(&theirs).commit(set.clone()).await;
    assert!(matches!(unknown, Err(StoreError::UnknownTenant)), "{unknown:?}");
    test.store.ensure_tenant(&other, Timestamp(1)).await.expect("tenant");
    test.store.desk(&ours).commit(set.clone()).await.expect("creates");
    assert_eq!(test.store.desk(&theirs).resource("Basic", &id).await.expect("reads"), None);
    test.store.desk(&theirs).commit(set).await.expect("the same id is free in another tenant");
    assert_eq!(test.store.tenants().await.expect("reads").len(), 2);
}

async fn finding_pages_by_key(backend: Backend) {
    let test = TestStore::new(&backend).await;
    let actor = TestStore::actor();
    let desk = test.store.desk(&actor);
    for number in 0..25 {
        let mut row = write(&LogicalId::random(), None, &format!("r{number}"), Timestamp(number / 3));
        row.rows.push(token("colour", "urn:c", if number % 2 == 0 { "red" } else { "blue" }));
        row.rows.push(IndexRow {
            param: "date",
            value: IndexValue::Date { from: Timestamp(number * 10), until: Timestamp(number * 10 + 10) },
        });
        desk.commit(WriteSet::new().with(Write::Resource(row))).await.expect("creates");
    }
    let red =
        TokenIs { param: "colour".into(), system: Some("urn:c".into()), values: vec!["red".into(), "green".into()] };
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let find = Find { tokens: vec![red.clone()], after: after.take(), limit: 4, ..Find::default() };
        let page = desk.find("Basic", find).await.expect("reads");
        let Some(last) = page.last() else { break };
        after = Some((last.last_updated, last.logical_id.clone()));
        seen.extend(page);
    }
    assert_eq!(seen.len(), 13);
    assert!(seen.is_sorted_by(|a, b| (a.last_updated, &a.logical_id) > (b.last_updated, &b.logical_id)));
    let between = DateTouches { param: "date".into(), from: Some(Timestamp(55)), until: Some(Timestamp(70)) };
    let found = desk.find("Basic", Find { date: Some(between), limit: 50, ..Find::default() }).await.expect("reads");
    assert_eq!(found.len(), 2);
    let wrong_system = TokenIs { system: Some("urn:other".into()), ..red };
    let found =
        desk.find("Basic", Find { tokens: vec![wrong_system], limit: 50, ..Find::default() }).await.expect("reads");
    assert!(found.is_empty());
}

async fn bodies_are_sealed_on_the_disk(backend: Backend) {
    let test = TestStore::new(&backend).await;
    let actor = TestStore::actor();
    let canary = "Canary^Patient";
    let row = ResourceWrite { rows: Vec::new(), ..write(&LogicalId::random(), None, canary, Timestamp(1)) };
    test.store.desk(&actor).commit(WriteSet::new().with(Write::Resource(row))).await.expect("creates");
    if let Backend::Sqlite = backend {
        for entry in std::fs::read_dir(test.database.folder()).expect("readable") {
            let bytes = std::fs::read(entry.expect("readable").path()).expect("readable");
            assert!(!bytes.windows(canary.len()).any(|part| part == canary.as_bytes()));
        }
    }
    // A body that was moved to another row does not open.
    let other = LogicalId::random();
    test.store
        .desk(&actor)
        .commit(WriteSet::new().with(Write::Resource(write(&other, None, "two", Timestamp(1)))))
        .await
        .expect("creates");
    let swap = format!(
        "update resource set body = (select body from resource where logical_id <> '{other}') where logical_id = '{other}'"
    );
    test.database.execute(&swap).await.expect("swaps");
    let opened = test.store.desk(&actor).resource("Basic", &other).await;
    assert!(matches!(opened, Err(StoreError::Sealed(_))), "{opened:?}");
}

async fn keys_rotate_and_old_rows_still_open(backend: Backend) {
    use causeway::base::keyring::KeyPurpose;
    let test = TestStore::new(&backend).await;
    let actor = TestStore::actor();
    let id = LogicalId::random();
    let set = WriteSet::new().with(Write::Resource(write(&id, None, "one", Timestamp(1))));
    test.store.desk(&actor).commit(set).await.expect("creates");
    let before = test.store.data_key(&actor.tenant).expect("has one").id;
    let now = causeway::base::Clock::now(&*test.clock);
    let new = test.store.rotate_key(&actor.tenant, KeyPurpose::Data, now).await.expect("rotates");
    assert_eq!(test.store.data_key(&actor.tenant).expect("has one").id, before, "not before every node has it");
    test.clock.advance_seconds(causeway::store::ACTIVATION_SECONDS + 1);
    test.store.load_keys(causeway::base::Clock::now(&*test.clock)).await.expect("loads");
    assert_eq!(test.store.data_key(&actor.tenant).expect("has one").id, new);
    let again = test.reopen().await;
    assert!(again.desk(&actor).resource("Basic", &id).await.expect("opens").is_some());
    assert_eq!(again.rewrap_keys().await.expect("rewraps"), 0);
}

async fn audit_rows_cannot_be_changed(backend: Backend) {
    use causeway::access::Operation;
    use causeway::audit::{Activity, AuditEvent};
    let test = TestStore::new(&backend).await;
    let actor = TestStore::actor();
    let event = AuditEvent::of(&actor, LogicalId::random(), Timestamp(5), Activity::Use(Operation::ReportRead));
    test.store.desk(&actor).commit(WriteSet::new().with(Write::Audit(event.clone()))).await.expect("writes");
    for sql in ["update audit_event set recorded_at = 1", "delete from audit_event"] {
        let refused = test.database.execute(sql).await;
        assert!(refused.as_ref().is_err_and(|message| message.contains("never changed")), "{refused:?}");
    }
    let events = test.store.desk(&actor).audit_events(None, 10).await.expect("reads");
    assert_eq!(events, [event]);
    assert_eq!(test.store.desk(&actor).unsealed_pages(Timestamp(6), 10).await.expect("reads").len(), 1);
    assert!(test.store.desk(&actor).unsealed_pages(Timestamp(5), 10).await.expect("reads").is_empty());
}

async fn a_secret_opens_once(backend: Backend) {
    use causeway::base::Sha256;
    let test = TestStore::new(&backend).await;
    let actor = TestStore::actor();
    let desk = test.store.desk(&actor);
    let digest = Sha256::of(b"secret");
    let expires_at = causeway::base::Clock::now(&*test.clock).plus_seconds(60);
    let offer = TokenChange::Offer { digest, purpose: "bootstrap", expires_at };
    desk.commit(WriteSet::new().with(Write::Token(offer))).await.expect("offers");
    let redeem = |purpose| WriteSet::new().with(Write::Token(TokenChange::Redeem { digest, purpose }));
    assert!(desk.commit(redeem("other")).await.is_err());
    desk.commit(redeem("bootstrap")).await.expect("opens");
    assert!(matches!(desk.commit(redeem("bootstrap")).await, Err(StoreError::Gone)));
    let revoke = TokenChange::Revoke { token_id: "jti-1".into(), expires_at };
    desk.commit(WriteSet::new().with(Write::Token(revoke))).await.expect("revokes");
    assert!(desk.token_is_revoked("jti-1").await.expect("reads"));
    assert!(!desk.token_is_revoked("jti-2").await.expect("reads"));
    desk.sweep_tokens(expires_at.plus_seconds(1)).await.expect("sweeps");
    assert!(!desk.token_is_revoked("jti-1").await.expect("reads"));
}

async fn a_setting_has_versions(backend: Backend) {
    let test = TestStore::new(&backend).await;
    let actor = TestStore::actor();
    let desk = test.store.desk(&actor);
    let set = |expected, value: &[u8]| {
        WriteSet::new().with(Write::Setting(SettingWrite { name: "letterhead", expected, value: value.to_vec() }))
    };
    assert_eq!(desk.setting("letterhead").await.expect("reads"), None);
    desk.commit(set(SettingVersion::Absent, b"one")).await.expect("sets");
    assert!(desk.commit(set(SettingVersion::Absent, b"other")).await.is_err());
    desk.commit(set(SettingVersion::Is(VersionId(1)), b"two")).await.expect("sets");
    assert!(desk.commit(set(SettingVersion::Is(VersionId(1)), b"three")).await.is_err());
    assert_eq!(desk.setting("letterhead").await.expect("reads"), Some((b"two".to_vec(), VersionId(2))));
}

fn job(kind: &'static str) -> NewJob {
    NewJob {
        id: LogicalId::random(),
        kind,
        lane: "interactive",
        payload: r#"{"v":1}"#.into(),
        priority: 10,
        run_at: Timestamp(0),
        max_attempts: 3,
        dedup_key: None,
        parent_id: None,
        trace_id: None,
    }
}

async fn a_tenant_stays_known_while_keys_are_read_anew(backend: Backend) {
    let test = TestStore::new(&backend).await;
    let now = Timestamp(1_000);
    let readers = [(); 3].map(|()| {
        let store = test.store.clone();
        tokio::spawn(async move {
            loop {
                store.load_keys(now).await.expect("reads");
            }
        })
    });
    let mut made = Vec::new();
    for number in 0..25 {
        let tenant = TenantId::parse(&format!("hospital-{number}")).expect("valid");
        test.store.ensure_tenant(&tenant, now).await.expect("makes");
        made.push(tenant);
        // Whoever began to read before the last one was made ends now.
        let until = std::time::Instant::now() + std::time::Duration::from_millis(20);
        while std::time::Instant::now() < until {
            let unknown: Vec<&TenantId> = made.iter().filter(|tenant| !test.store.knows_tenant(tenant)).collect();
            assert!(unknown.is_empty(), "{unknown:?}");
            tokio::task::yield_now().await;
        }
    }
    for reader in readers {
        reader.abort();
    }
}
