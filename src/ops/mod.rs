//! Use cases. Each asks [`access::decide`](crate::access::decide) first, reads what it needs, builds one
//! `WriteSet` with its audit event inside, and commits it. Edges and workers call these and nothing below.

pub mod chain;
mod channels;
pub mod commitment;
pub mod deliveries;
mod document;
mod error;
pub mod exports;
mod housekeeping;
pub mod import;
pub mod jobs;
pub mod letterheads;
pub mod packages;
pub mod peers;
pub mod reports;
pub mod resources;
pub mod rules;
pub mod sending;
pub mod studies;
pub mod subscriptions;
mod terminology;
pub mod tokens;
mod trail;
mod turns;
pub mod twins;
pub mod validation;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::access::{Actor, Decision, Extent, Operation, decide, decide_type};
use crate::audit::{Activity, AuditEvent, Object};
use crate::base::{AeTitle, Clock, Cursor, LogicalId, PeerName, ProblemCode, Problems, TenantId, Timestamp};
use crate::blob::BlobStore;
use crate::remote::PeerSettings;
use crate::report::Letterhead;
use crate::report::sr::HeadingCodes;
use crate::store::{Desk, Store};

pub use error::Error;
pub use rules::DeliveryRule;
pub use trail::Trail;
use turns::Attempt;

/// What an operator sets at start and use cases need.
#[derive(Debug, Clone)]
pub struct OpsSettings {
    /// Base URL of every URL we emit, without a slash at its end.
    pub public_url: String,
    /// How long a finished export can be fetched.
    pub export_retention: Duration,
    /// How long an access token lasts.
    pub access_token: Duration,
    /// How far clocks may differ when tokens are checked.
    pub clock_skew: Duration,
    /// Letterhead of tenants that have none of their own.
    pub letterhead: Letterhead,
    /// Codes of section headings in SR.
    pub heading_codes: HeadingCodes,
    /// Export sessions of a tenant that may be unfinished at the same time.
    pub concurrent_exports: i64,
    /// Entries that a batch or transaction may have.
    pub bundle_entries: usize,
    /// The zone of dates and times in searches that name none, in seconds east of UTC.
    pub zone_seconds: i32,
    /// Who knows the studies; of every tenant.
    pub archive: Archive,
    /// How long to wait for the archive's answer.
    pub archive_timeout: Duration,
    /// Whether clients may write ImagingStudy resources.
    pub stores_imaging_studies: bool,
    /// How long rows of finished jobs are kept.
    pub keep_finished_jobs: Duration,
    /// AE title that peers are called with, where they name no other one.
    pub ae_title: AeTitle,
    /// Peers of every tenant.
    pub peers: Vec<PeerSettings>,
    /// Delivery rules and the tenants that they hold for.
    pub rules: Vec<(TenantId, DeliveryRule)>,
    /// Subscriptions.
    pub subscriptions: subscriptions::SubscriptionSettings,
    /// Attempts at a delivery before it is given up.
    pub delivery_attempts: i32,
    /// The archive of studies.
    pub studies: studies::StudySettings,
}

/// Who is asked for the facts and images of a study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Archive {
    /// The gateway itself, of the studies that it keeps.
    Local,
    /// A peer of kind `orthanc` or `dicomweb`.
    Peer(PeerName),
    /// The study of the demonstration.
    Sample,
}

/// The use cases. Cloning shares everything.
#[derive(Clone)]
pub struct Ops {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    blobs: BlobStore,
    clock: Arc<dyn Clock>,
    trail: Trail,
    settings: OpsSettings,
    cpu: Semaphore,
    turns: turns::Turns,
    keys: tokens::KeyCache,
    tokens: tokens::TokenCache,
    validation: validation::ValidationCache,
    subscribers: subscriptions::Subscribers,
    gathering: studies::Gathering,
    archives: studies::Archives,
}

