//! FHIR resources: versions written with a guard, read as the text that was stored.

use diesel::prelude::*;

use crate::base::{LogicalId, TenantId, Timestamp, VersionId};
use crate::fhir::index::IndexRow;
use crate::fhir::search::Entry;
use crate::fhir::{Json, JsonLimits};

use super::db::{Tx, on};
use super::keys::Sealer;
use super::schema::{change, resource, resource_history};
use super::search::{Catalog, Names};
use super::{Desk, StoreError, index, search};

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
            .read(move |tx| {
                on!(tx, conn => resource::table
                    .find((tenant.as_str(), &kind, id.as_str()))
                    .select(Row::as_select())
                    .first(conn)
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
            .read(move |tx| {
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
                        .first(conn)
                        .optional())?;
                    found.extend(row);
                }
                Ok(found)
            })
            .await?;
        rows.into_iter().map(|row| row.open(self.tenant(), self.sealer())).collect()
    }
}

/// A write whose body is sealed: ready for the transaction.
pub(super) struct SealedWrite {
    pub(super) write: ResourceWrite,
    sealed: Vec<u8>,
}

impl SealedWrite {
    pub(super) fn new(tenant: &TenantId, mut write: ResourceWrite, sealer: &Sealer) -> Result<Self, StoreError> {
        let version = write.version_id().to_string();
        let context = [write.resource_type.as_str(), write.logical_id.as_str(), &version];
        let sealed = sealer.seal(tenant, &context, write.body.as_deref().unwrap_or_default())?;
        write.body = write.body.map(|_| Vec::new());
        Ok(Self { write, sealed })
    }

    /// The same with what it is found by read from its body again: the catalog has changed.
    pub(super) fn indexed_by(
        mut self,
        tenant: &TenantId,
        sealer: &Sealer,
        catalog: &Catalog,
    ) -> Result<Self, StoreError> {
        if self.write.body.is_some() {
            let version = self.write.version_id().to_string();
            let context = [self.write.resource_type.as_str(), self.write.logical_id.as_str(), &version];
            let body = sealer.open(tenant, &context, &self.sealed)?;
            let entries = Json::parse(&body, &JsonLimits::default()).map(|document| catalog.entries(&document));
            self.write.entries = entries.unwrap_or_default();
        }
        Ok(self)
    }

    /// Writes the version, its index rows and its change row.
    pub(super) fn apply(
        &self,
        tx: &mut Tx<'_>,
        tenant: &TenantId,
        sealer: &Sealer,
        names: &Names,
        catalog: &Catalog,
    ) -> Result<(), StoreError> {
        let write = &self.write;
        let row = Row {
            tenant: tenant.as_str().to_owned(),
            resource_type: write.resource_type.clone(),
            logical_id: write.logical_id.as_str().to_owned(),
            version_id: write.version_id().0,
            last_updated: write.last_updated.0,
            deleted: write.body.is_none(),
            body: self.sealed.clone(),
        };
        let former = match write.expected {
            None => {
                insert(tx, &row)?;
                Vec::new()
            }
            Some(expected) => {
                let former = entries_of(tx, tenant, sealer, catalog, &row, expected)?;
                replace(tx, &row, expected)?;
                former
            }
        };
        let no = number(tx, &row)?;
        search::replace(tx, names, tenant, (&write.resource_type, no), &former, &write.entries)?;
        let is_new = write.expected.is_none();
        if !is_new {
            index::remove(tx, tenant, &write.resource_type, &write.logical_id)?;
        }
        index::insert(tx, tenant, &write.resource_type, &write.logical_id, &write.rows)?;
        let interaction = if write.body.is_none() {
            "delete"
        } else if is_new {
            "create"
        } else {
            "update"
        };
        on!(tx, conn => diesel::insert_into(change::table)
            .values((
                change::tenant.eq(&row.tenant),
                change::resource_type.eq(&row.resource_type),
                change::logical_id.eq(&row.logical_id),
                change::version_id.eq(row.version_id),
                change::interaction.eq(interaction),
                change::changed_at.eq(row.last_updated),
            ))
            .execute(conn))?;
        Ok(())
    }
}

