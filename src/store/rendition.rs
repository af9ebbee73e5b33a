//! Finished renditions of report versions, and the evidence that they were made with.

use diesel::prelude::*;

use crate::base::{Blake3, LogicalId, Sha256, TenantId, Timestamp, Uid, VersionId};
use crate::report::{Losses, Twin};

use super::blob_row::BlobUse;
use super::db::{Tx, on};
use super::schema::{rendition, report_evidence};
use super::{Desk, StoreError, blob_row};

/// A rendition of one report version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendition {
    /// Report.
    pub report: LogicalId,
    /// Version.
    pub version: VersionId,
    /// Form.
    pub twin: Twin,
    /// Where its bytes are.
    pub digest: Blake3,
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// Size in bytes.
    pub size: u64,
    /// SOP class and instance of DICOM forms.
    pub sop: Option<(Uid, Uid)>,
    /// What it does not carry.
    pub losses: Losses,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What the archive knew when a version was first rendered: a sealed blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Report.
    pub report: LogicalId,
    /// Version.
    pub version: VersionId,
    /// Where the JSON is.
    pub digest: Blake3,
    /// Size of the JSON in bytes.
    pub size: u64,
    /// Blobs that it names: rendered key images.
    pub images: Vec<(Blake3, u64)>,
}

impl Desk<'_> {
    /// A finished rendition.
    pub async fn rendition(
        &self,
        report: &LogicalId,
        version: VersionId,
        twin: Twin,
    ) -> Result<Option<Rendition>, StoreError> {
        let (tenant, report) = (self.tenant().clone(), report.clone());
        let row: Option<Row> = self
            .read(move |tx| {
                on!(tx, conn => rendition::table
                    .find((tenant.as_str(), report.as_str(), version.0, twin.as_str()))
                    .select(Row::as_select())
                    .get_result(conn)
                    .optional())
                .map_err(StoreError::from)
            })
            .await?;
        row.map(Rendition::try_from).transpose()
    }

    /// Where the evidence of a version is.
    pub async fn evidence(&self, report: &LogicalId, version: VersionId) -> Result<Option<Blake3>, StoreError> {
        let (tenant, report) = (self.tenant().clone(), report.clone());
        let digest: Option<String> = self
            .read(move |tx| {
                on!(tx, conn => report_evidence::table
                    .find((tenant.as_str(), report.as_str(), version.0))
                    .select(report_evidence::digest)
                    .get_result(conn)
                    .optional())
                .map_err(StoreError::from)
            })
            .await?;
        digest.map(|text| Blake3::parse(&text).ok_or(StoreError::Corrupt("evidence digest"))).transpose()
    }
}

/// Keeps a rendition. One that is there already stays: it is the same by construction.
pub(super) fn insert(tx: &mut Tx<'_>, tenant: &TenantId, new: &Rendition, now: Timestamp) -> Result<(), StoreError> {
    let losses = serde_json::to_string(&new.losses).map_err(|_error| StoreError::Corrupt("loss report"))?;
    let row = Row {
        tenant: tenant.as_str().to_owned(),
        report: new.report.as_str().to_owned(),
        version_id: new.version.0,
        twin: new.twin.as_str().to_owned(),
        digest: new.digest.to_hex(),
        sha256: new.sha256.to_hex(),
        size: i64::try_from(new.size).unwrap_or(i64::MAX),
        sop_class_uid: new.sop.as_ref().map(|(class, _)| class.as_str().to_owned()),
        sop_instance_uid: new.sop.as_ref().map(|(_, instance)| instance.as_str().to_owned()),
        losses,
        created_at: new.created_at.0,
    };
    let kept =
        on!(tx, conn => diesel::insert_into(rendition::table).values(row).on_conflict_do_nothing().execute(conn))?;
    if kept == 1 {
        let owner_id = format!("{}/{}/{}", new.report, new.version, new.twin.as_str());
        let used = BlobUse { digest: new.digest, size: new.size, owner_kind: "rendition", owner_id };
        blob_row::insert(tx, tenant, &[&used], now)?;
    }
    Ok(())
}

/// Fixes the evidence of a version. The first one stays; a later one is refused as a duplicate.
pub(super) fn insert_evidence(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    new: &Evidence,
    now: Timestamp,
) -> Result<(), StoreError> {
    on!(tx, conn => diesel::insert_into(report_evidence::table)
        .values((
            report_evidence::tenant.eq(tenant.as_str()),
            report_evidence::report.eq(new.report.as_str()),
            report_evidence::version_id.eq(new.version.0),
            report_evidence::digest.eq(new.digest.to_hex()),
            report_evidence::created_at.eq(now.0),
        ))
        .execute(conn))?;
    let owner_id = format!("{}/{}", new.report, new.version);
    for (digest, size) in std::iter::once(&(new.digest, new.size)).chain(&new.images) {
        let used = BlobUse { digest: *digest, size: *size, owner_kind: "evidence", owner_id: owner_id.clone() };
        blob_row::insert(tx, tenant, &[&used], now)?;
    }
    Ok(())
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = rendition)]
struct Row {
    tenant: String,
    report: String,
    version_id: i32,
    twin: String,
    digest: String,
    sha256: String,
    size: i64,
    sop_class_uid: Option<String>,
    sop_instance_uid: Option<String>,
    losses: String,
    created_at: i64,
}

impl TryFrom<Row> for Rendition {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let uid = |text: Option<String>| {
            text.map(|text| Uid::parse(&text)).transpose().map_err(|_form| StoreError::Corrupt("UID"))
        };
        Ok(Self {
            report: LogicalId::parse(&row.report).map_err(|_form| StoreError::Corrupt("report id"))?,
            version: VersionId(row.version_id),
            twin: Twin::parse(&row.twin).ok_or(StoreError::Corrupt("rendition form"))?,
            digest: Blake3::parse(&row.digest).ok_or(StoreError::Corrupt("rendition digest"))?,
            sha256: Sha256::parse(&row.sha256).ok_or(StoreError::Corrupt("rendition digest"))?,
            size: u64::try_from(row.size).map_err(|_range| StoreError::Corrupt("rendition size"))?,
            sop: uid(row.sop_class_uid)?.zip(uid(row.sop_instance_uid)?),
            losses: serde_json::from_str(&row.losses).map_err(|_error| StoreError::Corrupt("loss report"))?,
            created_at: Timestamp(row.created_at),
        })
    }
}
