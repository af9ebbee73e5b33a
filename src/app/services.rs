//! What both the server and the command line work with: the use cases over an opened database, blob store
//! and keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::access::{Actor, PathPattern, RequestId, Role};
use crate::base::{Clock, SystemClock, TenantId};
use crate::blob::BlobStore;
use crate::config::master_key::{self, Missing};
use crate::config::{self, ArchiveMode, Config, DatabaseUrl, Environment, ImagingStudies};
use crate::ops::studies::{ArchiveBehind, BehindSettings, Duplicates, StudySettings};
use crate::ops::subscriptions::SubscriptionSettings;
use crate::ops::{Archive, DeliveryRule, Ops, OpsSettings, Trail};
use crate::remote::PeerSettings;
use crate::remote::hook::HookSettings;
use crate::report::sr::HeadingCodes;
use crate::store::{self, MigrateError, MigrationStep, Store, StoreSettings, migrate};
use crate::work::schedules;

/// The opened gateway.
pub struct Services {
    /// The use cases.
    pub ops: Ops,
    /// The clock of the process.
    pub clock: Arc<dyn Clock>,
    writing: JoinHandle<()>,
}

/// What an opening is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// To serve: what is missing is made, and the schema is brought up to date.
    Server {
        /// Whether studies come from the sample of the demonstration where no archive is set.
        demo: bool,
    },
    /// For one command: what is missing is an error.
    Command,
}

