//! One attempt at a job, as its handler sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::access::{Actor, RequestId};
use crate::base::{Clock, TenantId, Timestamp};
use crate::store::{Desk, Job, Lease, Store, StoreError};

use super::{JobError, JobSettings};

/// One attempt at a job.
pub struct Run {
    job: Job,
    lease: Lease,
    actor: Actor,
    store: Store,
    clock: Arc<dyn Clock>,
    lease_length_us: i64,
    progress: AtomicI32,
}

impl Run {
    pub(super) fn new(
        job: Job,
        kind: &'static str,
        settings: &JobSettings,
        store: Store,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let lease = Lease { id: job.id.clone(), owner: settings.node.clone(), fence: job.fence };
        let traced = job.trace_id.as_deref().and_then(|trace| RequestId::parse(trace).ok());
        let request_id = traced.unwrap_or_else(|| request_id_of(&job));
        let actor = Actor::system(job.tenant.clone(), kind, request_id);
        let lease_length_us = i64::try_from(settings.lease.as_micros()).unwrap_or(i64::MAX);
        let progress = AtomicI32::new(job.progress);
        Self { job, lease, actor, store, clock, lease_length_us, progress }
    }

    /// The row as it was claimed.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// Whose job it is.
    pub fn tenant(&self) -> &TenantId {
        &self.job.tenant
    }

    /// Who acts in this attempt.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The desk of the tenant.
    pub fn desk(&self) -> Desk<'_> {
        self.store.desk(&self.actor)
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The payload.
    pub fn payload<T: serde::de::DeserializeOwned>(&self) -> Result<T, JobError> {
        serde_json::from_str(&self.job.payload)
            .map_err(|error| JobError::lasting(format!("payload cannot be read: {error}")))
    }

    /// Whether this is the last attempt that is allowed.
    pub fn is_last_attempt(&self) -> bool {
        self.job.attempts >= self.job.max_attempts
    }

    /// Saves how far it is (0 to 99) and keeps the lease. Fails if it should stop.
    pub async fn progress(&self, percent: i32) -> Result<(), JobError> {
        self.progress.fetch_max(percent.clamp(0, 99), Ordering::Relaxed);
        self.beat(None).await
    }

    /// Saves what the next attempt needs and keeps the lease. Fails if it should stop.
    pub async fn checkpoint<T: serde::Serialize>(&self, state: &T) -> Result<(), JobError> {
        let text = serde_json::to_string(state).map_err(|error| JobError::lasting(error.to_string()))?;
        self.beat(Some(text)).await
    }

    /// What the attempt before saved.
    pub fn saved<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.job.checkpoint.as_deref()?).ok()
    }

    pub(super) async fn beat(&self, checkpoint: Option<String>) -> Result<(), JobError> {
        let now = self.clock.now();
        let until = Timestamp(now.0.saturating_add(self.lease_length_us));
        let progress = Some(self.progress.load(Ordering::Relaxed));
        let cancelled =
            self.store.heartbeat(&self.lease, until, progress, checkpoint, now).await.map_err(|error| match error {
                StoreError::LeaseLost => JobError::LeaseLost,
                other => JobError::from(other),
            })?;
        if cancelled { Err(JobError::Cancelled) } else { Ok(()) }
    }

    pub(super) fn lease(&self) -> &Lease {
        &self.lease
    }
}

#[expect(clippy::expect_used, reason = "every logical id has the form of a request id")]
fn request_id_of(job: &Job) -> RequestId {
    RequestId::parse(job.id.as_str()).expect("1 to 64 of letters, digits, '-' and '.'")
}
