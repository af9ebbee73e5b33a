//! The rows of parameters that are new, and of those that are no more: a few at a time, for a job that may be stopped
//! at any moment and goes on where it was.

use diesel::deserialize::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::base::TenantId;
use crate::fhir::search::{Registry, custom};
use crate::fhir::{Json, JsonLimits};
use crate::store::db::{Tx, on};
use crate::store::schema::search_parameter;
use crate::store::{Desk, StoreError};

use super::catalog::{Catalog, INDEXING, Parameter, REMOVING, parameters};
use super::names::Needed;
use super::parameter::IndexPayload;
use super::rows;
use super::sql::{Number, Sql};
use super::{Indexed, Numbered, ROW, need, replace};

/// How far a job has come: type and id of the last resource that was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct IndexPlace {
    after: Option<(String, String)>,
    /// Resources that were looked at.
    pub done: i64,
    /// Resources that there were when it began.
    pub total: i64,
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexStep {
    /// There is more to do behind this place.
    Next(IndexPlace),
    /// Every resource has its rows.
    Done,
    /// Somebody has changed the parameter again: another job follows that change.
    Outdated,
}

impl Desk<'_> {
    /// The transactions that are open now, on PostgreSQL. Those that began before a change of the catalog may know
    /// nothing of it. SQLite has one writer, which has none open while this is asked.
    pub async fn open_transactions(&self) -> Result<Vec<String>, StoreError> {
        self.read(|tx| {
            if matches!(tx, Tx::Sqlite(_)) {
                return Ok(Vec::new());
            }
            let sql = Sql::new(
                "select l.virtualxid as name from pg_locks l join pg_stat_activity a on a.pid = l.pid \
                 where l.locktype = 'virtualxid' and l.mode = 'ExclusiveLock' and l.granted \
                 and a.datname = current_database() and l.pid <> pg_backend_pid()",
            );
            Ok(sql.load::<Name>(tx)?.into_iter().map(|found| found.name).collect())
        })
        .await
    }

    /// Takes rows away of generations of a parameter that are no more, a few at a time. Gives their number; zero if
    /// nothing is left to do.
    pub async fn forget_rows(&self, payload: &IndexPayload) -> Result<usize, StoreError> {
        let Some(parameter) = payload.parameter.clone() else { return Ok(0) };
        let (tenant, generation) = (self.tenant().clone(), payload.generation);
        let inner = std::sync::Arc::clone(&self.store.inner);
        self.write(move |tx| {
            let all = parameters(tx, tenant.as_str())?;
            let Some(gone) = all.iter().find(|known| {
                known.logical_id == parameter.as_str() && known.state == REMOVING && known.generation <= generation
            }) else {
                return Ok(0);
            };
            let mut forgotten = 0;
            for (types, code, param_type) in definitions(gone)? {
                for resource_type in types {
                    for (table, suffix) in rows::tables(param_type) {
                        let param = format!("{code}{suffix}");
                        if let Some(key) = inner.names.find_key(tx, &tenant, &resource_type, &param)? {
                            forgotten += rows::forget(tx, table, key, MOST_ROWS)?;
                        }
                        if forgotten >= MOST_ROWS {
                            return Ok(forgotten);
                        }
                    }
                }
            }
            if forgotten == 0 {
                on!(tx, conn => diesel::delete(search_parameter::table.find((tenant.as_str(), gone.generation)))
                    .execute(conn))?;
                forgotten = 1;
            }
            Ok(forgotten)
        })
        .await
    }

    /// Makes the rows of the next resources behind a place.
    pub async fn index_next(&self, payload: &IndexPayload, place: &IndexPlace) -> Result<IndexStep, StoreError> {
        let catalog = self.fresh_catalog().await?;
        let types = match &payload.parameter {
            Some(_) => catalog.types_of(payload.generation),
            None => Registry::r4().types().into_iter().map(str::to_owned).collect(),
        };
        if types.is_empty() {
            return Ok(IndexStep::Outdated);
        }
        let mut place = place.clone();
        if place.total == 0 {
            place.total = self.count_of(types.clone()).await?;
        }
        let (tenant, inner) = (self.tenant().clone(), std::sync::Arc::clone(&self.store.inner));
        let (after, wanted, known) = (place.after.clone(), types.clone(), std::sync::Arc::clone(&catalog));
        let (order, sealer_of) = (payload.clone(), std::sync::Arc::clone(&inner));
        let needed = self
            .read(move |tx| {
                let mut needed = Needed::default();
                for row in next(tx, &tenant, &wanted, after.as_ref(), "")? {
                    let (_, resource_type, _, document) = opened(row, &tenant, &sealer_of.sealer)?;
                    if let Some(document) = document {
                        let change = Change::of(&known, &order, &resource_type, &document);
                        need(&mut needed, &sealer_of.names, &tenant, &resource_type, &change.new);
                    }
                }
                Ok(needed)
            })
            .await?;
        self.store.name(self.tenant(), needed).await?;
        let (tenant, order) = (self.tenant().clone(), payload.clone());
        self.write(move |tx| {
            if !is_wanted(tx, &tenant, &order)? {
                return Ok(IndexStep::Outdated);
            }
            // Nobody replaces them meanwhile.
            let lock = if matches!(tx, Tx::Postgres(_)) { " for update" } else { "" };
            let batch = next(tx, &tenant, &types, place.after.as_ref(), lock)?;
            if batch.is_empty() {
                return Ok(IndexStep::Done);
            }
            let mut changes = Vec::with_capacity(batch.len());
            for row in batch {
                let (no, resource_type, id, document) = opened(row, &tenant, &inner.sealer)?;
                if let Some(document) = document {
                    let change = Change::of(&catalog, &order, &resource_type, &document);
                    changes.push((resource_type.clone(), no, change));
                }
                place.done += 1;
                place.after = Some((resource_type, id));
            }
            let versions: Vec<Indexed<'_>> = changes
                .iter()
                .map(|(resource_type, no, change)| Indexed {
                    resource_type,
                    no: *no,
                    former: change.former.clone(),
                    entries: &change.new,
                })
                .collect();
            replace(tx, &inner.names, &tenant, &versions)?;
            Ok(IndexStep::Next(place))
        })
        .await
    }

    async fn count_of(&self, types: Vec<String>) -> Result<i64, StoreError> {
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let mut sql = Sql::new("select count(*) as number from resource r where r.tenant = ");
            sql.bind(tenant.as_str()).push(" and ").one_of("r.resource_type", types);
            Ok(sql.load::<Number>(tx)?.first().map_or(0, |found| found.number))
        })
        .await
    }
}

