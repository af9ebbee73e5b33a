//! The workers: one loop a lane that claims, one task a job that runs it and keeps its lease.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::base::{Clock, Retry, Timestamp};
use crate::store::{Job, JobEnd, Schedule, Store, StoreError, Write, WriteSet};
use crate::telemetry::{metric, span};

use super::{Handler, JobError, JobSettings, Lane, Run};

/// The workers of a node, before they start.
pub struct Workers {
    store: Store,
    clock: Arc<dyn Clock>,
    settings: JobSettings,
    handlers: HashMap<&'static str, Arc<dyn Handler>>,
    schedules: &'static [Schedule],
}

/// Running workers.
pub struct WorkersHandle {
    stop: watch::Sender<bool>,
    loops: JoinSet<()>,
}

impl Workers {
    /// Without handlers yet.
    pub fn new(store: Store, clock: Arc<dyn Clock>, settings: JobSettings, schedules: &'static [Schedule]) -> Self {
        Self { store, clock, settings, handlers: HashMap::new(), schedules }
    }

    /// Adds a handler.
    #[must_use]
    pub fn with(mut self, handler: Arc<dyn Handler>) -> Self {
        self.handlers.insert(handler.kind(), handler);
        self
    }

    /// Starts a loop for each lane and one for leases and schedules.
    pub fn start(self) -> WorkersHandle {
        let (stop, stopped) = watch::channel(false);
        let workers = Arc::new(self);
        let mut loops = JoinSet::new();
        for lane in Lane::ALL {
            loops.spawn(Arc::clone(&workers).work(lane, stopped.clone()));
        }
        loops.spawn(Arc::clone(&workers).keep(stopped));
        WorkersHandle { stop, loops }
    }

