//! The store: resources, jobs, audit and all other rows, over diesel on SQLite or PostgreSQL. Everything
//! that is written goes through [`Desk::commit`] as one [`WriteSet`]; everything that is read for
//! someone goes through a [`Desk`], which only an [`Actor`] opens. Rows do not leave this module.

mod audit;
mod blob_row;
mod body;
mod change;
mod db;
mod delivery;
mod dialect;
mod error;
mod export;
mod feed;
mod index;
mod job;
mod keys;
mod listen;
mod migrate;
mod package;
mod peer;
mod postgres;
mod rendition;
mod resource;
mod schedule;
mod schema;
mod search;
mod setting;
mod study;
mod subscription;
mod token;
mod version;
mod write_set;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::{Connection, SqliteConnection};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::access::Actor;
use crate::base::keyring::MasterKeys;
use crate::base::{Clock, Secret, TenantId, Timestamp};
use crate::telemetry::metric;

pub use audit::{SignedCheckpoint, UnsealedPage};
pub use blob_row::BlobUse;
pub use change::{Change, ChangeFilter, Interaction};
pub use delivery::{Delivery, DeliveryChange, DeliveryFilter, DeliveryState};
pub use error::StoreError;
pub use export::{ExportChange, ExportCount, ExportFilter, ExportSession, ExportStatus};
pub use feed::{Feed, FeedChange, FeedPlace, Moment};
pub use index::{DateTouches, Find, TokenIs};
pub use job::{Job, JobEnd, JobState, Lease, NewJob};
pub use keys::ACTIVATION_SECONDS;
pub use migrate::{MigrateError, Migrated, MigrationStatus, MigrationStep};
pub use package::{DefinitionWrite, PackageChange, StoredPackage};
pub use peer::{PeerChange, StoredPeer};
pub use rendition::{Evidence, Rendition};
pub use resource::{ResourceWrite, StoredResource};
pub use schedule::Schedule;
pub use search::{
    CanonicalInUse, Catalog, CodingInUse, Compartment, Counting, Everything, EverythingPage, EverythingPlace, Found,
    Guard, INDEX_JOB, IndexPayload, IndexPlace, IndexStep, ParameterReady, Place, Search,
};
pub use setting::{SettingVersion, SettingWrite};
pub use study::{
    ArchiveChange, ArchiveCounts, ArchiveFeed, CACHED_OWNER, INSTANCE_OWNER, InstancePlace, InstanceSite, NewInstance,
    RemoteFile, RemoteInstance, SealedInstance, StoredInstance, StudyMatch, Whereabouts,
};
pub use subscription::{SubscriptionChange, SubscriptionEvent, SubscriptionState};
pub use token::TokenChange;
pub use write_set::{Write, WriteSet};

use db::{PgConnection, Pool, SqliteRole, Tx, open_sqlite};
use keys::Sealer;
use write_set::Prepared;
use writer::Writer;

/// Where the database is.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL connection URL.
    Postgres(Secret),
}

/// How the store is opened.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// Where the database is.
    pub url: DatabaseUrl,
    /// Connections: readers on SQLite, all on PostgreSQL.
    pub pool_size: usize,
    /// How long a caller waits for a free connection.
    pub wait: Duration,
    /// How long SQLite waits for the lock of another process.
    pub busy_timeout: Duration,
    /// How long a statement may run on PostgreSQL.
    pub statement_timeout: Duration,
    /// Write sets that may wait for SQLite's writer; then callers wait.
    pub write_queue: usize,
    /// Write sets that may share one of its transactions. More would hold answers back for longer than
    /// they save.
    pub write_batch: usize,
    /// PEM of the authorities that may have signed PostgreSQL's certificate. With it, connections are
    /// encrypted and the certificate is checked; without it they are not encrypted.
    pub ca: Option<Vec<u8>>,
}

/// The store. Cloning shares it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    sealer: Sealer,
    names: search::Names,
    catalogs: search::Catalogs,
    clock: Arc<dyn Clock>,
    jobs: watch::Sender<u64>,
    changes: watch::Sender<u64>,
    subscribed: watch::Sender<u64>,
    _listener: Option<listen::Listener>,
}

/// Says that there may be something new.
fn bump(jobs: &watch::Sender<u64>) {
    jobs.send_modify(|count| *count = count.wrapping_add(1));
}

