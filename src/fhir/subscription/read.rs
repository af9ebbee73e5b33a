//! A Subscription as what it asks for. Everything that would not be done is refused by name.

use url::Url;

use crate::base::{ProblemCode, Problems, Timestamp};
use crate::fhir::search::evaluate::{Indexed, holds};
use crate::fhir::search::{Criterion, QueryContext, SearchQuery, extract};
use crate::fhir::{Json, resource_type};

use super::{BACKPORT, Content, Status, Topic};

/// What a Subscription asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// Its status.
    pub status: Status,
    /// The type whose changes it is about.
    pub resource_type: String,
    /// The topic; `None` if it names search criteria only.
    pub topic: Option<&'static Topic>,
    /// What a resource has to be; all of it.
    criteria: Vec<Criterion>,
    /// Where notifications go.
    pub channel: Channel,
    /// What they say of the resource.
    pub content: Content,
    /// Media type of a payload, as the subscriber wrote it; none means that nothing is sent but a sign.
    pub payload: Option<String>,
    /// Header fields as they stand in the resource; their values are secrets.
    pub headers: Vec<String>,
    /// Seconds between two signs of life.
    pub heartbeat_seconds: Option<u32>,
    /// Seconds that the subscriber may take.
    pub timeout_seconds: Option<u32>,
    /// Most events in one notification.
    pub max_count: Option<u32>,
    /// When it ends.
    pub end: Option<Timestamp>,
}

/// Where notifications go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// A request to this URL.
    RestHook(Url),
    /// To whoever has bound a socket to it.
    WebSocket,
}

impl Channel {
    /// The code in `channel.type`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::RestHook(_) => "rest-hook",
            Self::WebSocket => "websocket",
        }
    }
}

impl Terms {
    /// Reads a Subscription that is valid by the definitions of R4.
    pub fn read(body: &Json, context: QueryContext<'_>) -> Result<Self, Problems> {
        let mut reader = Reader { body, problems: Problems::new() };
        let terms = reader.terms(context);
        match terms {
            Some(terms) => reader.problems.into_result(terms),
            None => Err(reader.problems),
        }
    }

    /// Whether a subscriber is told that a resource, as it is now or was before it was deleted, has changed.
    pub fn is_about(&self, resource: &Json, is_deletion: bool) -> bool {
        // R4 by criteria: the new value counts, and there is none. R4 subscription.html.
        if is_deletion && self.topic.is_none() {
            return false;
        }
        if resource.text_at(&["resourceType"]) != Some(self.resource_type.as_str()) {
            return false;
        }
        let one = Indexed {
            resource_type: self.resource_type.clone(),
            id: resource.text_at(&["id"]).unwrap_or_default().to_owned(),
            entries: extract(resource),
        };
        self.criteria.iter().all(|criterion| holds(criterion, &one, &[]))
    }
}

struct Reader<'a> {
    body: &'a Json,
    problems: Problems,
}

