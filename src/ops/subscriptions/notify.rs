//! One attempt to tell a subscriber what there is to tell, in order. Idempotent by event number: what was taken before a
//! crash and not noted is told again.

use std::time::Duration;

use crate::access::{Actor, Operation};
use crate::audit::Object;
use crate::base::{LogicalId, Retry, Timestamp};
use crate::fhir::subscription::{Channel, Content, NoticeEvent, NoticeKind, Status};
use crate::remote::HttpError;
use crate::remote::hook::HookRequest;
use crate::report::fhir::bundle::fhir_base;
use crate::store::{StoreError, SubscriptionChange, SubscriptionEvent, SubscriptionState, Write, WriteSet};

use super::super::document::document;
use super::super::resources::version;
use super::super::{Error, Ops};
use super::events::notice;
use super::follower::Follower;
use super::write::turned;

/// What came of an attempt.
#[derive(Debug)]
pub enum Notified {
    /// To be committed with the end of the job.
    Done(WriteSet),
    /// To be tried again.
    Again {
        /// What went wrong.
        message: String,
        /// How soon.
        retry: Retry,
    },
}

/// A subscription at work.
struct Turn<'a> {
    actor: &'a Actor,
    job: &'a LogicalId,
    follower: std::sync::Arc<Follower>,
    state: SubscriptionState,
    base: String,
}

impl Ops {
    /// Tells a subscriber what there is to tell.
    pub async fn notify_subscriber(&self, actor: &Actor, job: &LogicalId, id: &LogicalId) -> Result<Notified, Error> {
        let nothing = || Ok(Notified::Done(WriteSet::new()));
        let Some(state) = self.desk(actor).subscription(id).await? else { return nothing() };
        if state.job.as_ref() != Some(job) {
            // It was written again since, and another job is at it.
            return nothing();
        }
        let follower = self.follower(actor, &state).await?;
        let mut turn = Turn { actor, job, follower, state, base: fhir_base(&self.base_url(&actor.tenant)) };
        if turn.state.status == Status::Off {
            return Ok(self.rest(&turn, Duration::ZERO));
        }
        if turn.follower.terms.end.is_some_and(|end| end <= self.now()) {
            let done = self.turn(&mut turn, Status::Off, None).await?;
            return if done { Ok(self.rest(&turn, Duration::ZERO)) } else { nothing() };
        }
        if turn.state.status != Status::Active {
            let outcome = self.shake_hands(&turn).await?;
            let (status, error) = match &outcome {
                Ok(()) => (Status::Active, None),
                // The Backport IG: any error in the handshake.
                Err(error) => (Status::Error, Some(format!("handshake: {error}"))),
            };
            let done = self.turn(&mut turn, status, error.as_deref()).await?;
            if !done {
                return nothing();
            }
            if outcome.is_err() {
                return Ok(self.rest(&turn, Duration::ZERO));
            }
            // Heartbeats count from here.
            let delivered = turn.state.delivered;
            if !self.note_sent(&mut turn, delivered, Vec::new()).await? {
                return nothing();
            }
        }
        if turn.follower.terms.channel == Channel::WebSocket {
            return Ok(self.rest(&turn, Duration::ZERO));
        }
        self.tell(turn).await
    }

    /// Tells events until there are none, and shows that it lives if that is due.
    async fn tell(&self, mut turn: Turn<'_>) -> Result<Notified, Error> {
        let most = i64::from(self.most_events(&turn.follower));
        for round in 0..ROUNDS {
            let next = turn.state.delivered.saturating_add(1);
            let events = self.desk(turn.actor).subscription_events(&turn.state.id, next, i64::MAX, most).await?;
            let Some(last) = events.last().map(|last| last.number) else { break };
            // Counters of the notification are those of this moment.
            turn.state.events = turn.state.events.max(last);
            let sent = match self.send_events(&turn, &events).await? {
                Ok(sent) => sent,
                Err(error) if round == 0 => return Ok(again(&error)),
                // Something went through: the next failure is the first one again.
                Err(error) => {
                    tracing::warn!(%error, "subscriber does not answer any more");
                    return Ok(self.rest(&turn, self.settings().subscriptions.first_wait));
                }
            };
            if !self.note_sent(&mut turn, sent.0, sent.1).await? {
                return Ok(Notified::Done(WriteSet::new()));
            }
        }
        if self.heartbeat_at(&turn).is_some_and(|due| due <= self.now()) {
            match self.send_sign(&turn, NoticeKind::Heartbeat).await? {
                Ok(()) => {
                    let delivered = turn.state.delivered;
                    if !self.note_sent(&mut turn, delivered, Vec::new()).await? {
                        return Ok(Notified::Done(WriteSet::new()));
                    }
                }
                Err(error) => return Ok(again(&error)),
            }
        }
        Ok(self.rest(&turn, Duration::ZERO))
    }