enum Db {
    Sqlite { writer: Writer, readers: Pool<SqliteConnection> },
    Postgres { pool: Pool<PgConnection> },
}

impl Store {
    /// Opens a database whose schema is up to date, and unwraps the keys of all tenants. Connections to
    /// PostgreSQL live on the runtime that this is called in.
    pub async fn open(
        settings: &StoreSettings,
        masters: MasterKeys,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let db = match &settings.url {
            DatabaseUrl::Sqlite(path) => {
                let path = path
                    .to_str()
                    .ok_or_else(|| StoreError::Unavailable("database path is not UTF-8".into()))?
                    .to_owned();
                let busy = settings.busy_timeout;
                let writer = Writer::start(
                    open_sqlite(&path, SqliteRole::Writer, busy)?,
                    settings.write_queue,
                    settings.write_batch,
                )?;
                let readers =
                    Pool::new(settings.pool_size, settings.wait, move || open_sqlite(&path, SqliteRole::Reader, busy));
                Db::Sqlite { writer, readers }
            }
            DatabaseUrl::Postgres(url) => {
                let (url, ca, limit) = (url.clone(), settings.ca.clone(), settings.statement_timeout);
                let home = Handle::current();
                Db::Postgres {
                    pool: Pool::new(settings.pool_size, settings.wait, move || {
                        postgres::connect(&home, &url, ca.as_deref(), Some(limit))
                    }),
                }
            }
        };
        let jobs = watch::Sender::new(0);
        let listener = match &settings.url {
            DatabaseUrl::Sqlite(_) => None,
            DatabaseUrl::Postgres(url) => Some(listen::start(url.clone(), settings.ca.clone(), jobs.clone())),
        };
        let store = Self {
            inner: Arc::new(Inner {
                db,
                sealer: Sealer::new(masters),
                names: search::Names::default(),
                catalogs: search::Catalogs::default(),
                clock,
                jobs,
                changes: watch::Sender::new(0),
                subscribed: watch::Sender::new(0),
                _listener: listener,
            }),
        };
        store.load_keys(store.inner.clock.now()).await?;
        Ok(store)
    }

    /// The desk at which `actor` reads and writes: their tenant's rows and nothing else.
    pub fn desk<'a>(&'a self, actor: &'a Actor) -> Desk<'a> {
        Desk { store: self, actor }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read(|tx| tx.batch("select 1")).await
    }

    /// Changes whenever a commit of this node, or of another one on PostgreSQL, has put a job in.
    pub fn job_signal(&self) -> watch::Receiver<u64> {
        self.inner.jobs.subscribe()
    }

    /// Changes whenever a commit of this node has changed a resource.
    pub fn change_signal(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Changes whenever a commit of this node has written a Subscription.
    pub fn subscription_signal(&self) -> watch::Receiver<u64> {
        self.inner.subscribed.subscribe()
    }

    /// Runs `work` on a connection for reading.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.inner.db {
            Db::Sqlite { readers, .. } => readers.run(move |conn| work(&mut Tx::Sqlite(conn))).await,
            Db::Postgres { pool } => pool.run(move |conn| work(&mut Tx::Postgres(conn))).await,
        }
    }

    /// As [`Store::read`], for a few rows by their keys: on SQLite they are there before another thread is awake.
    async fn read_row<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.inner.db {
            Db::Sqlite { readers, .. } => readers.run_here(move |conn| work(&mut Tx::Sqlite(conn))).await,
            Db::Postgres { .. } => self.read(work).await,
        }
    }

    /// Runs `work` in a transaction. It goes on to its end even if the caller stops waiting.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.inner.db {
            Db::Sqlite { writer, .. } => writer.run(work).await,
            Db::Postgres { pool } => pool.run(move |conn| conn.transaction(|conn| work(&mut Tx::Postgres(conn)))).await,
        }
    }

    fn sealer(&self) -> &Sealer {
        &self.inner.sealer
    }
}

/// Where one actor reads and writes.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    store: &'a Store,
    actor: &'a Actor,
}

