//! What blobs there are and who needs them. A blob without a reference is swept after a time of grace.

use std::collections::BTreeMap;

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use crate::base::{Blake3, TenantId, Timestamp};

use super::db::{Tx, on};
use super::schema::{blob, blob_ref};
use super::search::{Bind, insert as insert_rows};
use super::{Desk, StoreError};

/// A blob that has been written, and who needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobUse {
    /// Digest of the plain bytes.
    pub digest: Blake3,
    /// Size of the plain bytes.
    pub size: u64,
    /// Kind of the owner, as `rendition`.
    pub owner_kind: &'static str,
    /// Id of the owner.
    pub owner_id: String,
}

impl Desk<'_> {
    /// Blobs of this tenant that nobody needs and that were written before `before`.
    pub async fn unused_blobs(&self, before: Timestamp, limit: i64) -> Result<Vec<Blake3>, StoreError> {
        let tenant = self.tenant().clone();
        let rows: Vec<String> = self
            .read(move |tx| {
                let needed =
                    blob_ref::table.filter(blob_ref::tenant.eq(blob::tenant)).filter(blob_ref::digest.eq(blob::digest));
                on!(tx, conn => blob::table
                    .filter(blob::tenant.eq(tenant.as_str()))
                    .filter(blob::created_at.lt(before.0))
                    .filter(not(exists(needed)))
                    .select(blob::digest)
                    .limit(limit)
                    .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        rows.iter().map(|text| Blake3::parse(text).ok_or(StoreError::Corrupt("blob digest"))).collect()
    }

    /// Those of some digests of which there is a row.
    pub async fn known_blobs(&self, digests: &[Blake3]) -> Result<Vec<Blake3>, StoreError> {
        let tenant = self.tenant().clone();
        let asked: Vec<String> = digests.iter().map(|digest| digest.to_hex()).collect();
        let rows: Vec<String> = self
            .read(move |tx| {
                on!(tx, conn => blob::table
                    .filter(blob::tenant.eq(tenant.as_str()))
                    .filter(blob::digest.eq_any(&asked))
                    .select(blob::digest)
                    .load(conn))
                .map_err(StoreError::from)
            })
            .await?;
        rows.iter().map(|text| Blake3::parse(text).ok_or(StoreError::Corrupt("blob digest"))).collect()
    }

    /// Takes the row of a blob away if still nobody needs it. `true` if the bytes may go.
    pub async fn forget_blob(&self, digest: Blake3) -> Result<bool, StoreError> {
        let tenant = self.tenant().clone();
        self.write(move |tx| {
            let hex = digest.to_hex();
            let needed =
                exists(blob_ref::table.filter(blob_ref::tenant.eq(tenant.as_str())).filter(blob_ref::digest.eq(&hex)));
            if on!(tx, conn => diesel::select(needed).get_result::<bool>(conn))? {
                return Ok(false);
            }
            let gone = on!(tx, conn => diesel::delete(blob::table.find((tenant.as_str(), &hex))).execute(conn))?;
            Ok(gone == 1)
        })
        .await
    }
}

/// Notes blobs and their owners. The same again is no error. A known blob counts as young again, so that
/// a sweep that is under way leaves it.
pub(super) fn insert(tx: &mut Tx<'_>, tenant: &TenantId, new: &[&BlobUse], now: Timestamp) -> Result<(), StoreError> {
    // In the order of their digests: two transactions that note the same ones never wait for each other.
    let by_digest: BTreeMap<String, &BlobUse> = new.iter().map(|one| (one.digest.to_hex(), *one)).collect();
    let row = |(digest, one): (&String, &&BlobUse)| -> Vec<Bind> {
        let size = i64::try_from(one.size).unwrap_or(i64::MAX);
        vec![tenant.as_str().into(), digest.as_str().into(), size.into(), now.0.into()]
    };
    let end = " on conflict (tenant, digest) do update set created_at = excluded.created_at";
    insert_rows(tx, "blob", &["tenant", "digest", "size", "created_at"], end, by_digest.iter().map(row).collect())?;
    let reference = |one: &&BlobUse| -> Vec<Bind> {
        vec![tenant.as_str().into(), one.digest.to_hex().into(), one.owner_kind.into(), one.owner_id.as_str().into()]
    };
    let columns = ["tenant", "digest", "owner_kind", "owner_id"];
    insert_rows(tx, "blob_ref", &columns, " on conflict do nothing", new.iter().map(reference).collect())?;
    Ok(())
}

/// Takes all references of an owner away.
pub(super) fn release(tx: &mut Tx<'_>, tenant: &TenantId, owner_kind: &str, owner_id: &str) -> Result<(), StoreError> {
    on!(tx, conn => diesel::delete(blob_ref::table
        .filter(blob_ref::tenant.eq(tenant.as_str()))
        .filter(blob_ref::owner_kind.eq(owner_kind))
        .filter(blob_ref::owner_id.eq(owner_id)))
        .execute(conn))?;
    Ok(())
}
