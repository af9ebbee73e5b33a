//! The gateway as `serve` runs it, in this process: real database, real blobs in a directory, real
//! sockets, a clock that can be moved forward. When it is dropped it stops, and what it leaves behind is
//! looked at: no lease, no open transaction, no file that no row speaks of, an audit chain without a gap.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use causeway::access::{Role, UserId};
use causeway::app::{Gateway, Services, Start};
use causeway::base::keyring::MasterKey;
use causeway::base::{Clock, SystemClock, TenantId, Timestamp};
use causeway::config::{Config, Environment, FileText, Sources};
use causeway::ops::Ops;
use causeway::ops::chain::ChainCheck;
use causeway::ops::tokens::TokenRequest;
use causeway::store::DatabaseUrl;
use causeway::telemetry::Metrics;

use super::client::Client;
use super::samples::eventually;
use super::{Backend, LONGEST_STOP, TestDatabase};

/// What every URL that the gateway emits begins with; not where it listens.
pub(crate) const PUBLIC_URL: &str = "http://gateway.test";

/// A running gateway.
pub(crate) struct TestGateway {
    running: Option<Gateway>,
    config: Config,
    pub(crate) clock: Arc<MovableClock>,
    pub(crate) database: TestDatabase,
}

/// The machine's clock, and how far tests have moved it.
#[derive(Debug, Default)]
pub(crate) struct MovableClock {
    machine: SystemClock,
    ahead_us: AtomicI64,
}

impl MovableClock {
    pub(crate) fn advance_seconds(&self, seconds: i64) {
        self.ahead_us.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.machine.now().0 + self.ahead_us.load(Ordering::SeqCst))
    }
}

impl TestGateway {
    /// With the usual settings.
    pub(crate) async fn new(backend: &Backend) -> Self {
        Self::with(backend, &[], "").await
    }

    /// With settings of its own: `key=value`, and a file for peers and rules.
    pub(crate) async fn with(backend: &Backend, flags: &[&str], file: &str) -> Self {
        let database = TestDatabase::new(backend).await;
        let config = config(&database, flags, file);
        let clock = Arc::new(MovableClock::default());
        let running = Some(start(&config, &clock).await);
        Self { running, config, clock, database }
    }

    /// Stops it and starts it again on the same data.
    pub(crate) async fn restart(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await.expect("stops");
        }
        self.running = Some(start(&self.config, &self.clock).await);
    }

    /// The use cases behind it.
    pub(crate) fn ops(&self) -> &Ops {
        self.running.as_ref().expect("runs").ops()
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.running.as_ref().expect("runs").addresses()[0]
    }

    /// Where it listens for DICOM.
    pub(crate) fn dimse(&self) -> SocketAddr {
        self.running.as_ref().expect("runs").dimse_addresses()[0]
    }

    /// Where it listens for DICOM within TLS.
    pub(crate) fn dimse_tls(&self) -> SocketAddr {
        self.running.as_ref().expect("runs").dimse_addresses()[1]
    }

    /// Where its files are.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.config.data_dir
    }

    /// Its blobs, and what is on the way to become one.
    pub(crate) fn files(&self) -> BTreeSet<PathBuf> {
        let mut files = files_below(&self.data_dir().join("blobs"));
        files.extend(files_below(&self.data_dir().join("spool")));
        files.retain(|path| path.file_name().is_some_and(|name| name != "lock"));
        files
    }

    /// Someone with a role, in the default tenant.
    pub(crate) async fn role(&self, role: Role) -> Client {
        self.client(&TenantId::default_tenant(), token(&format!("{role}-1"), &[role])).await
    }

    /// A radiologist.
    pub(crate) async fn radiologist(&self) -> Client {
        self.role(Role::Radiologist).await
    }

    /// Someone with this token, in a tenant.
    pub(crate) async fn client(&self, tenant: &TenantId, request: TokenRequest) -> Client {
        let minter = Services::command_actor(tenant, &[Role::Admin]);
        let minted = self.ops().mint_token(&minter, request).await.expect("mints");
        self.bearer(tenant, Some(minted.token.expose().to_owned()))
    }

    /// Someone who shows `token`, or nothing.
    pub(crate) fn bearer(&self, tenant: &TenantId, token: Option<String>) -> Client {
        let is_default = *tenant == TenantId::default_tenant();
        let prefix = if is_default { String::new() } else { format!("/t/{tenant}") };
        Client::new(self.address(), prefix, token)
    }

    /// Someone without a token.
    pub(crate) fn nobody(&self) -> Client {
        self.bearer(&TenantId::default_tenant(), None)
    }

    /// The present, as parameters take it.
    pub(crate) fn now(&self) -> String {
        self.clock.now().to_fhir()
    }

    /// A second hospital.
    pub(crate) async fn add_tenant(&self, name: &str) -> TenantId {
        let tenant = TenantId::parse(name).expect("valid");
        self.ops().store().ensure_tenant(&tenant, self.clock.now()).await.expect("is made");
        tenant
    }

    /// The rows of each table; those of the audit log, which grows with every look, left out.
    pub(crate) async fn rows(&self) -> String {
        let mut text = String::new();
        for table in TABLES {
            // What fires by schedule comes and goes by itself.
            let own = if *table == "job" {
                " where kind not in ('audit.seal', 'export.cleanup', 'blob.sweep', 'row.sweep', 'database.analyze', \
                 'orthanc.follow', 'orthanc.store')"
            } else {
                ""
            };
            let count = self.database.count(&format!("select count(*) from {table}{own}")).await;
            let _ = writeln!(text, "{table} {count}");
        }
        text
    }

    /// Waits until no job is due or at work, those that fire by schedule left out.
    pub(crate) async fn idle(&self) {
        let open = "select count(*) from job where state in ('pending', 'in_progress') \
                    and kind in ('change.dispatch', 'report.export', 'report.deliver', 'subscription.notify')";
        eventually("the queue is empty", async || (self.database.count(open).await == 0).then_some(())).await;
    }

    async fn stop_and_look(&mut self) {
        let Some(running) = self.running.take() else { return };
        running.stop().await.expect("stops");
        assert_eq!(
            self.database.count("select count(*) from job where state = 'in_progress'").await,
            0,
            "running jobs"
        );
        assert_eq!(self.database.count("select count(*) from job where lease_owner is not null").await, 0, "leases");
        assert_eq!(self.database.open_transactions().await, 0, "open transactions");
        let query = "select tenant || '/' || digest from blob";
        let known: BTreeSet<String> = self.database.texts(query).await.into_iter().collect();
        let name = |path: &PathBuf| {
            let inside = path.strip_prefix(self.data_dir().join("blobs")).unwrap_or(path);
            let parts: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            format!("{}/{}", parts[0], parts[parts.len() - 1])
        };
        let there: BTreeSet<String> = self.files().iter().map(name).collect();
        assert_eq!(there, known, "files and the rows that speak of them");
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let services = Services::open_at(&self.config, Start::Command, clock).await.expect("opens again");
        for tenant in services.ops.store().tenants().await.expect("reads") {
            let checked = services.ops.verify_audit(&Services::command_actor(&tenant, &[Role::Auditor])).await;
            let checked = checked.expect("is checked");
            assert!(matches!(checked, ChainCheck::Whole(_)), "{tenant}: {checked:?}");
        }
        services.close().await;
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        // Tests run on the multi-thread runtime, which lets a destructor wait.
        let runtime = tokio::runtime::Handle::current();
        let stopping = async { tokio::time::timeout(LONGEST_STOP, self.stop_and_look()).await };
        tokio::task::block_in_place(|| runtime.block_on(stopping)).expect("stops in time");
    }
}

