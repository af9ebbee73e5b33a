//! The one way to write: everything that one use case changes, in one value, committed in one
//! transaction or not at all.

use std::sync::Arc;

use crate::access::Actor;
use crate::audit::AuditEvent;
use crate::base::{Blake3, LogicalId, TenantId, Timestamp};
use crate::dicom::query::StudyScope;

use super::blob_row::BlobUse;
use super::db::Tx;
use super::delivery::DeliveryChange;
use super::export::ExportChange;
use super::job::{JobEnd, Lease, NewJob};
use super::keys::Sealer;
use super::package::PackageChange;
use super::peer::PeerChange;
use super::rendition::{Evidence, Rendition};
use super::resource::ResourceWrite;
use super::search::{self, Catalog, Guard, Names, Needed, ParameterReady, ParameterWrite};
use super::setting::SettingWrite;
use super::study::{ArchiveChange, SealedInstance};
use super::subscription::SubscriptionChange;
use super::token::TokenChange;
use super::version::{SealedWrite, Versions};
use super::{
    StoreError, audit, blob_row, delivery, export, job, keys, package, peer, rendition, setting, study, subscription,
    token,
};

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Holds the set to what a search found; the whole set fails if it finds something else now.
    Guard(Box<Guard>),
    /// A new version of a resource.
    Resource(ResourceWrite),
    /// Keeps a rendition.
    Rendition(Rendition),
    /// Fixes the evidence of a version.
    Evidence(Evidence),
    /// Notes a blob and its owner.
    Blob(BlobUse),
    /// Takes an owner's references to blobs away.
    ReleaseBlobs {
        /// Kind of the owner.
        owner_kind: &'static str,
        /// Id of the owner.
        owner_id: String,
    },
    /// Changes an export session.
    Export(ExportChange),
    /// Changes a delivery.
    Delivery(DeliveryChange),
    /// Changes a peer.
    Peer(PeerChange),
    /// Changes packages of implementation guides, or what becomes of resources that break rules.
    Package(PackageChange),
    /// Sets a setting.
    Setting(SettingWrite),
    /// Changes what runs behind Subscriptions.
    Subscription(SubscriptionChange),
    /// Changes tokens or one-time secrets.
    Token(TokenChange),
    /// Says that a search parameter has all its rows.
    Parameter(ParameterReady),
    /// Keeps an instance.
    Instance {
        /// The instance.
        instance: Arc<SealedInstance>,
        /// The data set that it takes the place of, by its digest.
        replaces: Option<Blake3>,
    },
    /// Deletes instances, and the studies and series that have none left.
    DeleteInstances(StudyScope),
    /// Changes what is known of the archive behind.
    Archive(ArchiveChange),
    /// Puts a job in.
    Job(NewJob),
    /// Ends an attempt at a job; the whole set fails if its lease is lost.
    JobEnd {
        /// The lease.
        lease: Lease,
        /// How it ended.
        end: JobEnd,
    },
    /// Asks a job to stop.
    CancelJob(LogicalId),
    /// Makes a job that was given up pending again.
    ResendJob(LogicalId),
    /// Writes an audit event.
    Audit(AuditEvent),
}

/// Everything that one use case changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WriteSet {
    pub(super) writes: Vec<Write>,
}

impl WriteSet {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a change; they are applied in this order.
    pub fn add(&mut self, write: Write) {
        self.writes.push(write);
    }

    /// This set with one more change; for building.
    #[must_use]
    pub fn with(mut self, write: Write) -> Self {
        self.add(write);
        self
    }

    /// This set with all changes of another one after its own.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.writes.extend(other.writes);
        self
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// How many audit events it writes.
    pub(super) fn audit_events(&self) -> u64 {
        self.writes.iter().map(|write| u64::from(matches!(write, Write::Audit(_)))).sum()
    }

    /// The versions of resources that it writes: type, id and version.
    pub fn resources(&self) -> impl Iterator<Item = &ResourceWrite> {
        self.writes.iter().filter_map(|write| match write {
            Write::Resource(write) => Some(write),
            _ => None,
        })
    }
}

/// A set whose bodies are sealed: ready for the transaction.
pub(super) struct Prepared {
    tenant: TenantId,
    principal: String,
    now: Timestamp,
    steps: Vec<Step>,
    audit: Vec<audit::SealedPage>,
}

enum Step {
    Resource(SealedWrite),
    Search(ParameterWrite),
    Other(Write),
}

impl Prepared {
    pub(super) fn new(
        actor: &Actor,
        set: WriteSet,
        sealer: &Sealer,
        now: Timestamp,
        catalog: &Catalog,
    ) -> Result<Self, StoreError> {
        let tenant = actor.tenant.clone();
        let mut steps = Vec::with_capacity(set.writes.len());
        let mut events = Vec::new();
        for write in set.writes {
            let step = match write {
                Write::Resource(mut write) => {
                    write.entries = catalog.complete(&write.resource_type, write.body.as_deref(), write.entries);
                    steps.extend(ParameterWrite::of(&write).map(Step::Search));
                    Step::Resource(SealedWrite::new(&tenant, write, sealer)?)
                }
                Write::Audit(event) => {
                    events.push(event);
                    continue;
                }
                other => Step::Other(other),
            };
            steps.push(step);
        }
        let audit = audit::pages(&tenant, events, sealer)?;
        Ok(Self { tenant, principal: actor.principal.key(), now, steps, audit })
    }

