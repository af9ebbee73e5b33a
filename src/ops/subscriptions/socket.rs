//! Subscriptions on sockets: a token binds a socket to them, and what happens then is asked for here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::sync::{OwnedSemaphorePermit, broadcast};

use crate::access::{Actor, Operation, RequestId};
use crate::audit::Object;
use crate::base::{LogicalId, ProblemCode, Problems, TenantId, Timestamp};
use crate::fhir::subscription::{Channel, NoticeKind, Status};
use crate::report::fhir::bundle::fhir_base;
use crate::store::{SubscriptionChange, Write, WriteSet};

use super::super::{Error, Ops};
use super::events::notice;

/// A subscription has events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub subscription: LogicalId,
}

/// What a client needs to bind a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The token; a secret.
    pub token: String,
    /// Until when.
    pub expires_at: Timestamp,
    /// To what.
    pub subscriptions: Vec<LogicalId>,
    /// Where to connect.
    pub url: String,
}

/// What a token stands for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    v: u8,
    /// The subscriptions.
    pub subscriptions: Vec<LogicalId>,
    expires_us: i64,
}

/// How far a socket is in a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketPlace {
    /// Number of the last event that was sent.
    pub sent: i64,
    /// Seconds between two signs of life.
    pub heartbeat_seconds: Option<u32>,
    /// Whether it is to a topic; else a socket is told only that something happened.
    pub has_topic: bool,
}

impl Bound {
    /// Until when.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp(self.expires_us)
    }
}

impl Ops {
    /// A token for sockets of subscriptions, or of all of the tenant that run on sockets.
    pub async fn bind_socket(&self, actor: &Actor, ids: &[LogicalId]) -> Result<Binding, Error> {
        self.authorize(actor, Operation::SubscriptionEvents).await?;
        let mut subscriptions = Vec::new();
        let mut problems = Problems::new();
        for state in self.desk(actor).subscriptions().await? {
            let is_asked = ids.contains(&state.id);
            let runs = state.channel == "websocket" && state.status != Status::Off;
            if runs && (is_asked || ids.is_empty()) {
                subscriptions.push(state.id);
            } else if is_asked {
                let said = "is not a subscription that runs on a websocket";
                problems.add("id", ProblemCode::BusinessRule, said);
            }
        }
        problems.into_result(()).map_err(Error::Rule)?;
        if subscriptions.is_empty() || ids.iter().any(|id| !subscriptions.contains(id)) {
            return Err(Error::NotFound);
        }
        let seconds = i64::try_from(self.settings().subscriptions.binding.as_secs()).unwrap_or(i64::MAX);
        let expires_at = self.now().to_millis().plus_seconds(seconds);
        let bound = Bound { v: 1, subscriptions: subscriptions.clone(), expires_us: expires_at.0 };
        let plain = serde_json::to_vec(&bound).map_err(|error| Error::Fault(error.to_string()))?;
        let token = URL_SAFE_NO_PAD.encode(self.desk(actor).seal_binding(&plain)?);
        let seen = subscriptions.iter().map(|id| Object::resource("Subscription", id, None)).collect();
        self.note_read(actor, Operation::SubscriptionEvents, seen).await?;
        let base = fhir_base(&self.base_url(&actor.tenant));
        let url = format!("ws{}/$subscription-events", base.strip_prefix("http").unwrap_or(&base));
        Ok(Binding { token, expires_at, subscriptions, url })
    }

    /// A place for a socket, if there is one.
    pub fn admit_socket(&self) -> Result<OwnedSemaphorePermit, Error> {
        let sockets = std::sync::Arc::clone(&self.shared.subscribers.sockets);
        sockets.try_acquire_owned().map_err(|_full| Error::Busy("no more sockets may be open".into()))
    }

    /// What a token stands for, while it is good.
    pub fn open_socket_token(&self, actor: &Actor, token: &str) -> Option<Bound> {
        let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
        let plain = self.desk(actor).open_binding(&sealed)?;
        let bound: Bound = serde_json::from_slice(&plain).ok()?;
        (bound.expires_at() > self.now()).then_some(bound)
    }