    /// Claims and runs the jobs of a lane until told to stop; then lets running ones go on for the grace
    /// time, and gives back those that are still not done.
    async fn work(self: Arc<Self>, lane: Lane, mut stopped: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(self.settings.workers));
        let mut signal = self.store.job_signal();
        let mut running: JoinSet<()> = JoinSet::new();
        let (abandon, abandoned) = watch::channel(false);
        while !*stopped.borrow() {
            signal.mark_unchanged();
            let claimed = self.claim(lane, slots.available_permits()).await;
            let found = !claimed.is_empty();
            for job in claimed {
                let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
                let workers = Arc::clone(&self);
                let abandoned = abandoned.clone();
                running.spawn(async move {
                    let _slot = slot;
                    workers.attempt(job, abandoned).await;
                });
            }
            while running.try_join_next().is_some() {}
            if found && slots.available_permits() > 0 {
                continue;
            }
            tokio::select! {
                _ = stopped.changed() => {}
                _ = signal.changed(), if slots.available_permits() > 0 => {}
                _ = running.join_next(), if !running.is_empty() => {}
                () = tokio::time::sleep(self.settings.poll) => {}
            }
        }
        let finish = async { while running.join_next().await.is_some() {} };
        if tokio::time::timeout(self.settings.grace, finish).await.is_err() {
            let _nobody_left = abandon.send(true);
            while running.join_next().await.is_some() {}
        }
    }

    async fn claim(&self, lane: Lane, free: usize) -> Vec<Job> {
        if free == 0 {
            return Vec::new();
        }
        let now = self.clock.now();
        let claimed = async {
            if !self.store.jobs_are_due(lane.as_str(), now).await? {
                return Ok(Vec::new());
            }
            let limit = i64::try_from(free).unwrap_or(i64::MAX);
            self.store.claim_jobs(&self.settings.node, lane.as_str(), now, self.lease_until(now), limit).await
        };
        claimed.await.unwrap_or_else(|error: StoreError| {
            tracing::warn!(lane = lane.as_str(), %error, "jobs cannot be claimed");
            Vec::new()
        })
    }

    /// Runs one job to the end of this attempt.
    async fn attempt(&self, job: Job, abandoned: watch::Receiver<bool>) {
        let attempt = u32::try_from(job.attempts).unwrap_or_default();
        let span = span::job_run(job.id.as_str(), &job.kind, attempt);
        self.attempt_in_span(job, abandoned).instrument(span).await;
    }

    async fn attempt_in_span(&self, job: Job, abandoned: watch::Receiver<bool>) {
        let started = tokio::time::Instant::now();
        let Some(handler) = self.handlers.get(job.kind.as_str()).cloned() else {
            // Another version of the program may know the kind: give it back for later.
            let run = Run::new(job, "unknown", &self.settings, self.store.clone(), Arc::clone(&self.clock));
            let run_at = self.clock.now().plus_seconds(60);
            self.end(&run, WriteSet::new(), JobEnd::Again { run_at, error: "no handler for this kind".into() }).await;
            return;
        };
        let kind = handler.kind();
        let run = Arc::new(Run::new(job, kind, &self.settings, self.store.clone(), Arc::clone(&self.clock)));
        let outcome = if run.job().cancel_requested {
            Err(JobError::Cancelled)
        } else if run.job().losses > MOST_LOSSES {
            Err(JobError::lasting("its workers were lost too often"))
        } else {
            match self.supervise(&handler, &run, abandoned).await {
                Some(outcome) => outcome,
                None => {
                    self.end(&run, WriteSet::new(), JobEnd::Returned).await;
                    return;
                }
            }
        };
        let label = self.settle(&handler, &run, outcome).await;
        metrics::counter!(metric::JOBS_FINISHED, "kind" => kind, "outcome" => label).increment(1);
        metrics::histogram!(metric::JOB_SECONDS, "kind" => kind).record(started.elapsed().as_secs_f64());
    }

    /// The handler's outcome, with the lease kept alive beside it. `None` if the node stops first.
    async fn supervise(
        &self,
        handler: &Arc<dyn Handler>,
        run: &Arc<Run>,
        mut abandoned: watch::Receiver<bool>,
    ) -> Option<Result<WriteSet, JobError>> {
        let mut beat = tokio::time::interval(self.settings.heartbeat);
        beat.tick().await;
        // In a task of its own, so that a panic ends the attempt and not the lane.
        let (handler, handed) = (Arc::clone(handler), Arc::clone(run));
        let mut attempt = tokio::spawn(async move { handler.run(&handed).await }.in_current_span());
        loop {
            tokio::select! {
                joined = &mut attempt => {
                    return Some(joined.unwrap_or_else(|_panic| Err(JobError::lasting("the handler panicked"))));
                }
                _ = beat.tick() => match run.beat(None).await {
                    Ok(()) => {}
                    Err(error @ (JobError::LeaseLost | JobError::Cancelled)) => {
                        attempt.abort();
                        return Some(Err(error));
                    }
                    Err(JobError::Failed { message, .. }) => tracing::warn!(%message, "heartbeat failed"),
                },
                () = told(&mut abandoned) => {
                    attempt.abort();
                    return None;
                }
            }
        }
    }

    /// Commits what came of an attempt. Returns a word for it.
    async fn settle(&self, handler: &Arc<dyn Handler>, run: &Run, outcome: Result<WriteSet, JobError>) -> &'static str {
        let error = match outcome {
            Ok(set) => {
                if self.end(run, set, JobEnd::Completed).await {
                    return "completed";
                }
                JobError::passing("the outcome could not be committed")
            }
            Err(error) => error,
        };
        match error {
            JobError::LeaseLost => "lost",
            JobError::Cancelled => {
                self.give_up(handler, run, "cancelled", JobEnd::Cancelled).await;
                "cancelled"
            }
            JobError::Failed { message, retry } => match self.next_attempt(run, retry) {
                Some(run_at) => {
                    tracing::warn!(%message, "attempt failed");
                    self.end(run, WriteSet::new(), JobEnd::Again { run_at, error: message }).await;
                    "again"
                }
                None => {
                    tracing::error!(%message, "job given up");
                    let end = JobEnd::Failed { error: message.clone() };
                    self.give_up(handler, run, &message, end).await;
                    "failed"
                }
            },
        }
    }

    fn next_attempt(&self, run: &Run, retry: Retry) -> Option<Timestamp> {
        if run.is_last_attempt() {
            return None;
        }
        let wait = match retry {
            Retry::Never => return None,
            Retry::After(wait) => wait,
            Retry::Backoff => {
                let attempt = u32::try_from(run.job().attempts - 1).unwrap_or_default();
                Retry::backoff(attempt, self.settings.backoff, self.settings.backoff_cap, jitter(run))
            }
        };
        let wait_us = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
        Some(Timestamp(self.clock.now().0.saturating_add(wait_us)))
    }

    async fn give_up(&self, handler: &Arc<dyn Handler>, run: &Run, message: &str, end: JobEnd) {
        let set = handler.give_up(run, message).await.unwrap_or_else(|error| {
            tracing::error!(%error, "what becomes of a given up job cannot be written");
            WriteSet::new()
        });
        if !self.end(run, set, end.clone()).await {
            self.end(run, WriteSet::new(), end).await;
        }
    }

    /// Commits the end of an attempt with its outcome. `false` if that was refused; a lost lease counts
    /// as done, because another worker goes on.
    async fn end(&self, run: &Run, set: WriteSet, end: JobEnd) -> bool {
        let set = set.with(Write::JobEnd { lease: run.lease().clone(), end });
        match run.desk().commit(set).await {
            Ok(()) => true,
            Err(StoreError::LeaseLost) => {
                tracing::warn!("lease lost before the outcome was committed");
                true
            }
            Err(error) => {
                tracing::warn!(%error, "outcome not committed");
                false
            }
        }
    }

    /// Makes stale leases claimable, fires schedules, and reads keys that other nodes have changed.
    async fn keep(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let mut rounds: u32 = 0;
        while !*stopped.borrow() {
            let now = self.clock.now();
            let kept = async {
                let expired = self.store.expire_leases(now).await?;
                if expired > 0 {
                    tracing::warn!(expired, "jobs were taken from lost workers");
                }
                self.store.fire_schedules(self.schedules, now).await?;
                if rounds.is_multiple_of(KEY_ROUNDS) {
                    self.store.load_keys(now).await?;
                }
                self.measure().await?;
                Ok::<(), StoreError>(())
            };
            if let Err(error) = kept.await {
                tracing::warn!(%error, "leases and schedules cannot be kept");
            }
            rounds = rounds.wrapping_add(1);
            tokio::select! {
                _ = stopped.changed() => {}
                () = tokio::time::sleep(KEEP_EVERY) => {}
            }
        }
    }

    /// How many jobs of each kind wait and run. A kind that has none any more goes back to zero.
    async fn measure(&self) -> Result<(), StoreError> {
        let counts = self.store.count_jobs().await?;
        for kind in self.handlers.keys() {
            let count = |state: &str| {
                let found = counts.iter().find(|(of_kind, in_state, _)| of_kind == kind && in_state == state);
                found.map_or(0, |(.., count)| u32::try_from(*count).unwrap_or(u32::MAX))
            };
            metrics::gauge!(metric::JOBS_WAITING, "kind" => *kind).set(count("pending"));
            metrics::gauge!(metric::JOBS_RUNNING, "kind" => *kind).set(count("in_progress"));
        }
        Ok(())
    }

    fn lease_until(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add(i64::try_from(self.settings.lease.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl WorkersHandle {
    /// Stops claiming, lets running jobs go on for the grace time, and gives back the leases of those
    /// that are still not done.
    pub async fn stop(mut self) {
        let _nobody_left = self.stop.send(true);
        while self.loops.join_next().await.is_some() {}
    }
}

/// Waits until the flag is raised, or whoever could raise it is gone.
async fn told(flag: &mut watch::Receiver<bool>) {
    let _raised = flag.wait_for(|raised| *raised).await;
}

/// 0 to 1, out of the job's own id: spread without a random generator.
fn jitter(run: &Run) -> f64 {
    let hash = run
        .job()
        .id
        .as_str()
        .bytes()
        .fold(run.job().attempts.unsigned_abs(), |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
    f64::from(hash % 1000) / 1000.0
}

/// How often leases and schedules are looked after.
const KEEP_EVERY: Duration = Duration::from_secs(2);
/// Keys are read anew every so many rounds: well within the activation time of a new one.
const KEY_ROUNDS: u32 = 8;
/// A job that takes its process down with it is tried this often before it is given up.
const MOST_LOSSES: i64 = 20;
