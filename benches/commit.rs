//! Commits per second on SQLite with 1, 8 and 64 writers: write sets that share a transaction, against
//! one by one. Every commit is on the disk (`synchronous=FULL`) before it is answered.
//!
//!     cargo bench --bench commit [-- SECONDS]     (in a folder on a real disk: TMPDIR)
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "a benchmark prints its figures and fails by panicking"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use causeway::access::{Actor, RequestId};
use causeway::base::keyring::{MasterKey, MasterKeys};
use causeway::base::{Clock, LogicalId, SystemClock, TenantId, Timestamp};
use causeway::fhir::index::{IndexRow, IndexValue};
use causeway::store::{DatabaseUrl, MigrationStep, ResourceWrite, Store, StoreSettings, Write, WriteSet, migrate};

fn main() {
    let seconds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(5);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime");
    println!("one resource of 1.1 KB with 8 index rows a commit; {seconds} s each");
    println!("{:<10} {:>18} {:>18} {:>8}", "writers", "one by one, /s", "shared, /s", "ratio");
    for writers in [1, 8, 64] {
        // Turn by turn, so that a disk that changes its mood changes both.
        let alone = runtime.block_on(measure(writers, 1, Duration::from_secs(seconds)));
        let shared = runtime.block_on(measure(writers, 256, Duration::from_secs(seconds)));
        println!("{writers:<10} {alone:>18.0} {shared:>18.0} {:>8.1}", shared / alone);
    }
}

async fn measure(writers: usize, write_batch: usize, time: Duration) -> f64 {
    let folder = std::env::temp_dir().join(format!("causeway-bench-{}-{writers}-{write_batch}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("folder");
    let settings = StoreSettings {
        url: DatabaseUrl::Sqlite(folder.join("bench.db")),
        pool_size: 2,
        wait: Duration::from_secs(30),
        busy_timeout: Duration::from_secs(5),
        statement_timeout: Duration::from_secs(30),
        write_queue: 1024,
        write_batch,
        ca: None,
    };
    migrate(&settings, MigrationStep::Migrate).await.expect("migrates");
    let clock = Arc::new(SystemClock::default());
    let masters = MasterKeys::new(MasterKey::random().expect("random"));
    let store = Store::open(&settings, masters, clock.clone()).await.expect("opens");
    let tenant = TenantId::default_tenant();
    store.ensure_tenant(&tenant, clock.now()).await.expect("tenant");
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = tokio::task::JoinSet::new();
    let started = Instant::now();
    for _ in 0..writers {
        let (store, stop, done) = (store.clone(), Arc::clone(&stop), Arc::clone(&done));
        let actor = Actor::system(tenant.clone(), "bench", RequestId::parse("bench").expect("valid"));
        tasks.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                store.desk(&actor).commit(WriteSet::new().with(Write::Resource(resource()))).await.expect("commits");
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    tasks.join_all().await;
    let per_second = done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64();
    drop(store);
    std::fs::remove_dir_all(&folder).expect("removed");
    per_second
}

fn resource() -> ResourceWrite {
    let id = LogicalId::random();
    let row = |number: i64| IndexRow {
        param: ["identifier", "code", "status", "category", "subject", "performer", "device", "method"]
            .get(usize::try_from(number).unwrap_or_default())
            .copied()
            .unwrap_or("other"),
        value: IndexValue::Token { system: Some("urn:bench".into()), value: format!("{id}-{number}") },
    };
    ResourceWrite {
        resource_type: "Observation".into(),
        expected: None,
        last_updated: Timestamp(0),
        body: Some(vec![b'x'; 1100]),
        rows: (0..8).map(row).collect(),
        entries: Vec::new(),
        logical_id: id,
    }
}
