//! Server-sent events. WHATWG HTML §9.2.

use std::fmt::Write as _;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::BodyStream;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt as _, future, stream};
use tokio_util::sync::CancellationToken;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerEvent {
    /// What the client gives back in `Last-Event-ID` when it comes again.
    pub id: Option<String>,
    /// Its name; `message` if there is none.
    pub event: Option<&'static str>,
    /// Its data, usually JSON text.
    pub data: String,
}

/// How a stream of events is kept.
#[derive(Debug, Clone)]
pub struct EventStream {
    /// How often a comment is sent so that nothing between takes the connection for dead.
    pub heartbeat: Duration,
    /// How long the client waits before it comes again.
    pub retry: Duration,
    /// Ends every stream when the server stops.
    pub stopping: CancellationToken,
}

impl EventStream {
    /// With a heartbeat every 15 s and a return after 2 s.
    pub fn new(stopping: CancellationToken) -> Self {
        Self { heartbeat: Duration::from_secs(15), retry: Duration::from_secs(2), stopping }
    }

    /// The answer: `events` as they come, until they end or the server stops.
    pub fn respond(self, events: impl Stream<Item = ServerEvent> + 'static) -> HttpResponse {
        let start = Bytes::from(format!("retry: {}\n\n", self.retry.as_millis()));
        let beats = tokio::time::interval_at(tokio::time::Instant::now() + self.heartbeat, self.heartbeat);
        let beats = stream::unfold(beats, |mut beats| async move {
            beats.tick().await;
            Some((None, beats))
        });
        // The end of the events ends the beats as well.
        let events = events.map(|event| Some(Some(event))).chain(stream::once(future::ready(None)));
        let merged = stream::select(events, beats.map(|beat: Option<ServerEvent>| Some(beat)))
            .take_while(|item| future::ready(item.is_some()))
            .map(|item| match item.flatten() {
                Some(event) => Bytes::from(event.to_text()),
                None => Bytes::from_static(b": \n\n"),
            })
            .take_until(self.stopping.cancelled_owned());
        let body = stream::once(future::ready(start)).chain(merged).map(Ok::<_, std::convert::Infallible>);
        let mut response = HttpResponse::Ok().body(BodyStream::new(Box::pin(body)));
        for (name, value) in [
            (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store, no-transform"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

impl ServerEvent {
    /// The event as it is sent. No field can begin another: line breaks in data begin a new `data` line,
    /// and an id with one is left out.
    fn to_text(&self) -> String {
        let mut text = String::new();
        if let Some(id) = self.id.as_deref().filter(|id| !id.contains(['\r', '\n', '\0'])) {
            let _ = writeln!(text, "id: {id}");
        }
        if let Some(event) = self.event {
            let _ = writeln!(text, "event: {event}");
        }
        for line in self.data.replace("\r\n", "\n").split(['\n', '\r']) {
            let _ = writeln!(text, "data: {line}");
        }
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    #[test]
    fn data_cannot_begin_another_field() {
        let event =
            ServerEvent { id: Some("7\ndata: x".into()), event: Some("status"), data: "a\r\nevent: b\rc".into() };
        assert_eq!(event.to_text(), "event: status\ndata: a\ndata: event: b\ndata: c\n\n");
    }

    #[actix_web::test]
    async fn a_stream_ends_with_its_events_and_with_the_server() {
        let event = |data: &str| ServerEvent { data: data.into(), ..ServerEvent::default() };
        let response = EventStream::new(CancellationToken::new()).respond(stream::iter([event("1"), event("2")]));
        let body = to_bytes(response.into_body()).await.expect("a body");
        assert_eq!(body, "retry: 2000\n\ndata: 1\n\ndata: 2\n\n");

        let stopping = CancellationToken::new();
        let endless = EventStream::new(stopping.clone()).respond(stream::pending());
        stopping.cancel();
        assert_eq!(to_bytes(endless.into_body()).await.expect("a body"), "retry: 2000\n\n");
    }

    #[actix_web::test]
    async fn a_quiet_stream_beats() {
        let stopping = CancellationToken::new();
        let quiet = EventStream { heartbeat: Duration::from_millis(5), ..EventStream::new(stopping.clone()) };
        let body = quiet.respond(stream::pending()).into_body();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(60)).await;
            stopping.cancel();
        });
        let body = to_bytes(body).await.expect("a body");
        assert!(body.windows(4).filter(|part| part == b": \n\n").count() >= 2);
    }
}