    /// What becomes of a subscription whose job was given up.
    pub async fn give_up_subscriber(
        &self,
        actor: &Actor,
        job: &LogicalId,
        id: &LogicalId,
        error: &str,
    ) -> Result<WriteSet, Error> {
        let Some(state) = self.desk(actor).subscription(id).await? else { return Ok(WriteSet::new()) };
        if state.job.as_ref() != Some(job) || state.status == Status::Off {
            return Ok(WriteSet::new());
        }
        let set = self.turning(actor, &state, Status::Error, Some(error)).await?;
        Ok(set.map(|(set, _)| set).unwrap_or_default())
    }

    async fn shake_hands(&self, turn: &Turn<'_>) -> Result<Result<(), HttpError>, Error> {
        // R4 by criteria knows no handshake; on a socket it comes when a client binds.
        if turn.follower.terms.topic.is_none() || turn.follower.terms.channel == Channel::WebSocket {
            return Ok(Ok(()));
        }
        self.send_sign(turn, NoticeKind::Handshake).await
    }

    /// A notification without events.
    async fn send_sign(&self, turn: &Turn<'_>, kind: NoticeKind) -> Result<Result<(), HttpError>, Error> {
        let content = turn.follower.terms.content;
        let notice = notice(&turn.base, &turn.state, &turn.follower, (kind, content), None);
        let body = notice.bundle(&LogicalId::random(), self.now(), &[]);
        Ok(self.post(turn, body).await)
    }

    /// Sends events in one notification, or the first one alone where R4 has a request for each. Gives the number of
    /// the last that was taken, and what the audit log says of it.
    async fn send_events(
        &self,
        turn: &Turn<'_>,
        events: &[SubscriptionEvent],
    ) -> Result<Result<(i64, Vec<Object>), HttpError>, Error> {
        let terms = &turn.follower.terms;
        let events = if terms.topic.is_none() { events.get(..1).unwrap_or(events) } else { events };
        let (mut told, mut objects) = self.told(turn.actor, &turn.follower, events, terms.content).await?;
        let fits = fitting(&told);
        told.truncate(fits);
        let last = told.last().map_or(turn.state.delivered, |last| last.number);
        let sent = if terms.topic.is_some() {
            let kind = NoticeKind::EventNotification;
            let notice = notice(&turn.base, &turn.state, &turn.follower, (kind, terms.content), None);
            let body = notice.bundle(&LogicalId::random(), self.now(), &told);
            self.post(turn, body).await
        } else {
            self.send_plain(turn, told.pop()).await
        };
        objects.truncate(fits);
        Ok(sent.map(|()| (last, objects)))
    }

