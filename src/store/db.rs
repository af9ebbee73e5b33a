//! The two databases behind one face: connections, pools, and the macro that writes a query body once.
//!
//! Query bodies are plain synchronous diesel. PostgreSQL's pure-Rust connection is asynchronous; its
//! wrapper blocks on it, so every body runs on a thread that may block (docs/adr/0002).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::StoreError;

/// A PostgreSQL connection that blocks.
pub(super) type PgConnection = AsyncConnectionWrapper<AsyncPgConnection>;

/// A connection of either database, within a transaction or not.
pub(super) enum Tx<'a> {
    /// SQLite.
    Sqlite(&'a mut SqliteConnection),
    /// PostgreSQL.
    Postgres(&'a mut PgConnection),
}

/// Runs one query body on whichever database `tx` is.
macro_rules! on {
    ($tx:expr, $conn:ident => $body:expr) => {
        match $tx {
            $crate::store::db::Tx::Sqlite(inner) => {
                let $conn = &mut **inner;
                $body
            }
            $crate::store::db::Tx::Postgres(inner) => {
                let $conn = &mut **inner;
                $body
            }
        }
    };
}
pub(super) use on;

impl Tx<'_> {
    /// Runs `work` in a savepoint: what it did is undone if it fails.
    pub(super) fn savepoint<T>(
        &mut self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self {
            Tx::Sqlite(conn) => conn.transaction(|conn| work(&mut Tx::Sqlite(conn))),
            Tx::Postgres(conn) => conn.transaction(|conn| work(&mut Tx::Postgres(conn))),
        }
    }

    /// Runs SQL text without bind values.
    pub(super) fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        on!(self, conn => conn.batch_execute(sql)).map_err(StoreError::from)
    }
}

/// Connections of one kind, handed out one at a time.
pub(super) struct Pool<C> {
    shared: Arc<Shared<C>>,
    permits: Arc<Semaphore>,
    wait: Duration,
}

struct Shared<C> {
    idle: Mutex<Vec<C>>,
    connect: Box<dyn Fn() -> Result<C, StoreError> + Send + Sync>,
}

impl<C: Send + 'static> Pool<C> {
    /// At most `size` connections, made when they are first needed. A caller waits up to `wait` for one.
    pub(super) fn new(
        size: usize,
        wait: Duration,
        connect: impl Fn() -> Result<C, StoreError> + Send + Sync + 'static,
    ) -> Self {
        let shared = Shared { idle: Mutex::new(Vec::new()), connect: Box::new(connect) };
        Self { shared: Arc::new(shared), permits: Arc::new(Semaphore::new(size)), wait }
    }

    /// Runs `work` on a blocking thread with a connection. The work goes on to its end even if the
    /// caller stops waiting. A connection that failed is closed, not kept.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut C) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = self.permit().await?;
        let shared = Arc::clone(&self.shared);
        let joined = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            shared.with(work)
        });
        joined.await.map_err(|error| {
            StoreError::Refused(if error.is_panic() { "worker panicked" } else { "cancelled" }.into())
        })?
    }

    /// As [`Pool::run`], on the thread of the caller if a connection is free: for work that is over in less time than
    /// it takes to hand it to another thread.
    pub(super) async fn run_here<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut C) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(_permit) => self.shared.with(work),
            Err(_busy) => self.run(work).await,
        }
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let waiting = tokio::time::timeout(self.wait, Arc::clone(&self.permits).acquire_owned());
        match waiting.await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(StoreError::Unavailable("the pool is closed".into())),
            Err(_) => Err(StoreError::Unavailable("no free connection".into())),
        }
    }
}

impl<C> Shared<C> {
    fn with<T>(&self, work: impl FnOnce(&mut C) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut conn = match idle {
            Some(conn) => conn,
            None => (self.connect)()?,
        };
        let outcome = work(&mut conn);
        if !matches!(outcome, Err(StoreError::Unavailable(_) | StoreError::Refused(_))) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        }
        outcome
    }
}

/// Opens an SQLite file for the writer or a reader.
pub(super) fn open_sqlite(path: &str, role: SqliteRole, busy: Duration) -> Result<SqliteConnection, StoreError> {
    let mut conn = SqliteConnection::establish(path).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    conn.batch_execute(&format!("pragma busy_timeout = {}", busy.as_millis()))?;
    // synchronous=FULL: a commit is on the disk when it returns, also in WAL mode (sqlite.org/pragma).
    conn.batch_execute(
        "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma temp_store = memory;",
    )?;
    if role == SqliteRole::Reader {
        conn.batch_execute("pragma query_only = on; pragma cache_size = -4096;")?;
    } else {
        // The pages of the index that a load comes back to, and fewer ways of the same page into the file.
        conn.batch_execute(
            "pragma cache_size = -65536; pragma wal_autocheckpoint = 4000; pragma journal_size_limit = 67108864;",
        )?;
    }
    Ok(conn)
}

/// What an SQLite connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SqliteRole {
    /// Writes; there is one.
    Writer,
    /// Reads only.
    Reader,
}
