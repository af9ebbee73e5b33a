//! The planner of the database: how it goes about a search, and what it knows of the index.

use diesel::deserialize::QueryableByName;
use diesel::sql_types::Text;

use crate::store::db::Tx;
use crate::store::{Db, Desk, Store, StoreError};

use super::Search;
use super::criteria::Compiler;
use super::sql::{Number, Sql};

impl Desk<'_> {
    /// The plan of a search, a step a line, in the words of the database.
    pub async fn explain(&self, search: Search) -> Result<String, StoreError> {
        let (tenant, inner) = (self.tenant().clone(), std::sync::Arc::clone(&self.store.inner));
        self.read(move |tx| {
            let mut compiler = Compiler::new(tx, &inner.names, &tenant, &search.base);
            let asked = compiler.select(&search, i64::MAX)?;
            explained(tx, asked)
        })
        .await
    }
}

/// The plan of a statement, a step a line.
pub(in crate::store) fn explained(tx: &mut Tx<'_>, asked: Sql) -> Result<String, StoreError> {
    let lines: Vec<String> = if let Tx::Sqlite(_) = tx {
        let mut sql = Sql::new("explain query plan ");
        sql.add(asked);
        sql.load::<SqliteStep>(tx)?.into_iter().map(|step| step.detail).collect()
    } else {
        let mut sql = Sql::new("explain ");
        sql.add(asked);
        sql.load::<PostgresStep>(tx)?.into_iter().map(|step| step.line).collect()
    };
    Ok(lines.join("\n"))
}

impl Store {
    /// Lets PostgreSQL look at the index again if it has grown by a fifth since it last did: its own look comes late
    /// after a large load, and plans that were made for empty tables are slow by orders of magnitude. Whether it did.
    ///
    /// SQLite needs none: searches name their order there.
    pub async fn refresh_statistics(&self) -> Result<bool, StoreError> {
        if let Db::Sqlite { .. } = self.inner.db {
            return Ok(false);
        }
        self.write(|tx| {
            let mut sql = Sql::new("select (select coalesce(max(no), 0) from resource)::bigint as number");
            let newest = first(&sql.clone().load(tx)?);
            sql = Sql::new(
                "select greatest(coalesce((select reltuples::bigint from pg_class where oid = 'resource'::regclass), 0), 0) \
                 as number",
            );
            let known = first(&sql.load(tx)?);
            if newest < known.saturating_add((known / 5).max(FEWEST)) {
                return Ok(false);
            }
            for table in TABLES {
                Sql::new(&format!("analyze {table}")).execute(tx)?;
            }
            Ok(true)
        })
        .await
    }
}

fn first(numbers: &[Number]) -> i64 {
    numbers.first().map_or(0, |found| found.number)
}

#[derive(QueryableByName)]
struct SqliteStep {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct PostgresStep {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

/// New resources for which nobody looks again.
const FEWEST: i64 = 2_000;
/// What searches look at; the resources themselves last, because they say when it was done.
const TABLES: &[&str] = &[
    "search_token",
    "search_string",
    "search_reference",
    "search_uri",
    "search_date",
    "search_number",
    "search_quantity",
    "search_composite",
    "search_dated",
    "resource_history",
    "resource",
];
