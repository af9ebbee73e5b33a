//! Notifications in the form that the Backport IG has for R4: a Bundle of type history whose first entry is a Parameters
//! with the status. Bodies of resources are put in as they are kept.

use crate::base::{LogicalId, Timestamp};
use crate::fhir::{Json, Object};

use super::{BACKPORT, Content, Status};

/// What is told.
#[derive(Debug, Clone, Copy)]
pub struct Notice<'a> {
    /// Public FHIR base URL.
    pub base: &'a str,
    /// The Subscription.
    pub subscription: &'a LogicalId,
    /// Its topic.
    pub topic: Option<&'a str>,
    /// Its status.
    pub status: Status,
    /// Why it is told.
    pub kind: NoticeKind,
    /// Number of the newest event.
    pub events: i64,
    /// What it says of resources.
    pub content: Content,
    /// What is wrong with the subscription.
    pub error: Option<&'a str>,
}

/// Why something is told. <http://hl7.org/fhir/ValueSet/subscription-notification-type>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// To see whether the subscriber answers.
    Handshake,
    /// To say that all is well.
    Heartbeat,
    /// Something happened.
    EventNotification,
    /// The subscriber asked what the status is.
    QueryStatus,
    /// The subscriber asked what had happened.
    QueryEvent,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct NoticeEvent {
    /// Its number.
    pub number: i64,
    /// When.
    pub happened_at: Timestamp,
    /// The resource, if it may be named.
    pub focus: Option<(String, LogicalId)>,
    /// `POST`, `PUT` or `DELETE`, as what made the version.
    pub method: &'static str,
    /// The version, if it may be shown and is no deletion.
    pub body: Option<Vec<u8>>,
}

impl NoticeKind {
    /// The code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Heartbeat => "heartbeat",
            Self::EventNotification => "event-notification",
            Self::QueryStatus => "query-status",
            Self::QueryEvent => "query-event",
        }
    }
}

impl Notice<'_> {
    /// The status as a Parameters resource. Profile `backport-subscription-status-r4`.
    pub fn status(&self, id: &LogicalId, events: &[NoticeEvent]) -> Json {
        let reference = format!("{}/Subscription/{}", self.base, self.subscription);
        let mut parameters = vec![parameter("subscription", "valueReference", refer(&reference))];
        // Not with empty payloads: it would say what the resources are about.
        if let Some(topic) = self.topic.filter(|_| self.content != Content::Empty) {
            parameters.push(parameter("topic", "valueCanonical", Json::string(topic)));
        }
        parameters.push(parameter("status", "valueCode", Json::string(self.status.as_str())));
        parameters.push(parameter("type", "valueCode", Json::string(self.kind.as_str())));
        let count = Json::string(self.events.to_string());
        parameters.push(parameter("events-since-subscription-start", "valueString", count));
        parameters.extend(events.iter().map(|event| self.event(event)));
        if let Some(error) = self.error {
            let concept = Object::new().with("text", Json::string(error));
            parameters.push(parameter("error", "valueCodeableConcept", concept.into()));
        }
        let profile = format!("{BACKPORT}backport-subscription-status-r4");
        Object::new()
            .with("resourceType", Json::string("Parameters"))
            .with("id", Json::string(id.as_str()))
            .with("meta", Object::new().with_items("profile", vec![Json::string(profile)]).into())
            .with_items("parameter", parameters)
            .into()
    }

    fn event(&self, event: &NoticeEvent) -> Json {
        let mut parts = vec![
            parameter("event-number", "valueString", Json::string(event.number.to_string())),
            parameter("timestamp", "valueInstant", Json::string(event.happened_at.to_fhir())),
        ];
        if let Some((kind, id)) = self.named(event) {
            parts.push(parameter("focus", "valueReference", refer(&format!("{}/{kind}/{id}", self.base))));
        }
        Object::new().with("name", Json::string("notification-event")).with_items("part", parts).into()
    }

    fn named<'e>(&self, event: &'e NoticeEvent) -> Option<&'e (String, LogicalId)> {
        event.focus.as_ref().filter(|_| self.content != Content::Empty)
    }

    /// The text of the Bundle. Profile `backport-subscription-notification-r4`.
    pub fn bundle(&self, id: &LogicalId, now: Timestamp, events: &[NoticeEvent]) -> Vec<u8> {
        let status_id = LogicalId::derived(&["subscription-status", id.as_str()]);
        let status = self.status(&status_id, events);
        let url = format!("{}/Subscription/{}/$status", self.base, self.subscription);
        let first = Object::new()
            .with("fullUrl", Json::string(format!("urn:uuid:{status_id}")))
            .with("resource", status)
            .with("request", request("GET", &url))
            .with("response", Object::new().with("status", Json::string("200")).into());
        let profile = format!("{BACKPORT}backport-subscription-notification-r4");
        let head: Json = Object::new()
            .with("resourceType", Json::string("Bundle"))
            .with("id", Json::string(id.as_str()))
            .with("meta", Object::new().with_items("profile", vec![Json::string(profile)]).into())
            .with("type", Json::string("history"))
            .with("timestamp", Json::string(now.to_fhir()))
            .into();
        let head = head.to_text();
        let mut out = head.strip_suffix('}').unwrap_or(&head).as_bytes().to_vec();
        out.extend_from_slice(b",\"entry\":[");
        out.extend_from_slice(Json::from(first).to_text().as_bytes());
        for event in events {
            if let Some((kind, id)) = self.named(event) {
                out.push(b',');
                self.entry(&mut out, event, kind, id);
            }
        }
        out.extend_from_slice(b"]}");
        out
    }

    fn entry(&self, out: &mut Vec<u8>, event: &NoticeEvent, kind: &str, id: &LogicalId) {
        let full_url: Json = Object::new().with("fullUrl", Json::string(format!("{}/{kind}/{id}", self.base))).into();
        let full_url = full_url.to_text();
        out.extend_from_slice(full_url.strip_suffix('}').unwrap_or(&full_url).as_bytes());
        if let Some(body) = event.body.as_ref().filter(|_| self.content == Content::FullResource) {
            out.extend_from_slice(b",\"resource\":");
            out.extend_from_slice(body);
        }
        let (url, status) = match event.method {
            "POST" => (kind.to_owned(), "201"),
            "DELETE" => (format!("{kind}/{id}"), "204"),
            _ => (format!("{kind}/{id}"), "200"),
        };
        let tail: Json = Object::new()
            .with("request", request(event.method, &url))
            .with("response", Object::new().with("status", Json::string(status)).into())
            .into();
        let tail = tail.to_text();
        out.push(b',');
        out.extend_from_slice(tail.strip_prefix('{').unwrap_or(&tail).as_bytes());
    }
}

fn parameter(name: &str, key: &str, value: Json) -> Json {
    Object::new().with("name", Json::string(name)).with(key, value).into()
}

fn refer(reference: &str) -> Json {
    Object::new().with("reference", Json::string(reference)).into()
}

fn request(method: &str, url: &str) -> Json {
    Object::new().with("method", Json::string(method)).with("url", Json::string(url)).into()
}
