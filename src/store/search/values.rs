//! Values of a request compared with columns: what [`crate::fhir::search::compare`] says, in SQL.

use crate::fhir::search::compare::{DateMatch, NumberMatch, Prefix, UriMatch};

use super::rows::{beginning, kept};
use super::sql::{Bind, Sql};

/// That a column begins with a text.
pub(super) fn begins(column: &str, text: &str) -> Sql {
    let text = beginning(text);
    let mut sql = Sql::new(column);
    sql.push(" >= ").bind(text).push(" and ").push(column).push(" < ").bind(format!("{text}\u{10ffff}"));
    sql
}

/// As `UriMatch` compares.
pub(super) fn uri(wanted: &UriMatch) -> Sql {
    match wanted {
        UriMatch::Is(uri) => {
            let mut sql = Sql::new("t.uri = ");
            sql.bind(kept(uri));
            sql
        }
        UriMatch::Below(uri) => begins("t.uri", uri),
        UriMatch::Above(uri) => {
            let mut sql = Sql::new("substr(");
            sql.bind(uri.as_str()).push(", 1, length(t.uri)) = t.uri");
            sql
        }
    }
}

/// As `DateMatch` compares, with the columns of dates.
pub(super) fn date(wanted: DateMatch) -> Sql {
    range(wanted, "t.from_us", "t.until_us", wanted.range.from.0, wanted.range.until.0)
}

/// As `DateMatch` compares; `from` and `until` are columns.
pub(super) fn range<B: Into<Bind> + Copy>(wanted: DateMatch, from: &str, until: &str, begin: B, end: B) -> Sql {
    let compare = |column: &str, operator: &str, value: B| {
        let mut sql = Sql::new(column);
        sql.push(operator).bind(value);
        sql
    };
    let within = || {
        // The third says nothing new: it tells the index where to stop.
        Sql::all(vec![compare(from, " >= ", begin), compare(until, " <= ", end), compare(from, " < ", end)])
    };
    match wanted.prefix {
        Prefix::Eq => within(),
        Prefix::Ne => Sql::all(vec![compare(from, " >= ", begin), compare(until, " <= ", end)]).negated(),
        Prefix::Gt => compare(until, " > ", end),
        Prefix::Lt => compare(from, " < ", begin),
        Prefix::Ge => Sql::any(vec![compare(until, " > ", end), within()]),
        Prefix::Le => Sql::any(vec![compare(from, " < ", begin), within()]),
        Prefix::Sa => compare(from, " >= ", end),
        Prefix::Eb => compare(until, " <= ", begin),
        Prefix::Ap => Sql::all(vec![compare(from, " < ", end), compare(until, " > ", begin)]),
    }
}

/// As `NumberMatch` compares.
pub(super) fn number(wanted: &NumberMatch, low: &str, high: &str) -> Sql {
    let compare = |column: &str, operator: &str, value: f64| {
        let mut sql = Sql::new(column);
        sql.push(operator).bind(value);
        sql
    };
    let number = wanted.number;
    let within = || Sql::all(vec![compare(low, " >= ", number.low), compare(high, " < ", number.high)]);
    match wanted.prefix {
        Prefix::Eq => within(),
        Prefix::Ne => within().negated(),
        Prefix::Gt => compare(high, " > ", number.value),
        Prefix::Lt => compare(low, " < ", number.value),
        Prefix::Ge => compare(high, " >= ", number.value),
        Prefix::Le => compare(low, " <= ", number.value),
        Prefix::Sa => compare(low, " > ", number.value),
        Prefix::Eb => compare(high, " < ", number.value),
        Prefix::Ap => {
            let (from, to) = wanted.approximate();
            Sql::all(vec![compare(low, " <= ", to), compare(high, " >= ", from)])
        }
    }
}
