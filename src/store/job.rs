//! Job rows: put in with the change that asks for them, claimed with a lease, ended by whoever still
//! holds it.

use diesel::prelude::*;

use crate::base::{LogicalId, TenantId, Timestamp};

use super::db::{Tx, on};
use super::dialect;
use super::schema::job;
use super::{Desk, Store, StoreError};

/// A job to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Id; also what the outside sees.
    pub id: LogicalId,
    /// `noun.verb`, as `report.deliver`.
    pub kind: &'static str,
    /// The lane whose workers do it.
    pub lane: &'static str,
    /// JSON with a version member `v`. Ids only: it is not sealed.
    pub payload: String,
    /// Smaller goes first.
    pub priority: i32,
    /// Not before this instant.
    pub run_at: Timestamp,
    /// Attempts before it is given up.
    pub max_attempts: i32,
    /// While a job with this key waits or runs, another one is not put in.
    pub dedup_key: Option<String>,
    /// The job that it belongs to.
    pub parent_id: Option<LogicalId>,
    /// Request that it goes back to.
    pub trace_id: Option<String>,
}

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Waits for its time or for a worker.
    Pending,
    /// A worker holds its lease.
    InProgress,
    /// Done.
    Completed,
    /// Given up: the dead letters.
    Failed,
    /// Stopped by someone.
    Cancelled,
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Pending, Self::InProgress, Self::Completed, Self::Failed, Self::Cancelled];

    /// The name in the database and to the outside.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Whose job it is.
    pub tenant: TenantId,
    /// Id.
    pub id: LogicalId,
    /// Kind.
    pub kind: String,
    /// Lane.
    pub lane: String,
    /// Payload.
    pub payload: String,
    /// State.
    pub state: JobState,
    /// Attempts that were begun.
    pub attempts: i32,
    /// Attempts that are allowed.
    pub max_attempts: i32,
    /// Attempts that ended with their worker. They do not count as attempts.
    pub losses: i64,
    /// Fencing number of the lease: greater with every claim.
    pub fence: i64,
    /// Whether someone has asked it to stop.
    pub cancel_requested: bool,
    /// What the last attempt left for the next one.
    pub checkpoint: Option<String>,
    /// 0 to 100.
    pub progress: i32,
    /// Who asked for it.
    pub principal: String,
    /// Request that it goes back to.
    pub trace_id: Option<String>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// Next attempt not before.
    pub run_at: Timestamp,
    /// When it was put in.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// What a worker holds while it runs a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub id: LogicalId,
    /// The worker.
    pub owner: String,
    /// The fencing number of this claim.
    pub fence: i64,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// Done.
    Completed,
    /// To be tried again at this instant; the error is kept.
    Again {
        /// Not before.
        run_at: Timestamp,
        /// Why.
        error: String,
    },
    /// Given back untouched, as at a shutdown: the attempt does not count.
    Returned,
    /// Given up.
    Failed {
        /// Why.
        error: String,
    },
    /// Stopped as someone asked.
    Cancelled,
}

impl Store {
    /// Gives `owner` up to `limit` jobs of `lane` whose time has come, of all tenants, until `lease_until`.
    pub async fn claim_jobs(
        &self,
        owner: &str,
        lane: &str,
        now: Timestamp,
        lease_until: Timestamp,
        limit: i64,
    ) -> Result<Vec<Job>, StoreError> {
        let (owner, lane) = (owner.to_owned(), lane.to_owned());
        let rows = self.write(move |tx| dialect::claim(tx, &owner, &lane, now, lease_until, limit)).await?;
        rows.into_iter().map(Job::try_from).collect()
    }

    /// Whether there may be something to claim in `lane`: a look that takes no write.
    pub async fn jobs_are_due(&self, lane: &str, now: Timestamp) -> Result<bool, StoreError> {
        let lane = lane.to_owned();
        self.read(move |tx| {
            let due = diesel::dsl::exists(
                job::table.filter(job::state.eq("pending")).filter(job::lane.eq(&lane)).filter(job::run_at.le(now.0)),
            );
            on!(tx, conn => diesel::select(due).get_result(conn)).map_err(StoreError::from)
        })
        .await
    }

