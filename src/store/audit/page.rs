//! Pages of the log: the events of one write set in one row. Thousands of reads share a row, a seal and a
//! place in the chain this way.
//!
//! A page holds one record as its text, or several as lines packed by zstd; the first byte tells which. It is
//! named by its first event and recorded when its last one was.

use std::cell::RefCell;

use zstd::bulk::Compressor;

use crate::audit::{AuditEvent, Record};
use crate::base::{TenantId, Timestamp};
use crate::store::StoreError;
use crate::store::db::Tx;
use crate::store::keys::Sealer;
use crate::store::search::{self, Bind};

/// Longest time between the first and the last event of a page, in microseconds.
pub(super) const SPAN_US: i64 = 60_000_000;

/// A page ready for the transaction.
pub(in crate::store) struct SealedPage {
    id: String,
    recorded_at: Timestamp,
    body: Vec<u8>,
}

/// The events of a write set as pages.
pub(in crate::store) fn pages(
    tenant: &TenantId,
    mut events: Vec<AuditEvent>,
    sealer: &Sealer,
) -> Result<Vec<SealedPage>, StoreError> {
    events.sort_by_key(|event| event.time);
    let mut pages = Vec::new();
    let mut open: Option<OpenPage> = None;
    for event in events {
        let record = Record::of(&event).map_err(|_form| StoreError::Corrupt("audit event"))?;
        if let Some(full) = open.take_if(|page| !page.takes(event.time, record.as_str())) {
            pages.push(full.seal(tenant, sealer)?);
        }
        open.get_or_insert_with(|| OpenPage::new(&event)).add(event.time, record.as_str());
    }
    pages.extend(open.map(|page| page.seal(tenant, sealer)).transpose()?);
    Ok(pages)
}

/// Writes pages, and that they wait for their seals.
pub(in crate::store) fn insert(tx: &mut Tx<'_>, tenant: &TenantId, pages: &[SealedPage]) -> Result<(), StoreError> {
    let row = |page: &SealedPage| -> Vec<Bind> {
        vec![tenant.as_str().into(), page.id.as_str().into(), page.recorded_at.0.into(), page.body.clone().into()]
    };
    search::insert(tx, "audit_event", &["tenant", "id", "recorded_at", "body"], "", pages.iter().map(row).collect())?;
    let waiting = |page: &SealedPage| -> Vec<Bind> {
        vec![tenant.as_str().into(), page.recorded_at.0.into(), page.id.as_str().into()]
    };
    let columns = ["tenant", "recorded_at", "event_id"];
    search::insert(tx, "audit_unsealed", &columns, "", pages.iter().map(waiting).collect())?;
    Ok(())
}

/// The texts of a page's records.
pub(super) fn open(sealer: &Sealer, tenant: &TenantId, id: &str, body: &[u8]) -> Result<Vec<String>, StoreError> {
    let corrupt = || StoreError::Corrupt("audit event");
    let plain = sealer.open(tenant, &["audit", id], body)?;
    if plain.first() == Some(&b'{') {
        return Ok(vec![String::from_utf8(plain).map_err(|_utf8| corrupt())?]);
    }
    let lines = zstd::bulk::decompress(&plain, MAX_BYTES).map_err(|_damaged| corrupt())?;
    let lines = String::from_utf8(lines).map_err(|_utf8| corrupt())?;
    Ok(lines.lines().map(str::to_owned).collect())
}

struct OpenPage {
    id: String,
    first_at: Timestamp,
    last_at: Timestamp,
    lines: String,
    records: usize,
}

impl OpenPage {
    fn new(first: &AuditEvent) -> Self {
        Self {
            id: first.id.as_str().to_owned(),
            first_at: first.time,
            last_at: first.time,
            lines: String::new(),
            records: 0,
        }
    }

    fn takes(&self, at: Timestamp, record: &str) -> bool {
        self.records < MAX_RECORDS
            && self.lines.len() + record.len() < MAX_BYTES
            && at.0.saturating_sub(self.first_at.0) <= SPAN_US
    }

    /// A canonical record has no line break.
    fn add(&mut self, at: Timestamp, record: &str) {
        if self.records > 0 {
            self.lines.push('\n');
        }
        self.lines.push_str(record);
        self.records += 1;
        self.last_at = at;
    }

    fn seal(self, tenant: &TenantId, sealer: &Sealer) -> Result<SealedPage, StoreError> {
        let Self { id, last_at, lines, records, .. } = self;
        let plain = match records {
            1 => lines.into_bytes(),
            _ => PACKER
                .with_borrow_mut(|packer| match packer {
                    Some(packer) => packer.compress(lines.as_bytes()),
                    None => packer.insert(Compressor::new(COMPRESSION)?).compress(lines.as_bytes()),
                })
                .map_err(|_memory| StoreError::Corrupt("audit event"))?,
        };
        let body = sealer.seal(tenant, &["audit", &id], &plain)?;
        Ok(SealedPage { id, recorded_at: last_at, body })
    }
}

thread_local! {
    /// It takes longer to make than to use.
    static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

/// Records of a page at most.
const MAX_RECORDS: usize = 512;
/// Bytes of a page of several records at most, before it is packed.
const MAX_BYTES: usize = 1024 * 1024;
/// Level of zstd: reads wait for nothing less than for their audit.
const COMPRESSION: i32 = 1;
