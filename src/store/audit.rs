//! Audit rows. Events are written with what they tell of; a job seals them into the tenant's chain in
//! the order of their recording. Neither is ever changed.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use crate::audit::{AuditEvent, ChainRow, Checkpoint, Head, Mac, Record, Seal};
use crate::base::{LogicalId, Sha256, TenantId, Timestamp};

use super::db::{Tx, on};
use super::keys::Sealer;
use super::schema::{audit_checkpoint, audit_event, audit_seal};
use super::search::{self, Bind};
use super::{Desk, StoreError};

/// A checkpoint and its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// Compact JWS or other text of the signature.
    pub signature: String,
}

impl Desk<'_> {
    /// The end of the chain.
    pub async fn audit_head(&self) -> Result<Head, StoreError> {
        let tenant = self.tenant().clone();
        let last: Option<(i64, String)> = self
            .read(move |tx| {
                on!(tx, conn => audit_seal::table
                    .filter(audit_seal::tenant.eq(tenant.as_str()))
                    .order(audit_seal::seq.desc())
                    .select((audit_seal::seq, audit_seal::hash))
                    .first(conn)
                    .optional())
                .map_err(StoreError::from)
            })
            .await?;
        match last {
            None => Ok(Head::genesis(self.tenant())),
            Some((seq, hash)) => Ok(Head { tenant: self.tenant().clone(), seq: place(seq)?, hash: digest(&hash)? }),
        }
    }

    /// Events recorded before `before` that are not in the chain yet, oldest first, with their ids.
    pub async fn unsealed_events(&self, before: Timestamp, limit: i64) -> Result<Vec<(String, Record)>, StoreError> {
        let tenant = self.tenant().clone();
        let rows: Vec<(String, Vec<u8>)> = self
            .read(move |tx| {
                let sealed = audit_seal::table
                    .filter(audit_seal::tenant.eq(audit_event::tenant))
                    .filter(audit_seal::event_id.eq(audit_event::id));
                on!(tx, conn => audit_event::table
                    .filter(audit_event::tenant.eq(tenant.as_str()))
                    .filter(audit_event::recorded_at.lt(before.0))
                    .filter(not(exists(sealed)))
                    .order((audit_event::recorded_at, audit_event::id))
                    .select((audit_event::id, audit_event::body))
                    .limit(limit)
                    .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        rows.into_iter().map(|(id, body)| Ok((id.clone(), self.open_record(&id, &body)?))).collect()
    }

    /// Appends seals to the chain, each with the id of its event. Another node that was faster makes it
    /// [`StoreError::Duplicate`]: the chain cannot fork.
    pub async fn append_seals(&self, seals: Vec<(String, Seal)>) -> Result<(), StoreError> {
        let tenant = self.tenant().clone();
        self.write(move |tx| {
            let rows = seals.into_iter().map(|(event_id, seal)| {
                vec![
                    tenant.as_str().into(),
                    i64::try_from(seal.seq).unwrap_or(i64::MAX).into(),
                    event_id.into(),
                    seal.prev_hash.to_hex().into(),
                    seal.hash.to_hex().into(),
                    seal.mac.map(Mac::to_hex).unwrap_or_default().into(),
                ]
            });
            search::insert(tx, "audit_seal", SEALS, "", rows.collect())?;
            Ok(())
        })
        .await
    }

    /// Rows of the chain after place `seq`, in order. A seal whose event is gone or does not open gives a
    /// row with an empty record, which no check lets pass.
    pub async fn chain_rows(&self, seq: u64, limit: i64) -> Result<Vec<ChainRow>, StoreError> {
        let tenant = self.tenant().clone();
        let after = i64::try_from(seq).unwrap_or(i64::MAX);
        let rows: Vec<(SealRow, Option<Vec<u8>>)> = self
            .read(move |tx| {
                let join = audit_event::tenant.eq(audit_seal::tenant).and(audit_event::id.eq(audit_seal::event_id));
                on!(tx, conn => audit_seal::table
                    .left_join(audit_event::table.on(join))
                    .filter(audit_seal::tenant.eq(tenant.as_str()))
                    .filter(audit_seal::seq.gt(after))
                    .order(audit_seal::seq)
                    .select((SealRow::as_select(), audit_event::body.nullable()))
                    .limit(limit)
                    .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        rows.into_iter()
            .map(|(row, body)| {
                let record = body.and_then(|body| self.open_event(&row.event_id, &body).ok()).unwrap_or_default();
                let seal = Seal {
                    seq: place(row.seq)?,
                    prev_hash: digest(&row.prev_hash)?,
                    hash: digest(&row.hash)?,
                    mac: Mac::parse(&row.mac),
                };
                Ok(ChainRow { record, seal })
            })
            .collect()
    }

    /// Events, newest first: recording time, id and record.
    pub async fn audit_events(
        &self,
        after: Option<(Timestamp, LogicalId)>,
        limit: i64,
    ) -> Result<Vec<(Timestamp, String, Record)>, StoreError> {
        let tenant = self.tenant().clone();
        let rows: Vec<(i64, String, Vec<u8>)> = self
            .read(move |tx| {
                on!(tx, conn => {
                    let mut query = audit_event::table
                        .filter(audit_event::tenant.eq(tenant.as_str()))
                        .order((audit_event::recorded_at.desc(), audit_event::id.desc()))
                        .select((audit_event::recorded_at, audit_event::id, audit_event::body))
                        .limit(limit)
                        .into_boxed();
                    if let Some((at, id)) = &after {
                        query = query.filter(
                            audit_event::recorded_at
                                .lt(at.0)
                                .or(audit_event::recorded_at.eq(at.0).and(audit_event::id.lt(id.as_str()))),
                        );
                    }
                    query.load(conn).map_err(StoreError::from)
                })
            })
            .await?;
        rows.into_iter().map(|(at, id, body)| Ok((Timestamp(at), id.clone(), self.open_record(&id, &body)?))).collect()
    }

    /// Writes a checkpoint. The same again is no error.
    pub async fn add_checkpoint(&self, signed: SignedCheckpoint) -> Result<(), StoreError> {
        let tenant = self.tenant().clone();
        self.write(move |tx| {
            on!(tx, conn => diesel::insert_into(audit_checkpoint::table)
                .values((
                    audit_checkpoint::tenant.eq(tenant.as_str()),
                    audit_checkpoint::seq.eq(i64::try_from(signed.checkpoint.seq).unwrap_or(i64::MAX)),
                    audit_checkpoint::hash.eq(signed.checkpoint.hash.to_hex()),
                    audit_checkpoint::made_at.eq(signed.checkpoint.time.0),
                    audit_checkpoint::signature.eq(&signed.signature),
                ))
                .on_conflict_do_nothing()
                .execute(conn))?;
            Ok(())
        })
        .await
    }

    /// All checkpoints in order. Nothing of the log is archived yet, so each covers as many records as
    /// its place says.
    pub async fn checkpoints(&self) -> Result<Vec<SignedCheckpoint>, StoreError> {
        let tenant = self.tenant().clone();
        let rows: Vec<(i64, String, i64, String)> = self
            .read(move |tx| {
                on!(tx, conn => audit_checkpoint::table
                    .filter(audit_checkpoint::tenant.eq(tenant.as_str()))
                    .order(audit_checkpoint::seq)
                    .select((
                        audit_checkpoint::seq,
                        audit_checkpoint::hash,
                        audit_checkpoint::made_at,
                        audit_checkpoint::signature,
                    ))
                    .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        rows.into_iter()
            .map(|(seq, hash, made_at, signature)| {
                let head = Head { tenant: self.tenant().clone(), seq: place(seq)?, hash: digest(&hash)? };
                let checkpoint = Checkpoint::of(&head, head.seq, Timestamp(made_at));
                Ok(SignedCheckpoint { checkpoint, signature })
            })
            .collect()
    }

    fn open_event(&self, id: &str, body: &[u8]) -> Result<String, StoreError> {
        let plain = self.sealer().open(self.tenant(), &["audit", id], body)?;
        String::from_utf8(plain).map_err(|_utf8| StoreError::Corrupt("audit event"))
    }

    fn open_record(&self, id: &str, body: &[u8]) -> Result<Record, StoreError> {
        Record::parse(&self.open_event(id, body)?).map_err(|_form| StoreError::Corrupt("audit event"))
    }
}

fn place(seq: i64) -> Result<u64, StoreError> {
    u64::try_from(seq).map_err(|_range| StoreError::Corrupt("audit seal"))
}

fn digest(text: &str) -> Result<Sha256, StoreError> {
    Sha256::parse(text).ok_or(StoreError::Corrupt("audit seal"))
}

/// An event ready for the transaction.
pub(super) struct SealedEvent {
    id: String,
    recorded_at: Timestamp,
    body: Vec<u8>,
}

impl SealedEvent {
    pub(super) fn new(tenant: &TenantId, event: &AuditEvent, sealer: &Sealer) -> Result<Self, StoreError> {
        let id = event.id.as_str().to_owned();
        let record = Record::of(event).map_err(|_form| StoreError::Corrupt("audit event"))?;
        let body = sealer.seal(tenant, &["audit", &id], record.as_str().as_bytes())?;
        Ok(Self { id, recorded_at: event.time, body })
    }

    /// Its row, in the order of [`COLUMNS`].
    pub(super) fn row(&self, tenant: &TenantId) -> Vec<Bind> {
        let id = self.id.as_str();
        vec![tenant.as_str().into(), id.into(), self.recorded_at.0.into(), self.body.clone().into()]
    }
}

/// Writes events.
pub(super) fn insert(tx: &mut Tx<'_>, rows: Vec<Vec<Bind>>) -> Result<(), StoreError> {
    search::insert(tx, "audit_event", COLUMNS, "", rows)?;
    Ok(())
}

const SEALS: &[&str] = &["tenant", "seq", "event_id", "prev_hash", "hash", "mac"];
const COLUMNS: &[&str] = &["tenant", "id", "recorded_at", "body"];

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_seal)]
struct SealRow {
    seq: i64,
    event_id: String,
    prev_hash: String,
    hash: String,
    mac: String,
}
