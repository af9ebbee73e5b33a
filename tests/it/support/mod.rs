//! What tests start from.

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
pub(crate) use web_peer::{Received, WebPeer};

/// Makes a test of an async function for each database.
#[macro_export]
macro_rules! each_backend {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name($crate::support::Backend::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(backend) = $crate::support::Backend::postgres() {
                    super::$name(backend).await;
                }
            }
        }
    )+};
}