    /// Makes jobs whose lease has run out pending again. Returns how many. Their workers
    /// may have died of the job or beside it, so the attempt does not count, but each loss makes the job wait
    /// longer, and the worker that claims it gives it up after too many.
    pub async fn expire_leases(&self, now: Timestamp) -> Result<usize, StoreError> {
        let stale = self
            .read(move |tx| {
                let stale = diesel::dsl::exists(
                    job::table.filter(job::state.eq("in_progress")).filter(job::lease_until.lt(now.0)),
                );
                on!(tx, conn => diesel::select(stale).get_result::<bool>(conn)).map_err(StoreError::from)
            })
            .await?;
        if !stale {
            return Ok(0);
        }
        self.write(move |tx| {
            on!(tx, conn => diesel::update(job::table
                .filter(job::state.eq("in_progress"))
                .filter(job::lease_until.lt(now.0)))
                .set((
                    job::state.eq("pending"),
                    job::attempts.eq(job::attempts - 1),
                    job::losses.eq(job::losses + 1),
                    job::run_at.eq(job::losses * WAIT_AFTER_LOSS_US + now.0),
                    job::lease_owner.eq(None::<String>),
                    job::lease_until.eq(None::<i64>),
                    job::updated_at.eq(now.0),
                ))
                .execute(conn))
            .map_err(StoreError::from)
        })
        .await
    }

    /// Makes a lease last longer and saves progress. `Ok(true)` means that someone has asked the job to
    /// stop.
    pub async fn heartbeat(
        &self,
        lease: &Lease,
        lease_until: Timestamp,
        progress: Option<i32>,
        checkpoint: Option<String>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let lease = lease.clone();
        self.write(move |tx| {
            let changed = on!(tx, conn => diesel::update(held(&lease))
                .set(Beat { lease_until: lease_until.0, progress, checkpoint, updated_at: now.0 })
                .execute(conn))?;
            if changed == 0 {
                return Err(StoreError::LeaseLost);
            }
            on!(tx, conn => job::table.find(lease.id.as_str()).select(job::cancel_requested).get_result(conn))
                .map_err(StoreError::from)
        })
        .await
    }

    /// Waiting and running jobs by kind and state, for metrics.
    pub async fn count_jobs(&self) -> Result<Vec<(String, String, i64)>, StoreError> {
        self.read(|tx| {
            on!(tx, conn => job::table
                .filter(job::state.eq_any(["pending", "in_progress"]))
                .group_by((job::kind, job::state))
                .select((job::kind, job::state, diesel::dsl::count_star()))
                .load(conn))
            .map_err(StoreError::from)
        })
        .await
    }

    /// Deletes jobs that ended before `before`. Returns how many.
    pub async fn sweep_jobs(&self, before: Timestamp) -> Result<usize, StoreError> {
        self.write(move |tx| {
            on!(tx, conn => diesel::delete(job::table.filter(job::finished_at.lt(before.0))).execute(conn))
                .map_err(StoreError::from)
        })
        .await
    }
}

impl Desk<'_> {
    /// A job of this tenant.
    pub async fn job(&self, id: &LogicalId) -> Result<Option<Job>, StoreError> {
        let (tenant, id) = (self.tenant().clone(), id.clone());
        let row = self
            .read(move |tx| {
                on!(tx, conn => job::table
                    .find(id.as_str())
                    .filter(job::tenant.eq(tenant.as_str()))
                    .select(JobRow::as_select())
                    .get_result(conn)
                    .optional())
                .map_err(StoreError::from)
            })
            .await?;
        row.map(Job::try_from).transpose()
    }

    /// Jobs of this tenant, newest first, of one state or kind if asked.
    pub async fn jobs(
        &self,
        state: Option<JobState>,
        kind: Option<String>,
        after: Option<(Timestamp, LogicalId)>,
        limit: i64,
    ) -> Result<Vec<Job>, StoreError> {
        let tenant = self.tenant().clone();
        let rows: Vec<JobRow> = self
            .read(move |tx| on!(tx, conn => {
                let mut query = job::table
                    .filter(job::tenant.eq(tenant.as_str()))
                    .select(JobRow::as_select())
                    .order((job::created_at.desc(), job::id.desc()))
                    .limit(limit)
                    .into_boxed();
                if let Some(state) = state {
                    query = query.filter(job::state.eq(state.as_str()));
                }
                if let Some(kind) = &kind {
                    query = query.filter(job::kind.eq(kind));
                }
                if let Some((created_at, id)) = &after {
                    query = query.filter(
                        job::created_at.lt(created_at.0).or(job::created_at.eq(created_at.0).and(job::id.lt(id.as_str()))),
                    );
                }
                query.load(conn).map_err(StoreError::from)
            }))
            .await?;
        rows.into_iter().map(Job::try_from).collect()
    }
}

