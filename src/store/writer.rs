//! The one writer of an SQLite database: group commit.
//!
//! Tasks come through a bounded channel. Everything that waits is run in one transaction, each task in a
//! savepoint of its own unless it is alone, and all of it shares the commit's fsync. A task is answered after the commit:
//! what is acknowledged is on the disk.

use diesel::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use crate::telemetry::metric;

use super::StoreError;
use super::db::Tx;

/// The way to the writer thread.
#[derive(Clone)]
pub(super) struct Writer {
    tasks: mpsc::Sender<Box<dyn Task>>,
}

impl Writer {
    /// Starts the writer thread on `conn`, with a channel of `queue` and at most `batch` tasks a transaction. It ends when the last `Writer` is dropped.
    pub(super) fn start(mut conn: SqliteConnection, queue: usize, batch: usize) -> Result<Self, StoreError> {
        let (tasks, waiting) = mpsc::channel(queue.max(1));
        std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write_all(&mut conn, waiting, batch.max(1)))
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self { tasks })
    }

    /// Runs `work` in the next transaction and waits until that is committed. If the caller stops
    /// waiting, the work is done all the same.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let task = Pending { work: Some(work), outcome: None, reply: Some(reply) };
        self.tasks.send(Box::new(task)).await.map_err(|_closed| stopped())?;
        answer.await.map_err(|_closed| stopped())?
    }
}

/// A piece of work, without its types.
trait Task: Send {
    /// Does the work within the open transaction. An error undoes this task only.
    fn apply(&mut self, tx: &mut Tx<'_>);
    /// Does the work of a transaction that is for this task alone; `false` if it has to be undone.
    fn apply_alone(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Tells the caller; `commit` is what came of the transaction.
    fn answer(&mut self, commit: Result<(), &str>);
}

struct Pending<W, T> {
    work: Option<W>,
    outcome: Option<Result<T, StoreError>>,
    reply: Option<oneshot::Sender<Result<T, StoreError>>>,
}

impl<W, T> Task for Pending<W, T>
where
    W: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn apply(&mut self, tx: &mut Tx<'_>) {
        if let Some(work) = self.work.take() {
            self.outcome = Some(tx.savepoint(work));
        }
    }

    fn apply_alone(&mut self, tx: &mut Tx<'_>) -> bool {
        let Some(work) = self.work.take() else { return true };
        let outcome = work(tx);
        let holds = outcome.is_ok();
        self.outcome = Some(outcome);
        holds
    }

    fn answer(&mut self, commit: Result<(), &str>) {
        let outcome = match (commit, self.outcome.take()) {
            (Ok(()), Some(outcome)) => outcome,
            (Err(_), Some(Err(error))) => Err(error),
            (Err(message), _) => Err(StoreError::Unavailable(message.to_owned())),
            (Ok(()), None) => Err(stopped()),
        };
        if let Some(reply) = self.reply.take() {
            let _caller_may_be_gone = reply.send(outcome);
        }
    }
}

fn write_all(conn: &mut SqliteConnection, mut waiting: mpsc::Receiver<Box<dyn Task>>, most: usize) {
    let mut batch: Vec<Box<dyn Task>> = Vec::new();
    while let Some(first) = waiting.blocking_recv() {
        batch.push(first);
        while batch.len() < most {
            match waiting.try_recv() {
                Ok(next) => batch.push(next),
                Err(_) => break,
            }
        }
        let commit = conn.immediate_transaction(|conn| {
            let mut tx = Tx::Sqlite(conn);
            if let [alone] = batch.as_mut_slice() {
                return if alone.apply_alone(&mut tx) {
                    Ok(())
                } else {
                    Err(diesel::result::Error::RollbackTransaction)
                };
            }
            for task in &mut batch {
                task.apply(&mut tx);
            }
            Ok::<(), diesel::result::Error>(())
        });
        let commit = commit.map_err(|error| error.to_string());
        metrics::histogram!(metric::COMMIT_BATCH).record(u32::try_from(batch.len()).unwrap_or(u32::MAX));
        for mut task in batch.drain(..) {
            task.answer(commit.as_ref().copied().map_err(String::as_str));
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the writer has stopped".into())
}