/// What a job changes in the rows of one resource.
struct Change {
    former: Vec<crate::fhir::search::Entry<'static>>,
    new: Vec<crate::fhir::search::Entry<'static>>,
}

impl Change {
    fn of(catalog: &Catalog, payload: &IndexPayload, resource_type: &str, document: &Json) -> Self {
        if payload.parameter.is_some() {
            let new = catalog.own_entries(resource_type, document, |generation| generation == payload.generation);
            return Self { former: Vec::new(), new };
        }
        let (former, new) = catalog.foreign(document).into_iter().unzip();
        Self { former, new }
    }
}

/// Whether the rows of a generation are still wanted.
fn is_wanted(tx: &mut Tx<'_>, tenant: &TenantId, payload: &IndexPayload) -> Result<bool, StoreError> {
    if payload.parameter.is_none() {
        return Ok(true);
    }
    let state: Option<String> = on!(tx, conn => search_parameter::table
        .find((tenant.as_str(), payload.generation))
        .select(search_parameter::state)
        .get_result(conn)
        .optional())?;
    Ok(state.as_deref() == Some(INDEXING))
}

/// The next resources of some types, sorted, behind a type and an id.
fn next(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    types: &[String],
    after: Option<&(String, String)>,
    lock: &str,
) -> Result<Vec<Numbered>, StoreError> {
    let begin = after.map_or("", |(resource_type, _)| resource_type.as_str());
    for resource_type in types.iter().filter(|resource_type| resource_type.as_str() >= begin) {
        let mut sql = Sql::new(ROW);
        sql.push(" where r.tenant = ").bind(tenant.as_str());
        sql.push(" and r.resource_type = ").bind(resource_type.as_str());
        if let Some((_, id)) = after.filter(|(of, _)| of == resource_type) {
            sql.push(" and r.logical_id > ").bind(id.as_str());
        }
        sql.push(" order by r.logical_id").limit(BATCH).push(lock);
        let found: Vec<Numbered> = sql.load(tx)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// Number, type, id and document of a resource; no document if it was deleted.
fn opened(
    row: Numbered,
    tenant: &TenantId,
    sealer: &crate::store::keys::Sealer,
) -> Result<(i64, String, String, Option<Json>), StoreError> {
    let (no, stored) = (row.no, row.row.open(tenant, sealer)?);
    let document = match &stored.body {
        Some(body) => {
            Some(Json::parse(body, &JsonLimits::default()).map_err(|_error| StoreError::Corrupt("resource"))?)
        }
        None => None,
    };
    Ok((no, stored.resource_type, stored.logical_id.as_str().to_owned(), document))
}

/// Types, name and parameter type of what a definition defines.
fn definitions(
    parameter: &Parameter,
) -> Result<Vec<(Vec<String>, String, crate::fhir::search::ParamType)>, StoreError> {
    let corrupt = || StoreError::Corrupt("search parameter");
    let document = Json::parse(parameter.definition.as_bytes(), &JsonLimits::default()).map_err(|_error| corrupt())?;
    let code = document.text_at(&["code"]).ok_or_else(corrupt)?.to_owned();
    let param_type = document.text_at(&["type"]).and_then(crate::fhir::search::ParamType::parse).ok_or_else(corrupt)?;
    Ok(custom::bases(&document)
        .into_iter()
        .map(|base| (Registry::types_of_base(&base).into_iter().map(str::to_owned).collect(), code.clone(), param_type))
        .collect())
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Resources in one transaction.
const BATCH: i64 = 200;
/// Rows that one transaction takes away.
const MOST_ROWS: usize = 5_000;
