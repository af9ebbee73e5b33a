//! Search index rows, and the one search that reads them so far: newest first, by keyset.

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::base::{LogicalId, TenantId, Timestamp};
use crate::fhir::index::{IndexRow, IndexValue};

use super::db::{Tx, on};
use super::resource::{Row, StoredResource};
use super::schema::{idx_date, idx_reference, idx_token, resource};
use super::{Desk, StoreError};

/// What to find among the resources of one type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Find {
    /// All of these must be there.
    pub tokens: Vec<TokenIs>,
    /// The range of this date parameter must touch `from..until`.
    pub date: Option<DateTouches>,
    /// This reference must be there: parameter, type and id of the target.
    pub reference: Option<(String, String, LogicalId)>,
    /// The last row of the page before: its `last_updated` and id.
    pub after: Option<(Timestamp, LogicalId)>,
    /// Greatest number of rows.
    pub limit: i64,
}

/// A token parameter with one of several values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenIs {
    /// Parameter.
    pub param: String,
    /// System, or any.
    pub system: Option<String>,
    /// Any of these values.
    pub values: Vec<String>,
}

/// A date parameter and a range; open where there is no bound. `until` is exclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateTouches {
    /// Parameter.
    pub param: String,
    /// Beginning.
    pub from: Option<Timestamp>,
    /// End.
    pub until: Option<Timestamp>,
}

impl Desk<'_> {
    /// The resources of a type that match, newest first.
    pub async fn find(&self, resource_type: &str, find: Find) -> Result<Vec<StoredResource>, StoreError> {
        let (tenant, kind) = (self.tenant().clone(), resource_type.to_owned());
        let rows: Vec<Row> = self.read(move |tx| on!(tx, conn => search!(conn, tenant, kind, find))).await?;
        rows.into_iter().map(|row| row.open(self.tenant(), self.sealer())).collect()
    }
}

/// The query, written once for both backends; a boxed query names its backend in its type, so it is a
/// macro rather than a function.
macro_rules! search {
    ($conn:expr, $tenant:expr, $kind:expr, $find:expr) => {{
        let mut query = resource::table
            .filter(resource::tenant.eq($tenant.as_str()))
            .filter(resource::resource_type.eq(&$kind))
            .filter(resource::deleted.eq(false))
            .select(Row::as_select())
            .order((resource::last_updated.desc(), resource::logical_id.desc()))
            .limit($find.limit)
            .into_boxed();
        for token in &$find.tokens {
            let rows = idx_token::table
                .filter(idx_token::tenant.eq(resource::tenant))
                .filter(idx_token::resource_type.eq(resource::resource_type))
                .filter(idx_token::logical_id.eq(resource::logical_id))
                .filter(idx_token::param.eq(&token.param))
                .filter(idx_token::value.eq_any(&token.values));
            query = match &token.system {
                Some(system) => query.filter(exists(rows.filter(idx_token::system.eq(system)))),
                None => query.filter(exists(rows)),
            };
        }
        if let Some(date) = &$find.date {
            query = query.filter(exists(
                idx_date::table
                    .filter(idx_date::tenant.eq(resource::tenant))
                    .filter(idx_date::resource_type.eq(resource::resource_type))
                    .filter(idx_date::logical_id.eq(resource::logical_id))
                    .filter(idx_date::param.eq(&date.param))
                    .filter(idx_date::until_us.gt(date.from.map_or(i64::MIN, |from| from.0)))
                    .filter(idx_date::from_us.lt(date.until.map_or(i64::MAX, |until| until.0))),
            ));
        }
        if let Some((param, target_type, target_id)) = &$find.reference {
            query = query.filter(exists(
                idx_reference::table
                    .filter(idx_reference::tenant.eq(resource::tenant))
                    .filter(idx_reference::resource_type.eq(resource::resource_type))
                    .filter(idx_reference::logical_id.eq(resource::logical_id))
                    .filter(idx_reference::param.eq(param))
                    .filter(idx_reference::target_type.eq(target_type))
                    .filter(idx_reference::target_id.eq(target_id.as_str())),
            ));
        }
        if let Some((last_updated, id)) = &$find.after {
            query = query.filter(
                resource::last_updated
                    .lt(last_updated.0)
                    .or(resource::last_updated.eq(last_updated.0).and(resource::logical_id.lt(id.as_str()))),
            );
        }
        query.load($conn).map_err(StoreError::from)
    }};
}
use search;

/// Writes the rows of a new version.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    resource_type: &str,
    id: &LogicalId,
    rows: &[IndexRow],
) -> Result<(), StoreError> {
    let (mut tokens, mut dates, mut references) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        match &row.value {
            IndexValue::Token { system, value } => tokens.push((
                idx_token::tenant.eq(tenant.as_str()),
                idx_token::resource_type.eq(resource_type),
                idx_token::param.eq(row.param),
                idx_token::value.eq(value.as_str()),
                idx_token::system.eq(system.as_deref().unwrap_or_default()),
                idx_token::logical_id.eq(id.as_str()),
            )),
            IndexValue::Date { from, until } => dates.push((
                idx_date::tenant.eq(tenant.as_str()),
                idx_date::resource_type.eq(resource_type),
                idx_date::param.eq(row.param),
                idx_date::from_us.eq(from.0),
                idx_date::until_us.eq(until.0),
                idx_date::logical_id.eq(id.as_str()),
            )),
            IndexValue::Reference { resource_type: target_type, id: target_id } => references.push((
                idx_reference::tenant.eq(tenant.as_str()),
                idx_reference::resource_type.eq(resource_type),
                idx_reference::param.eq(row.param),
                idx_reference::target_type.eq(target_type.as_str()),
                idx_reference::target_id.eq(target_id.as_str()),
                idx_reference::logical_id.eq(id.as_str()),
            )),
        }
    }
    for batch in tokens.chunks(ROWS) {
        on!(tx, conn => diesel::insert_into(idx_token::table).values(batch).on_conflict_do_nothing().execute(conn))?;
    }
    for batch in dates.chunks(ROWS) {
        on!(tx, conn => diesel::insert_into(idx_date::table).values(batch).on_conflict_do_nothing().execute(conn))?;
    }
    for batch in references.chunks(ROWS) {
        on!(tx, conn => diesel::insert_into(idx_reference::table).values(batch).on_conflict_do_nothing().execute(conn))?;
    }
    Ok(())
}

/// Takes away the rows of the version before.
pub(super) fn remove(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    resource_type: &str,
    id: &LogicalId,
) -> Result<(), StoreError> {
    on!(tx, conn => diesel::delete(idx_token::table
        .filter(idx_token::tenant.eq(tenant.as_str()))
        .filter(idx_token::resource_type.eq(resource_type))
        .filter(idx_token::logical_id.eq(id.as_str())))
        .execute(conn))?;
    on!(tx, conn => diesel::delete(idx_date::table
        .filter(idx_date::tenant.eq(tenant.as_str()))
        .filter(idx_date::resource_type.eq(resource_type))
        .filter(idx_date::logical_id.eq(id.as_str())))
        .execute(conn))?;
    on!(tx, conn => diesel::delete(idx_reference::table
        .filter(idx_reference::tenant.eq(tenant.as_str()))
        .filter(idx_reference::resource_type.eq(resource_type))
        .filter(idx_reference::logical_id.eq(id.as_str())))
        .execute(conn))?;
    Ok(())
}

/// Rows in one statement: six bind values each.
const ROWS: usize = 80;
