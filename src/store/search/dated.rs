//! Codes with the time of their resource: where a search by both begins.
//!
//! By code alone it would look at the time of every resource of that code. Rows of one code stand in the order of
//! their times here. They only say where to look: a row spans all times of its resource, and every criterion is still
//! held to the rows of its own.

use crate::fhir::search::compare::{Comparison, DateMatch, Prefix, TokenMatch};
use crate::fhir::search::{Criterion, Entry, IndexValue, Test};
use crate::store::StoreError;
use crate::store::db::Tx;

use super::criteria::{Compiler, union};
use super::rows::{Row, Table, Writer, kept};
use super::sql::{Bind, Sql};

static DATED: &Table = &Table {
    name: "search_dated",
    columns: &["resource_no", "key", "code", "from_us", "until_us", "system"],
    key: &[1, 2, 3, 0, 4, 5],
};

/// A code and a time that are searched by together, of a type.
struct Pair {
    resource_type: &'static str,
    code: &'static str,
    time: &'static str,
}

const PAIRS: &[Pair] = &[
    Pair { resource_type: "DiagnosticReport", code: "category", time: "date" },
    Pair { resource_type: "DiagnosticReport", code: "code", time: "date" },
    Pair { resource_type: "Observation", code: "category", time: "date" },
    Pair { resource_type: "Observation", code: "code", time: "date" },
    Pair { resource_type: "Procedure", code: "code", time: "date" },
];

/// Longest time of the rows that stand in the order of when they begin; the others have a key of their own.
const SHORT_US: i64 = 48 * 3_600_000_000;
/// What the key of short ones is called, behind the code.
const SHORT: &str = ":dated";
/// What the key of long ones is called.
const LONG: &str = ":dated-long";
/// Rows up to which a search begins here. Where there are more, the first matches are found soon among those of the
/// code, which stand in the order of the resources.
const MOST: i64 = 5_000;

/// What a resource has rows for: pair, name of the key, first moment, end of the last.
fn found<'e>(
    resource_type: &str,
    entries: &'e [Entry<'_>],
) -> impl Iterator<Item = (&'static Pair, String, i64, i64)> + use<'e> {
    let of_type = PAIRS.iter().filter({
        let resource_type = resource_type.to_owned();
        move |pair| pair.resource_type == resource_type
    });
    of_type.filter(|pair| entries.iter().any(|entry| is_code(entry, pair))).filter_map(|pair| {
        let times = entries.iter().filter(|entry| entry.definition.code == pair.time);
        let spans = times.filter_map(|entry| match entry.value {
            IndexValue::Date { from, until } => Some((from, until)),
            _ => None,
        });
        let (from, until) = spans.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)))?;
        let end = if until.saturating_sub(from) <= SHORT_US { SHORT } else { LONG };
        Some((pair, format!("{}{end}", pair.code), from, until))
    })
}

fn is_code(entry: &Entry<'_>, pair: &Pair) -> bool {
    entry.definition.code == pair.code && matches!(entry.value, IndexValue::Token { .. })
}

/// The names of the keys of a resource's rows.
pub(super) fn keys(resource_type: &str, entries: &[Entry<'_>]) -> impl Iterator<Item = String> {
    found(resource_type, entries).map(|(_, key, ..)| key)
}

impl Writer<'_> {
    /// Adds the rows of a resource.
    pub(super) fn dated(&self, tx: &mut Tx<'_>, entries: &[Entry<'_>], rows: &mut Vec<Row>) -> Result<(), StoreError> {
        for (pair, key, from, until) in found(self.resource_type, entries) {
            let Some(key) = self.names.find_key(tx, self.tenant, self.resource_type, &key)? else { continue };
            for entry in entries.iter().filter(|entry| is_code(entry, pair)) {
                let IndexValue::Token { system, code } = &entry.value else { continue };
                let system = self.system(tx, system.as_deref())?;
                let values: Vec<Bind> = vec![
                    self.resource_no.into(),
                    key.into(),
                    kept(code).into(),
                    from.into(),
                    until.into(),
                    system.into(),
                ];
                rows.push(Row { table: DATED, values });
            }
        }
        Ok(())
    }
}