    /// News of events as this node records them.
    pub fn news(&self) -> broadcast::Receiver<News> {
        self.shared.subscribers.news.subscribe()
    }

    /// The actor of a socket: it has shown no more than a token.
    pub fn socket_actor(&self, tenant: &TenantId, request_id: &RequestId) -> Actor {
        Actor::system(tenant.clone(), "subscription.socket", request_id.clone())
    }

    /// The first message to a socket that was bound, and where it goes on: behind what some socket was sent before.
    /// `None` if the subscription does not run on sockets any more.
    pub async fn greet_socket(&self, actor: &Actor, id: &LogicalId) -> Result<Option<(Vec<u8>, SocketPlace)>, Error> {
        let Some(state) = self.desk(actor).subscription(id).await? else { return Ok(None) };
        let follower = self.follower(actor, &state).await?;
        if state.status == Status::Off || follower.terms.channel != Channel::WebSocket {
            return Ok(None);
        }
        let has_topic = follower.terms.topic.is_some();
        let place =
            SocketPlace { sent: state.delivered, heartbeat_seconds: follower.terms.heartbeat_seconds, has_topic };
        let text = if has_topic {
            let kind = (NoticeKind::Handshake, follower.terms.content);
            let base = fhir_base(&self.base_url(&actor.tenant));
            notice(&base, &state, &follower, kind, None).bundle(&LogicalId::random(), self.now(), &[])
        } else {
            format!("bound {id}").into_bytes()
        };
        Ok(Some((text, place)))
    }

    /// The next message to a socket: events behind its place, or a sign of life if that is due. `None` if there is
    /// nothing to say; an error if the subscription does not run any more.
    pub async fn next_for_socket(
        &self,
        actor: &Actor,
        id: &LogicalId,
        place: &mut SocketPlace,
        beat: bool,
    ) -> Result<Option<Vec<u8>>, Error> {
        let state = self.desk(actor).subscription(id).await?.ok_or(Error::Gone)?;
        if matches!(state.status, Status::Off | Status::Error) || state.channel != "websocket" {
            return Err(Error::Gone);
        }
        let is_quiet = state.events <= place.sent;
        if is_quiet && !beat {
            return Ok(None);
        }
        let follower = self.follower(actor, &state).await?;
        let base = fhir_base(&self.base_url(&actor.tenant));
        let content = follower.terms.content;
        if is_quiet {
            if !place.has_topic {
                return Ok(None);
            }
            let kind = (NoticeKind::Heartbeat, content);
            let text = notice(&base, &state, &follower, kind, None).bundle(&LogicalId::random(), self.now(), &[]);
            return Ok(Some(text));
        }
        if !place.has_topic {
            place.sent = state.events;
            return Ok(Some(format!("ping {id}").into_bytes()));
        }
        let most = i64::from(self.most_events(&follower));
        let events = self.desk(actor).subscription_events(id, place.sent.saturating_add(1), i64::MAX, most).await?;
        let Some(last) = events.last().map(|last| last.number) else {
            // What was waiting was swept away.
            place.sent = state.events;
            return Ok(None);
        };
        let (told, objects) = self.told(actor, &follower, &events, content).await?;
        if !objects.is_empty() {
            self.note_read(actor, Operation::SubscriptionEvents, objects).await?;
        }
        place.sent = last;
        let kind = (NoticeKind::EventNotification, content);
        Ok(Some(notice(&base, &state, &follower, kind, None).bundle(&LogicalId::random(), self.now(), &told)))
    }

    /// Notes what a socket was sent: one that comes later goes on there.
    pub async fn note_socket(&self, actor: &Actor, id: &LogicalId, number: i64) -> Result<(), Error> {
        let change = SubscriptionChange::Delivered { id: id.clone(), job: None, number };
        Ok(self.desk(actor).commit(WriteSet::new().with(Write::Subscription(change))).await?)
    }
}
