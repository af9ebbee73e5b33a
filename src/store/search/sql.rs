//! SQL text that is put together, with its values beside it: one text for both databases.

use diesel::deserialize::QueryableByName;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Text};
use diesel::sqlite::Sqlite;

use crate::store::StoreError;
use crate::store::db::Tx;

/// A value that is bound.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Bind {
    Int(i64),
    Real(f64),
    Text(String),
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

/// SQL in which `?` stands for the next value. The text comes from this module alone; whatever comes from
/// outside is a value.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sql {
    text: String,
    binds: Vec<Bind>,
}

impl Sql {
    /// Text without values.
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), binds: Vec::new() }
    }

    /// What never holds.
    pub(super) fn never() -> Self {
        Self::new("1 = 0")
    }

    /// What always holds.
    pub(super) fn always() -> Self {
        Self::new("1 = 1")
    }

    /// Adds text.
    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a value.
    pub(super) fn bind(&mut self, value: impl Into<Bind>) -> &mut Self {
        self.text.push('?');
        self.binds.push(value.into());
        self
    }

    /// Adds other SQL.
    pub(super) fn add(&mut self, other: Self) -> &mut Self {
        self.text.push_str(&other.text);
        self.binds.extend(other.binds);
        self
    }

    /// Adds `column = ?`, or `column in (?, …)`. No value at all is never equal.
    pub(super) fn one_of<B: Into<Bind>>(&mut self, column: &str, values: impl IntoIterator<Item = B>) -> &mut Self {
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

    /// Conditions of which all hold, or one, in brackets.
    pub(super) fn joined(parts: Vec<Self>, word: &str, empty: Self) -> Self {
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
    pub(super) fn all(parts: Vec<Self>) -> Self {
        Self::joined(parts, " and ", Self::always())
    }

    /// Any of them.
    pub(super) fn any(parts: Vec<Self>) -> Self {
        Self::joined(parts, " or ", Self::never())
    }

    /// The opposite.
    pub(super) fn negated(self) -> Self {
        let mut out = Self::new("not ");
        out.push("(").add(self).push(")");
        out
    }

    /// The rows that it gives.
    pub(super) fn load<T>(self, tx: &mut Tx<'_>) -> Result<Vec<T>, StoreError>
    where
        T: QueryableByName<Sqlite> + QueryableByName<Pg> + Send + 'static,
    {
        Ok(match tx {
            Tx::Sqlite(conn) => bound!(self.text, self.binds, Sqlite).load(*conn)?,
            Tx::Postgres(conn) => bound!(self.numbered(), self.binds, Pg).load(*conn)?,
        })
    }

    /// Runs it; gives the number of rows that it changed.
    pub(super) fn execute(self, tx: &mut Tx<'_>) -> Result<usize, StoreError> {
        Ok(match tx {
            Tx::Sqlite(conn) => bound!(self.text, self.binds, Sqlite).execute(*conn)?,
            Tx::Postgres(conn) => bound!(self.numbered(), self.binds, Pg).execute(*conn)?,
        })
    }

    /// As [`Sql::execute`], for SQL that was just put together.
    pub(super) fn execute_in(&mut self, tx: &mut Tx<'_>) -> Result<usize, StoreError> {
        std::mem::take(self).execute(tx)
    }

    /// The text as PostgreSQL wants it: values have numbers.
    fn numbered(&self) -> String {
        let mut out = String::with_capacity(self.text.len() + self.binds.len() * 2);
        let mut number = 0;
        for letter in self.text.chars() {
            if letter == '?' {
                number += 1;
                out.push('$');
                out.push_str(&number.to_string());
            } else {
                out.push(letter);
            }
        }
        out
    }

    #[cfg(test)]
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// A query with its values; a boxed one names its backend in its type.
macro_rules! bound {
    ($text:expr, $binds:expr, $backend:ty) => {{
        let mut query = diesel::sql_query($text).into_boxed::<$backend>();
        for bind in $binds {
            query = match bind {
                Bind::Int(value) => query.bind::<BigInt, _>(value),
                Bind::Real(value) => query.bind::<Double, _>(value),
                Bind::Text(value) => query.bind::<Text, _>(value),
            };
        }
        query
    }};
}
use bound;

/// A number that a query gives as `number`.
#[derive(QueryableByName)]
pub(super) struct Number {
    #[diesel(sql_type = BigInt)]
    pub(super) number: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_beside_the_text() {
        let mut sql = Sql::new("select 1 where ");
        sql.one_of("a", ["x'; drop table y"]).push(" and ").one_of("b", [1_i64, 2]);
        assert_eq!(sql.text(), "select 1 where a = ? and b in (?, ?)");
        assert_eq!(sql.numbered(), "select 1 where a = $1 and b in ($2, $3)");
        assert_eq!(sql.binds, [Bind::Text("x'; drop table y".into()), Bind::Int(1), Bind::Int(2)]);
        assert_eq!(Sql::any(vec![]).text(), "1 = 0");
        assert_eq!(Sql::all(vec![Sql::new("a"), Sql::new("b")]).negated().text(), "not ((a and b))");
    }
}
