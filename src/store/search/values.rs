//! Values of a request compared with columns: what [`crate::fhir::search::compare`] says, in SQL.

use crate::fhir::search::compare::{DAY_US, DateMatch, NumberMatch, Prefix, UriMatch};
use crate::fhir::temporal::Range;

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
    let compared = |range: Range| self::range(wanted, "t.from_us", "t.until_us", range.from.0, range.until.0);
    let Some(instants) = wanted.instants else { return compared(wanted.range) };
    let days = Sql::all(vec![at_midnight("t.from_us"), at_midnight("t.until_us")]);
    let either = Sql::any(vec![
        Sql::all(vec![days.clone(), compared(wanted.range)]),
        Sql::all(vec![days.negated(), compared(instants)]),
    ]);
    if wanted.prefix != Prefix::Eq {
        return either;
    }
    // Says nothing new: it tells the index where to begin and where to stop.
    let mut around = Sql::new("t.from_us >= ");
    around.bind(wanted.range.from.0.min(instants.from.0)).push(" and t.from_us < ");
    around.bind(wanted.range.until.0.max(instants.until.0));
    Sql::all(vec![around, either])
}

/// That an instant is where a day of UTC begins, or that it is an open end.
fn at_midnight(column: &str) -> Sql {
    let mut whole = Sql::new(column);
    whole.push(" % ").bind(DAY_US).push(" = 0");
    let mut open = Sql::default();
    open.one_of(column, [i64::MIN, i64::MAX]);
    Sql::any(vec![whole, open])
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
