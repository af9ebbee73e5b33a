//! Instances that are ready to be kept gather while those before them are written, and share a write set: one
//! commit, one row for the study, one page of the audit log. Nobody waits for others to come.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use tokio::sync::oneshot;

use crate::access::Actor;
use crate::audit::AuditEvent;
use crate::base::Blake3;
use crate::store::{BlobUse, INSTANCE_OWNER, NewJob, SealedInstance, StoreError, Write, WriteSet};

use super::super::Ops;

/// Where instances gather.
#[derive(Default)]
pub(in crate::ops) struct Gathering {
    queue: Mutex<Queue>,
    /// Tenants and dedup keys of jobs that this node has put in.
    jobs: Mutex<HashSet<String>>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    /// Whether somebody writes, and comes back for those who wait.
    is_led: bool,
}

struct Waiting {
    keeping: Keeping,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

/// An instance that is to be kept.
#[derive(Clone)]
pub(super) struct Keeping {
    pub(super) actor: Actor,
    pub(super) instance: Arc<SealedInstance>,
    /// The data set that it takes the place of.
    pub(super) replaces: Option<Blake3>,
    pub(super) event: AuditEvent,
    /// Looks at the study when it has settled.
    pub(super) job: NewJob,
}

impl Ops {
    /// Keeps an instance. When this returns with success, it is on disk and can be found.
    pub(super) async fn keep_gathered(&self, keeping: Keeping) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        let leads = {
            let mut queue = lock(&self.shared.gathering.queue);
            queue.waiting.push(Waiting { keeping, answer });
            !std::mem::replace(&mut queue.is_led, true)
        };
        if leads {
            let leader = Leader { ops: self.clone() };
            // On a task of its own: who began it may go away, those who gathered meanwhile may not.
            tokio::spawn(leader.lead());
        }
        answered.await.map_err(|_gone| StoreError::Unavailable("keeping instances was broken off".into()))?
    }
}

/// Writes what has gathered until nothing has.
struct Leader {
    ops: Ops,
}

impl Leader {
    async fn lead(self) {
        loop {
            // Whoever can go on at this moment goes first, and is in this batch and not in the next one.
            tokio::task::yield_now().await;
            let batch: Vec<Waiting> = {
                let mut queue = lock(&self.ops.shared.gathering.queue);
                if queue.waiting.is_empty() {
                    queue.is_led = false;
                }
                let most = queue.waiting.len().min(MOST);
                queue.waiting.drain(..most).collect()
            };
            if batch.is_empty() {
                return;
            }
            self.ops.keep_all(batch).await;
        }
    }
}

impl Drop for Leader {
    /// Behind a panic: those who wait hear of it, and the next one leads again.
    fn drop(&mut self) {
        if std::thread::panicking() {
            *lock(&self.ops.shared.gathering.queue) = Queue::default();
        }
    }
}

impl Ops {
    async fn keep_all(&self, batch: Vec<Waiting>) {
        let mut sets: BTreeMap<(String, String), Vec<Waiting>> = BTreeMap::new();
        for waiting in batch {
            let actor = &waiting.keeping.actor;
            sets.entry((actor.tenant.as_str().to_owned(), actor.principal.key())).or_default().push(waiting);
        }
        join_all(sets.into_values().map(|set| self.keep_set(set))).await;
    }

    /// Keeps those of one principal together, or, where one of them stands in the way, each for itself.
    async fn keep_set(&self, set: Vec<Waiting>) {
        let set = match <[Waiting; 1]>::try_from(set) {
            Ok([Waiting { keeping, answer }]) => {
                let _caller_may_be_gone = answer.send(self.keep_together(&[&keeping]).await);
                return;
            }
            Err(set) => set,
        };
        let together: Vec<&Keeping> = set.iter().map(|waiting| &waiting.keeping).collect();
        if self.keep_together(&together).await.is_ok() {
            for Waiting { answer, .. } in set {
                let _caller_may_be_gone = answer.send(Ok(()));
            }
            return;
        }
        join_all(set.into_iter().map(|Waiting { keeping, answer }| async move {
            let _caller_may_be_gone = answer.send(self.keep_together(&[&keeping]).await);
        }))
        .await;
    }

    async fn keep_together(&self, all: &[&Keeping]) -> Result<(), StoreError> {
        let Some(first) = all.first() else { return Ok(()) };
        let mut set = WriteSet::new();
        let mut jobs = HashSet::new();
        for keeping in all {
            let new = keeping.instance.instance();
            if keeping.instance.is_blob() {
                set.add(Write::Blob(BlobUse {
                    digest: new.digest,
                    size: new.size,
                    owner_kind: INSTANCE_OWNER,
                    owner_id: new.instance_uid.as_str().to_owned(),
                }));
            }
            set.add(Write::Instance { instance: Arc::clone(&keeping.instance), replaces: keeping.replaces });
            set.add(Write::Audit(keeping.event.clone()));
            set = set.and(self.outgoing(&keeping.actor, &new.instance_uid));
            let job = format!("{} {}", keeping.actor.tenant, keeping.job.dedup_key.as_deref().unwrap_or_default());
            // A job that may run before this commit is over would not see it: then another is put in.
            let is_in = self.is_far_off(&keeping.job) && lock(&self.shared.gathering.jobs).contains(&job);
            if !is_in && jobs.insert(job) {
                set.add(Write::Job(keeping.job.clone()));
            }
        }
        self.desk(&first.actor).commit(set).await?;
        let mut known = lock(&self.shared.gathering.jobs);
        if known.len() + jobs.len() > JOBS {
            known.clear();
        }
        known.extend(jobs);
        Ok(())
    }
}

/// What the locks guard is right after a panic as well: each change is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Instances of one write set.
const MOST: usize = 128;
/// Jobs that are remembered; more than there are studies under way in a slot of time.
const JOBS: usize = 4096;
