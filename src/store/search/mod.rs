//! FHIR search over rows: what [`crate::fhir::search`] says, in SQL, on both databases.

mod amount;
mod catalog;
mod criteria;
mod dated;
mod everything;
mod in_use;
mod indexing;
mod names;
mod page;
mod parameter;
pub(in crate::store) mod planner;
mod rebuild;
mod rows;
mod sql;
mod values;

use diesel::deserialize::QueryableByName;
use diesel::sql_types::{BigInt, Double, Nullable, Text};

use crate::base::{LogicalId, TenantId};
use crate::fhir::search::query::SortKey;
use crate::fhir::search::{Entry, SearchQuery};

use super::db::Tx;
use super::resource::{Row, StoredResource};
use super::{Desk, StoreError};

pub use catalog::Catalog;
pub(super) use catalog::Catalogs;
pub use everything::{Everything, EverythingPage, EverythingPlace};
pub use in_use::{CanonicalInUse, CodingInUse};
pub use indexing::{IndexPlace, IndexStep};
pub(super) use names::{Names, Needed};
pub(super) use parameter::ParameterWrite;
pub use parameter::{INDEX_JOB, IndexPayload, ParameterReady};
pub(super) use rebuild::set_generation;
pub(super) use sql::{Bind, Number, Sql, insert, insert_returning};

use criteria::Compiler;
use page::{Form, SortValue, behind, sorted};

/// Whose resources alone are found. R4 compartmentdefinition.html.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compartment {
    /// `Patient` or another type that has compartments.
    pub kind: String,
    /// Its id.
    pub id: LogicalId,
}

/// One page of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// What is searched for.
    pub query: SearchQuery,
    /// Within which compartment.
    pub compartment: Option<Compartment>,
    /// Public base URL of the FHIR interface, without a slash at its end.
    pub base: String,
    /// Behind which match the page begins.
    pub place: Option<Place>,
    /// Most matches of the page.
    pub limit: usize,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// Greatest number of a resource when the first page was made.
    bound: i64,
    /// Number of the last match.
    after: i64,
    /// What it was sorted by.
    values: Vec<SortValue>,
    /// Matches that the first page counted.
    total: Option<i64>,
}

/// A page of matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The matches, in order.
    pub resources: Vec<StoredResource>,
    /// How many there are on all pages; `None` if nobody counted.
    pub total: Option<i64>,
    /// Where the next page begins, if there is one.
    pub next: Option<Place>,
}

/// How far matches are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// Not at all.
    No,
    /// As far as this; no number if there are more.
    UpTo(i64),
    /// To the end.
    Whole,
}

impl Desk<'_> {
    /// A page of matches, all from one look at the database.
    pub async fn search(&self, search: Search, counting: Counting) -> Result<Found, StoreError> {
        let (tenant, inner) = (self.tenant().clone(), std::sync::Arc::clone(&self.store.inner));
        let Matches { rows, total, next } = self
            .read(move |tx| {
                let mut compiler = Compiler::new(tx, &inner.names, &tenant, &search.base);
                compiler.page(&search, counting)
            })
            .await?;
        let resources =
            rows.into_iter().map(|row| row.row.open(self.tenant(), self.sealer())).collect::<Result<_, _>>()?;
        Ok(Found { resources, total, next })
    }

    /// How many resources match.
    pub async fn count(&self, search: Search) -> Result<i64, StoreError> {
        let (tenant, inner) = (self.tenant().clone(), std::sync::Arc::clone(&self.store.inner));
        let counted = self
            .read(move |tx| {
                let mut compiler = Compiler::new(tx, &inner.names, &tenant, &search.base);
                compiler.count(&search, Counting::Whole)
            })
            .await?;
        counted.ok_or(StoreError::Corrupt("count"))
    }

    /// Resources that refer to one of `targets`, all of one type, by a parameter of theirs. At most `limit`.
    pub async fn referring(
        &self,
        sources: Vec<(String, String)>,
        target_type: &str,
        targets: Vec<LogicalId>,
        limit: usize,
    ) -> Result<Vec<StoredResource>, StoreError> {
        let (tenant, inner) = (self.tenant().clone(), std::sync::Arc::clone(&self.store.inner));
        let target_type = target_type.to_owned();
        let rows = self
            .read(move |tx| {
                let mut keys = Vec::new();
                for (source, param) in &sources {
                    keys.extend(inner.names.find_key(tx, &tenant, source, param)?);
                }
                let mut sql = Sql::new(ROW);
                sql.push(" where r.no in (select c.resource_no from search_reference c where ").one_of("c.key", keys);
                sql.push(" and ").one_of("c.target_id", targets.iter().map(LogicalId::as_str));
                sql.push(" and c.target_type = ").bind(target_type.as_str()).push(") order by r.no");
                sql.limit(i64::try_from(limit).unwrap_or(i64::MAX));
                sql.load::<Numbered>(tx)
            })
            .await?;
        rows.into_iter().map(|row| row.row.open(self.tenant(), self.sealer())).collect()
    }

    /// A place as the client carries it: sealed, because what a match is sorted by may be a name.
    pub fn write_place(&self, listing: &str, place: &Place) -> Result<Vec<u8>, StoreError> {
        let plain = serde_json::to_vec(place).map_err(|_error| StoreError::Corrupt("place"))?;
        self.sealer().seal(self.tenant(), &[PLACE, listing], &plain)
    }

    /// The place that [`Desk::write_place`] wrote for the same listing.
    pub fn read_place(&self, listing: &str, sealed: &[u8]) -> Option<Place> {
        let plain = self.sealer().open(self.tenant(), &[PLACE, listing], sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }
}

