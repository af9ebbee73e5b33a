//! What the job queue promises: each job runs to an end, under one lease at a time, with its outcome and
//! its row's end in one commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use causeway::base::{Clock, LogicalId, Retry, SystemClock, Timestamp};
use causeway::jobs::{Handler, HandlerFuture, JobError, JobSettings, Run, Workers};
use causeway::store::{
    Job, JobEnd, JobState, Lease, NewJob, SettingVersion, SettingWrite, StoreError, Write, WriteSet,
};

use crate::each_backend;
use crate::support::{Backend, TestStore};

each_backend!(
    a_lost_lease_cannot_end_a_job,
    one_key_waits_once,
    handlers_run_fail_and_are_given_up,
    a_lost_worker_is_no_attempt_but_is_counted,
    a_cancelled_job_stops,
    a_stopping_node_gives_its_jobs_back,
    no_job_is_claimed_twice,
    another_node_hears_of_a_job,
);

fn job(kind: &'static str, dedup_key: Option<&str>) -> NewJob {
    NewJob {
        id: LogicalId::random(),
        kind,
        lane: "interactive",
        payload: r#"{"v":1}"#.into(),
        priority: 10,
        run_at: Timestamp(0),
        max_attempts: 2,
        dedup_key: dedup_key.map(str::to_owned),
        parent_id: None,
        trace_id: None,
    }
}

fn lease(job: &Job, owner: &str) -> Lease {
    Lease { id: job.id.clone(), owner: owner.into(), fence: job.fence }
}

async fn a_lost_lease_cannot_end_a_job(backend: Backend) {
    let test = TestStore::new(&backend).await;
    let actor = TestStore::actor();
    let desk = test.store.desk(&actor);
    desk.commit(WriteSet::new().with(Write::Job(job("test.work", None)))).await.expect("puts in");
    let claim = |owner: &'static str, now: i64| {
        let store = test.store.clone();
        async move { store.claim_jobs(owner, "interactive", Timestamp(now), Timestamp(now + 10), 5).await.expect("claims") }
    };
    assert!(test.store.jobs_are_due("interactive", Timestamp(100)).await.expect("looks"));
    let first = claim("a", 100).await.pop().expect("one");
    assert!(claim("b", 105).await.is_empty(), "it is leased");
    assert_eq!(test.store.expire_leases(Timestamp(109)).await.expect("keeps"), 0);
    assert_eq!(test.store.expire_leases(Timestamp(120)).await.expect("keeps"), 1);
    let second = claim("b", 121).await.pop().expect("one");
    assert!(second.fence > first.fence);
    let late = WriteSet::new()
        .with(Write::Setting(SettingWrite {
            name: "letterhead",
            expected: SettingVersion::Any,
            value: b"late".to_vec(),
        }))
        .with(Write::JobEnd { lease: lease(&first, "a"), end: JobEnd::Completed });
    assert!(matches!(desk.commit(late).await, Err(StoreError::LeaseLost)));
    assert_eq!(desk.setting("letterhead").await.expect("reads"), None, "nothing of the late one is kept");
    let beat = test.store.heartbeat(&lease(&first, "a"), Timestamp(200), None, None, Timestamp(122)).await;
    assert!(matches!(beat, Err(StoreError::LeaseLost)));
    let beat =
        test.store.heartbeat(&lease(&second, "b"), Timestamp(200), Some(40), Some("7".into()), Timestamp(122)).await;
    assert!(matches!(beat, Ok(false)));
    let end = Write::JobEnd { lease: lease(&second, "b"), end: JobEnd::Completed };
    desk.commit(WriteSet::new().with(end)).await.expect("ends");
    let done = desk.job(&second.id).await.expect("reads").expect("is there");
    assert_eq!((done.state, done.progress, done.checkpoint.as_deref()), (JobState::Completed, 100, Some("7")));
}

/// On SQLite there is no other node.
async fn another_node_hears_of_a_job(backend: Backend) {
    if matches!(backend, Backend::Sqlite) {
        return;
    }
    let test = TestStore::new(&backend).await;
    let other = test.reopen().await;
    let mut signal = other.job_signal();
    // The first news is that it listens now; other tests may be heard as well.
    signal.changed().await.expect("listens");
    let actor = TestStore::actor();
    let heard = async {
        while !other.jobs_are_due("interactive", SystemClock::default().now()).await.expect("looks") {
            signal.changed().await.expect("hears");
        }
    };
    let put = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let set = WriteSet::new().with(Write::Job(job("test.work", None)));
        test.store.desk(&actor).commit(set).await.expect("puts in");
    };
    let both = async { tokio::join!(heard, put) };
    tokio::time::timeout(Duration::from_secs(30), both).await.expect("is heard of");
}

