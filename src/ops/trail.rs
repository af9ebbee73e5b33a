//! The audit of reads: a bounded buffer between those who read and the log. A full buffer makes the
//! reader wait; nothing is dropped. Writes carry their own audit events in their write sets.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::access::{Actor, RequestId};
use crate::audit::AuditEvent;
use crate::base::TenantId;
use crate::store::{Store, StoreError, Write, WriteSet};

/// The way into the buffer.
#[derive(Clone)]
pub struct Trail {
    events: mpsc::Sender<Entry>,
    /// Someone waits: for room, or for what is in the buffer to be in the log.
    hurry: Arc<Notify>,
}

enum Entry {
    Event(Box<AuditEvent>),
    Flush(oneshot::Sender<()>),
}

impl Trail {
    /// Starts the task that writes the buffer to the log. It ends when the last `Trail` is gone.
    pub fn start(store: Store) -> (Self, JoinHandle<()>) {
        let (events, waiting) = mpsc::channel(BUFFER);
        let hurry = Arc::new(Notify::new());
        let task = tokio::spawn(write_all(store, waiting, Arc::clone(&hurry)));
        (Self { events, hurry }, task)
    }

    /// Puts an event into the buffer; waits while it is full.
    pub async fn note(&self, event: AuditEvent) -> Result<(), StoreError> {
        let closed = || StoreError::Unavailable("the audit log is closed".into());
        match self.events.try_send(Entry::Event(Box::new(event))) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(closed()),
            Err(TrySendError::Full(entry)) => {
                self.hurry.notify_one();
                self.events.send(entry).await.map_err(|_closed| closed())
            }
        }
    }

    /// Waits until everything that is in the buffer now is in the log.
    pub async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.events.send(Entry::Flush(done)).await.is_ok() {
            self.hurry.notify_one();
            let _written_or_closed = wait.await;
        }
    }
}

async fn write_all(store: Store, mut waiting: mpsc::Receiver<Entry>, hurry: Arc<Notify>) {
    let mut entries: Vec<Entry> = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut entries, BATCH).await > 0 {
        gather(&mut waiting, &mut entries, &hurry).await;
        let mut flushes = Vec::new();
        let mut events: Vec<AuditEvent> = Vec::with_capacity(entries.len());
        for entry in entries.drain(..) {
            match entry {
                Entry::Event(event) => events.push(*event),
                Entry::Flush(done) => flushes.push(done),
            }
        }
        events.sort_by(|left, right| left.tenant.cmp(&right.tenant));
        for of_tenant in events.chunk_by(|left, right| left.tenant == right.tenant) {
            if let Some(first) = of_tenant.first() {
                write_until_kept(&store, &first.tenant, of_tenant).await;
            }
        }
        for done in flushes {
            let _nobody_waits = done.send(());
        }
    }
}

/// Waits a moment for more: what comes together shares one way to the disk. It sleeps and then looks, because
/// one that is woken for every event costs those who read more than the event.
async fn gather(waiting: &mut mpsc::Receiver<Entry>, entries: &mut Vec<Entry>, hurry: &Notify) {
    if entries.len() < BATCH && !entries.iter().any(|entry| matches!(entry, Entry::Flush(_))) {
        let _hurried = tokio::time::timeout(LINGER, hurry.notified()).await;
    }
    while entries.len() < BATCH {
        match waiting.try_recv() {
            Ok(entry) => entries.push(entry),
            Err(_none) => return,
        }
    }
}

/// The log must have it: tries until it is there. Readers wait meanwhile, once the buffer is full.
async fn write_until_kept(store: &Store, tenant: &TenantId, events: &[AuditEvent]) {
    let Ok(request_id) = RequestId::parse("audit") else { return };
    let actor = Actor::system(tenant.clone(), "audit", request_id);
    loop {
        let set = events.iter().fold(WriteSet::new(), |set, event| set.with(Write::Audit(event.clone())));
        match store.desk(&actor).commit(set).await {
            Ok(()) | Err(StoreError::UnknownTenant) => return,
            Err(error) => {
                tracing::error!(%error, "audit events cannot be written; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Events that may wait to be written.
const BUFFER: usize = 4096;
/// Events in one commit.
const BATCH: usize = 512;
/// How long an event waits for others.
const LINGER: Duration = Duration::from_millis(20);
