//! The chain: each record's hash covers the hash before it, so that no record can be changed, taken out,
//! put in or moved without every later hash changing. Records that were written together are a page with one
//! seal; their hashes between are not kept, but computed again by whoever checks.
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

/// The seal of a page: what the store writes beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// Place of its last record in the chain, counted from 1 without gaps.
    pub seq: u64,
    /// Hash of the record before its first one.
    pub prev_hash: Sha256,
    /// Hash of its last record.
    pub hash: Sha256,
    /// HMAC of the hash, where there is a key.
    pub mac: Option<Mac>,
}

/// A page of the log as the store keeps it: records that were written together and have one seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainRow {
    /// The texts of its records in their order; at least one.
    pub records: Vec<String>,
    /// Their seal.
    pub seal: Seal,
}

/// A record cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A record is of another tenant.
    #[error("page {index} of the batch holds a record of another tenant")]
    Tenant {
        /// Which of the pages, counted from 0.
        index: usize,
    },
    /// A record is not an object, or has a place already; or a page is empty.
    #[error("page {index} of the batch is not one of unsealed records")]
    Form {
        /// Which of the pages, counted from 0.
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

/// Seals pages of records in their order behind `head`. Either all are sealed or none.
pub fn seal<P: AsRef<[Record]>>(head: &Head, pages: &[P], key: Option<&AuditKey>) -> Result<Vec<Seal>, SealError> {
    let mut head = head.clone();
    let mut seals = Vec::with_capacity(pages.len());
    for (index, page) in pages.iter().enumerate() {
        let records = page.as_ref();
        if records.iter().any(|record| !record.is_of(&head.tenant)) {
            return Err(SealError::Tenant { index });
        }
        let prev_hash = head.hash;
        let (mut seq, mut last) = (head.seq, None);
        for record in records {
            seq += 1;
            last = hash_of(&last.unwrap_or(prev_hash), record, seq);
            if last.is_none() {
                break;
            }
        }
        let hash = last.ok_or(SealError::Form { index })?;
        let seal = Seal { seq, prev_hash, hash, mac: key.map(|key| key.sign(&hash)) };
        head = head.after(&seal);
        seals.push(seal);
    }
    Ok(seals)
}

/// The hash of a record at a place behind a record of hash `prev`.
pub(super) fn hash_of(prev: &Sha256, record: &Record, seq: u64) -> Option<Sha256> {
    let mut bytes = Vec::with_capacity(prev.as_bytes().len() + record.as_str().len() + ROOM_OF_SEQ);
    bytes.extend_from_slice(prev.as_bytes());
    record.write_at(seq, &mut bytes)?;
    Some(Sha256::of(&bytes))
}

/// Bytes that a place takes in a record, at most.
const ROOM_OF_SEQ: usize = 27;
