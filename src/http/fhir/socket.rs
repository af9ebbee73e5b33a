//! Notifications on a WebSocket. Backport IG, channel `websocket`: the client sends `bind-with-token TOKEN`, as often as it
//! likes; the server sends a handshake for each subscription, then events, from behind what a socket was sent before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Session};
use tokio::sync::{OwnedSemaphorePermit, broadcast};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::access::Actor;
use crate::base::{LogicalId, Timestamp};
use crate::http::{AtTenant, CurrentRequest, Edge, HttpError};
use crate::ops::subscriptions::{News, SocketPlace};
use crate::ops::{Error, Ops};

/// `GET /fhir/r4/$subscription-events`, upgraded to a WebSocket. RFC 6455.
pub(super) async fn open(
    ops: web::Data<Ops>,
    edge: web::Data<Arc<Edge>>,
    tenant: AtTenant,
    current: CurrentRequest,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, HttpError> {
    let place = ops.admit_socket()?;
    let no_upgrade = |_error| {
        HttpError::invalid("Upgrade", crate::base::ProblemCode::Required, "this address is for WebSockets, RFC 6455")
    };
    let (response, session, messages) = actix_ws::handle(&request, body).map_err(no_upgrade)?;
    let messages =
        messages.max_frame_size(LONGEST_MESSAGE).aggregate_continuations().max_continuation_size(LONGEST_MESSAGE);
    let actor = ops.socket_actor(&tenant.0, &current.0);
    let talk = Talk { ops: ops.get_ref().clone(), actor, session, bound: BTreeMap::new(), _place: place };
    actix_web::rt::spawn(talk.run(messages, edge.stopping()));
    Ok(response)
}

/// A socket and what it is bound to.
struct Talk {
    ops: Ops,
    actor: Actor,
    session: Session,
    bound: BTreeMap<LogicalId, Tie>,
    _place: OwnedSemaphorePermit,
}

/// One subscription of a socket.
struct Tie {
    place: SocketPlace,
    until: Timestamp,
    beat: Instant,
}

/// Why a talk ends.
enum End {
    /// The client is gone, or does not read.
    Gone,
    /// It is told why.
    Told(CloseCode, &'static str),
}

impl Talk {
    async fn run(mut self, mut messages: AggregatedMessageStream, stopping: CancellationToken) {
        let begun = Instant::now();
        let mut news = self.ops.news();
        let mut looks = tokio::time::interval(LOOK);
        let mut pings = tokio::time::interval(PING);
        pings.tick().await;
        let end = loop {
            let step = tokio::select! {
                () = stopping.cancelled() => Err(End::Told(CloseCode::Away, "the server stops")),
                message = messages.recv() => match message {
                    Some(Ok(message)) => self.hear(message).await,
                    Some(Err(_)) => Err(End::Told(CloseCode::Protocol, "not a WebSocket message that is taken here")),
                    None => Err(End::Gone),
                },
                heard = news.recv() => self.learn(heard).await,
                _ = looks.tick() => {
                    if self.bound.is_empty() && begun.elapsed() > UNBOUND {
                        Err(End::Told(CloseCode::Policy, "nothing is bound"))
                    } else {
                        self.look().await
                    }
                }
                _ = pings.tick() => self.ping().await,
            };
            if let Err(end) = step {
                break end;
            }
        };
        if let End::Told(code, why) = end {
            let reason = CloseReason { code, description: Some(why.to_owned()) };
            let _gone_already = self.session.close(Some(reason)).await;
        }
    }

    async fn hear(&mut self, message: AggregatedMessage) -> Result<(), End> {
        match message {
            AggregatedMessage::Text(text) => self.bind(text.trim()).await,
            AggregatedMessage::Ping(bytes) => {
                let pong = tokio::time::timeout(SEND, self.session.pong(&bytes)).await;
                pong.map_err(|_stalled| End::Gone)?.map_err(|_closed| End::Gone)
            }
            AggregatedMessage::Pong(_) => Ok(()),
            AggregatedMessage::Binary(_) => Err(End::Told(CloseCode::Unsupported, "only text is taken")),
            AggregatedMessage::Close(_) => Err(End::Gone),
        }
    }

    /// `bind-with-token TOKEN`, with a colon or without.
    async fn bind(&mut self, text: &str) -> Result<(), End> {
        let token = text.strip_prefix("bind-with-token").map(|rest| rest.trim_start_matches(':').trim());
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Err(End::Told(CloseCode::Policy, "expected bind-with-token and a token"));
        };
        let Some(bound) = self.ops.open_socket_token(&self.actor, token) else {
            return Err(End::Told(CloseCode::Policy, "the token is not known or has expired"));
        };
        for id in &bound.subscriptions {
            let greeted = self.ops.greet_socket(&self.actor, id).await.map_err(|error| failed(&error))?;
            let Some((text, place)) = greeted else { continue };
            self.say(text).await?;
            match self.bound.get_mut(id) {
                // Bound again: it goes on where it is.
                Some(tie) => tie.until = bound.expires_at(),
                None => {
                    let tie = Tie { beat: next_beat(&place), place, until: bound.expires_at() };
                    self.bound.insert(id.clone(), tie);
                }
            }
        }
        self.look().await
    }

    async fn learn(&mut self, heard: Result<News, broadcast::error::RecvError>) -> Result<(), End> {
        match heard {
            Ok(news) if news.tenant == self.actor.tenant && self.bound.contains_key(&news.subscription) => {
                self.tell(&news.subscription).await
            }
            Ok(_) => Ok(()),
            Err(_missed_some) => self.look().await,
        }
    }

    /// Looks after everything that is bound.
    async fn look(&mut self) -> Result<(), End> {
        let now = self.ops.now();
        let had = !self.bound.is_empty();
        self.bound.retain(|_, tie| tie.until > now);
        if had && self.bound.is_empty() {
            return Err(End::Told(CloseCode::Normal, "the token has expired"));
        }
        let ids: Vec<LogicalId> = self.bound.keys().cloned().collect();
        for id in ids {
            self.tell(&id).await?;
        }
        Ok(())
    }

    /// Sends what there is to send of one subscription.
    async fn tell(&mut self, id: &LogicalId) -> Result<(), End> {
        loop {
            let Some(tie) = self.bound.get_mut(id) else { return Ok(()) };
            let is_due = tie.place.heartbeat_seconds.is_some() && tie.beat <= Instant::now();
            let before = tie.place.sent;
            let next = self.ops.next_for_socket(&self.actor, id, &mut tie.place, is_due).await;
            let text = match next {
                Ok(Some(text)) => text,
                Ok(None) => return Ok(()),
                Err(Error::Gone) => {
                    self.bound.remove(id);
                    if self.bound.is_empty() {
                        return Err(End::Told(CloseCode::Normal, "the subscription does not run any more"));
                    }
                    return Ok(());
                }
                Err(error) => return Err(failed(&error)),
            };
            tie.beat = next_beat(&tie.place);
            let (sent, is_event) = (tie.place.sent, tie.place.sent > before);
            self.say(text).await?;
            if !is_event {
                return Ok(());
            }
            self.ops.note_socket(&self.actor, id, sent).await.map_err(|error| failed(&error))?;
        }
    }

    async fn say(&mut self, text: Vec<u8>) -> Result<(), End> {
        let text = String::from_utf8(text).map_err(|_bytes| End::Told(CloseCode::Error, "internal error"))?;
        let said = tokio::time::timeout(SEND, self.session.text(text)).await;
        said.map_err(|_stalled| End::Gone)?.map_err(|_closed| End::Gone)
    }

    async fn ping(&mut self) -> Result<(), End> {
        let pinged = tokio::time::timeout(SEND, self.session.ping(b"")).await;
        pinged.map_err(|_stalled| End::Gone)?.map_err(|_closed| End::Gone)
    }
}

fn next_beat(place: &SocketPlace) -> Instant {
    Instant::now() + Duration::from_secs(u64::from(place.heartbeat_seconds.unwrap_or(0)))
}

fn failed(error: &Error) -> End {
    tracing::warn!(%error, "a socket is closed");
    End::Told(CloseCode::Again, "the server cannot answer now")
}

/// How often a socket looks by itself: for what other nodes have recorded, and for what has expired.
const LOOK: Duration = Duration::from_secs(1);
/// How often a quiet connection is shown to be alive.
const PING: Duration = Duration::from_secs(15);
/// How long a client may take nothing.
const SEND: Duration = Duration::from_secs(30);
/// How long a socket may be open with nothing bound.
const UNBOUND: Duration = Duration::from_secs(30);
/// Bytes of a message of a client: a token with room to spare.
const LONGEST_MESSAGE: usize = 64 << 10;