async fn one_key_waits_once(backend: Backend) {
    let test = TestStore::new(&backend).await;
    let actor = TestStore::actor();
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (store, actor) = (test.store.clone(), actor.clone());
        writers.spawn(async move {
            store.desk(&actor).commit(WriteSet::new().with(Write::Job(job("test.work", Some("key"))))).await
        });
    }
    assert!(writers.join_all().await.iter().all(Result::is_ok));
    let desk = test.store.desk(&actor);
    assert_eq!(desk.jobs(None, None, None, 50).await.expect("reads").len(), 1);
    let claimed = test.store.claim_jobs("a", "interactive", Timestamp(1), Timestamp(9), 5).await.expect("claims");
    let end = Write::JobEnd { lease: lease(&claimed[0], "a"), end: JobEnd::Completed };
    desk.commit(WriteSet::new().with(end).with(Write::Job(job("test.work", Some("key"))))).await.expect("again");
    assert_eq!(desk.jobs(None, None, None, 50).await.expect("reads").len(), 2);
}

async fn no_job_is_claimed_twice(backend: Backend) {
    let test = TestStore::new(&backend).await;
    let actor = TestStore::actor();
    let set = (0..60).fold(WriteSet::new(), |set, _| set.with(Write::Job(job("test.work", None))));
    test.store.desk(&actor).commit(set).await.expect("puts in");
    let mut nodes = tokio::task::JoinSet::new();
    for node in 0..6 {
        let store = test.reopen().await;
        nodes.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let owner = format!("node-{node}");
                let claimed =
                    store.claim_jobs(&owner, "interactive", Timestamp(1), Timestamp(9), 3).await.expect("claims");
                if claimed.is_empty() && !store.jobs_are_due("interactive", Timestamp(1)).await.expect("looks") {
                    return mine;
                }
                mine.extend(claimed.into_iter().map(|job| job.id));
            }
        });
    }
    let mut all: Vec<LogicalId> = nodes.join_all().await.concat();
    assert_eq!(all.len(), 60);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 60);
}

/// Fails its first `failures` attempts, then sets a setting.
struct Stubborn {
    kind: &'static str,
    failures: usize,
    retry: Retry,
    attempts: AtomicUsize,
}

impl Handler for Stubborn {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn run<'a>(&'a self, run: &'a Run) -> HandlerFuture<'a, Result<WriteSet, JobError>> {
        Box::pin(async move {
            run.progress(50).await?;
            if self.attempts.fetch_add(1, Ordering::SeqCst) < self.failures {
                return Err(JobError::Failed { message: "not yet".into(), retry: self.retry });
            }
            Ok(WriteSet::new().with(Write::Setting(SettingWrite {
                name: "done",
                expected: SettingVersion::Any,
                value: b"yes".to_vec(),
            })))
        })
    }

    fn give_up<'a>(&'a self, _run: &'a Run, error: &'a str) -> HandlerFuture<'a, Result<WriteSet, JobError>> {
        let value = error.as_bytes().to_vec();
        Box::pin(async move {
            Ok(WriteSet::new().with(Write::Setting(SettingWrite {
                name: "given-up",
                expected: SettingVersion::Any,
                value,
            })))
        })
    }
}

/// Runs until it is stopped.
struct Endless(AtomicUsize);

impl Handler for Endless {
    fn kind(&self) -> &'static str {
        "test.endless"
    }

    fn run<'a>(&'a self, run: &'a Run) -> HandlerFuture<'a, Result<WriteSet, JobError>> {
        Box::pin(async move {
            self.0.fetch_add(1, Ordering::SeqCst);
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                run.progress(10).await?;
            }
        })
    }
}

fn settings() -> JobSettings {
    JobSettings {
        lease: Duration::from_secs(3),
        poll: Duration::from_millis(30),
        grace: Duration::from_millis(200),
        backoff: Duration::from_millis(10),
        ..JobSettings::default()
    }
}

fn workers(test: &TestStore, handler: Arc<dyn Handler>) -> Workers {
    Workers::new(test.store.clone(), Arc::new(SystemClock::default()), settings(), &[]).with(handler)
}