/// Why the gateway does not open. Each says what to look at.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A folder cannot be made.
    #[error("{} cannot be made: {source}", .path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A setting cannot be used.
    #[error("{key}: {detail}")]
    Setting {
        /// Which.
        key: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The master key.
    #[error(transparent)]
    MasterKey(#[from] master_key::MasterKeyUnavailable),
    /// The schema.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// There is no schema, or an old one, and a command does not change it.
    #[error(
        "the database is not up to date: {pending} migrations are pending; run `causeway db migrate` or `causeway serve`"
    )]
    Outdated {
        /// How many.
        pending: usize,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The blob store.
    #[error(transparent)]
    Blob(#[from] crate::blob::BlobError),
    /// The letterhead.
    #[error(transparent)]
    Config(#[from] config::ConfigErrors),
    /// A use case that makes a tenant ready.
    #[error(transparent)]
    Ops(#[from] crate::ops::Error),
}

impl Services {
    /// Opens the gateway of a configuration, at the machine's time.
    pub async fn open(config: &Config, start: Start) -> Result<Self, OpenError> {
        Self::open_at(config, start, Arc::new(SystemClock::default())).await
    }

    /// Opens the gateway of a configuration, at the time of `clock`.
    pub async fn open_at(config: &Config, start: Start, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let serving = matches!(start, Start::Server { .. });
        if serving {
            make_folder(&config.data_dir)?;
        }
        let environment = Environment::of_process();
        let found = master_key::load(config, &environment, Missing::Fail);
        let found = if serving { found } else { Ok(found?) };
        let settings = store_settings(config)?;
        let step = if serving { MigrationStep::Migrate } else { MigrationStep::Look };
        let migrated = migrate(&settings, step).await?;
        // Looking alone refuses nothing; whoever goes on to read and write must not do it blindly.
        if !migrated.status.unknown.is_empty() {
            return Err(MigrateError::Newer(migrated.status.unknown).into());
        }
        if !migrated.status.pending.is_empty() {
            return Err(OpenError::Outdated { pending: migrated.status.pending.len() });
        }
        if let Some(snapshot) = migrated.snapshot {
            tracing::info!(snapshot = %snapshot.display(), "database was upgraded; a snapshot was kept");
        }
        // Only a database that nothing was ever sealed in gets a new master key: another one than its own
        // would open nothing in it.
        let masters = match found {
            Err(_) if serving && !store::holds_keys(&settings).await? => {
                master_key::load(config, &environment, Missing::Create)?
            }
            found => found?,
        };
        let store = Store::open(&settings, masters, Arc::clone(&clock)).await?;
        let blobs = BlobStore::open(&config.blob, &config.data_dir.join("spool"))?;
        if serving {
            let now = clock.now();
            store.ensure_tenant(&TenantId::default_tenant(), now).await?;
            // Before anybody searches: rows that are missing would look like resources that are.
            store.rebuild_index().await?;
        }
        let (trail, writing) = Trail::start(store.clone());
        let demo = start == Start::Server { demo: true };
        let ops = Ops::new(store, blobs, Arc::clone(&clock), trail, ops_settings(config, demo)?);
        if serving {
            for tenant in ops.store().tenants().await? {
                ops.store().set_schedules(&tenant, schedules(&ops, &tenant), ops.now()).await?;
                ops.serve_at(&tenant).await?;
            }
        }
        Ok(Self { ops, clock, writing })
    }

    /// The gateway itself at work on the command line, with the rights of `roles`, in `tenant`.
    pub fn command_actor(tenant: &TenantId, roles: &[Role]) -> Actor {
        Actor::system(tenant.clone(), "cli", random_request_id()).with_roles(roles)
    }

    /// Writes what is still in buffers, and closes.
    pub async fn close(self) {
        self.ops.flush().await;
        drop(self.ops);
        // The writer ends with the last sender; whoever still holds one is a worker that was abandoned.
        let _ended = tokio::time::timeout(Duration::from_secs(5), self.writing).await;
    }
}

/// How the store of a configuration is opened.
pub fn store_settings(config: &Config) -> Result<StoreSettings, OpenError> {
    let url = match &config.database.url {
        DatabaseUrl::Sqlite(path) => store::DatabaseUrl::Sqlite(path.clone()),
        DatabaseUrl::Postgres(_) => {
            let url = config.database.postgres_url();
            store::DatabaseUrl::Postgres(url.ok_or_else(|| setting("database.url", "has no PostgreSQL URL"))?)
        }
    };
    let ca = match &config.database.ca_file {
        None => None,
        Some(path) => Some(std::fs::read(path).map_err(|error| setting("database.ca_file", error))?),
    };
    Ok(StoreSettings {
        url,
        pool_size: usize::try_from(config.database.pool_size).unwrap_or(usize::MAX),
        wait: config.database.acquire_timeout,
        busy_timeout: config.database.busy_timeout,
        statement_timeout: config.database.statement_timeout,
        write_queue: usize::try_from(config.database.write_queue).unwrap_or(usize::MAX),
        write_batch: usize::try_from(config.database.write_batch).unwrap_or(usize::MAX),
        ca,
    })
}

fn ops_settings(config: &Config, demo: bool) -> Result<OpsSettings, OpenError> {
    let mut peers = Vec::with_capacity(config.peers.len());
    for peer in &config.peers {
        let json = serde_json::Value::Object(peer.settings.clone());
        let settings: PeerSettings =
            serde_json::from_value(json).map_err(|error| setting(&format!("peer {}", peer.name), error))?;
        settings.check().into_result(()).map_err(|problems| setting(&format!("peer {}", peer.name), problems))?;
        peers.push(settings);
    }
    let rules = config.rules.iter().map(|rule| {
        let delivery = DeliveryRule {
            name: rule.name.clone(),
            on: rule.on.iter().map(|status| status.as_str().to_owned()).collect(),
            peers: rule.peers.clone(),
            formats: rule.formats.iter().map(|twin| twin.as_str().to_owned()).collect(),
        };
        (rule.tenant.clone(), delivery)
    });
    let archive = match &config.archive.peer {
        Some(name) => Archive::Peer(name.clone()),
        None if demo => Archive::Sample,
        None => Archive::Local,
    };
    let logo = config::read_logo(&config.letterhead)?;
    Ok(OpsSettings {
        public_url: config.http.public_url.as_str().trim_end_matches('/').to_owned(),
        export_retention: config.exports.retention,
        concurrent_exports: i64::from(config.limits.concurrent_exports),
        bundle_entries: usize::try_from(config.limits.bundle_entries).unwrap_or(usize::MAX),
        access_token: config.tokens.access,
        clock_skew: config.tokens.clock_skew,
        letterhead: config.letterhead.to_report(logo),
        heading_codes: match config.sr.heading_codes {
            config::HeadingCodes::Ln => HeadingCodes::Ln,
            config::HeadingCodes::Dcm => HeadingCodes::Dcm,
        },
        zone_seconds: config.search.zone.seconds(),
        archive,
        archive_timeout: config.archive.timeout,
        stores_imaging_studies: config.archive.imaging_studies == ImagingStudies::Stored,
        ae_title: config.dimse.ae_title.clone(),
        peers,
        rules: rules.collect(),
        delivery_attempts: i32::try_from(config.jobs.max_attempts).unwrap_or(i32::MAX),
        keep_finished_jobs: config.jobs.keep_finished,
        subscriptions: subscription_settings(config, demo),
        studies: study_settings(config),
    })
}

fn study_settings(config: &Config) -> StudySettings {
    let archive = &config.archive;
    StudySettings {
        duplicates: match archive.duplicates {
            config::Duplicates::Reject => Duplicates::Reject,
            config::Duplicates::KeepFirst => Duplicates::KeepFirst,
            config::Duplicates::Replace => Duplicates::Replace,
        },
        max_instance_bytes: archive.max_instance.0,
        short_file_bytes: archive.short_files.0,
        low_water_bytes: archive.low_water.0,
        settle: archive.settle,
        behind: behind_settings(config),
    }
}

fn behind_settings(config: &Config) -> BehindSettings {
    let archive = &config.archive;
    let own = TenantId::default_tenant();
    let is_named = config.archives.iter().any(|of| of.tenant == own);
    let first = (!is_named).then_some((own, archive.mode, archive.orthanc.as_ref()));
    let named = config.archives.iter().map(|of| (of.tenant.clone(), of.mode, of.orthanc.as_ref()));
    let tenants = first.into_iter().chain(named).filter_map(|(tenant, mode, orthanc)| {
        let is_mirror = match mode {
            ArchiveMode::Local => return None,
            ArchiveMode::Orthanc => false,
            ArchiveMode::Mirror => true,
        };
        Some((tenant, ArchiveBehind { orthanc: orthanc?.clone(), is_mirror }))
    });
    BehindSettings {
        tenants: tenants.collect(),
        poll: archive.poll,
        stale_after: archive.stale_after,
        cache_bytes: archive.cache.0,
        cache_age: archive.cache_age,
        passthrough: archive.passthrough.iter().filter_map(|pattern| PathPattern::parse(pattern)).collect(),
    }
}

fn subscription_settings(config: &Config, demo: bool) -> SubscriptionSettings {
    let subscriptions = &config.subscriptions;
    SubscriptionSettings {
        per_tenant: i64::from(subscriptions.per_tenant),
        attempts: i32::try_from(subscriptions.attempts).unwrap_or(i32::MAX),
        first_wait: config.jobs.backoff,
        shortest_heartbeat: subscriptions.shortest_heartbeat,
        timeout: subscriptions.timeout,
        events_per_notification: subscriptions.events_per_notification,
        keep_events: subscriptions.keep_events,
        binding: subscriptions.binding,
        sockets: usize::try_from(subscriptions.sockets).unwrap_or(usize::MAX),
        hooks: HookSettings {
            allow_http: subscriptions.allow_http || demo,
            allow_private_addresses: subscriptions.allow_private_addresses || demo,
            ca_file: subscriptions.ca_file.clone(),
        },
    }
}

/// An id for what begins on this machine.
pub(super) fn random_request_id() -> RequestId {
    request_id_of(crate::base::LogicalId::random().as_str())
}

#[expect(clippy::expect_used, reason = "every logical id has the form of a request id")]
fn request_id_of(text: &str) -> RequestId {
    RequestId::parse(text).expect("1 to 64 of letters, digits, '-' and '.'")
}

fn make_folder(path: &Path) -> Result<(), OpenError> {
    std::fs::create_dir_all(path).map_err(|source| OpenError::Folder { path: path.to_owned(), source })
}

fn setting(key: &str, detail: impl std::fmt::Display) -> OpenError {
    OpenError::Setting { key: key.to_owned(), detail: detail.to_string() }
}
