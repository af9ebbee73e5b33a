//! A database of its own for each test: an SQLite file in a temporary folder, or a schema on the
//! PostgreSQL server that `TEST_POSTGRES_URL` names.

use std::sync::Arc;
use std::time::Duration;

use causeway::access::{Actor, RequestId};
use causeway::base::keyring::{MasterKey, MasterKeys};
use causeway::base::{Clock, FixedClock, Secret, TenantId, Timestamp};
use causeway::store::{DatabaseUrl, MigrationStep, Store, StoreSettings, migrate};

/// Which database.
#[derive(Debug, Clone)]
pub(crate) enum Backend {
    Sqlite,
    Postgres(String),
}

impl Backend {
    /// PostgreSQL, if the environment names a server.
    #[expect(clippy::disallowed_methods, reason = "where the server of a test is, is no setting of the gateway")]
    pub(crate) fn postgres() -> Option<Self> {
        std::env::var("TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty()).map(Self::Postgres)
    }
}

/// An empty database without tables.
pub(crate) struct TestDatabase {
    pub(crate) url: DatabaseUrl,
    folder: tempfile::TempDir,
    schema: Option<(String, String)>,
}

impl TestDatabase {
    pub(crate) async fn new(backend: &Backend) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        match backend {
            Backend::Sqlite => Self { url: DatabaseUrl::Sqlite(folder.path().join("test.db")), folder, schema: None },
            Backend::Postgres(server) => {
                let schema = format!("t{}", uuid::Uuid::new_v4().simple());
                execute(server, &format!("create schema {schema}")).await;
                let separator = if server.contains('?') { '&' } else { '?' };
                let url = format!("{server}{separator}options=-csearch_path%3D{schema}");
                Self { url: DatabaseUrl::Postgres(Secret::new(url)), folder, schema: Some((server.clone(), schema)) }
            }
        }
    }

    /// How the store opens it.
    pub(crate) fn settings(&self) -> StoreSettings {
        StoreSettings {
            url: self.url.clone(),
            pool_size: 4,
            wait: Duration::from_secs(20),
            busy_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(30),
            write_queue: 1024,
            write_batch: 256,
            ca: None,
        }
    }

    /// A folder that goes with the database.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Runs SQL beside the store, as someone with access to the database would.
    pub(crate) async fn execute(&self, sql: &str) -> Result<(), String> {
        match &self.url {
            DatabaseUrl::Sqlite(path) => {
                use diesel::connection::SimpleConnection;
                sqlite(path).batch_execute(sql).map_err(|error| error.to_string())
            }
            DatabaseUrl::Postgres(url) => {
                let (client, connection) =
                    tokio_postgres::connect(url.expose(), tokio_postgres::NoTls).await.expect("connects");
                let driver = tokio::spawn(connection);
                let outcome = client.batch_execute(sql).await.map_err(|error| format!("{error:?}"));
                drop(client);
                let _closed = driver.await;
                outcome
            }
        }
    }

    /// The number that a query gives.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        match &self.url {
            DatabaseUrl::Sqlite(path) => {
                let sql = format!("select ({sql}) as number");
                let mut conn = sqlite(path);
                diesel::RunQueryDsl::get_result::<Number>(diesel::sql_query(sql), &mut conn).expect("counts").number
            }
            DatabaseUrl::Postgres(url) => {
                let rows = rows(url.expose(), sql).await;
                rows[0].get(0)
            }
        }
    }

    /// The texts of the first column of a query.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        match &self.url {
            DatabaseUrl::Sqlite(path) => {
                let sql = format!("with asked(line) as ({sql}) select line from asked");
                let found: Vec<Text> =
                    diesel::RunQueryDsl::load(diesel::sql_query(sql), &mut sqlite(path)).expect("reads");
                found.into_iter().map(|row| row.line).collect()
            }
            DatabaseUrl::Postgres(url) => rows(url.expose(), sql).await.iter().map(|row| row.get(0)).collect(),
        }
    }

    /// Transactions that someone else has left open.
    pub(crate) async fn open_transactions(&self) -> i64 {
        match &self.schema {
            None => match self.execute("begin immediate; rollback").await {
                Ok(()) => 0,
                Err(_locked) => 1,
            },
            Some((_, schema)) => {
                let locks = "select count(distinct lock.pid) from pg_locks lock \
                             join pg_class class on class.oid = lock.relation \
                             join pg_namespace space on space.oid = class.relnamespace";
                self.count(&format!("{locks} where space.nspname = '{schema}'")).await
            }
        }
    }
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

#[derive(diesel::QueryableByName)]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}

fn sqlite(path: &std::path::Path) -> diesel::SqliteConnection {
    use diesel::connection::{Connection, SimpleConnection};
    let mut conn = diesel::SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("opens");
    conn.batch_execute("pragma busy_timeout = 5000").expect("sets");
    conn
}

async fn rows(url: &str, sql: &str) -> Vec<tokio_postgres::Row> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("connects");
    let driver = tokio::spawn(connection);
    let rows = client.query(sql, &[]).await.expect("reads");
    drop(client);
    let _closed = driver.await;
    rows
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some((server, schema)) = self.schema.take() else { return };
        // A destructor cannot await: the server is asked from a thread with a runtime of its own.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
            runtime.block_on(execute(&server, &format!("drop schema {schema} cascade")));
        });
        let _reported_by_its_own_panic = dropping.join();
    }
}

async fn execute(server: &str, sql: &str) {
    let (client, connection) =
        tokio_postgres::connect(server, tokio_postgres::NoTls).await.expect("PostgreSQL connects");
    let driver = tokio::spawn(connection);
    client.batch_execute(sql).await.expect("PostgreSQL executes");
    drop(client);
    let _closed = driver.await;
}

/// A migrated database with the default tenant, opened, and a clock that stands.
pub(crate) struct TestStore {
    pub(crate) store: Store,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) masters: String,
    pub(crate) database: TestDatabase,
}

impl TestStore {
    pub(crate) async fn new(backend: &Backend) -> Self {
        let database = TestDatabase::new(backend).await;
        migrate(&database.settings(), MigrationStep::Migrate).await.expect("migrates");
        let masters = MasterKey::random().expect("random").to_hex().to_string();
        let clock = Arc::new(FixedClock::at(Timestamp::parse("2026-02-03T04:05:06Z").expect("valid")));
        let store = Self::open(&database, &masters, &clock).await;
        store.ensure_tenant(&TenantId::default_tenant(), clock.now()).await.expect("tenant");
        Self { store, clock, masters, database }
    }

    /// The same database opened once more, as another node or a restart would.
    pub(crate) async fn reopen(&self) -> Store {
        Self::open(&self.database, &self.masters, &self.clock).await
    }

    async fn open(database: &TestDatabase, masters: &str, clock: &Arc<FixedClock>) -> Store {
        let settings = database.settings();
        let masters = MasterKeys::parse(masters).expect("valid");
        Store::open(&settings, masters, clock.clone()).await.expect("opens")
    }

    /// The gateway itself, in the default tenant.
    pub(crate) fn actor() -> Actor {
        Self::actor_of(&TenantId::default_tenant())
    }

    pub(crate) fn actor_of(tenant: &TenantId) -> Actor {
        Actor::system(tenant.clone(), "test", RequestId::parse("test").expect("valid"))
    }
}
