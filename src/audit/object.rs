//! What something was done to: by id and digest, never by content.

use crate::base::{LogicalId, Sha256, Uid, VersionId};

/// One object of an event.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Object {
    /// Digest of the content after a write, or of what was handed out.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "digest")]
    pub after: Option<Sha256>,
    /// Digest of the content before a write.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "digest")]
    pub before: Option<Sha256>,
    /// Its id within the tenant.
    pub id: String,
    /// What kind of thing.
    pub kind: ObjectKind,
    /// The patient that it is about, by logical id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<LogicalId>,
    /// The study that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study_uid: Option<Uid>,
    /// The version that was read or written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionId>,
}

/// What kind of thing an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectKind {
    /// A FHIR resource of this type; a report is its DiagnosticReport.
    Resource(Box<str>),
    /// A study, by its Study Instance UID.
    Study,
    /// A series or SOP instance, by its UID.
    Instance,
    /// A session that makes renditions.
    Export,
    /// A report on its way to a peer.
    Delivery,
    /// A peer system.
    Peer,
    /// A delivery rule.
    Rule,
    /// A job.
    Job,
    /// A token, by its `jti`.
    Token,
    /// The letterhead of the tenant.
    Letterhead,
    /// A package of an implementation guide, or what becomes of resources that break rules.
    Package,
    /// The audit log itself.
    AuditLog,
}

impl Object {
    /// An object of `kind` with this id.
    pub fn new(kind: ObjectKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into(), version: None, study_uid: None, patient: None, before: None, after: None }
    }

    /// A resource, with its version where one was read or written.
    pub fn resource(resource_type: &str, id: &LogicalId, version: Option<VersionId>) -> Self {
        Self { version, ..Self::new(ObjectKind::Resource(resource_type.into()), id.as_str()) }
    }

    /// This object, about that patient.
    #[must_use]
    pub fn of_patient(mut self, patient: Option<LogicalId>) -> Self {
        self.patient = patient;
        self
    }

    /// This object, in that study.
    #[must_use]
    pub fn of_study(mut self, study_uid: Option<Uid>) -> Self {
        self.study_uid = study_uid;
        self
    }

    /// This object, with the digests of its content before and after.
    #[must_use]
    pub fn changed(mut self, before: Option<Sha256>, after: Option<Sha256>) -> Self {
        self.before = before;
        self.after = after;
        self
    }
}

impl ObjectKind {
    /// The text in the log; a resource stands there by its type, the others in lower case.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Resource(resource_type) => resource_type,
            Self::Study => "study",
            Self::Instance => "instance",
            Self::Export => "export",
            Self::Delivery => "delivery",
            Self::Peer => "peer",
            Self::Rule => "rule",
            Self::Job => "job",
            Self::Token => "token",
            Self::Letterhead => "letterhead",
            Self::Package => "package",
            Self::AuditLog => "audit-log",
        }
    }

    /// The kind of a text in the log.
    pub fn parse(text: &str) -> Option<Self> {
        let own = [
            Self::Study,
            Self::Instance,
            Self::Export,
            Self::Delivery,
            Self::Peer,
            Self::Rule,
            Self::Job,
            Self::Token,
            Self::Letterhead,
            Self::Package,
            Self::AuditLog,
        ];
        let is_type = text.starts_with(|first: char| first.is_ascii_uppercase())
            && text.bytes().all(|byte| byte.is_ascii_alphabetic());
        own.into_iter().find(|kind| kind.as_str() == text).or_else(|| is_type.then(|| Self::Resource(text.into())))
    }
}

impl serde::Serialize for ObjectKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for ObjectKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("is not a kind of object"))
    }
}

/// A digest as 64 hexadecimal digits.
mod digest {
    use std::borrow::Cow;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::base::Sha256;

    #[expect(clippy::ref_option, reason = "the signature that serde asks for")]
    pub(super) fn serialize<S: Serializer>(value: &Option<Sha256>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(digest) => serializer.serialize_str(&digest.to_hex()),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Sha256>, D::Error> {
        let text = <Option<Cow<'de, str>>>::deserialize(deserializer)?;
        text.map(|text| Sha256::parse(&text).ok_or_else(|| D::Error::custom("is not a SHA-256 digest"))).transpose()
    }
}