impl Desk<'_> {
    /// Commits everything in `set`, or nothing. When it returns `Ok`, it is on the disk. It goes on to
    /// its end even if the caller stops waiting.
    pub async fn commit(&self, set: WriteSet) -> Result<(), StoreError> {
        let begun = Instant::now();
        let now = self.store.inner.clock.now();
        let events = set.audit_events();
        let changes = set.resources().next().is_some();
        let subscribes = set.resources().any(|write| write.resource_type == "Subscription");
        let outcome = self.apply(set, now).await;
        metrics::histogram!(metric::COMMIT_SECONDS).record(begun.elapsed());
        let lanes = outcome.inspect_err(|error| {
            metrics::counter!(metric::COMMIT_FAILURES, "reason" => error.reason()).increment(1);
        })?;
        metrics::counter!(metric::AUDIT_EVENTS).increment(events);
        if !lanes.is_empty() {
            bump(&self.store.inner.jobs);
        }
        if changes {
            bump(&self.store.inner.changes);
        }
        if subscribes {
            bump(&self.store.inner.subscribed);
        }
        Ok(())
    }

    /// Commits a set by the catalog that holds in its transaction. Gives the lanes of the jobs that went in.
    async fn apply(&self, set: WriteSet, now: Timestamp) -> Result<Vec<&'static str>, StoreError> {
        let mut catalog = self.store.catalog(self.tenant()).await?;
        let mut prepared = Prepared::new(self.actor, set, self.sealer(), now, &catalog)?;
        for _ in 0..CATALOG_ATTEMPTS {
            self.store.name(self.tenant(), prepared.needed(&self.store.inner.names)).await?;
            let (inner, by) = (Arc::clone(&self.store.inner), Arc::clone(&catalog));
            let work = move |tx: &mut Tx<'_>| match prepared.apply(tx, &inner.sealer, &inner.names, &by)? {
                Some(lanes) => {
                    if !lanes.is_empty() {
                        listen::announce(tx)?;
                    }
                    Ok(Ok(lanes))
                }
                None => Ok(Err(prepared)),
            };
            match self.store.write(work).await? {
                Ok(lanes) => return Ok(lanes),
                Err(outdated) => {
                    catalog = self.store.fresh_catalog(self.tenant()).await?;
                    prepared = outdated.indexed_by(self.sealer(), &catalog)?;
                }
            }
        }
        Err(StoreError::Unavailable("search parameters are changing".to_owned()))
    }

    fn tenant(&self) -> &TenantId {
        &self.actor.tenant
    }

    fn sealer(&self) -> &Sealer {
        self.store.sealer()
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.store.read(work).await
    }

    async fn read_row<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.store.read_row(work).await
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.store.write(work).await
    }
}

/// How often a commit is done again because the search parameters changed under it.
const CATALOG_ATTEMPTS: usize = 5;

/// Looks at or changes the schema of a database. `Store::open` wants one that is up to date.
pub async fn migrate(settings: &StoreSettings, step: MigrationStep) -> Result<Migrated, MigrateError> {
    let (url, ca, home) = (settings.url.clone(), settings.ca.clone(), Handle::current());
    let work = move || match &url {
        DatabaseUrl::Sqlite(path) => migrate::sqlite(path, step),
        DatabaseUrl::Postgres(url) => migrate::postgres(&mut postgres::connect(&home, url, ca.as_deref(), None)?, step),
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| MigrateError::Failed(error.to_string()))?
}

/// Whether a database whose schema is up to date has keys of tenants, which only its own master key unwraps.
pub async fn holds_keys(settings: &StoreSettings) -> Result<bool, StoreError> {
    let (url, ca, busy) = (settings.url.clone(), settings.ca.clone(), settings.busy_timeout);
    let home = Handle::current();
    let work = move || match &url {
        DatabaseUrl::Sqlite(path) => {
            let path = path.to_str().ok_or_else(|| StoreError::Unavailable("database path is not UTF-8".into()))?;
            keys::are_there(&mut Tx::Sqlite(&mut open_sqlite(path, SqliteRole::Reader, busy)?))
        }
        DatabaseUrl::Postgres(url) => {
            keys::are_there(&mut Tx::Postgres(&mut postgres::connect(&home, url, ca.as_deref(), None)?))
        }
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| StoreError::Unavailable(error.to_string()))?
}

/// The path of an SQLite URL, `sqlite:PATH`, or the URL of PostgreSQL.
pub fn parse_url(text: &str) -> Option<DatabaseUrl> {
    if let Some(path) = text.strip_prefix("sqlite:") {
        return (!path.is_empty()).then(|| DatabaseUrl::Sqlite(Path::new(path).to_owned()));
    }
    let is_postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
    is_postgres.then(|| DatabaseUrl::Postgres(Secret::new(text)))
}