    /// The same for a catalog that has changed meanwhile.
    pub(super) fn indexed_by(self, sealer: &Sealer, catalog: &Catalog) -> Result<Self, StoreError> {
        let Self { tenant, principal, now, steps, audit } = self;
        let again = |step| match step {
            Step::Resource(write) => write.indexed_by(&tenant, sealer, catalog).map(Step::Resource),
            other => Ok(other),
        };
        let steps = steps.into_iter().map(again).collect::<Result<_, _>>()?;
        Ok(Self { tenant, principal, now, steps, audit })
    }

    /// The names that its index rows need.
    pub(super) fn needed(&self, names: &Names) -> Needed {
        let mut needed = Needed::default();
        for step in &self.steps {
            if let Step::Resource(SealedWrite { write, .. }) = step {
                search::need(&mut needed, names, &self.tenant, &write.resource_type, &write.entries);
            }
        }
        needed
    }

    /// Applies every change in order. The transaction is the caller's. Returns the lanes of the jobs that
    /// went in; nothing is done and `None` returned if the catalog is another one by now.
    pub(super) fn apply(
        &self,
        tx: &mut Tx<'_>,
        sealer: &Sealer,
        names: &Names,
        catalog: &Catalog,
    ) -> Result<Option<Vec<&'static str>>, StoreError> {
        let (tenant, now) = (&self.tenant, self.now);
        let mut lanes = Vec::new();
        if keys::check_tenant(tx, tenant)? != catalog.number() {
            return Ok(None);
        }
        let mut versions = Versions::new(tenant, sealer, names, catalog);
        let mut instances = Vec::new();
        let mut archived: Vec<&ArchiveChange> = Vec::new();
        let mut blobs: Vec<&BlobUse> = Vec::new();
        for step in &self.steps {
            if !matches!(step, Step::Other(Write::Blob(_) | Write::Instance { .. })) {
                blob_row::insert(tx, tenant, &std::mem::take(&mut blobs), now)?;
            }
            match step {
                Step::Resource(write) => versions.add(tx, write)?,
                Step::Search(parameter) => lanes.extend(parameter.apply(tx, tenant, &self.principal, now)?),
                Step::Other(Write::Instance { instance, replaces }) => instances.push((&**instance, *replaces)),
                Step::Other(Write::DeleteInstances(scope)) => study::delete(tx, tenant, scope, now)?,
                Step::Other(Write::Archive(change)) => {
                    study::before(tx, tenant, change, now)?;
                    archived.push(change);
                }
                Step::Other(Write::Guard(guard)) => {
                    versions.finish(tx)?;
                    search::check(tx, names, tenant, guard)?;
                }
                Step::Other(Write::Rendition(new)) => rendition::insert(tx, tenant, new, now)?,
                Step::Other(Write::Evidence(new)) => rendition::insert_evidence(tx, tenant, new, now)?,
                Step::Other(Write::Blob(new)) => blobs.push(new),
                Step::Other(Write::ReleaseBlobs { owner_kind, owner_id }) => {
                    blob_row::release(tx, tenant, owner_kind, owner_id)?;
                }
                Step::Other(Write::Export(change)) => export::apply(tx, tenant, sealer, change, now)?,
                Step::Other(Write::Delivery(change)) => delivery::apply(tx, tenant, change, now)?,
                Step::Other(Write::Peer(change)) => peer::apply(tx, tenant, sealer, change, now)?,
                Step::Other(Write::Package(change)) => package::apply(tx, tenant, change, now)?,
                Step::Other(Write::Setting(write)) => setting::apply(tx, tenant, sealer, write, now)?,
                Step::Other(Write::Subscription(change)) => {
                    lanes.extend(subscription::apply(tx, tenant, &self.principal, sealer, change, now)?);
                }
                Step::Other(Write::Token(change)) => token::apply(tx, tenant, change, now)?,
                Step::Other(Write::Parameter(ready)) => ready.apply(tx, tenant)?,
                Step::Other(Write::Job(new)) => {
                    if job::insert(tx, tenant, &self.principal, new, now)? {
                        lanes.push(new.lane);
                    }
                }
                Step::Other(Write::JobEnd { lease, end }) => job::end(tx, lease, end, now)?,
                Step::Other(Write::CancelJob(id)) => job::cancel(tx, tenant, id, now)?,
                Step::Other(Write::ResendJob(id)) => job::resend(tx, tenant, id, now)?,
                Step::Other(Write::Resource(_) | Write::Audit(_)) => {}
            }
        }
        versions.finish(tx)?;
        blob_row::insert(tx, tenant, &blobs, now)?;
        audit::insert(tx, tenant, &self.audit)?;
        study::insert(tx, tenant, sealer, &instances, now)?;
        archived.into_iter().try_for_each(|change| study::after(tx, tenant, change, now))?;
        Ok(Some(lanes))
    }
}
