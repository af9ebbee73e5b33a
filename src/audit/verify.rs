//! Checking a chain: page by page, so that a log of any length fits.

use crate::base::TenantId;

use super::chain::hash_of;
use super::{AuditKey, ChainRow, Checkpoint, Head, Record};

/// What was found in a chain that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    /// Its end, from which the next check may begin.
    pub head: Head,
    /// How many records were checked.
    pub records: u64,
    /// How many checkpoints were met and agreed.
    pub checkpoints: usize,
    /// Whether every HMAC was checked as well.
    pub keyed: bool,
}

/// Where a chain first does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("audit chain breaks at record {seq}: {kind}")]
pub struct ChainBreak {
    /// Place of the first record that is wrong or missing; of a page, that of its first record.
    pub seq: u64,
    /// What is wrong with it.
    pub kind: BreakKind,
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BreakKind {
    /// The place is empty, or holds a record of another place.
    #[error("the record of this place is missing")]
    Missing,
    /// Its text is not that of a record.
    #[error("the text is not a record")]
    Form,
    /// It belongs to another tenant.
    #[error("the record belongs to another tenant")]
    Tenant,
    /// It does not name the hash of the record before.
    #[error("the record does not follow the one before")]
    PrevHash,
    /// Its hash is not that of its text.
    #[error("the record was changed")]
    Hash,
    /// Its HMAC is missing or not that of its hash.
    #[error("the record was not sealed with the key")]
    Mac,
    /// A checkpoint names another hash for this place.
    #[error("the record is not the one that the checkpoint names")]
    Checkpoint,
    /// A checkpoint names a place behind the end.
    #[error("the end of the chain is missing")]
    Truncated,
    /// A checkpoint is of another tenant.
    #[error("the checkpoint belongs to another tenant")]
    ForeignCheckpoint,
}

/// Checks pages one by one as they come from the store.
#[derive(Debug)]
pub struct ChainVerifier<'a> {
    head: Head,
    records: u64,
    met: usize,
    key: Option<&'a AuditKey>,
    /// Not yet met, by place.
    checkpoints: Vec<&'a Checkpoint>,
}

impl<'a> ChainVerifier<'a> {
    /// Begins behind `start`: [`Head::genesis`], or the end of an earlier check. The signatures of the
    /// checkpoints are for the caller to verify; those at or before `start` must agree with it.
    pub fn new(start: Head, key: Option<&'a AuditKey>, checkpoints: &'a [Checkpoint]) -> Result<Self, ChainBreak> {
        if let Some(foreign) = checkpoints.iter().find(|checkpoint| checkpoint.tenant != start.tenant) {
            return Err(ChainBreak { seq: foreign.seq, kind: BreakKind::ForeignCheckpoint });
        }
        let mut ahead: Vec<&Checkpoint> = checkpoints.iter().filter(|each| each.seq >= start.seq).collect();
        ahead.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.seq));
        let mut verifier = Self { head: start, records: 0, met: 0, key, checkpoints: ahead };
        verifier.meet()?;
        Ok(verifier)
    }

    /// Checks the next page. A page that does not hold is named by the place of its first record, one that
    /// follows wrongly or meets another checkpoint by the place where that is.
    pub fn push(&mut self, row: &ChainRow) -> Result<(), ChainBreak> {
        let seq = self.head.seq + 1;
        let wrong = |kind| Err(ChainBreak { seq, kind });
        if row.records.is_empty() || row.seal.seq != self.head.seq + row.records.len() as u64 {
            return wrong(BreakKind::Missing);
        }
        let mut records = Vec::with_capacity(row.records.len());
        for text in &row.records {
            let Ok(record) = Record::parse(text) else {
                return wrong(BreakKind::Form);
            };
            if !record.is_of(&self.head.tenant) {
                return wrong(BreakKind::Tenant);
            }
            records.push(record);
        }
        if row.seal.prev_hash != self.head.hash {
            return wrong(BreakKind::PrevHash);
        }
        let mut heads = Vec::with_capacity(records.len());
        let mut head = self.head.clone();
        for record in &records {
            let Some(hash) = hash_of(&head.hash, record, head.seq + 1) else {
                return wrong(BreakKind::Form);
            };
            head = Head { tenant: head.tenant, seq: head.seq + 1, hash };
            heads.push(head.clone());
        }
        if head.hash != row.seal.hash {
            return wrong(BreakKind::Hash);
        }
        if let Some(key) = self.key
            && !row.seal.mac.is_some_and(|mac| key.holds(&row.seal.hash, &mac))
        {
            return wrong(BreakKind::Mac);
        }
        for head in heads {
            self.head = head;
            self.records += 1;
            self.meet()?;
        }
        Ok(())
    }

    /// The report, after the last row.
    pub fn finish(self) -> Result<ChainReport, ChainBreak> {
        if self.checkpoints.is_empty() {
            let keyed = self.key.is_some();
            Ok(ChainReport { head: self.head, records: self.records, checkpoints: self.met, keyed })
        } else {
            Err(ChainBreak { seq: self.head.seq + 1, kind: BreakKind::Truncated })
        }
    }

    /// Compares the checkpoints of the place that was just reached.
    fn meet(&mut self) -> Result<(), ChainBreak> {
        while let Some(checkpoint) = self.checkpoints.pop_if(|checkpoint| checkpoint.seq == self.head.seq) {
            if checkpoint.hash != self.head.hash {
                return Err(ChainBreak { seq: self.head.seq, kind: BreakKind::Checkpoint });
            }
            self.met += 1;
        }
        Ok(())
    }
}

/// Checks a whole chain of `tenant` from its beginning.
pub fn verify_chain<'a>(
    tenant: &TenantId,
    rows: impl IntoIterator<Item = &'a ChainRow>,
    key: Option<&AuditKey>,
    checkpoints: &[Checkpoint],
) -> Result<ChainReport, ChainBreak> {
    let mut verifier = ChainVerifier::new(Head::genesis(tenant), key, checkpoints)?;
    for row in rows {
        verifier.push(row)?;
    }
    verifier.finish()
}

#[cfg(test)]
mod tests;
