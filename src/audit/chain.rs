//! The chain: each record's hash covers the hash before it, so that no record can be changed, taken out,
//! put in or moved without every later hash changing.
//!
//! `hash(n) = SHA-256(hash(n-1) ‖ canonical record with "seq": n)`, the hashes as their 32 bytes;
//! `hash(0) = SHA-256(tenant id)`. Anyone can check that without a key. Besides, `mac(n) =
//! HMAC-SHA-256(key, hash(n))` with a key that is not in the database.

use crate::base::{Sha256, TenantId};

use super::{AuditKey, Mac, Record};

/// The end of a chain, behind which the next record goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Whose chain.
    pub tenant: TenantId,
    /// Place of the last record; 0 before the first.
    pub seq: u64,
    /// Hash of the last record.
    pub hash: Sha256,
}

/// The seal of a record: what the store writes beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// Place in the chain, counted from 1 without gaps.
    pub seq: u64,
    /// Hash of the record before.
    pub prev_hash: Sha256,
    /// Hash of this one.
    pub hash: Sha256,
    /// HMAC of the hash, where there is a key.
    pub mac: Option<Mac>,
}

/// A row of the log as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainRow {
    /// The record's text.
    pub record: String,
    /// Its seal.
    pub seal: Seal,
}

/// A record cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The record is of another tenant.
    #[error("record {index} of the batch belongs to another tenant")]
    Tenant {
        /// Which of the records, counted from 0.
        index: usize,
    },
    /// The record is not an object, or has a place already.
    #[error("record {index} of the batch is not an unsealed record")]
    Form {
        /// Which of the records, counted from 0.
        index: usize,
    },
}

impl Head {
    /// The beginning of a tenant's chain.
    pub fn genesis(tenant: &TenantId) -> Self {
        Self { tenant: tenant.clone(), seq: 0, hash: Sha256::of(tenant.as_str().as_bytes()) }
    }

    /// The head after a sealed record.
    #[must_use]
    pub fn after(&self, seal: &Seal) -> Self {
        Self { tenant: self.tenant.clone(), seq: seal.seq, hash: seal.hash }
    }
}

/// Seals `records` in their order behind `head`. Either all are sealed or none.
pub fn seal(head: &Head, records: &[Record], key: Option<&AuditKey>) -> Result<Vec<Seal>, SealError> {
    let mut head = head.clone();
    let mut seals = Vec::with_capacity(records.len());
    for (index, record) in records.iter().enumerate() {
        if !record.is_of(&head.tenant) {
            return Err(SealError::Tenant { index });
        }
        let seq = head.seq + 1;
        let hash = hash_of(&head.hash, record, seq).ok_or(SealError::Form { index })?;
        let seal = Seal { seq, prev_hash: head.hash, hash, mac: key.map(|key| key.sign(&hash)) };
        head = head.after(&seal);
        seals.push(seal);
    }
    Ok(seals)
}

/// The hash of a record at a place behind a record of hash `prev`.
pub(super) fn hash_of(prev: &Sha256, record: &Record, seq: u64) -> Option<Sha256> {
    let text = record.at(seq)?;
    let mut bytes = Vec::with_capacity(prev.as_bytes().len() + text.len());
    bytes.extend_from_slice(prev.as_bytes());
    bytes.extend_from_slice(text.as_bytes());
    Some(Sha256::of(&bytes))
}