impl Ops {
    /// Over a store, a blob store and a trail for the audit of reads.
    pub fn new(store: Store, blobs: BlobStore, clock: Arc<dyn Clock>, trail: Trail, settings: OpsSettings) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let subscribers = subscriptions::Subscribers::new(&settings.subscriptions);
        let shared = Shared {
            store,
            blobs,
            clock,
            trail,
            settings,
            cpu: Semaphore::new(cores),
            turns: turns::Turns::default(),
            keys: tokens::KeyCache::default(),
            tokens: tokens::TokenCache::default(),
            validation: validation::ValidationCache::default(),
            subscribers,
            gathering: studies::Gathering::default(),
            archives: studies::Archives::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The store below.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The blob store below.
    pub fn blobs(&self) -> &BlobStore {
        &self.shared.blobs
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// What the operator has set.
    pub fn settings(&self) -> &OpsSettings {
        &self.shared.settings
    }

    /// Public base URL of a tenant: the root for the default one, `/t/{tenant}` below it for others.
    pub fn base_url(&self, tenant: &TenantId) -> String {
        let root = &self.shared.settings.public_url;
        if *tenant == TenantId::default_tenant() { root.clone() } else { format!("{root}/t/{tenant}") }
    }

    /// Waits until the audit of all reads so far is in the log.
    pub async fn flush(&self) {
        self.shared.trail.flush().await;
    }

    fn desk<'a>(&'a self, actor: &'a Actor) -> Desk<'a> {
        self.shared.store.desk(actor)
    }

    /// Asks the only door, and leaves a denial in the audit log.
    async fn authorize(&self, actor: &Actor, operation: Operation) -> Result<Extent, Error> {
        self.settle(actor, operation, decide(actor, operation)).await
    }

    /// As [`Ops::authorize`], for an operation on a resource type that the request names.
    async fn authorize_type(&self, actor: &Actor, operation: Operation, resource_type: &str) -> Result<Extent, Error> {
        self.settle(actor, operation, decide_type(actor, operation, resource_type)).await
    }

    async fn settle(&self, actor: &Actor, operation: Operation, decision: Decision) -> Result<Extent, Error> {
        match decision.into_result() {
            Ok(extent) => Ok(extent),
            Err(denial) => {
                self.note_denied(actor, operation, &denial).await?;
                Err(Error::Denied(denial))
            }
        }
    }

    /// An audit event of what `actor` does now.
    fn event(&self, actor: &Actor, operation: Operation) -> AuditEvent {
        AuditEvent::of(actor, LogicalId::random(), self.now(), Activity::Use(operation))
    }

    /// Leaves in the audit log that the server begins or ends to serve. PS3.15 §A.5.3.1.
    pub async fn note_server(&self, actor: &Actor, activity: Activity) -> Result<(), Error> {
        Ok(self.shared.trail.note(AuditEvent::of(actor, LogicalId::random(), self.now(), activity)).await?)
    }

    /// Leaves a read in the audit log.
    async fn note_read(&self, actor: &Actor, operation: Operation, objects: Vec<Object>) -> Result<(), Error> {
        let event = objects.into_iter().fold(self.event(actor, operation), AuditEvent::on);
        Ok(self.shared.trail.note(event).await?)
    }

    /// Runs `work` that keeps a core busy, on a blocking thread, no more at a time than there are cores.
    async fn on_cpu<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _core = self.shared.cpu.acquire().await.map_err(|_closed| Error::Busy("stopping".into()))?;
        tokio::task::spawn_blocking(work).await.map_err(|error| {
            Error::Fault(if error.is_panic() { "a computation panicked".into() } else { "cancelled".into() })
        })
    }
}

/// A page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

impl Ops {
    /// The place that a cursor of the client names: an instant and an id. A cursor that was changed, or
    /// that belongs to another listing, is an input error.
    fn place(
        &self,
        actor: &Actor,
        listing: &str,
        cursor: Option<&str>,
    ) -> Result<Option<(Timestamp, LogicalId)>, Error> {
        let Some(text) = cursor else { return Ok(None) };
        let place = self.shared.store.cursor_key(&actor.tenant)?.read(listing, text).and_then(|cursor| {
            let [at, id] = cursor.after.as_slice() else { return None };
            Some((Timestamp(at.parse().ok()?), LogicalId::parse(id).ok()?))
        });
        let wrong = || Error::Invalid(Problems::one("cursor", ProblemCode::Value, "is not a cursor of this listing"));
        place.map(Some).ok_or_else(wrong)
    }

    /// A page of at most `limit` of `rows`, of which there may be one more than that.
    fn page<T>(
        &self,
        actor: &Actor,
        listing: &str,
        mut rows: Vec<T>,
        limit: usize,
        place: impl Fn(&T) -> (Timestamp, LogicalId),
    ) -> Result<Page<T>, Error> {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = match rows.last() {
            Some(last) if more => {
                let (at, id) = place(last);
                let after = vec![at.0.to_string(), id.as_str().to_owned()];
                let cursor = Cursor { listing: listing.to_owned(), after };
                Some(self.shared.store.cursor_key(&actor.tenant)?.write(&cursor))
            }
            _ => None,
        };
        Ok(Page { items: rows, next })
    }
}