/// The usual token of a user with roles.
pub(crate) fn token(user: &str, roles: &[Role]) -> TokenRequest {
    TokenRequest {
        user: UserId::parse(user).expect("valid"),
        name: None,
        roles: roles.to_vec(),
        scope: None,
        lifetime_seconds: Some(3 * 86400),
    }
}

/// All files below a directory; none if it is not there.
pub(crate) fn files_below(directory: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let Ok(entries) = std::fs::read_dir(directory) else { return found };
    for entry in entries {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.insert(path);
        }
    }
    found
}

async fn start(config: &Config, clock: &Arc<MovableClock>) -> Gateway {
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    let services = Services::open_at(config, Start::Server { demo: false }, clock).await.expect("opens");
    Gateway::start(config, services, metrics()).expect("starts")
}

fn config(database: &TestDatabase, flags: &[&str], file: &str) -> Config {
    let folder = database.folder();
    let url = match &database.url {
        DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        DatabaseUrl::Postgres(url) => url.expose().to_owned(),
    };
    let key = folder.join("master.key");
    write_private(&key, &MasterKey::random().expect("random").to_hex());
    let own = [
        format!("data_dir={}", folder.join("data").display()),
        format!("keys.master_key_file={}", key.display()),
        format!("http.public_url={PUBLIC_URL}"),
        "http.listen=127.0.0.1:0".to_owned(),
        "http.workers=2".to_owned(),
        "dimse.listen=127.0.0.1:0".to_owned(),
        "http.shutdown_timeout=5s".to_owned(),
        "jobs.poll=100ms".to_owned(),
        "jobs.backoff=100ms".to_owned(),
        "jobs.backoff_limit=1s".to_owned(),
        "limits.address.requests_per_second=off".to_owned(),
        "limits.user.requests_per_second=off".to_owned(),
        // A busy machine is not a fault.
        "database.acquire_timeout=60s".to_owned(),
        "database.busy_timeout=60s".to_owned(),
    ];
    let environment: Environment = [("CAUSEWAY__DATABASE__URL", url.as_str())].into_iter().collect();
    let file = (!file.is_empty()).then(|| FileText { name: "test".into(), text: file.into() });
    let flags = own.into_iter().chain(flags.iter().map(|flag| (*flag).to_owned())).collect();
    Config::load(&Sources { file, environment, flags, terminal: false }).expect("valid settings")
}

/// Writes a file that only its owner reads.
pub(crate) fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).expect("is written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("is set");
}

/// There is one recorder for a process.
fn metrics() -> Metrics {
    static METRICS: OnceLock<Metrics> = OnceLock::new();
    METRICS.get_or_init(|| Metrics::start("test", SystemClock::default().now()).expect("starts")).clone()
}

/// Tables that tell whether anything was changed.
const TABLES: &[&str] = &[
    "tenant_setting",
    "resource",
    "resource_history",
    "change",
    "idx_token",
    "idx_date",
    "idx_reference",
    "job",
    "blob",
    "blob_ref",
    "report_evidence",
    "rendition",
    "export_session",
    "peer",
    "delivery",
    "revoked_token",
    "one_time_secret",
    "subscription",
    "subscription_event",
];
