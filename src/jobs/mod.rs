//! The job queue: workers of each lane claim rows, keep their leases alive, and end every attempt with
//! one `WriteSet` that holds the outcome and the row's end together. At least once: handlers are
//! idempotent, and say by what key. `ops` and the edges put jobs in; `work` has the handlers.

mod run;
mod worker;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::base::Retry;
use crate::store::{StoreError, WriteSet};

pub use run::Run;
pub use worker::{Workers, WorkersHandle};

/// A lane: jobs of one lane wait for one another, not for those of other lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// What someone waits for: renderings and exports.
    Interactive,
    /// What goes to peers.
    Deliver,
    /// What subscribers are told: one that is slow holds up no report.
    Notify,
    /// What keeps the house in order.
    Maintenance,
    /// What comes from archives behind and goes to them: years of images hold up nothing else.
    Archive,
}

impl Lane {
    /// All lanes.
    pub const ALL: [Self; 5] = [Self::Interactive, Self::Deliver, Self::Notify, Self::Maintenance, Self::Archive];

    /// The name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Deliver => "deliver",
            Self::Notify => "notify",
            Self::Maintenance => "maintenance",
            Self::Archive => "archive",
        }
    }
}

/// How the queue is run.
#[derive(Debug, Clone)]
pub struct JobSettings {
    /// Name of this node in leases; unique among the nodes of a database.
    pub node: String,
    /// Jobs that run at a time in each lane.
    pub workers: usize,
    /// How long a claim lasts without a heartbeat.
    pub lease: Duration,
    /// How often a running job's lease is made longer.
    pub heartbeat: Duration,
    /// How often to look for jobs that another node has put in.
    pub poll: Duration,
    /// How long running jobs may go on at a shutdown before they are given back.
    pub grace: Duration,
    /// First wait after a failure.
    pub backoff: Duration,
    /// Longest wait after a failure.
    pub backoff_cap: Duration,
}

impl Default for JobSettings {
    fn default() -> Self {
        Self {
            node: "node".into(),
            workers: 4,
            lease: Duration::from_mins(1),
            heartbeat: Duration::from_secs(15),
            poll: Duration::from_secs(1),
            grace: Duration::from_secs(20),
            backoff: Duration::from_secs(5),
            backoff_cap: Duration::from_hours(1),
        }
    }
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// It failed; whether another attempt makes sense is in `retry`. The message holds no patient data.
    #[error("{message}")]
    Failed {
        /// Why.
        message: String,
        /// Whether another attempt makes sense.
        retry: Retry,
    },
    /// Someone asked it to stop, and it did.
    #[error("cancelled")]
    Cancelled,
    /// Another worker has it now: stop without a trace.
    #[error("the lease is lost")]
    LeaseLost,
}

impl JobError {
    /// A failure that another attempt will not mend.
    pub fn lasting(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), retry: Retry::Never }
    }

    /// A failure that may pass.
    pub fn passing(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), retry: Retry::Backoff }
    }
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LeaseLost => Self::LeaseLost,
            // A store that refuses now may have been changed under us; attempts are counted anyway.
            _ => Self::Failed { message: error.to_string(), retry: Retry::Backoff },
        }
    }
}

/// A future that a handler returns.
pub type HandlerFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What is done for one kind of job.
pub trait Handler: Send + Sync + 'static {
    /// The kind, `noun.verb`.
    fn kind(&self) -> &'static str;

    /// One attempt. What it returns is committed together with the row's end. Long work calls
    /// [`Run::progress`] or [`Run::checkpoint`] now and then and stops when they fail.
    fn run<'a>(&'a self, run: &'a Run) -> HandlerFuture<'a, Result<WriteSet, JobError>>;

    /// What becomes of the job's subject when it is given up or cancelled; committed together with the
    /// row's end. `error` is what the last attempt said.
    fn give_up<'a>(&'a self, _run: &'a Run, _error: &'a str) -> HandlerFuture<'a, Result<WriteSet, JobError>> {
        Box::pin(async { Ok(WriteSet::new()) })
    }
}