async fn until_state(test: &TestStore, id: &LogicalId, state: JobState) -> Job {
    let actor = TestStore::actor();
    for _ in 0..500 {
        let job = test.store.desk(&actor).job(id).await.expect("reads").expect("is there");
        if job.state == state {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the job did not become {state:?}");
}

async fn handlers_run_fail_and_are_given_up(backend: Backend) {
    let cases = [(0, Retry::Backoff, JobState::Completed, 1), (1, Retry::Backoff, JobState::Completed, 2)];
    let given_up = [(9, Retry::Backoff, JobState::Failed, 2), (9, Retry::Never, JobState::Failed, 1)];
    for (failures, retry, state, attempts) in cases.into_iter().chain(given_up) {
        let test = TestStore::new(&backend).await;
        let actor = TestStore::actor();
        let handler = Arc::new(Stubborn { kind: "test.work", failures, retry, attempts: AtomicUsize::new(0) });
        let running = workers(&test, handler.clone()).start();
        let new = job("test.work", None);
        let id = new.id.clone();
        test.store.desk(&actor).commit(WriteSet::new().with(Write::Job(new))).await.expect("puts in");
        let ended = until_state(&test, &id, state).await;
        assert_eq!(usize::try_from(ended.attempts), Ok(attempts));
        assert_eq!(handler.attempts.load(Ordering::SeqCst), attempts);
        let name = if state == JobState::Completed { "done" } else { "given-up" };
        assert!(
            test.store.desk(&actor).setting(name).await.expect("reads").is_some(),
            "the outcome is committed with the end"
        );
        running.stop().await;
    }
}

async fn a_lost_worker_is_no_attempt_but_is_counted(backend: Backend) {
    let test = TestStore::new(&backend).await;
    let actor = TestStore::actor();
    let new = job("test.work", None);
    let id = new.id.clone();
    test.store.desk(&actor).commit(WriteSet::new().with(Write::Job(new))).await.expect("puts in");
    let mut now = Timestamp(1_000_000);
    for losses in 1..=21 {
        let claimed = test.store.claim_jobs("a", "interactive", now, now.plus_seconds(1), 5).await.expect("claims");
        assert_eq!(claimed.iter().map(|job| job.attempts).collect::<Vec<_>>(), [1], "after {losses}");
        now = now.plus_seconds(2);
        assert_eq!(test.store.expire_leases(now).await.expect("keeps"), 1);
        let waiting = test.store.desk(&actor).job(&id).await.expect("reads").expect("is there");
        assert_eq!((waiting.attempts, waiting.losses), (0, losses));
        assert_eq!(waiting.run_at, now.plus_seconds(losses - 1), "the first time at once, then later and later");
        now = waiting.run_at;
    }
    let handler =
        Arc::new(Stubborn { kind: "test.work", failures: 0, retry: Retry::Never, attempts: AtomicUsize::new(0) });
    let running = workers(&test, handler.clone()).start();
    let ended = until_state(&test, &id, JobState::Failed).await;
    assert_eq!(ended.error.as_deref(), Some("its workers were lost too often"));
    assert_eq!(handler.attempts.load(Ordering::SeqCst), 0);
    assert!(test.store.desk(&actor).setting("given-up").await.expect("reads").is_some());
    running.stop().await;
}

async fn a_cancelled_job_stops(backend: Backend) {
    let test = TestStore::new(&backend).await;
    let actor = TestStore::actor();
    let handler = Arc::new(Endless(AtomicUsize::new(0)));
    let running = workers(&test, handler.clone()).start();
    let new = job("test.endless", None);
    let id = new.id.clone();
    test.store.desk(&actor).commit(WriteSet::new().with(Write::Job(new))).await.expect("puts in");
    until_state(&test, &id, JobState::InProgress).await;
    test.store.desk(&actor).commit(WriteSet::new().with(Write::CancelJob(id.clone()))).await.expect("cancels");
    until_state(&test, &id, JobState::Cancelled).await;
    let twice = test.store.desk(&actor).commit(WriteSet::new().with(Write::CancelJob(id.clone()))).await;
    assert!(matches!(twice, Err(StoreError::Gone)));
    running.stop().await;
}

async fn a_stopping_node_gives_its_jobs_back(backend: Backend) {
    let test = TestStore::new(&backend).await;
    let actor = TestStore::actor();
    let handler = Arc::new(Endless(AtomicUsize::new(0)));
    let running = workers(&test, handler.clone()).start();
    let new = job("test.endless", None);
    let id = new.id.clone();
    test.store.desk(&actor).commit(WriteSet::new().with(Write::Job(new))).await.expect("puts in");
    until_state(&test, &id, JobState::InProgress).await;
    running.stop().await;
    let returned = test.store.desk(&actor).job(&id).await.expect("reads").expect("is there");
    assert_eq!((returned.state, returned.attempts), (JobState::Pending, 0));
    assert!(test.store.jobs_are_due("interactive", SystemClock::default().now()).await.expect("looks"));
}
