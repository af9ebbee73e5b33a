//! New versions of resources on their way into the database: what a write set brings goes in as few statements as
//! there are tables.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::base::{TenantId, VersionId};
use crate::fhir::search::Entry;
use crate::fhir::{Json, JsonLimits};

use super::db::{Tx, on};
use super::keys::Sealer;
use super::resource::{ResourceWrite, Row};
use super::schema::{resource, resource_history};
use super::search::{Bind, Catalog, Indexed, Names, insert, insert_returning};
use super::{StoreError, body, index, search};

/// A write whose body is sealed: ready for the transaction.
pub(super) struct SealedWrite {
    pub(super) write: ResourceWrite,
    sealed: Vec<u8>,
}

impl SealedWrite {
    pub(super) fn new(tenant: &TenantId, mut write: ResourceWrite, sealer: &Sealer) -> Result<Self, StoreError> {
        let version = write.version_id().to_string();
        let context = [write.resource_type.as_str(), write.logical_id.as_str(), &version];
        let is_deletion = write.body.is_none();
        let packed = body::pack(&write.resource_type, write.body.take().unwrap_or_default());
        let sealed = sealer.seal(tenant, &context, &packed)?;
        write.body = (!is_deletion).then(Vec::new);
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
            let body = body::unpack(sealer.open(tenant, &context, &self.sealed)?)?;
            let entries = Json::parse(&body, &JsonLimits::default()).map(|document| catalog.entries(&document));
            self.write.entries = entries.unwrap_or_default();
        }
        Ok(self)
    }
}

/// The versions of one write set.
pub(super) struct Versions<'a> {
    tenant: &'a TenantId,
    sealer: &'a Sealer,
    names: &'a Names,
    catalog: &'a Catalog,
    /// First versions that are not in the database yet.
    new: Vec<&'a SealedWrite>,
    /// Those that are, and not in the index yet.
    written: Vec<Indexed<'a>>,
    changes: Vec<Vec<Bind>>,
}

impl<'a> Versions<'a> {
    pub(super) fn new(tenant: &'a TenantId, sealer: &'a Sealer, names: &'a Names, catalog: &'a Catalog) -> Self {
        Self { tenant, sealer, names, catalog, new: Vec::new(), written: Vec::new(), changes: Vec::new() }
    }

    /// Takes a version; [`Versions::finish`] has to follow.
    pub(super) fn add(&mut self, tx: &mut Tx<'_>, sealed: &'a SealedWrite) -> Result<(), StoreError> {
        let write = &sealed.write;
        let Some(expected) = write.expected else {
            self.new.push(sealed);
            return Ok(());
        };
        self.create(tx)?;
        let row = Row {
            tenant: self.tenant.as_str().to_owned(),
            resource_type: write.resource_type.clone(),
            logical_id: write.logical_id.as_str().to_owned(),
            version_id: write.version_id().0,
            last_updated: write.last_updated.0,
            deleted: write.body.is_none(),
            body: sealed.sealed.clone(),
        };
        let former = entries_of(tx, self.tenant, self.sealer, self.catalog, &row, expected)?;
        let no = replace(tx, &row, expected)?;
        self.written.push(Indexed { resource_type: &write.resource_type, no, former, entries: &write.entries });
        index::remove(tx, self.tenant, &write.resource_type, &write.logical_id)?;
        self.note(tx, write, if write.body.is_none() { "delete" } else { "update" })
    }

    /// Writes what is not written yet.
    pub(super) fn finish(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.create(tx)?;
        search::replace(tx, self.names, self.tenant, &std::mem::take(&mut self.written))?;
        insert(tx, "change", CHANGE, "", std::mem::take(&mut self.changes))?;
        Ok(())
    }

