//! Subscriptions (docs/adr/0011): who writes one fixes by whose rights it acts; changes are matched against all of them
//! after the fact, out of the change feed; jobs and sockets tell subscribers, in order and at least once.

mod events;
mod follower;
mod matching;
mod notify;
mod rights;
mod socket;
mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Semaphore, broadcast};

use crate::access::Actor;
use crate::base::{LogicalId, TenantId};
use crate::jobs::Lane;
use crate::remote::hook::{HookClient, HookSettings};
use crate::store::NewJob;

use super::Ops;

pub use events::EventQuery;
pub use notify::Notified;
pub use socket::{Binding, Bound, News, SocketPlace};

use follower::Follower;

/// What an operator sets about subscriptions.
#[derive(Debug, Clone)]
pub struct SubscriptionSettings {
    /// Most subscriptions of a tenant that are on.
    pub per_tenant: i64,
    /// Attempts before a subscription is in error.
    pub attempts: i32,
    /// The wait after an attempt that failed in the middle of much to tell.
    pub first_wait: Duration,
    /// Shortest heartbeat period.
    pub shortest_heartbeat: Duration,
    /// How long a subscriber may take.
    pub timeout: Duration,
    /// Most events in one notification.
    pub events_per_notification: u32,
    /// How long events are kept that nobody waits for.
    pub keep_events: Duration,
    /// How long a binding token is good.
    pub binding: Duration,
    /// Most sockets of this node.
    pub sockets: usize,
    /// Which endpoints are reached.
    pub hooks: HookSettings,
}

/// What all uses of subscriptions share on this node.
pub(super) struct Subscribers {
    hooks: HookClient,
    followers: Mutex<HashMap<(TenantId, LogicalId), Arc<Follower>>>,
    news: broadcast::Sender<News>,
    sockets: Arc<Semaphore>,
}

impl Subscribers {
    pub(super) fn new(settings: &SubscriptionSettings) -> Self {
        Self {
            hooks: HookClient::new(settings.hooks.clone()),
            followers: Mutex::default(),
            news: broadcast::Sender::new(NEWS),
            sockets: Arc::new(Semaphore::new(settings.sockets)),
        }
    }
}

/// The payload of a `subscription.notify` job.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifyPayload {
    /// Version of the payload.
    pub v: u8,
    /// The Subscription.
    pub subscription: LogicalId,
}

impl Ops {
    fn notify_job(&self, actor: &Actor, id: &LogicalId, wait: Duration) -> NewJob {
        let payload = NotifyPayload { v: 1, subscription: id.clone() };
        let wait_us = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
        NewJob {
            id: LogicalId::random(),
            kind: "subscription.notify",
            lane: Lane::Notify.as_str(),
            payload: serde_json::to_string(&payload).unwrap_or_default(),
            priority: 50,
            run_at: crate::base::Timestamp(self.now().0.saturating_add(wait_us)),
            max_attempts: self.settings().subscriptions.attempts,
            dedup_key: None,
            parent_id: None,
            trace_id: Some(actor.request_id.as_str().to_owned()),
        }
    }
}

/// News that may wait for a socket before it has to look by itself.
const NEWS: usize = 256;
