//! Checkpoints: the state of a chain at one moment, signed and kept on another medium. A chain alone
//! cannot show that its end was cut off; with a checkpoint it can.

use crate::base::{Sha256, TenantId, Timestamp};
use crate::fhir::{Json, JsonLimits, Object};

use super::Head;

/// The state of a chain at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose chain.
    pub tenant: TenantId,
    /// Place of its last record.
    pub seq: u64,
    /// Hash of its last record.
    pub hash: Sha256,
    /// How many records it held, archived ones included.
    pub count: u64,
    /// When.
    pub time: Timestamp,
}

impl Checkpoint {
    /// The state of a chain that ends in `head`.
    pub fn of(head: &Head, count: u64, time: Timestamp) -> Self {
        Self { tenant: head.tenant.clone(), seq: head.seq, hash: head.hash, count, time }
    }

    /// The canonical JSON text, as it is written to the other medium beside its signature.
    pub fn to_canonical(&self) -> String {
        Json::from(
            Object::new()
                .with("tenant", Json::string(self.tenant.as_str()))
                .with("seq", Json::Number(self.seq.to_string().into()))
                .with("hash", Json::string(self.hash.to_hex()))
                .with("count", Json::Number(self.count.to_string().into()))
                .with("time", Json::integer(self.time.0)),
        )
        .to_canonical()
    }

    /// Reads the canonical JSON text.
    pub fn parse(text: &str) -> Option<Self> {
        let json = Json::parse(text.as_bytes(), &JsonLimits::default()).ok()?;
        let checkpoint = Self {
            tenant: TenantId::parse(json.text_at(&["tenant"])?).ok()?,
            seq: json.get("seq")?.as_number()?.parse().ok()?,
            hash: Sha256::parse(json.text_at(&["hash"])?)?,
            count: json.get("count")?.as_number()?.parse().ok()?,
            time: Timestamp(json.get("time")?.as_number()?.parse().ok()?),
        };
        (checkpoint.to_canonical() == text).then_some(checkpoint)
    }

    /// What is signed: a prefix that no other signed thing of ours begins with, and the canonical text.
    pub fn signature_input(&self) -> Vec<u8> {
        let mut bytes = b"causeway audit checkpoint 1\n".to_vec();
        bytes.extend_from_slice(self.to_canonical().as_bytes());
        bytes
    }
}