    /// Writes the first versions. The numbers that they are given stand in the order of the writes.
    fn create(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let new = std::mem::take(&mut self.new);
        if new.is_empty() {
            return Ok(());
        }
        let rows = new.iter().map(|sealed| {
            let write = &sealed.write;
            vec![
                self.tenant.as_str().into(),
                write.resource_type.as_str().into(),
                write.logical_id.as_str().into(),
                i64::from(write.version_id().0).into(),
                write.last_updated.0.into(),
                write.body.is_none().into(),
                sealed.sealed.clone().into(),
            ]
        });
        let end = " on conflict do nothing returning no, resource_type, logical_id";
        let made: Vec<Made> = insert_returning(tx, "resource", RESOURCE, end, rows.collect())?;
        let made: HashMap<(String, String), i64> =
            made.into_iter().map(|made| ((made.resource_type, made.logical_id), made.no)).collect();
        for sealed in new {
            let write = &sealed.write;
            let key = (write.resource_type.clone(), write.logical_id.as_str().to_owned());
            let Some(no) = made.get(&key) else {
                return Err(StoreError::VersionConflict {
                    current: current(tx, self.tenant.as_str(), &key.0, &key.1)?,
                });
            };
            self.written.push(Indexed {
                resource_type: &write.resource_type,
                no: *no,
                former: Vec::new(),
                entries: &write.entries,
            });
            self.note(tx, write, if write.body.is_none() { "delete" } else { "create" })?;
        }
        Ok(())
    }

    /// What the report interface finds it by, and the row that says that there is something new.
    fn note(&mut self, tx: &mut Tx<'_>, write: &ResourceWrite, interaction: &str) -> Result<(), StoreError> {
        index::insert(tx, self.tenant, &write.resource_type, &write.logical_id, &write.rows)?;
        self.changes.push(vec![
            self.tenant.as_str().into(),
            write.resource_type.as_str().into(),
            write.logical_id.as_str().into(),
            i64::from(write.version_id().0).into(),
            interaction.into(),
            write.last_updated.0.into(),
        ]);
        Ok(())
    }
}

/// A first version that was written.
#[derive(QueryableByName)]
struct Made {
    #[diesel(sql_type = BigInt)]
    no: i64,
    #[diesel(sql_type = Text)]
    resource_type: String,
    #[diesel(sql_type = Text)]
    logical_id: String,
}

const RESOURCE: &[&str] = &["tenant", "resource_type", "logical_id", "version_id", "last_updated", "deleted", "body"];
const CHANGE: &[&str] = &["tenant", "resource_type", "logical_id", "version_id", "interaction", "changed_at"];

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
        .get_result(conn)
        .optional())?;
    // If it is not there, it cannot be replaced either.
    let Some(body) = former.map(|former| former.open(tenant, sealer)).transpose()?.and_then(|former| former.body)
    else {
        return Ok(Vec::new());
    };
    // What is no document was never found by anything.
    Ok(Json::parse(&body, &JsonLimits::default()).map(|document| catalog.former(&document)).unwrap_or_default())
}

/// Moves the expected version to the history and puts the new one in its place; gives the number of the resource. Where two writers meet,
/// the history's key or the version in the update's filter stops the second.
fn replace(tx: &mut Tx<'_>, row: &Row, expected: VersionId) -> Result<i64, StoreError> {
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
    let changed: Option<i64> = if moved == 1 {
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
            .returning(resource::no)
            .get_result(conn)
            .optional())?
    } else {
        None
    };
    match changed {
        Some(no) => Ok(no),
        None => {
            Err(StoreError::VersionConflict { current: current(tx, &row.tenant, &row.resource_type, &row.logical_id)? })
        }
    }
}

fn current(
    tx: &mut Tx<'_>,
    tenant: &str,
    resource_type: &str,
    logical_id: &str,
) -> Result<Option<VersionId>, StoreError> {
    let version: Option<i32> = on!(tx, conn => resource::table
        .find((tenant, resource_type, logical_id))
        .select(resource::version_id)
        .get_result(conn)
        .optional())?;
    Ok(version.map(VersionId))
}
