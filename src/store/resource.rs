//! FHIR resources: versions written with a guard, read as the text that was stored.

use diesel::prelude::*;

use crate::base::{LogicalId, TenantId, Timestamp, VersionId};
use crate::fhir::index::IndexRow;
use crate::fhir::search::Entry;

use super::db::{Tx, on};
use super::keys::Sealer;
use super::schema::{resource, resource_history};
use super::{Desk, StoreError, body};

/// A resource as it is kept: the exact JSON text and what stands in its meta.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResource {
    /// Type, as `DiagnosticReport`.
    pub resource_type: String,
    /// Logical id.
    pub logical_id: LogicalId,
    /// Version.
    pub version_id: VersionId,
    /// When this version was committed.
    pub last_updated: Timestamp,
    /// JSON text, or `None` for a version that is a deletion.
    pub body: Option<Vec<u8>>,
}

/// A new version of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceWrite {
    /// Type, as `DiagnosticReport`.
    pub resource_type: String,
    /// Logical id.
    pub logical_id: LogicalId,
    /// The version that must be the newest one now; `None` if there must be none.
    pub expected: Option<VersionId>,
    /// When it is committed; the same instant stands in the body's meta.
    pub last_updated: Timestamp,
    /// JSON text with meta inside; `None` deletes the resource.
    pub body: Option<Vec<u8>>,
    /// What the report interface finds it by.
    pub rows: Vec<IndexRow>,
    /// What FHIR search finds it by.
    pub entries: Vec<Entry<'static>>,
}

impl ResourceWrite {
    /// The version that this write makes.
    pub fn version_id(&self) -> VersionId {
        self.expected.map_or(VersionId::FIRST, VersionId::next)
    }
}

impl Desk<'_> {
    /// The newest version of a resource, also if it is a deletion.
    pub async fn resource(&self, resource_type: &str, id: &LogicalId) -> Result<Option<StoredResource>, StoreError> {
        let (tenant, kind, id) = (self.tenant().clone(), resource_type.to_owned(), id.clone());
        let row = self
            .read_row(move |tx| {
                on!(tx, conn => resource::table
                    .find((tenant.as_str(), &kind, id.as_str()))
                    .select(Row::as_select())
                    .get_result(conn)
                    .optional())
                .map_err(StoreError::from)
            })
            .await?;
        row.map(|row| row.open(self.tenant(), self.sealer())).transpose()
    }

    /// One version of a resource.
    pub async fn resource_version(
        &self,
        resource_type: &str,
        id: &LogicalId,
        version: VersionId,
    ) -> Result<Option<StoredResource>, StoreError> {
        let mut found = self.resource_versions(&[(resource_type.to_owned(), id.clone(), version)]).await?;
        Ok(found.pop().flatten())
    }

    /// Several versions of resources, each in the place of its key.
    pub async fn resource_versions(
        &self,
        keys: &[(String, LogicalId, VersionId)],
    ) -> Result<Vec<Option<StoredResource>>, StoreError> {
        let (tenant, keys) = (self.tenant().clone(), keys.to_vec());
        let rows = self
            .read_row(move |tx| {
                keys.iter()
                    .map(|(kind, id, version)| find_version(tx, &tenant, kind, id, *version))
                    .collect::<Result<Vec<_>, _>>()
            })
            .await?;
        rows.into_iter().map(|row| row.map(|row| row.open(self.tenant(), self.sealer())).transpose()).collect()
    }

    /// All versions of a resource, newest first.
    pub async fn resource_history(
        &self,
        resource_type: &str,
        id: &LogicalId,
    ) -> Result<Vec<StoredResource>, StoreError> {
        let (tenant, kind, id) = (self.tenant().clone(), resource_type.to_owned(), id.clone());
        let rows = self
            .read(move |tx| {
                let newest: Vec<Row> = on!(tx, conn => resource::table
                    .find((tenant.as_str(), &kind, id.as_str()))
                    .select(Row::as_select())
                    .load(conn))?;
                let older: Vec<Row> = on!(tx, conn => resource_history::table
                    .filter(resource_history::tenant.eq(tenant.as_str()))
                    .filter(resource_history::resource_type.eq(&kind))
                    .filter(resource_history::logical_id.eq(id.as_str()))
                    .order(resource_history::version_id.desc())
                    .select(HistoryRow::as_select())
                    .load(conn))?
                .into_iter()
                .map(Row::from)
                .collect();
                Ok(newest.into_iter().chain(older).collect::<Vec<_>>())
            })
            .await?;
        rows.into_iter().map(|row| row.open(self.tenant(), self.sealer())).collect()
    }

    /// The newest versions of several resources, also deletions; those that are not there are left out.
    pub async fn resources(&self, keys: &[(String, LogicalId)]) -> Result<Vec<StoredResource>, StoreError> {
        let (tenant, keys) = (self.tenant().clone(), keys.to_vec());
        let rows: Vec<Row> = self
            .read(move |tx| {
                let mut found = Vec::with_capacity(keys.len());
                for (kind, id) in keys {
                    let row: Option<Row> = on!(tx, conn => resource::table
                        .find((tenant.as_str(), &kind, id.as_str()))
                        .select(Row::as_select())
                        .get_result(conn)
                        .optional())?;
                    found.extend(row);
                }
                Ok(found)
            })
            .await?;
        rows.into_iter().map(|row| row.open(self.tenant(), self.sealer())).collect()
    }
}

fn find_version(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    kind: &str,
    id: &LogicalId,
    version: VersionId,
) -> Result<Option<Row>, StoreError> {
    let newest: Option<Row> = on!(tx, conn => resource::table
        .find((tenant.as_str(), kind, id.as_str()))
        .filter(resource::version_id.eq(version.0))
        .select(Row::as_select())
        .get_result(conn)
        .optional())?;
    if newest.is_some() {
        return Ok(newest);
    }
    let older: Option<HistoryRow> = on!(tx, conn => resource_history::table
        .find((tenant.as_str(), kind, id.as_str(), version.0))
        .select(HistoryRow::as_select())
        .get_result(conn)
        .optional())?;
    Ok(older.map(Row::from))
}

#[derive(Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = resource)]
pub(super) struct Row {
    pub(super) tenant: String,
    pub(super) resource_type: String,
    pub(super) logical_id: String,
    pub(super) version_id: i32,
    pub(super) last_updated: i64,
    pub(super) deleted: bool,
    pub(super) body: Vec<u8>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = resource_history)]
struct HistoryRow {
    tenant: String,
    resource_type: String,
    logical_id: String,
    version_id: i32,
    last_updated: i64,
    deleted: bool,
    body: Vec<u8>,
}

impl From<HistoryRow> for Row {
    fn from(row: HistoryRow) -> Self {
        let HistoryRow { tenant, resource_type, logical_id, version_id, last_updated, deleted, body } = row;
        Self { tenant, resource_type, logical_id, version_id, last_updated, deleted, body }
    }
}

impl Row {
    pub(super) fn open(self, tenant: &TenantId, sealer: &Sealer) -> Result<StoredResource, StoreError> {
        let version = self.version_id.to_string();
        let packed = sealer.open(tenant, &[&self.resource_type, &self.logical_id, &version], &self.body)?;
        let body = body::unpack(packed)?;
        Ok(StoredResource {
            logical_id: LogicalId::parse(&self.logical_id).map_err(|_form| StoreError::Corrupt("logical id"))?,
            resource_type: self.resource_type,
            version_id: VersionId(self.version_id),
            last_updated: Timestamp(self.last_updated),
            body: (!self.deleted).then_some(body),
        })
    }
}
