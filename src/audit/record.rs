//! An event as the log keeps it: its canonical text.

use crate::base::TenantId;
use crate::fhir::{Json, JsonError, JsonLimits};

use super::AuditEvent;

/// The canonical text of an event (RFC 8785), as the store keeps it until and after it is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    json: Json,
    text: String,
}

/// A text is not the record of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is not JSON.
    #[error("record is not JSON: {0}")]
    Json(#[from] JsonError),
    /// It is JSON, but not in the one form that a record has.
    #[error("record is not in canonical form")]
    NotCanonical,
    /// It is not the record of an event.
    #[error("record is not an audit event")]
    NotAnEvent,
}

impl Record {
    /// The record of an event.
    pub fn of(event: &AuditEvent) -> Result<Self, RecordError> {
        let json = Json::from_serialize(event).map_err(|_error| RecordError::NotAnEvent)?;
        let text = json.to_canonical();
        Ok(Self { json, text })
    }

    /// Reads a record from its text. A text that says the same in another form is refused, so that no
    /// byte of it can change unseen.
    pub fn parse(text: &str) -> Result<Self, RecordError> {
        let json = Json::parse(text.as_bytes(), &JsonLimits::default())?;
        let canonical = json.to_canonical();
        if canonical == text { Ok(Self { json, text: canonical }) } else { Err(RecordError::NotCanonical) }
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The event.
    pub fn event(&self) -> Result<AuditEvent, RecordError> {
        serde_json::from_str(&self.text).map_err(|_error| RecordError::NotAnEvent)
    }

    /// Whether it belongs to the log of `tenant`.
    pub fn is_of(&self, tenant: &TenantId) -> bool {
        self.json.text_at(&["tenant"]) == Some(tenant.as_str())
    }

    /// The canonical text with its place in the chain, which is what is hashed. `None` unless the record
    /// is an object without a place of its own.
    pub(super) fn at(&self, seq: u64) -> Option<String> {
        let mut json = self.json.clone();
        let object = json.as_object_mut()?;
        match object.set("seq", Json::Number(seq.to_string().into())) {
            None => Some(json.to_canonical()),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_text_is_a_record() {
        assert!(Record::parse(r#"{"a":1,"b":"x"}"#).is_ok());
        for other in [r#"{"b":"x","a":1}"#, r#"{"a": 1,"b":"x"}"#, r#"{"a":1,"b":"\u0078"}"#] {
            assert_eq!(Record::parse(other), Err(RecordError::NotCanonical), "{other}");
        }
        assert!(matches!(Record::parse(r#"{"a":1,"a":1}"#), Err(RecordError::Json(_))));
    }

    #[test]
    fn a_record_cannot_bring_its_own_place() {
        assert_eq!(Record::parse(r#"{"seq":7}"#).expect("canonical").at(1), None);
        let text = Record::parse(r#"{"tenant":"a"}"#).expect("canonical").at(7);
        assert_eq!(text.as_deref(), Some(r#"{"seq":7,"tenant":"a"}"#));
    }
}
