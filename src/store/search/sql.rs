//! SQL text that is put together, with its values beside it: one text for both databases.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, PoisonError};

use diesel::backend::Backend;
use diesel::deserialize::QueryableByName;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Binary, Bool, Double, HasSqlType, Text, Untyped};
use diesel::sqlite::Sqlite;

use crate::store::StoreError;
use crate::store::db::{Tx, on};

/// A value that is bound.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(in crate::store) enum Bind {
    Int(i64),
    Real(f64),
    Text(String),
    Bool(bool),
    Bytes(Vec<u8>),
}

impl From<bool> for Bind {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Vec<u8>> for Bind {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<i64> for Bind {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Bind {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<&str> for Bind {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Bind {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

/// Writes rows into a table, each with its values in the order of the columns: few statements, each of one of few
/// texts, which stay prepared.
pub(in crate::store) fn insert(
    tx: &mut Tx<'_>,
    table: &str,
    columns: &[&str],
    end: &str,
    rows: Vec<Vec<Bind>>,
) -> Result<usize, StoreError> {
    let mut written = 0;
    each_part(rows, |part| {
        written += inserting(table, columns, end, part).execute_prepared(tx)?;
        Ok(())
    })?;
    Ok(written)
}

/// As [`insert`], with the rows that the statements return.
pub(in crate::store) fn insert_returning<T>(
    tx: &mut Tx<'_>,
    table: &str,
    columns: &[&str],
    end: &str,
    rows: Vec<Vec<Bind>>,
) -> Result<Vec<T>, StoreError>
where
    T: QueryableByName<Sqlite> + QueryableByName<Pg> + Send + 'static,
{
    let mut returned = Vec::with_capacity(rows.len());
    each_part(rows, |part| {
        let query = Statement { sql: inserting(table, columns, end, part), is_kept: true };
        returned.extend(on!(tx, conn => query.load::<T>(conn))?);
        Ok(())
    })?;
    Ok(returned)
}

fn each_part(
    rows: Vec<Vec<Bind>>,
    mut write: impl FnMut(Vec<Vec<Bind>>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut rest = rows.into_iter();
    while rest.len() > 0 {
        let size = PARTS.into_iter().find(|size| *size <= rest.len()).unwrap_or(1);
        write(rest.by_ref().take(size).collect())?;
    }
    Ok(())
}

fn inserting(table: &str, columns: &[&str], end: &str, rows: Vec<Vec<Bind>>) -> Sql {
    let mut sql = Sql::new("insert into ");
    sql.push(table).push(" (").push(&columns.join(", ")).push(") values ");
    for (number, row) in rows.into_iter().enumerate() {
        sql.push(if number > 0 { ", (" } else { "(" });
        for (column, value) in row.into_iter().enumerate() {
            if column > 0 {
                sql.push(", ");
            }
            sql.bind(value);
        }
        sql.push(")");
    }
    sql.push(end);
    sql
}

/// Rows in one statement.
const PARTS: [usize; 4] = [64, 16, 4, 1];

/// SQL in which `?` stands for the next value. The text comes from this module alone; whatever comes from
/// outside is a value.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::store) struct Sql {
    text: String,
    binds: Vec<Bind>,
}

impl Sql {
    /// Text without values.
    pub(in crate::store) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), binds: Vec::new() }
    }

    /// What never holds.
    pub(in crate::store) fn never() -> Self {
        Self::new("1 = 0")
    }

    /// What always holds.
    pub(in crate::store) fn always() -> Self {
        Self::new("1 = 1")
    }

    /// Adds text.
    pub(in crate::store) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a value.
    pub(in crate::store) fn bind(&mut self, value: impl Into<Bind>) -> &mut Self {
        self.text.push('?');
        self.binds.push(value.into());
        self
    }

    /// Adds other SQL.
    pub(in crate::store) fn add(&mut self, other: Self) -> &mut Self {
        self.text.push_str(&other.text);
        self.binds.extend(other.binds);
        self
    }

    /// Adds `column = ?`, or `column in (?, …)`. No value at all is never equal.
    pub(in crate::store) fn one_of<B: Into<Bind>>(
        &mut self,
        column: &str,
        values: impl IntoIterator<Item = B>,
    ) -> &mut Self {
        let values: Vec<Bind> = values.into_iter().map(Into::into).collect();
        if values.is_empty() {
            return self.add(Self::never());
        }
        let single = values.len() == 1;
        self.push(column).push(if single { " = " } else { " in (" });
        for (number, value) in values.into_iter().enumerate() {
            if number > 0 {
                self.push(", ");
            }
            self.bind(value);
        }
        self.push(if single { "" } else { ")" })
    }

    /// Adds a limit. Its number stands in the text: SQLite plans a statement anew for each value of a bound one.
    pub(in crate::store) fn limit(&mut self, rows: i64) -> &mut Self {
        self.push(" limit ").push(&rows.to_string())
    }

    /// Conditions of which all hold, or one, in brackets.
    pub(in crate::store) fn joined(parts: Vec<Self>, word: &str, empty: Self) -> Self {
        if parts.is_empty() {
            return empty;
        }
        let mut out = Self::new("(");
        for (number, part) in parts.into_iter().enumerate() {
            if number > 0 {
                out.push(word);
            }
            out.add(part);
        }
        out.push(")");
        out
    }

    /// All of them.
    pub(in crate::store) fn all(parts: Vec<Self>) -> Self {
        Self::joined(parts, " and ", Self::always())
    }