impl Reader<'_> {
    fn terms(&mut self, context: QueryContext<'_>) -> Option<Terms> {
        let status = self.body.text_at(&["status"]).and_then(Status::parse);
        if status.is_none() {
            self.problems.add("Subscription.status", ProblemCode::Required, "is required");
        }
        let end = self.body.text_at(&["end"]).map(|text| (text, Timestamp::parse(text)));
        if let Some((_, None)) = end {
            self.problems.add("Subscription.end", ProblemCode::Value, "is not an instant");
        }
        let (topic, kind, criteria) = self.trigger(context)?;
        let heartbeat_seconds = self.number("backport-heartbeat-period", "valueUnsignedInt");
        let timeout_seconds = self.number("backport-timeout", "valueUnsignedInt");
        let max_count = self.number("backport-max-count", "valuePositiveInt");
        if topic.is_none() && (heartbeat_seconds.is_some() || max_count.is_some()) {
            let said = "heartbeat and max-count are of subscriptions to a topic";
            self.problems.add("Subscription.channel.extension", ProblemCode::Unsupported, said);
        }
        let channel = self.channel()?;
        let headers = self.headers(&channel);
        let (content, payload) = self.content(topic, &channel)?;
        self.foreign_extensions();
        Some(Terms {
            status: status?,
            resource_type: kind,
            topic,
            criteria,
            channel,
            content,
            payload,
            headers,
            heartbeat_seconds: heartbeat_seconds.filter(|seconds| *seconds > 0),
            timeout_seconds: timeout_seconds.filter(|seconds| *seconds > 0),
            max_count,
            end: end.and_then(|(_, end)| end),
        })
    }

    fn trigger(&mut self, context: QueryContext<'_>) -> Option<(Option<&'static Topic>, String, Vec<Criterion>)> {
        let text = self.body.text_at(&["criteria"]).unwrap_or_default().trim().to_owned();
        let filters: Vec<String> = extensions(self.body.get("_criteria"), "backport-filter-criteria")
            .map(|extension| extension.text_at(&["valueString"]).unwrap_or_default().to_owned())
            .collect();
        if text.contains("://") || text.starts_with("urn:") {
            let Some(topic) = Topic::find(&text) else {
                let said = "is not a topic of this server; the CapabilityStatement names them";
                self.problems.add(CRITERIA, ProblemCode::Unsupported, said);
                return None;
            };
            let mut criteria = Vec::new();
            for (index, filter) in filters.iter().enumerate() {
                let at = format!("{CRITERIA}.extension[{index}]");
                let query = match filter.split_once('?') {
                    Some((kind, query)) if kind == topic.resource_type || kind.is_empty() => query,
                    Some(_) => {
                        self.problems.add(at, ProblemCode::Value, "filters another type than that of the topic");
                        continue;
                    }
                    None => filter,
                };
                if query.trim().is_empty() {
                    self.problems.add(at.clone(), ProblemCode::Value, "filters nothing");
                }
                criteria.extend(self.criteria(&at, topic.resource_type, query, context));
            }
            return Some((Some(topic), topic.resource_type.to_owned(), criteria));
        }
        if !filters.is_empty() {
            let said = "filters are of subscriptions to a topic";
            self.problems.add(CRITERIA, ProblemCode::Unsupported, said);
        }
        let (kind, query) = text.split_once('?').unwrap_or((&text, ""));
        let kind = kind.trim_start_matches('/');
        if !resource_type::is_known(kind) {
            self.problems.add(CRITERIA, ProblemCode::Value, "begins with no resource type and is no topic");
            return None;
        }
        if matches!(kind, "AuditEvent" | "Subscription") {
            let said = format!("changes of {kind} are not told");
            self.problems.add(CRITERIA, ProblemCode::Unsupported, said);
        }
        let criteria = self.criteria(CRITERIA, kind, query, context);
        Some((None, kind.to_owned(), criteria))
    }

    /// Search criteria that can be held against one resource alone.
    fn criteria(&mut self, at: &str, kind: &str, query: &str, context: QueryContext<'_>) -> Vec<Criterion> {
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let read = match SearchQuery::parse(context, Some(kind), &pairs) {
            Ok(read) => read,
            Err(error) => {
                let code = if error.is_not_supported() { ProblemCode::Unsupported } else { ProblemCode::Value };
                self.problems.add(at, code, error.to_string());
                return Vec::new();
            }
        };
        if let Some(unknown) = read.unsupported.first() {
            use crate::fhir::search::query::Unsupported;
            let (Unsupported::Parameter(name) | Unsupported::Sort(name)) = unknown;
            self.problems.add(at, ProblemCode::Unsupported, format!("{name} is not a parameter of {kind}"));
        }
        let shapes = !read.includes.is_empty()
            || !read.revincludes.is_empty()
            || !read.elements.is_empty()
            || !read.sort.is_empty()
            || read.summary.is_some()
            || read.total.is_some()
            || read.count.is_some();
        if shapes {
            self.problems.add(at, ProblemCode::Unsupported, "parameters that shape an answer mean nothing here");
        }
        for criterion in &read.criteria {
            let said = match criterion {
                Criterion::Parameter { .. } => continue,
                Criterion::Chain { definition, .. } => {
                    format!("{} leads to another resource; chains are not followed here", definition.code)
                }
                Criterion::Has { .. } => "_has looks at other resources; it is not followed here".to_owned(),
            };
            self.problems.add(at, ProblemCode::Unsupported, said);
        }
        read.criteria
    }

    fn channel(&mut self) -> Option<Channel> {
        let kind = self.body.text_at(&["channel", "type"]).unwrap_or_default();
        if extensions(self.body.at(&["channel", "_type"]), "backport-channel-type").next().is_some() {
            let said = "only rest-hook and websocket run here";
            self.problems.add("Subscription.channel.type.extension", ProblemCode::Unsupported, said);
        }
        let endpoint = self.body.text_at(&["channel", "endpoint"]);
        match kind {
            "rest-hook" => {
                let Some(endpoint) = endpoint else {
                    self.problems.add(ENDPOINT, ProblemCode::Required, "is required for rest-hook");
                    return None;
                };
                let Ok(url) = Url::parse(endpoint) else {
                    self.problems.add(ENDPOINT, ProblemCode::Value, "is not a URL");
                    return None;
                };
                if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
                    self.problems.add(ENDPOINT, ProblemCode::Value, "is not an https URL with a host");
                }
                if !url.username().is_empty() || url.password().is_some() {
                    let said = "must not hold a user name or password; use channel.header";
                    self.problems.add(ENDPOINT, ProblemCode::Value, said);
                }
                if url.fragment().is_some() || url.port() == Some(0) {
                    self.problems.add(ENDPOINT, ProblemCode::Value, "must not hold a fragment or port 0");
                }
                Some(Channel::RestHook(url))
            }
            "websocket" => {
                if endpoint.is_some() {
                    self.problems.add(ENDPOINT, ProblemCode::Value, "a websocket has none: clients come by themselves");
                }
                Some(Channel::WebSocket)
            }
            other => {
                let named: String = other.chars().filter(char::is_ascii_graphic).take(32).collect();
                let said = format!("channel type {named} does not run here; rest-hook and websocket do");
                self.problems.add("Subscription.channel.type", ProblemCode::Unsupported, said);
                None
            }
        }
    }

    fn headers(&mut self, channel: &Channel) -> Vec<String> {
        let given = self.body.get("channel").map(|channel| channel.items("header")).unwrap_or_default();
        let mut headers = Vec::with_capacity(given.len());
        for (index, header) in given.iter().enumerate() {
            let at = format!("Subscription.channel.header[{index}]");
            if *channel == Channel::WebSocket {
                self.problems.add(at, ProblemCode::Unsupported, "a websocket has no request to put it in");
                continue;
            }
            let Some((name, value)) = header.as_str().and_then(header_parts) else {
                self.problems.add(at, ProblemCode::Value, "is not `name: value` in visible characters");
                continue;
            };
            if OURS.contains(&name.to_ascii_lowercase().as_str()) {
                self.problems.add(at, ProblemCode::Unsupported, "is a header field that the server sets itself");
            }
            headers.push(format!("{name}: {value}"));
        }
        headers
    }

    fn content(&mut self, topic: Option<&Topic>, channel: &Channel) -> Option<(Content, Option<String>)> {
        let payload = self.body.text_at(&["channel", "payload"]).map(str::to_owned);
        if let Some(payload) = &payload
            && !matches!(payload.split(';').next().map(str::trim), Some("application/fhir+json" | "application/json"))
        {
            let said = "only application/fhir+json is sent";
            self.problems.add("Subscription.channel.payload", ProblemCode::Unsupported, said);
        }
        let at = "Subscription.channel.payload.extension";
        let code = extensions(self.body.at(&["channel", "_payload"]), "backport-payload-content").next();
        let code = code.map(|extension| extension.text_at(&["valueCode"]).unwrap_or_default().to_owned());
        match (topic, code) {
            (Some(_), Some(code)) => {
                let Some(content) = Content::parse(&code) else {
                    self.problems.add(at, ProblemCode::CodeInvalid, "is not empty, id-only or full-resource");
                    return None;
                };
                Some((content, Some(payload.unwrap_or_else(|| "application/fhir+json".to_owned()))))
            }
            (Some(_), None) => {
                let said = "backport-payload-content is required for a topic";
                self.problems.add(at, ProblemCode::Required, said);
                None
            }
            (None, Some(_)) => {
                let said = "backport-payload-content is of subscriptions to a topic";
                self.problems.add(at, ProblemCode::Unsupported, said);
                None
            }
            (None, None) if payload.is_some() && *channel == Channel::WebSocket => {
                let said = "a websocket without a topic says that something happened, and no more";
                self.problems.add("Subscription.channel.payload", ProblemCode::Unsupported, said);
                None
            }
            (None, None) => Some((if payload.is_some() { Content::FullResource } else { Content::Empty }, payload)),
        }
    }

    fn number(&mut self, name: &str, value: &str) -> Option<u32> {
        let mut found = extensions(self.body.get("channel"), name);
        let first = found.next()?;
        let number = first.get(value).and_then(Json::as_number).and_then(|text| text.parse().ok());
        let is_doubled = found.next().is_some();
        if number.is_none() || is_doubled {
            let said = format!("{name} has one {value}");
            self.problems.add("Subscription.channel.extension", ProblemCode::Value, said);
        }
        number
    }

    /// Extensions of the IG that are not known here, or that stand where they mean nothing.
    fn foreign_extensions(&mut self) {
        let places: [(&str, Option<&Json>, &[&str]); 5] = [
            ("Subscription", Some(self.body), &[]),
            (CRITERIA, self.body.get("_criteria"), &["backport-filter-criteria"]),
            (
                "Subscription.channel",
                self.body.get("channel"),
                &["backport-heartbeat-period", "backport-timeout", "backport-max-count"],
            ),
            ("Subscription.channel.type", self.body.at(&["channel", "_type"]), &["backport-channel-type"]),
            ("Subscription.channel.payload", self.body.at(&["channel", "_payload"]), &["backport-payload-content"]),
        ];
        for (at, element, known) in places {
            let given = element.map(|element| element.items("extension")).unwrap_or_default();
            for name in given.iter().filter_map(|one| one.text_at(&["url"])?.strip_prefix(BACKPORT)) {
                if !known.contains(&name) {
                    let said = "an extension of the Backport IG that is not known in this place";
                    self.problems.add(format!("{at}.extension"), ProblemCode::Unsupported, said);
                }
            }
        }
        let channel = self.body.get("channel").map(|channel| channel.items("modifierExtension")).unwrap_or_default();
        if !self.body.items("modifierExtension").is_empty() || !channel.is_empty() {
            let said = "changes the meaning in a way that is not known here";
            self.problems.add("Subscription.modifierExtension", ProblemCode::Unsupported, said);
        }
    }
}

/// The extensions of the IG by name in an element.
fn extensions<'a>(element: Option<&'a Json>, name: &'a str) -> impl Iterator<Item = &'a Json> {
    let given = element.map(|element| element.items("extension")).unwrap_or_default();
    given.iter().filter(move |one| one.text_at(&["url"]).and_then(|url| url.strip_prefix(BACKPORT)) == Some(name))
}

/// Name and value of a header field. RFC 9110 §5.
pub fn header_parts(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once(':')?;
    let (name, value) = (name.trim(), value.trim());
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_visible = |byte: u8| byte == b' ' || byte == b'\t' || byte.is_ascii_graphic();
    let right = !name.is_empty() && name.bytes().all(is_token) && value.bytes().all(is_visible);
    right.then_some((name, value))
}

/// What stands in the place of a header value.
pub const MASK: &str = "***";
const CRITERIA: &str = "Subscription.criteria";
const ENDPOINT: &str = "Subscription.channel.endpoint";
/// Header fields of the connection and of the body.
const OURS: [&str; 13] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