impl Compiler<'_, '_> {
    fn page(&mut self, search: &Search, counting: Counting) -> Result<Matches, StoreError> {
        let query = &search.query;
        let bound = match &search.place {
            Some(place) => place.bound,
            None => self.newest()?,
        };
        let mut rows: Vec<Numbered> = self.select(search, bound)?.load(self.tx)?;
        let more = rows.len() > search.limit;
        rows.truncate(search.limit);
        let total = match &search.place {
            Some(place) => place.total,
            // Everything is here.
            None if !more && counting != Counting::No => i64::try_from(rows.len()).ok(),
            None => self.count(search, counting)?,
        };
        let next = match rows.last() {
            Some(last) if more => {
                let values = query.sort.iter().map(|key| self.value_of(key, query, last.no));
                Some(Place { bound, after: last.no, values: values.collect::<Result<_, _>>()?, total })
            }
            _ => None,
        };
        Ok(Matches { rows, total, next })
    }

    /// The matches of a page and one more.
    fn select(&mut self, search: &Search, bound: i64) -> Result<Sql, StoreError> {
        let most = i64::try_from(search.limit).unwrap_or(i64::MAX - 1).saturating_add(1);
        if search.query.sort.is_empty() { self.in_order(search, bound, most) } else { self.sorted(search, bound, most) }
    }

    fn newest(&mut self) -> Result<i64, StoreError> {
        let found: Vec<Number> = Sql::new("select coalesce(max(no), 0) as number from resource").load(self.tx)?;
        Ok(found.first().map_or(0, |found| found.number))
    }

    fn in_order(&mut self, search: &Search, bound: i64, limit: i64) -> Result<Sql, StoreError> {
        let mut plan = self.plan(&search.query, search.compartment.as_ref())?;
        let number = plan.number;
        if let Some(place) = &search.place {
            plan.select.push(" and ").push(number).push(" > ").bind(place.after);
        }
        plan.select.push(" and ").push(number).push(" <= ").bind(bound);
        if plan.repeats {
            plan.select.push(" group by ").push(number);
        }
        plan.select.push(" order by ").push(number).limit(limit);
        let mut sql = Sql::new(ROW);
        sql.push(" join (").add(plan.select).push(") s on s.resource_no = r.no order by r.no");
        Ok(sql)
    }

    fn sorted(&mut self, search: &Search, bound: i64, limit: i64) -> Result<Sql, StoreError> {
        let types: Vec<&str> = search.query.resource_types.iter().map(String::as_str).collect();
        let mut plan = self.plan(&search.query, search.compartment.as_ref())?;
        if plan.repeats {
            plan.select.push(" group by ").push(plan.number);
        }
        let sort = &search.query.sort;
        let mut sql = Sql::new(ROW);
        sql.push(" join (select b.resource_no as no");
        for (at, key) in sort.iter().enumerate() {
            sql.push(", ").add(self.sort_value(key, &types, "b.resource_no")?).push(&format!(" as s{at}"));
        }
        sql.push(" from (").add(plan.select).push(") b) q on q.no = r.no where q.no <= ").bind(bound);
        if let Some(place) = &search.place {
            sql.push(" and ").add(behind(sort, &place.values, place.after));
        }
        sql.push(" order by ");
        for (at, key) in sort.iter().enumerate() {
            let direction = if key.descending { " desc, " } else { ", " };
            sql.push(&format!("case when q.s{at} is null then 1 else 0 end, q.s{at}{direction}"));
        }
        sql.push("q.no").limit(limit);
        Ok(sql)
    }

    fn count(&mut self, search: &Search, counting: Counting) -> Result<Option<i64>, StoreError> {
        let most = match counting {
            Counting::No => return Ok(None),
            Counting::UpTo(most) => Some(most),
            Counting::Whole => None,
        };
        let mut plan = self.plan(&search.query, search.compartment.as_ref())?;
        if plan.repeats {
            plan.select.push(" group by ").push(plan.number);
        }
        if let Some(most) = most {
            plan.select.limit(most.saturating_add(1));
        }
        let number = self.number_of(plan.select)?;
        Ok(Some(number).filter(|number| most.is_none_or(|most| *number <= most)))
    }

    /// How many rows a selection gives.
    fn number_of(&mut self, select: Sql) -> Result<i64, StoreError> {
        let mut sql = Sql::new("select count(*) as number from (");
        sql.add(select).push(") c");
        let found: Vec<Number> = sql.load(self.tx)?;
        Ok(found.first().map_or(0, |found| found.number))
    }