    /// Any of them.
    pub(in crate::store) fn any(parts: Vec<Self>) -> Self {
        Self::joined(parts, " or ", Self::never())
    }

    /// The opposite.
    pub(in crate::store) fn negated(self) -> Self {
        let mut out = Self::new("not ");
        out.push("(").add(self).push(")");
        out
    }

    /// The rows that it gives.
    pub(in crate::store) fn load<T>(self, tx: &mut Tx<'_>) -> Result<Vec<T>, StoreError>
    where
        T: QueryableByName<Sqlite> + QueryableByName<Pg> + Send + 'static,
    {
        let query = Statement::seen(self);
        Ok(on!(tx, conn => query.load(conn))?)
    }

    /// Runs it; gives the number of rows that it changed.
    pub(in crate::store) fn execute(self, tx: &mut Tx<'_>) -> Result<usize, StoreError> {
        let query = Statement::seen(self);
        Ok(on!(tx, conn => query.execute(conn))?)
    }

    /// As [`Sql::execute`], for one of a few texts that come again and again: it stays prepared.
    pub(in crate::store) fn execute_prepared(self, tx: &mut Tx<'_>) -> Result<usize, StoreError> {
        let query = Statement { sql: self, is_kept: true };
        Ok(on!(tx, conn => query.execute(conn))?)
    }

    /// As [`Sql::execute`], for SQL that was just put together.
    pub(in crate::store) fn execute_in(&mut self, tx: &mut Tx<'_>) -> Result<usize, StoreError> {
        std::mem::take(self).execute(tx)
    }

    #[cfg(test)]
    pub(in crate::store) fn text(&self) -> &str {
        &self.text
    }
}

/// SQL as diesel runs it. Connections keep it prepared if `is_kept`.
struct Statement {
    sql: Sql,
    is_kept: bool,
}

impl Statement {
    /// Keeps what comes for the second time, as long as there are few of them: every connection holds each of them,
    /// and what a client asks for can have any form.
    fn seen(sql: Sql) -> Self {
        let mut hasher = DefaultHasher::new();
        sql.text.hash(&mut hasher);
        let is_kept = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).meet(hasher.finish());
        Self { sql, is_kept }
    }
}

/// Which texts are kept.
#[derive(Default)]
struct Texts {
    once: BTreeSet<u64>,
    kept: BTreeSet<u64>,
}

impl Texts {
    fn meet(&mut self, text: u64) -> bool {
        if self.kept.contains(&text) {
            return true;
        }
        if self.kept.len() >= KEPT {
            return false;
        }
        if self.once.remove(&text) {
            return self.kept.insert(text);
        }
        if self.once.len() >= MET {
            self.once.clear();
        }
        self.once.insert(text);
        false
    }
}

static KNOWN: Mutex<Texts> = Mutex::new(Texts { once: BTreeSet::new(), kept: BTreeSet::new() });

/// Texts that connections keep prepared.
const KEPT: usize = 256;
/// Texts that are remembered until they come again.
const MET: usize = 4096;

impl<DB> QueryFragment<DB> for Statement
where
    DB: Backend + HasSqlType<BigInt> + HasSqlType<Double> + HasSqlType<Text> + HasSqlType<Bool> + HasSqlType<Binary>,
    i64: ToSql<BigInt, DB>,
    f64: ToSql<Double, DB>,
    str: ToSql<Text, DB>,
    bool: ToSql<Bool, DB>,
    [u8]: ToSql<Binary, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if !self.is_kept {
            out.unsafe_to_cache_prepared();
        }
        let mut binds = self.sql.binds.iter();
        for (number, piece) in self.sql.text.split('?').enumerate() {
            match (number > 0).then(|| binds.next()) {
                None => {}
                Some(Some(Bind::Int(value))) => out.push_bind_param::<BigInt, _>(value)?,
                Some(Some(Bind::Real(value))) => out.push_bind_param::<Double, _>(value)?,
                Some(Some(Bind::Text(value))) => out.push_bind_param::<Text, _>(value.as_str())?,
                Some(Some(Bind::Bool(value))) => out.push_bind_param::<Bool, _>(value)?,
                Some(Some(Bind::Bytes(value))) => out.push_bind_param::<Binary, _>(value.as_slice())?,
                Some(None) => return Err(diesel::result::Error::QueryBuilderError("a value is missing".into())),
            }
            out.push_sql(piece);
        }
        Ok(())
    }
}

impl QueryId for Statement {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = Untyped;
}

impl<Conn> RunQueryDsl<Conn> for Statement {}

/// A number that a query gives as `number`.
#[derive(QueryableByName)]
pub(in crate::store) struct Number {
    #[diesel(sql_type = BigInt)]
    pub(in crate::store) number: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_beside_the_text() {
        let mut sql = Sql::new("select 1 where ");
        sql.one_of("a", ["x'; drop table y"]).push(" and ").one_of("b", [1_i64, 2]);
        assert_eq!(sql.text(), "select 1 where a = ? and b in (?, ?)");
        let query = Statement { sql: sql.clone(), is_kept: true };
        let shown = diesel::debug_query::<Pg, _>(&query).to_string();
        assert!(shown.starts_with("select 1 where a = $1 and b in ($2, $3)"), "{shown}");
        assert_eq!(sql.binds, [Bind::Text("x'; drop table y".into()), Bind::Int(1), Bind::Int(2)]);
        assert_eq!(Sql::any(vec![]).text(), "1 = 0");
        assert_eq!(Sql::all(vec![Sql::new("a"), Sql::new("b")]).negated().text(), "not ((a and b))");
    }
}