/// What the version that is to be replaced is found by: read from its body, so that nothing but the body has to be
/// kept for it.
fn entries_of(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    sealer: &Sealer,
    catalog: &Catalog,
    row: &Row,
    expected: VersionId,
) -> Result<Vec<Entry<'static>>, StoreError> {
    let former: Option<Row> = on!(tx, conn => resource::table
        .find((&row.tenant, &row.resource_type, &row.logical_id))
        .filter(resource::version_id.eq(expected.0))
        .select(Row::as_select())
        .first(conn)
        .optional())?;
    // If it is not there, it cannot be replaced either.
    let Some(body) = former.map(|former| former.open(tenant, sealer)).transpose()?.and_then(|former| former.body)
    else {
        return Ok(Vec::new());
    };
    // What is no document was never found by anything.
    Ok(Json::parse(&body, &JsonLimits::default()).map(|document| catalog.former(&document)).unwrap_or_default())
}

fn number(tx: &mut Tx<'_>, row: &Row) -> Result<i64, StoreError> {
    on!(tx, conn => resource::table
        .find((&row.tenant, &row.resource_type, &row.logical_id))
        .select(resource::no)
        .first(conn))
    .map_err(StoreError::from)
}

fn insert(tx: &mut Tx<'_>, row: &Row) -> Result<(), StoreError> {
    let count =
        on!(tx, conn => diesel::insert_into(resource::table).values(row).on_conflict_do_nothing().execute(conn))?;
    if count == 1 { Ok(()) } else { Err(StoreError::VersionConflict { current: current(tx, row)? }) }
}

/// Moves the expected version to the history and puts the new one in its place. Where two writers meet,
/// the history's key or the version in the update's filter stops the second.
fn replace(tx: &mut Tx<'_>, row: &Row, expected: VersionId) -> Result<(), StoreError> {
    let moved = on!(tx, conn => diesel::insert_into(resource_history::table)
        .values(
            resource::table
                .find((&row.tenant, &row.resource_type, &row.logical_id))
                .filter(resource::version_id.eq(expected.0))
                .select((
                    resource::tenant,
                    resource::resource_type,
                    resource::logical_id,
                    resource::version_id,
                    resource::last_updated,
                    resource::deleted,
                    resource::body,
                )),
        )
        .into_columns(resource_history::all_columns)
        .execute(conn))
    .map_err(|error| match StoreError::from(error) {
        StoreError::Duplicate => StoreError::VersionConflict { current: None },
        other => other,
    })?;
    let changed = if moved == 1 {
        on!(tx, conn => diesel::update(
                resource::table
                    .find((&row.tenant, &row.resource_type, &row.logical_id))
                    .filter(resource::version_id.eq(expected.0)),
            )
            .set((
                resource::version_id.eq(row.version_id),
                resource::last_updated.eq(row.last_updated),
                resource::deleted.eq(row.deleted),
                resource::body.eq(&row.body),
            ))
            .execute(conn))?
    } else {
        0
    };
    if changed == 1 { Ok(()) } else { Err(StoreError::VersionConflict { current: current(tx, row)? }) }
}

fn current(tx: &mut Tx<'_>, row: &Row) -> Result<Option<VersionId>, StoreError> {
    let version: Option<i32> = on!(tx, conn => resource::table
        .find((&row.tenant, &row.resource_type, &row.logical_id))
        .select(resource::version_id)
        .first(conn)
        .optional())?;
    Ok(version.map(VersionId))
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
        .first(conn)
        .optional())?;
    if newest.is_some() {
        return Ok(newest);
    }
    let older: Option<HistoryRow> = on!(tx, conn => resource_history::table
        .find((tenant.as_str(), kind, id.as_str(), version.0))
        .select(HistoryRow::as_select())
        .first(conn)
        .optional())?;
    Ok(older.map(Row::from))
}

#[derive(Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = resource)]
pub(super) struct Row {
    tenant: String,
    resource_type: String,
    logical_id: String,
    version_id: i32,
    last_updated: i64,
    deleted: bool,
    body: Vec<u8>,
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
    pub(super) fn logical_id(&self) -> &str {
        &self.logical_id
    }

    pub(super) fn open(self, tenant: &TenantId, sealer: &Sealer) -> Result<StoredResource, StoreError> {
        let version = self.version_id.to_string();
        let body = sealer.open(tenant, &[&self.resource_type, &self.logical_id, &version], &self.body)?;
        Ok(StoredResource {
            logical_id: LogicalId::parse(&self.logical_id).map_err(|_form| StoreError::Corrupt("logical id"))?,
            resource_type: self.resource_type,
            version_id: VersionId(self.version_id),
            last_updated: Timestamp(self.last_updated),
            body: (!self.deleted).then_some(body),
        })
    }
}
