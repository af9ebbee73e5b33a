//! What tests start from.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

mod client;
mod database;
mod gateway;
mod pacs;
mod program;
pub(crate) mod samples;
mod web_peer;

pub(crate) use client::{Answer, Client};
pub(crate) use database::{Backend, TestDatabase, TestStore};
pub(crate) use gateway::{PUBLIC_URL, TestGateway, files_below, token, write_private};
pub(crate) use pacs::{Manner, Pacs, WILLING};
pub(crate) use program::{PROGRAM, Program, printed};
pub(crate) use web_peer::{Received, Reply, WebPeer};

/// Runs a test on a runtime of its own. It ends whatever happens: one that waits for something that never
/// comes fails, and a thread that it has left blocked is left alone.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime");
    let limited = async { tokio::time::timeout(LONGEST_TEST, test).await };
    let ended = catch_unwind(AssertUnwindSafe(|| runtime.block_on(limited)));
    runtime.shutdown_timeout(LONGEST_STOP);
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(_elapsed)) => panic!("the test has not ended after {LONGEST_TEST:?}"),
        Err(failure) => resume_unwind(failure),
    }
}

/// Far longer than any test takes on a busy machine.
const LONGEST_TEST: Duration = Duration::from_mins(8);
/// How long a gateway, or what a test has left running, may take to stop.
pub(crate) const LONGEST_STOP: Duration = Duration::from_mins(1);

/// Makes a test of an async function for each database.
#[macro_export]
macro_rules! each_backend {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn sqlite() {
                $crate::support::run(super::$name($crate::support::Backend::Sqlite));
            }

            #[test]
            fn postgres() {
                if let Some(backend) = $crate::support::Backend::postgres() {
                    $crate::support::run(super::$name(backend));
                }
            }
        }
    )+};
}