impl Compiler<'_, '_> {
    /// `select resource_no …` of what may match by code and time, if the criteria name both and it is not too much.
    pub(super) fn dated(&mut self, criteria: &[Criterion], types: &[&str]) -> Result<Option<Sql>, StoreError> {
        let [resource_type] = types else { return Ok(None) };
        for pair in PAIRS.iter().filter(|pair| pair.resource_type == *resource_type) {
            let code = criteria.iter().find_map(|criterion| one_code(criterion, pair.code));
            let (Some(wanted), Some((after, before))) = (code, bounds(criteria, pair.time)) else { continue };
            let mut selects = Vec::with_capacity(2);
            for (end, longest) in [(SHORT, Some(SHORT_US)), (LONG, None)] {
                let Some(key) = self.key(resource_type, &format!("{}{end}", pair.code))? else { continue };
                let mut sql = Sql::new("select t.resource_no from search_dated t where t.key = ");
                sql.bind(key).push(" and ").one_of("t.code", wanted.codes.iter().map(|code| kept(code)));
                sql.push(" and t.from_us < ").bind(before).push(" and t.until_us > ").bind(after);
                if let Some(longest) = longest {
                    sql.push(" and t.from_us > ").bind(after.saturating_sub(longest));
                }
                if let Some(system) = self.system(&wanted.system, "t.system")? {
                    sql.push(" and ").add(system);
                }
                selects.push(sql);
            }
            if selects.is_empty() {
                continue;
            }
            let rows = union(selects);
            let mut counted = Sql::new("select * from (");
            counted.add(rows.clone()).push(") d").limit(MOST);
            if self.number_of(counted)? < MOST {
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }
}

/// The code that a criterion asks for, if it is one.
fn one_code<'c>(criterion: &'c Criterion, code: &str) -> Option<&'c TokenMatch> {
    let Criterion::Parameter { definition, test: Test::Any(comparisons) } = criterion else { return None };
    match comparisons.as_slice() {
        [Comparison::Token(wanted)] if definition.code == code && wanted.codes.len() == 1 => Some(wanted),
        _ => None,
    }
}

/// What the times of a match end behind, and what they begin before; `None` if no criterion says either.
fn bounds(criteria: &[Criterion], time: &str) -> Option<(i64, i64)> {
    let mut all = (i64::MIN, i64::MAX);
    for criterion in criteria {
        let Criterion::Parameter { definition, test: Test::Any(comparisons) } = criterion else { continue };
        if let ([Comparison::Date(wanted)], true) = (comparisons.as_slice(), definition.code == time) {
            let (after, before) = of_one(wanted);
            all = (all.0.max(after), all.1.min(before));
        }
    }
    (all != (i64::MIN, i64::MAX)).then_some(all)
}

/// What follows from [`super::values::range`] for the whole time of a resource.
fn of_one(wanted: &DateMatch) -> (i64, i64) {
    let instants = wanted.instants.unwrap_or(wanted.range);
    let (begin, end) = (wanted.range.from.0.min(instants.from.0), wanted.range.until.0.max(instants.until.0));
    let earliest_end = wanted.range.until.0.min(instants.until.0);
    let latest_begin = wanted.range.from.0.max(instants.from.0);
    match wanted.prefix {
        Prefix::Ne => (i64::MIN, i64::MAX),
        Prefix::Eq | Prefix::Ap => (begin, end),
        Prefix::Gt | Prefix::Sa => (earliest_end, i64::MAX),
        Prefix::Ge => (begin, i64::MAX),
        Prefix::Lt | Prefix::Eb => (i64::MIN, latest_begin),
        Prefix::Le => (i64::MIN, end),
    }
}