/// Puts a job in. Returns whether it went in: not if one with its key is there.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    principal: &str,
    new: &NewJob,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if let Some(key) = &new.dedup_key {
        let waiting = diesel::dsl::exists(
            job::table
                .filter(job::tenant.eq(tenant.as_str()))
                .filter(job::dedup_key.eq(key))
                .filter(job::state.eq_any(["pending", "in_progress"])),
        );
        if on!(tx, conn => diesel::select(waiting).get_result::<bool>(conn))? {
            return Ok(false);
        }
    }
    let row = JobRow {
        id: new.id.as_str().to_owned(),
        tenant: tenant.as_str().to_owned(),
        kind: new.kind.to_owned(),
        lane: new.lane.to_owned(),
        payload: new.payload.clone(),
        state: JobState::Pending.as_str().to_owned(),
        priority: new.priority,
        run_at: new.run_at.0,
        attempts: 0,
        max_attempts: new.max_attempts,
        losses: 0,
        lease_owner: None,
        lease_until: None,
        fence: 0,
        cancel_requested: false,
        checkpoint: None,
        progress: 0,
        dedup_key: new.dedup_key.clone(),
        parent_id: new.parent_id.as_ref().map(|id| id.as_str().to_owned()),
        principal: principal.to_owned(),
        trace_id: new.trace_id.clone(),
        error: None,
        created_at: now.0,
        updated_at: now.0,
        finished_at: None,
    };
    let count = on!(tx, conn => diesel::insert_into(job::table).values(row).on_conflict_do_nothing().execute(conn))?;
    Ok(count == 1)
}

/// Ends an attempt, if the lease is still held.
pub(super) fn end(tx: &mut Tx<'_>, lease: &Lease, end: &JobEnd, now: Timestamp) -> Result<(), StoreError> {
    let (state, run_at, error, finished) = match end {
        JobEnd::Completed => (JobState::Completed, None, None, true),
        JobEnd::Again { run_at, error } => (JobState::Pending, Some(run_at.0), Some(error.clone()), false),
        JobEnd::Returned => (JobState::Pending, None, None, false),
        JobEnd::Failed { error } => (JobState::Failed, None, Some(error.clone()), true),
        JobEnd::Cancelled => (JobState::Cancelled, None, None, true),
    };
    let set = End {
        state: state.as_str().to_owned(),
        run_at,
        error,
        progress: (state == JobState::Completed).then_some(100),
        lease_owner: Some(None),
        lease_until: Some(None),
        updated_at: now.0,
        finished_at: finished.then_some(now.0),
    };
    let changed = on!(tx, conn => diesel::update(held(lease)).set(set).execute(conn))?;
    if changed == 0 {
        return Err(StoreError::LeaseLost);
    }
    if *end == JobEnd::Returned {
        on!(tx, conn => diesel::update(job::table.find(lease.id.as_str())).set(job::attempts.eq(job::attempts - 1)).execute(conn))?;
    }
    Ok(())
}

/// Asks a job to stop: a waiting one stops at once, a running one at its next heartbeat.
pub(super) fn cancel(tx: &mut Tx<'_>, tenant: &TenantId, id: &LogicalId, now: Timestamp) -> Result<(), StoreError> {
    let waiting = on!(tx, conn => diesel::update(job::table
        .filter(job::id.eq(id.as_str()))
        .filter(job::tenant.eq(tenant.as_str()))
        .filter(job::state.eq("pending")))
        .set((job::state.eq("cancelled"), job::cancel_requested.eq(true), job::updated_at.eq(now.0), job::finished_at.eq(now.0)))
        .execute(conn))?;
    let running = on!(tx, conn => diesel::update(job::table
        .filter(job::id.eq(id.as_str()))
        .filter(job::tenant.eq(tenant.as_str()))
        .filter(job::state.eq("in_progress")))
        .set((job::cancel_requested.eq(true), job::updated_at.eq(now.0)))
        .execute(conn))?;
    if waiting + running == 1 { Ok(()) } else { Err(StoreError::Gone) }
}

