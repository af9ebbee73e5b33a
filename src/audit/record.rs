//! An event as the log keeps it: its canonical text.

use crate::base::TenantId;
use crate::fhir::{Json, JsonError, JsonLimits};

use super::AuditEvent;

/// The canonical text of an event (RFC 8785), as the store keeps it until and after it is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    tenant: Option<TenantId>,
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
    /// The record of an event. The fields of an event stand in canonical order, so its text is written in
    /// one go.
    pub fn of(event: &AuditEvent) -> Result<Self, RecordError> {
        let text = serde_json::to_string(event).map_err(|_error| RecordError::NotAnEvent)?;
        Ok(Self { tenant: Some(event.tenant.clone()), text })
    }

    /// Reads a record from its text. A text that says the same in another form is refused, so that no
    /// byte of it can change unseen.
    pub fn parse(text: &str) -> Result<Self, RecordError> {
        let json = Json::parse(text.as_bytes(), &JsonLimits::default())?;
        let canonical = json.to_canonical();
        if canonical != text {
            return Err(RecordError::NotCanonical);
        }
        let tenant = json.text_at(&["tenant"]).and_then(|tenant| TenantId::parse(tenant).ok());
        Ok(Self { tenant, text: canonical })
    }

    /// A record that comes back from where it was kept under a seal of its tenant: its text is the one that
    /// went in, and is not looked at again.
    pub fn kept(tenant: TenantId, text: String) -> Self {
        Self { tenant: Some(tenant), text }
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
        self.tenant.as_ref() == Some(tenant)
    }

    /// The canonical text with its place in the chain, which is what is hashed, added to `out`. `None` unless
    /// the record is an object without a place of its own.
    pub(super) fn write_at(&self, seq: u64, out: &mut Vec<u8>) -> Option<()> {
        let (before, after) = self.text.split_at_checked(place_of_seq(self.text.as_bytes())?)?;
        let place = format!("\"seq\":{seq}");
        out.extend_from_slice(before.as_bytes());
        match (before, after) {
            ("{", "}") => out.extend_from_slice(place.as_bytes()),
            (_, "}") => out.extend([b",", place.as_bytes()].concat()),
            _ => out.extend([place.as_bytes(), b","].concat()),
        }
        out.extend_from_slice(after.as_bytes());
        Some(())
    }
}

/// A record is a page of one.
impl AsRef<[Self]> for Record {
    fn as_ref(&self) -> &[Self] {
        std::slice::from_ref(self)
    }
}

/// Where the member `seq` of a canonical object goes: in front of the first name behind it, or of the end.
/// `None` if there is one, or `text` is no object. Names are compared byte by byte, which orders them as
/// RFC 8785 does beside a name that is plain ASCII.
fn place_of_seq(text: &[u8]) -> Option<usize> {
    let [b'{', .., b'}'] = text else { return None };
    let (mut depth, mut at, mut is_name) = (0_usize, 0, false);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => {
                let end = end_of_string(text, at)?;
                if std::mem::take(&mut is_name) {
                    match text.get(at + 1..end)?.cmp(b"seq".as_slice()) {
                        std::cmp::Ordering::Less => {}
                        std::cmp::Ordering::Equal => return None,
                        std::cmp::Ordering::Greater => return Some(at),
                    }
                }
                at = end;
            }
            b'{' | b'[' => {
                depth += 1;
                is_name = depth == 1;
            }
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b',' => is_name = depth == 1,
            _ => {}
        }
        at += 1;
    }
    (depth == 0).then_some(text.len() - 1)
}

/// The place of the quotation mark that ends the string which begins at `start`.
fn end_of_string(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::access::{Actor, Operation, RequestId};
    use crate::audit::{Activity, Object, Outcome};
    use crate::base::{LogicalId, Timestamp};

    fn at(text: &str, seq: u64) -> Option<String> {
        let mut out = Vec::new();
        Record::parse(text).expect("canonical").write_at(seq, &mut out)?;
        Some(String::from_utf8(out).expect("text"))
    }

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
        assert_eq!(at(r#"{"seq":7}"#, 1), None);
        assert_eq!(at("[1]", 1), None);
        assert_eq!(at(r#"{"tenant":"a"}"#, 7).as_deref(), Some(r#"{"seq":7,"tenant":"a"}"#));
        assert_eq!(at(r#"{"a":{"z":[1,{"seq":1}]}}"#, 7).as_deref(), Some(r#"{"a":{"z":[1,{"seq":1}]},"seq":7}"#));
        assert_eq!(at("{}", 7).as_deref(), Some(r#"{"seq":7}"#));
    }

    proptest! {
        #[test]
        fn an_event_is_written_canonically(reason in "\\PC{0,20}|[\\x00-\\x7f]{0,20}", name in "\\PC{0,20}", query in "[ -~]{0,40}") {
            let actor = Actor::system(TenantId::default_tenant(), "test", RequestId::parse("r-1").expect("valid"));
            let id = LogicalId::derived(&["event"]);
            let mut event = AuditEvent::of(&actor, id.clone(), Timestamp(1_770_000_000_000_000), Activity::Use(Operation::ReportRead))
                .on(Object::resource("Patient", &id, Some(crate::base::VersionId(3))).of_patient(Some(id.clone())))
                .failed(Outcome::MinorFailure, reason)
                .with_query(query.as_bytes());
            event.agent.name = Some(name);
            event.source = Some(std::net::IpAddr::from([127, 0, 0, 1]));
            let record = Record::of(&event).expect("an event");
            prop_assert_eq!(Record::parse(record.as_str()), Ok(record.clone()));
            prop_assert_eq!(record.event(), Ok(event));
        }

        #[test]
        fn a_place_goes_where_the_canonical_form_has_it(members in proptest::collection::btree_map("\\PC{0,6}|[a-z]{1,4}", "\\PC{0,8}", 0..8), seq: u32) {
            prop_assume!(!members.contains_key("seq"));
            let text = Json::from_serialize(&members).expect("an object").to_canonical();
            let mut with = members;
            with.insert("seq".into(), "place".into());
            let expected = Json::from_serialize(&with).expect("an object").to_canonical();
            let expected = expected.replace("\"seq\":\"place\"", &format!("\"seq\":{seq}"));
            prop_assert_eq!(at(&text, u64::from(seq)), Some(expected));
        }
    }
}
