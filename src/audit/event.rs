//! One thing that happened: who did what to which objects, when, from where, and how it ended. It never
//! holds what was read or written, no token and no secret.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::access::{Actor, ClientId, Operation, Principal, Purpose, RequestId, Role, TokenId};
use crate::base::{LogicalId, TenantId, Timestamp};

use super::Object;

/// One entry of the audit log. Its fields, and those of what it holds, stand in the order of their names:
/// written as they stand they are the canonical record (RFC 8785 §3.2.3).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditEvent {
    /// What was done or asked for.
    pub activity: Activity,
    /// Who did it.
    pub agent: Agent,
    /// Whether that can be relied on.
    pub clock: ClockState,
    /// The peer that data went to, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Id of the entry, and of the FHIR AuditEvent that it is shown as.
    pub id: LogicalId,
    /// What it was done to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Object>,
    /// How it ended.
    pub outcome: Outcome,
    /// What they said they did it for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// The raw query of a search as it came, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Why it ended so, where it did not go well: a fact, not a sentence from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The request in which they did it.
    pub request_id: RequestId,
    /// Where the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// Whose log it is in.
    pub tenant: TenantId,
    /// When it happened; microseconds, UTC.
    pub time: Timestamp,
}

/// Who did it, as the actor was at that moment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Agent {
    /// The client that they acted through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// User id, client id, or the name of the gateway's own job; empty for someone unknown.
    pub id: String,
    /// What kind of principal.
    pub kind: AgentKind,
    /// The user's name as it is printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// The `jti` of the token that they showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_id: Option<TokenId>,
}

/// What kind of principal an agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentKind {
    /// A person.
    User,
    /// A system with a registration of its own.
    Client,
    /// A system that speaks DIMSE, by its AE title.
    ApplicationEntity,
    /// The gateway itself.
    Gateway,
    /// Someone whose token was refused.
    Unknown,
}

/// What was done or asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activity {
    /// A use case.
    Use(Operation),
    /// A token was shown that does not hold.
    TokenRefused,
    /// A DICOM association was rejected.
    AssociationRefused,
    /// The server began to serve.
    ServerStart,
    /// The server stopped.
    ServerStop,
}

/// How it ended. R4 valueset-audit-event-outcome.html.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Outcome {
    /// 0: as asked.
    Success,
    /// 4: refused, or the request was wrong.
    MinorFailure,
    /// 8: it failed.
    SeriousFailure,
    /// 12: it failed and may have left others without service.
    MajorFailure,
}

/// Whether the machine's clock was known to be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockState {
    /// Kept by a time source.
    Synchronised,
    /// Known not to be.
    Unsynchronised,
    /// Nobody said.
    Unknown,
}

impl AuditEvent {
    /// What `actor` did at `time`, with success until [`AuditEvent::failed`] says otherwise.
    pub fn of(actor: &Actor, id: LogicalId, time: Timestamp, activity: Activity) -> Self {
        Self {
            id,
            tenant: actor.tenant.clone(),
            time,
            clock: ClockState::Unknown,
            activity,
            outcome: Outcome::Success,
            reason: None,
            agent: Agent::of(actor),
            purpose: actor.purpose,
            request_id: actor.request_id.clone(),
            source: actor.address,
            destination: None,
            objects: Vec::new(),
            query: None,
        }
    }

    /// A token that was refused at the door of `tenant`, with the reason as a fact.
    pub fn token_refused(
        tenant: TenantId,
        id: LogicalId,
        time: Timestamp,
        request_id: RequestId,
        source: Option<IpAddr>,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            id,
            tenant,
            time,
            clock: ClockState::Unknown,
            activity: Activity::TokenRefused,
            outcome: Outcome::MinorFailure,
            reason: Some(reason.into()),
            agent: Agent {
                kind: AgentKind::Unknown,
                id: String::new(),
                name: None,
                roles: Vec::new(),
                client_id: None,
                token_id: None,
            },
            purpose: None,
            request_id,
            source,
            destination: None,
            objects: Vec::new(),
            query: None,
        }
    }

    /// A DICOM association that was rejected, with the AE title that called and the reason as a fact.
    pub fn association_refused(
        tenant: TenantId,
        id: LogicalId,
        time: Timestamp,
        request_id: RequestId,
        source: IpAddr,
        calling_ae_title: &str,
        reason: impl Into<String>,
    ) -> Self {
        let mut event = Self::token_refused(tenant, id, time, request_id, Some(source), reason);
        event.activity = Activity::AssociationRefused;
        calling_ae_title.clone_into(&mut event.agent.id);
        event
    }

    /// This event, done to `object` as well.
    #[must_use]
    pub fn on(mut self, object: Object) -> Self {
        self.objects.push(object);
        self
    }

    /// This event, ended in failure.
    #[must_use]
    pub fn failed(mut self, outcome: Outcome, reason: impl Into<String>) -> Self {
        self.outcome = outcome;
        self.reason = Some(reason.into());
        self
    }

    /// This event, with the raw query of the request.
    #[must_use]
    pub fn with_query(mut self, raw: &[u8]) -> Self {
        self.query = Some(STANDARD.encode(raw));
        self
    }

    /// This event, with data sent to the peer of that name.
    #[must_use]
    pub fn to_peer(mut self, name: impl Into<String>) -> Self {
        self.destination = Some(name.into());
        self
    }

    /// This event, with what is known of the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: ClockState) -> Self {
        self.clock = clock;
        self
    }
}

impl Agent {
    /// The actor as an agent.
    pub fn of(actor: &Actor) -> Self {
        let (kind, id, name) = match &actor.principal {
            Principal::User { id, name } => (AgentKind::User, id.to_string(), name.clone()),
            Principal::Client { id } => (AgentKind::Client, id.to_string(), None),
            Principal::ApplicationEntity { title } => (AgentKind::ApplicationEntity, title.to_string(), None),
            Principal::System(job) => (AgentKind::Gateway, (*job).to_owned(), None),
        };
        Self {
            kind,
            id,
            name,
            roles: actor.roles.clone(),
            client_id: actor.client_id.clone(),
            token_id: actor.token_id.clone(),
        }
    }
}

impl Activity {
    /// The name in the log: that of the operation, or `token.refused`, `association.refused`, `server.start`, `server.stop`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Use(operation) => operation.as_str(),
            Self::TokenRefused => "token.refused",
            Self::AssociationRefused => "association.refused",
            Self::ServerStart => "server.start",
            Self::ServerStop => "server.stop",
        }
    }

    /// The activity of a name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "token.refused" => Some(Self::TokenRefused),
            "association.refused" => Some(Self::AssociationRefused),
            "server.start" => Some(Self::ServerStart),
            "server.stop" => Some(Self::ServerStop),
            _ => Operation::parse(name).map(Self::Use),
        }
    }
}

impl serde::Serialize for Activity {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Activity {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| serde::de::Error::custom("is not the name of an activity"))
    }
}

impl From<Outcome> for u8 {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success => 0,
            Outcome::MinorFailure => 4,
            Outcome::SeriousFailure => 8,
            Outcome::MajorFailure => 12,
        }
    }
}

impl TryFrom<u8> for Outcome {
    type Error = &'static str;

    fn try_from(code: u8) -> Result<Self, Self::Error> {
        match code {
            0 => Ok(Self::Success),
            4 => Ok(Self::MinorFailure),
            8 => Ok(Self::SeriousFailure),
            12 => Ok(Self::MajorFailure),
            _ => Err("is not 0, 4, 8 or 12"),
        }
    }
}
