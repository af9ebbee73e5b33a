//! News of jobs between the nodes that share a PostgreSQL: whoever puts a job in says so, and the others look
//! at once. Who misses it finds the job when they look by themselves.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls};

use crate::base::Secret;

use super::db::Tx;
use super::postgres::{parse, unavailable};
use super::{StoreError, bump};

/// Listens as long as it is held.
pub(super) struct Listener(AbortHandle);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Wakes `jobs` whenever any node puts a job in.
pub(super) fn start(url: Secret, ca: Option<Vec<u8>>, jobs: watch::Sender<u64>) -> Listener {
    let task = tokio::spawn(async move {
        loop {
            if let Err(error) = hear(&url, ca.as_deref(), &jobs).await {
                tracing::warn!(%error, "news of jobs cannot be heard; trying again");
            }
            tokio::time::sleep(WAIT).await;
        }
    });
    Listener(task.abort_handle())
}

/// Tells the other nodes, once this transaction is committed, that there are new jobs.
pub(super) fn announce(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    match tx {
        Tx::Sqlite(_) => Ok(()),
        Tx::Postgres(_) => tx.batch("notify causeway_jobs"),
    }
}

async fn hear(url: &Secret, ca: Option<&[u8]>, jobs: &watch::Sender<u64>) -> Result<(), StoreError> {
    let (config, tls) = parse(url, ca)?;
    match tls {
        Some(tls) => {
            let (client, connection) = config.connect(tls).await.map_err(unavailable)?;
            follow(&client, connection, jobs).await
        }
        None => {
            let (client, connection) = config.connect(NoTls).await.map_err(unavailable)?;
            follow(&client, connection, jobs).await
        }
    }
}

/// Until the connection ends.
async fn follow<S, T>(
    client: &Client,
    mut connection: Connection<S, T>,
    jobs: &watch::Sender<u64>,
) -> Result<(), StoreError>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    let hearing = async {
        while let Some(message) = messages.next().await {
            if let AsyncMessage::Notification(_) = message.map_err(unavailable)? {
                bump(jobs);
            }
        }
        Ok(())
    };
    let listening = async {
        client.batch_execute("listen causeway_jobs").await.map_err(unavailable)?;
        // What was said before this moment was not heard.
        bump(jobs);
        Ok(())
    };
    tokio::try_join!(hearing, listening).map(|_ended| ())
}

/// Between two attempts to connect.
const WAIT: Duration = Duration::from_secs(5);
