//! Audit rows. Events are written with what they tell of, those of one write set on a page of their own; a
//! job seals pages into the tenant's chain in the order of their recording. Neither is ever changed.

mod page;

use diesel::prelude::*;

use crate::audit::{AuditEvent, ChainRow, Checkpoint, Head, Mac, Record, Seal};
use crate::base::{LogicalId, Sha256, Timestamp};

use super::db::on;
use super::schema::{audit_checkpoint, audit_event, audit_seal, audit_unsealed};
use super::search;
use super::{Desk, StoreError};

pub(super) use page::{SealedPage, insert, pages};

/// A checkpoint and its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// Compact JWS or other text of the signature.
    pub signature: String,
}

/// A page that waits for its seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsealedPage {
    id: String,
    recorded_at: Timestamp,
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

    /// Pages recorded before `before` that are not in the chain yet, oldest first, with their ids.
    pub async fn unsealed_pages(
        &self,
        before: Timestamp,
        limit: i64,
    ) -> Result<Vec<(UnsealedPage, Vec<Record>)>, StoreError> {
        let tenant = self.tenant().clone();
        let rows: Vec<(String, i64, Vec<u8>)> = self
            .read(move |tx| {
                let join =
                    audit_event::tenant.eq(audit_unsealed::tenant).and(audit_event::id.eq(audit_unsealed::event_id));
                on!(tx, conn => audit_unsealed::table
                    .inner_join(audit_event::table.on(join))
                    .filter(audit_unsealed::tenant.eq(tenant.as_str()))
                    .filter(audit_unsealed::recorded_at.lt(before.0))
                    .order((audit_unsealed::recorded_at, audit_unsealed::event_id))
                    .select((audit_event::id, audit_event::recorded_at, audit_event::body))
                    .limit(limit)
                    .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        let page = |(id, recorded_at, body): (String, i64, Vec<u8>)| {
            let texts = page::open(self.sealer(), self.tenant(), &id, &body)?;
            let kept = |text| Record::kept(self.tenant().clone(), text);
            Ok((UnsealedPage { id, recorded_at: Timestamp(recorded_at) }, texts.into_iter().map(kept).collect()))
        };
        rows.into_iter().map(page).collect()
    }

    /// Appends seals to the chain, each with its page. Another node that was faster makes it
    /// [`StoreError::Duplicate`]: the chain cannot fork.
    pub async fn append_seals(&self, seals: Vec<(UnsealedPage, Seal)>) -> Result<(), StoreError> {
        let tenant = self.tenant().clone();
        self.write(move |tx| {
            let row = |(page, seal): &(UnsealedPage, Seal)| {
                vec![
                    tenant.as_str().into(),
                    i64::try_from(seal.seq).unwrap_or(i64::MAX).into(),
                    page.id.as_str().into(),
                    seal.prev_hash.to_hex().into(),
                    seal.hash.to_hex().into(),
                    seal.mac.map(Mac::to_hex).unwrap_or_default().into(),
                ]
            };
            search::insert(tx, "audit_seal", SEALS, "", seals.iter().map(row).collect())?;
            for (page, _) in &seals {
                let waiting = audit_unsealed::tenant
                    .eq(tenant.as_str())
                    .and(audit_unsealed::recorded_at.eq(page.recorded_at.0))
                    .and(audit_unsealed::event_id.eq(page.id.as_str()));
                on!(tx, conn => diesel::delete(audit_unsealed::table.filter(waiting)).execute(conn))?;
            }
            Ok(())
        })
        .await
    }

    /// Pages of the chain after place `seq`, in order. A seal whose page is gone or does not open gives a
    /// page with one empty record, which no check lets pass.
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
                let open = |body: Vec<u8>| page::open(self.sealer(), self.tenant(), &row.event_id, &body).ok();
                let records = body.and_then(open).unwrap_or_else(|| vec![String::new()]);
                let seal = Seal {
                    seq: place(row.seq)?,
                    prev_hash: digest(&row.prev_hash)?,
                    hash: digest(&row.hash)?,
                    mac: Mac::parse(&row.mac),
                };
                Ok(ChainRow { records, seal })
            })
            .collect()
    }

    /// Events, newest first.
    ///
    /// Pages come in the order of their newest events, and one spans [`page::SPAN_US`] at most: so the events
    /// before a moment stand on pages that end before it or within that span behind it, and what was read is
    /// in order down to the end of the last page.
    pub async fn audit_events(
        &self,
        after: Option<(Timestamp, LogicalId)>,
        limit: usize,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let is_wanted = |event: &AuditEvent| {
            after.as_ref().is_none_or(|(at, id)| (event.time, event.id.as_str()) < (*at, id.as_str()))
        };
        let newest = after.as_ref().map_or(i64::MAX, |(at, _)| at.0.saturating_add(page::SPAN_US));
        let mut before: Option<(i64, String)> = None;
        let mut events: Vec<AuditEvent> = Vec::new();
        loop {
            let rows = self.pages_before(newest, before).await?;
            let Some((last, last_id, _)) = rows.last() else { break };
            before = Some((*last, last_id.clone()));
            for (_, id, body) in &rows {
                for text in page::open(self.sealer(), self.tenant(), id, body)? {
                    let event = Record::kept(self.tenant().clone(), text).event();
                    events.extend(Some(event.map_err(|_form| StoreError::Corrupt("audit event"))?).filter(is_wanted));
                }
            }
            events.sort_by(|left, right| (right.time, right.id.as_str()).cmp(&(left.time, left.id.as_str())));
            let is_settled =
                limit.checked_sub(1).and_then(|last| events.get(last)).is_some_and(|event| event.time.0 > *last);
            if is_settled || rows.len() < PAGES {
                break;
            }
        }
        events.truncate(limit);
        Ok(events)
    }

    /// Rows of pages that end at `newest` or before, behind `before`; the newest first.
    async fn pages_before(
        &self,
        newest: i64,
        before: Option<(i64, String)>,
    ) -> Result<Vec<(i64, String, Vec<u8>)>, StoreError> {
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            on!(tx, conn => {
                let mut query = audit_event::table
                    .filter(audit_event::tenant.eq(tenant.as_str()))
                    .filter(audit_event::recorded_at.le(newest))
                    .order((audit_event::recorded_at.desc(), audit_event::id.desc()))
                    .select((audit_event::recorded_at, audit_event::id, audit_event::body))
                    .limit(i64::try_from(PAGES).unwrap_or(i64::MAX))
                    .into_boxed();
                if let Some((at, id)) = &before {
                    query = query.filter(
                        audit_event::recorded_at
                            .lt(*at)
                            .or(audit_event::recorded_at.eq(*at).and(audit_event::id.lt(id.as_str()))),
                    );
                }
                query.load(conn).map_err(StoreError::from)
            })
        })
        .await
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
}

fn place(seq: i64) -> Result<u64, StoreError> {
    u64::try_from(seq).map_err(|_range| StoreError::Corrupt("audit seal"))
}

fn digest(text: &str) -> Result<Sha256, StoreError> {
    Sha256::parse(text).ok_or(StoreError::Corrupt("audit seal"))
}

const SEALS: &[&str] = &["tenant", "seq", "event_id", "prev_hash", "hash", "mac"];
/// Pages that a reader loads at a time.
const PAGES: usize = 64;

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_seal)]
struct SealRow {
    seq: i64,
    event_id: String,
    prev_hash: String,
    hash: String,
    mac: String,
}