/// Makes a failed or cancelled job pending again, with its attempts counted anew.
pub(super) fn resend(tx: &mut Tx<'_>, tenant: &TenantId, id: &LogicalId, now: Timestamp) -> Result<(), StoreError> {
    let changed = on!(tx, conn => diesel::update(job::table
        .filter(job::id.eq(id.as_str()))
        .filter(job::tenant.eq(tenant.as_str()))
        .filter(job::state.eq_any(["failed", "cancelled"])))
        .set((
            job::state.eq("pending"),
            job::attempts.eq(0),
            job::losses.eq(0),
            job::cancel_requested.eq(false),
            job::run_at.eq(now.0),
            job::updated_at.eq(now.0),
            job::finished_at.eq(None::<i64>),
        ))
        .execute(conn))?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Gone) }
}

/// The job, while `lease` is the one that holds it.
#[diesel::dsl::auto_type(no_type_alias)]
fn held<'a>(lease: &'a Lease) -> _ {
    let id: &'a str = lease.id.as_str();
    let owner: &'a str = lease.owner.as_str();
    let fence: i64 = lease.fence;
    job::table
        .filter(job::id.eq(id))
        .filter(job::state.eq("in_progress"))
        .filter(job::lease_owner.eq(owner))
        .filter(job::fence.eq(fence))
}

#[derive(AsChangeset)]
#[diesel(table_name = job)]
struct Beat {
    lease_until: i64,
    progress: Option<i32>,
    checkpoint: Option<String>,
    updated_at: i64,
}

#[derive(AsChangeset)]
#[diesel(table_name = job)]
#[expect(clippy::option_option, reason = "in a changeset the outer None leaves a column alone")]
struct End {
    state: String,
    run_at: Option<i64>,
    error: Option<String>,
    progress: Option<i32>,
    lease_owner: Option<Option<String>>,
    lease_until: Option<Option<i64>>,
    updated_at: i64,
    finished_at: Option<i64>,
}

/// A job waits this long for each time that its worker was lost before.
const WAIT_AFTER_LOSS_US: i64 = 1_000_000;

#[derive(Queryable, Selectable, Insertable, QueryableByName)]
#[diesel(table_name = job)]
pub(super) struct JobRow {
    id: String,
    tenant: String,
    kind: String,
    lane: String,
    payload: String,
    state: String,
    priority: i32,
    run_at: i64,
    attempts: i32,
    max_attempts: i32,
    losses: i64,
    lease_owner: Option<String>,
    lease_until: Option<i64>,
    fence: i64,
    cancel_requested: bool,
    checkpoint: Option<String>,
    progress: i32,
    dedup_key: Option<String>,
    parent_id: Option<String>,
    principal: String,
    trace_id: Option<String>,
    error: Option<String>,
    created_at: i64,
    updated_at: i64,
    finished_at: Option<i64>,
}

impl TryFrom<JobRow> for Job {
    type Error = StoreError;

    fn try_from(row: JobRow) -> Result<Self, StoreError> {
        Ok(Self {
            tenant: TenantId::parse(&row.tenant).map_err(|_form| StoreError::Corrupt("tenant"))?,
            id: LogicalId::parse(&row.id).map_err(|_form| StoreError::Corrupt("job id"))?,
            kind: row.kind,
            lane: row.lane,
            payload: row.payload,
            state: JobState::parse(&row.state).ok_or(StoreError::Corrupt("job state"))?,
            attempts: row.attempts,
            max_attempts: row.max_attempts,
            losses: row.losses,
            fence: row.fence,
            cancel_requested: row.cancel_requested,
            checkpoint: row.checkpoint,
            progress: row.progress,
            principal: row.principal,
            trace_id: row.trace_id,
            error: row.error,
            run_at: Timestamp(row.run_at),
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
            finished_at: row.finished_at.map(Timestamp),
        })
    }
}