    /// What one resource is sorted by.
    fn value_of(&mut self, key: &SortKey, query: &SearchQuery, no: i64) -> Result<SortValue, StoreError> {
        let types: Vec<&str> = query.resource_types.iter().map(String::as_str).collect();
        let mut sql = Sql::new("select ");
        sql.add(self.sort_value(key, &types, "x.no")?).push(" as value from resource x where x.no = ").bind(no);
        let form = if key.definition.code == "_id" { Form::Text } else { sorted(&key.definition).2 };
        Ok(match form {
            Form::Int => first(sql.load::<IntValue>(self.tx)?, |row| row.value.map(SortValue::Int)),
            Form::Real => first(sql.load::<RealValue>(self.tx)?, |row| row.value.map(SortValue::Real)),
            Form::Text => first(sql.load::<TextValue>(self.tx)?, |row| row.value.map(SortValue::Text)),
        })
    }
}

fn first<T>(rows: Vec<T>, value: impl Fn(T) -> Option<SortValue>) -> SortValue {
    rows.into_iter().next().and_then(value).unwrap_or(SortValue::None)
}

/// A page of rows.
struct Matches {
    rows: Vec<Numbered>,
    total: Option<i64>,
    next: Option<Place>,
}

/// A resource with its number.
#[derive(QueryableByName)]
struct Numbered {
    #[diesel(sql_type = BigInt)]
    no: i64,
    #[diesel(embed)]
    row: Row,
}

#[derive(QueryableByName)]
struct IntValue {
    #[diesel(sql_type = Nullable<BigInt>)]
    value: Option<i64>,
}

#[derive(QueryableByName)]
struct RealValue {
    #[diesel(sql_type = Nullable<Double>)]
    value: Option<f64>,
}

#[derive(QueryableByName)]
struct TextValue {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

/// What a use case saw when it searched, and what has to be so still when it commits: of those who search and write
/// by what they found, one at a time comes to its commit. R4 http.html#ccreate.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// The search; of one type.
    pub search: Search,
    /// Ids of its matches.
    pub matches: Vec<LogicalId>,
}

/// Fails with [`StoreError::VersionConflict`] if a search finds something else than it did.
pub(super) fn check(tx: &mut Tx<'_>, names: &Names, tenant: &TenantId, guard: &Guard) -> Result<(), StoreError> {
    if let Tx::Postgres(_) = tx {
        // SQLite has one writer. Here two would not see each other's rows: they wait for one another, whole types
        // at a time, until the transaction ends.
        let kind = guard.search.query.resource_types.first().map(String::as_str).unwrap_or_default();
        let mut lock = Sql::new("select 1::bigint as number from pg_advisory_xact_lock(hashtextextended(");
        lock.bind(format!("{tenant}/{kind}")).push(", 0))");
        let _locked: Vec<Number> = lock.load(tx)?;
    }
    let mut search = guard.search.clone();
    search.limit = guard.matches.len().saturating_add(1);
    let mut compiler = Compiler::new(tx, names, tenant, &search.base);
    let found = compiler.page(&search, Counting::No)?;
    let mut ids: Vec<&str> = found.rows.iter().map(|row| row.row.logical_id.as_str()).collect();
    let mut wanted: Vec<&str> = guard.matches.iter().map(LogicalId::as_str).collect();
    ids.sort_unstable();
    wanted.sort_unstable();
    if ids == wanted && found.next.is_none() { Ok(()) } else { Err(StoreError::VersionConflict { current: None }) }
}

/// Adds the names that a resource needs and that have no number yet.
pub(super) fn need(needed: &mut Needed, names: &Names, tenant: &TenantId, resource_type: &str, entries: &[Entry<'_>]) {
    rows::need(needed, names, tenant, resource_type, entries);
}

/// A version that takes its place in the index.
pub(super) struct Indexed<'a> {
    /// Its type.
    pub(super) resource_type: &'a str,
    /// Number of the resource.
    pub(super) no: i64,
    /// What the version before was found by.
    pub(super) former: Vec<Entry<'a>>,
    /// What it is found by.
    pub(super) entries: &'a [Entry<'a>],
}

/// Puts the rows of versions in the place of those of the versions before.
pub(super) fn replace(
    tx: &mut Tx<'_>,
    names: &Names,
    tenant: &TenantId,
    versions: &[Indexed<'_>],
) -> Result<(), StoreError> {
    let mut rows = Vec::new();
    for Indexed { resource_type, no, former, entries } in versions {
        let writer = rows::Writer { names, tenant, resource_type, resource_no: *no };
        let mut new = writer.rows(tx, entries)?;
        if !former.is_empty() {
            let former = writer.rows(tx, former)?;
            let gone: Vec<_> = former.iter().filter(|row| !new.contains(row)).cloned().collect();
            new.retain(|row| !former.contains(row));
            rows::remove(tx, &gone)?;
        }
        rows.extend(new);
    }
    rows::insert(tx, rows)
}

/// A resource as rows are read.
const ROW: &str = "select r.no, r.tenant, r.resource_type, r.logical_id, r.version_id, r.last_updated, r.deleted, \
                   r.body from resource r";
/// What a sealed place is bound to.
const PLACE: &str = "search place";