    /// R4 by criteria: a request without a body, or the resource put to where it belongs below the endpoint.
    async fn send_plain(&self, turn: &Turn<'_>, event: Option<NoticeEvent>) -> Result<(), HttpError> {
        let terms = &turn.follower.terms;
        let Channel::RestHook(endpoint) = &terms.channel else { return Ok(()) };
        let Some(event) = event else { return Ok(()) };
        let (Content::FullResource, Some(payload)) = (terms.content, terms.payload.as_deref()) else {
            return self.request(turn, (false, endpoint), None, Vec::new()).await;
        };
        // What may not be read any more, or is there no more, is not told.
        let (Some((kind, id)), Some(body)) = (event.focus, event.body) else { return Ok(()) };
        let mut url = endpoint.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(&kind).push(id.as_str());
        }
        self.request(turn, (true, &url), Some(payload), body).await
    }

    async fn post(&self, turn: &Turn<'_>, body: Vec<u8>) -> Result<(), HttpError> {
        let terms = &turn.follower.terms;
        let Channel::RestHook(endpoint) = &terms.channel else { return Ok(()) };
        self.request(turn, (false, endpoint), terms.payload.as_deref(), body).await
    }

    async fn request(
        &self,
        turn: &Turn<'_>,
        (is_put, url): (bool, &url::Url),
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> Result<(), HttpError> {
        let longest = self.settings().subscriptions.timeout;
        let asked = turn.follower.terms.timeout_seconds.map(|seconds| Duration::from_secs(u64::from(seconds)));
        let timeout = asked.map_or(longest, |asked| asked.min(longest));
        let request = HookRequest { is_put, url, headers: &turn.follower.headers, content_type, body, timeout };
        self.shared.subscribers.hooks.send(request).await
    }

    /// Notes what the subscriber has taken. `false` if it is another job's turn by now.
    async fn note_sent(&self, turn: &mut Turn<'_>, number: i64, objects: Vec<Object>) -> Result<bool, Error> {
        let change = SubscriptionChange::Delivered { id: turn.state.id.clone(), job: Some(turn.job.clone()), number };
        let mut set = WriteSet::new().with(Write::Subscription(change));
        if !objects.is_empty() {
            let event = self.event(turn.actor, Operation::SubscriptionEvents);
            let event = event.on(Object::resource("Subscription", &turn.state.id, Some(turn.state.version)));
            set.add(Write::Audit(objects.into_iter().fold(event, crate::audit::AuditEvent::on)));
        }
        match self.desk(turn.actor).commit(set).await {
            Ok(()) => {
                turn.state.delivered = number;
                turn.state.sent_at = Some(self.now());
                Ok(true)
            }
            Err(StoreError::LeaseLost) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the Subscription a status. `false` if somebody has written it since.
    async fn turn(&self, turn: &mut Turn<'_>, status: Status, error: Option<&str>) -> Result<bool, Error> {
        let Some((set, version)) = self.turning(turn.actor, &turn.state, status, error).await? else {
            return Ok(false);
        };
        match self.desk(turn.actor).commit(set).await {
            Ok(()) => {}
            Err(StoreError::VersionConflict { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        turn.state.status = status;
        turn.state.version = version;
        Ok(true)
    }

    /// The change of a Subscription's status, and the version that it makes. `None` if it was written since.
    async fn turning(
        &self,
        actor: &Actor,
        state: &SubscriptionState,
        status: Status,
        error: Option<&str>,
    ) -> Result<Option<(WriteSet, crate::base::VersionId)>, Error> {
        let stored = self.desk(actor).resource("Subscription", &state.id).await?;
        let Some(stored) = stored.filter(|stored| stored.version_id == state.version && stored.body.is_some()) else {
            return Ok(None);
        };
        let mut body = document(&stored)?;
        turned(&mut body, status, error);
        let (stored, write) = version("Subscription", state.id.clone(), Some(state.version), body, self.now());
        let object = Object::resource("Subscription", &state.id, Some(stored.version_id));
        let event = self.event(actor, Operation::FhirUpdate).on(object);
        let version = stored.version_id;
        let change = SubscriptionChange::Turn { id: state.id.clone(), version, status, due_at: None };
        let set =
            WriteSet::new().with(Write::Resource(write)).with(Write::Subscription(change)).with(Write::Audit(event));
        Ok(Some((set, version)))
    }

    /// The end of a job: if there is more by now, another one goes on.
    fn rest(&self, turn: &Turn<'_>, wait: Duration) -> Notified {
        let due_at = match turn.state.status {
            Status::Active => [self.heartbeat_at(turn), turn.follower.terms.end].into_iter().flatten().min(),
            Status::Requested | Status::Error | Status::Off => None,
        };
        Notified::Done(WriteSet::new().with(Write::Subscription(SubscriptionChange::Rest {
            id: turn.state.id.clone(),
            job: turn.job.clone(),
            next: self.notify_job(turn.actor, &turn.state.id, wait),
            due_at,
        })))
    }

    /// When the next sign of life is due. Sockets look after theirs by themselves.
    fn heartbeat_at(&self, turn: &Turn<'_>) -> Option<Timestamp> {
        let terms = &turn.follower.terms;
        let seconds = terms.heartbeat_seconds.filter(|_| terms.channel != Channel::WebSocket)?;
        Some(turn.state.sent_at.unwrap_or_else(|| self.now()).plus_seconds(i64::from(seconds)))
    }

    /// Most events in a notification to this subscriber.
    pub(super) fn most_events(&self, follower: &Follower) -> u32 {
        let most = self.settings().subscriptions.events_per_notification;
        follower.terms.max_count.map_or(most, |asked| asked.min(most)).max(1)
    }
}

/// How many events go into one notification by their size; one at least.
fn fitting(told: &[NoticeEvent]) -> usize {
    let mut bytes = 0_usize;
    let over = told.iter().position(|event| {
        bytes = bytes.saturating_add(event.body.as_ref().map_or(0, Vec::len));
        bytes > MOST_BYTES
    });
    over.map_or(told.len(), |over| over.max(1))
}

/// Any failure may pass: a subscriber that refuses today may have been set up wrong. The attempts are counted.
fn again(error: &HttpError) -> Notified {
    let retry = match error.retry() {
        Retry::Never => Retry::Backoff,
        retry => retry,
    };
    Notified::Again { message: error.to_string(), retry }
}

/// Notifications of one attempt; then another job goes on, and others have their turn.
const ROUNDS: usize = 100;
/// Bytes of resources in one notification, unless one alone is larger.
const MOST_BYTES: usize = 4 << 20;
