//! The rows that a resource has in the index: what [`extract`](crate::fhir::search::extract()) finds, in numbers and
//! in columns.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::base::{Sha256, TenantId};
use crate::fhir::search::{Entry, IndexValue, ParamType};
use crate::store::StoreError;
use crate::store::db::Tx;

use super::dated;
use super::names::{NO_SYSTEM, Names, Needed};
use super::sql::{self, Bind, Sql};

/// A row: which table, and its values in the order of the columns there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) table: &'static Table,
    pub(super) values: Vec<Bind>,
}

/// A table of the index. `resource_no` is among the columns of each.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
    /// The places of the columns of the primary key.
    pub(super) key: &'static [usize],
}

/// There is one of each.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || self.name == other.name
    }
}

pub(super) static TOKEN: &Table =
    &Table { name: "search_token", columns: &["resource_no", "key", "code", "system"], key: &[1, 2, 0, 3] };
pub(super) static STRING: &Table =
    &Table { name: "search_string", columns: &["resource_no", "key", "folded", "exact"], key: &[1, 2, 3, 0] };
pub(super) static REFERENCE: &Table = &Table {
    name: "search_reference",
    columns: &["resource_no", "key", "target_id", "target_type", "version"],
    key: &[1, 2, 0, 3, 4],
};
pub(super) static URI: &Table =
    &Table { name: "search_uri", columns: &["resource_no", "key", "uri", "version"], key: &[1, 2, 3, 0] };
pub(super) static DATE: &Table =
    &Table { name: "search_date", columns: &["resource_no", "key", "from_us", "until_us"], key: &[1, 0, 2, 3] };
pub(super) static NUMBER: &Table =
    &Table { name: "search_number", columns: &["resource_no", "key", "low", "high"], key: &[1, 2, 3, 0] };
pub(super) static QUANTITY: &Table = &Table {
    name: "search_quantity",
    columns: &["resource_no", "key", "code", "low", "high", "system", "unit"],
    key: &[1, 2, 3, 4, 5, 6, 0],
};
pub(super) static COMPOSITE: &Table = &Table {
    name: "search_composite",
    columns: &["resource_no", "key", "text1", "system1", "text2", "system2", "unit", "low1", "high1", "low2", "high2"],
    key: &[1, 2, 4, 7, 8, 9, 10, 3, 5, 6, 0],
};

/// The tables in which a parameter of this type has rows, each with what its key is called beside the parameter.
pub(super) fn tables(param_type: ParamType) -> Vec<(&'static Table, &'static str)> {
    match param_type {
        ParamType::Token => vec![(TOKEN, ""), (STRING, TEXT), (TOKEN, OF_TYPE)],
        ParamType::String => vec![(STRING, "")],
        ParamType::Reference => vec![(REFERENCE, ""), (URI, ""), (TOKEN, IDENTIFIER)],
        ParamType::Date => vec![(DATE, "")],
        ParamType::Number => vec![(NUMBER, "")],
        ParamType::Quantity => vec![(QUANTITY, "")],
        ParamType::Uri => vec![(URI, "")],
        ParamType::Composite => vec![(COMPOSITE, "")],
        ParamType::Special => vec![],
    }
}

/// Display and text of tokens: parameter `code:text`.
pub(super) const TEXT: &str = ":text";
/// Identifiers with their type.
pub(super) const OF_TYPE: &str = ":of-type";
/// Identifiers within references.
pub(super) const IDENTIFIER: &str = ":identifier";

/// A text as the index holds it. A long one is cut, with its digest behind it: equal texts stay equal, others stay
/// others, and what it begins with is still there. PostgreSQL's B-trees take no more than a third of a page.
pub(super) fn kept(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let end = (0..=CUT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    format!("{}{}", text.get(..end).unwrap_or_default(), Sha256::of(text.as_bytes()))
}

/// As much of a text as strings are searched by.
pub(super) fn beginning(text: &str) -> &str {
    let end = (0..=text.len().min(CUT)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    text.get(..end).unwrap_or_default()
}

/// Bytes of a text that stand in the index as they are.
const LONGEST: usize = 384;
/// Bytes of a longer one.
const CUT: usize = 320;

/// Type, code and value of an identifier in one column: a unit separator stands in no code.
pub(super) fn of_type(code: &str, value: &str) -> String {
    kept(&format!("{code}\u{1f}{value}"))
}

/// A reference within a composite.
pub(super) fn reference_text(resource_type: &str, id: &str) -> String {
    kept(&format!("{resource_type}/{id}"))
}

/// Adds the names that the entries of a resource need and that have no number yet.
pub(super) fn need(needed: &mut Needed, names: &Names, tenant: &TenantId, resource_type: &str, entries: &[Entry<'_>]) {
    let mut system = |system: &Option<String>| {
        if let Some(uri) = system
            && names.system(tenant, uri).is_none()
            && !needed.systems.contains(uri)
        {
            needed.systems.insert(uri.clone());
        }
    };
    let all = entries;
    let entries = all.iter().filter(|entry| !is_own_row(entry));
    for entry in entries.clone() {
        match &entry.value {
            IndexValue::Token { system: uri, .. }
            | IndexValue::OfType { system: uri, .. }
            | IndexValue::Identifier { system: uri, .. }
            | IndexValue::Quantity { system: uri, .. } => system(uri),
            IndexValue::Composite(components) => {
                for value in components.iter().flatten() {
                    if let IndexValue::Token { system: uri, .. } | IndexValue::Quantity { system: uri, .. } = value {
                        system(uri);
                    }
                }
            }
            _ => {}
        }
    }
    for entry in entries {
        let param = param(entry);
        if names.key(tenant, resource_type, &param).is_none() {
            needed.keys.insert((resource_type.to_owned(), param.into_owned()));
        }
    }
    for key in dated::keys(resource_type, all) {
        if names.key(tenant, resource_type, &key).is_none() {
            needed.keys.insert((resource_type.to_owned(), key));
        }
    }
}

/// What the key of a row is called.
fn param<'a>(entry: &'a Entry<'_>) -> Cow<'a, str> {
    match suffix(&entry.value) {
        "" => Cow::Borrowed(&entry.definition.code),
        suffix => Cow::Owned(format!("{}{suffix}", entry.definition.code)),
    }
}

/// Whether the row of the resource itself says it.
fn is_own_row(entry: &Entry<'_>) -> bool {
    entry.definition.code == "_id"
}

fn suffix(value: &IndexValue) -> &'static str {
    match value {
        IndexValue::TokenText(_) => TEXT,
        IndexValue::OfType { .. } => OF_TYPE,
        IndexValue::Identifier { .. } => IDENTIFIER,
        _ => "",
    }
}

/// Makes rows of entries.
pub(super) struct Writer<'a> {
    pub(super) names: &'a Names,
    pub(super) tenant: &'a TenantId,
    pub(super) resource_type: &'a str,
    pub(super) resource_no: i64,
}

impl Writer<'_> {
    /// The rows of a resource, each once, in the order of the tables' keys. A name without a number has no rows: it
    /// is given one before anything is written.
    pub(super) fn rows(&self, tx: &mut Tx<'_>, entries: &[Entry<'_>]) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::with_capacity(entries.len());
        for entry in entries.iter().filter(|entry| !is_own_row(entry)) {
            let Some(key) = self.names.find_key(tx, self.tenant, self.resource_type, &param(entry))? else { continue };
            if let IndexValue::Composite(_) = &entry.value {
                for tuple in entry.value.tuples().take(MOST_TUPLES) {
                    let values = self.composite(tx, key, &tuple)?;
                    rows.push(Row { table: COMPOSITE, values });
                }
            } else if let Some((table, rest)) = self.single(tx, &entry.value)? {
                let mut values = Vec::with_capacity(rest.len() + 2);
                values.extend([Bind::Int(self.resource_no), Bind::Int(key)]);
                values.extend(rest);
                rows.push(Row { table, values });
            }
        }
        self.dated(tx, entries, &mut rows)?;
        rows.sort_by(Row::in_order);
        rows.dedup();
        Ok(rows)
    }

    pub(super) fn system(&self, tx: &mut Tx<'_>, uri: Option<&str>) -> Result<i64, StoreError> {
        match uri {
            None => Ok(NO_SYSTEM),
            Some(uri) => Ok(self.names.find_system(tx, self.tenant, uri)?.unwrap_or(NOBODYS)),
        }
    }

    /// Table and values behind number and key.
    fn single(&self, tx: &mut Tx<'_>, value: &IndexValue) -> Result<Option<(&'static Table, Vec<Bind>)>, StoreError> {
        Ok(Some(match value {
            IndexValue::Token { system, code } => {
                (TOKEN, vec![kept(code).into(), self.system(tx, system.as_deref())?.into()])
            }
            IndexValue::Identifier { system, value } => {
                (TOKEN, vec![kept(value).into(), self.system(tx, system.as_deref())?.into()])
            }
            IndexValue::OfType { system, code, value } => {
                (TOKEN, vec![of_type(code, value).into(), self.system(tx, system.as_deref())?.into()])
            }
            IndexValue::TokenText(text) => (STRING, vec![beginning(text).into(), "".into()]),
            IndexValue::String { folded, exact } => (STRING, vec![beginning(folded).into(), kept(exact).into()]),
            IndexValue::Reference { resource_type, id, version } => (
                REFERENCE,
                vec![id.as_str().into(), resource_type.as_str().into(), version.as_deref().unwrap_or_default().into()],
            ),
            IndexValue::Url { url, version } => {
                (URI, vec![kept(url).into(), kept(version.as_deref().unwrap_or_default()).into()])
            }
            IndexValue::Uri(uri) => (URI, vec![kept(uri).into(), "".into()]),
            IndexValue::Date { from, until } => (DATE, vec![(*from).into(), (*until).into()]),
            IndexValue::Number { low, high } => (NUMBER, vec![(*low).into(), (*high).into()]),
            IndexValue::Quantity { low, high, system, code, unit } => (
                QUANTITY,
                vec![
                    kept(code.as_deref().unwrap_or_default()).into(),
                    (*low).into(),
                    (*high).into(),
                    self.system(tx, system.as_deref())?.into(),
                    kept(unit.as_deref().unwrap_or_default()).into(),
                ],
            ),
            IndexValue::Composite(_) => return Ok(None),
        }))
    }

    fn composite(&self, tx: &mut Tx<'_>, key: i64, tuple: &[&IndexValue]) -> Result<Vec<Bind>, StoreError> {
        let (mut texts, mut ranges, mut unit_text) = (Vec::new(), Vec::new(), String::new());
        for value in tuple {
            match value {
                IndexValue::Token { system, code } => texts.push((kept(code), self.system(tx, system.as_deref())?)),
                IndexValue::String { folded, .. } => texts.push((beginning(folded).to_owned(), NO_SYSTEM)),
                IndexValue::Reference { resource_type, id, .. } => {
                    texts.push((reference_text(resource_type, id), NO_SYSTEM));
                }
                IndexValue::Url { url: text, .. } | IndexValue::Uri(text) => texts.push((kept(text), NO_SYSTEM)),
                IndexValue::Quantity { low, high, system, code, unit } => {
                    let code = kept(code.as_deref().unwrap_or_default());
                    texts.push((code, self.system(tx, system.as_deref())?));
                    ranges.push((*low, *high));
                    unit_text = kept(unit.as_deref().unwrap_or_default());
                }
                IndexValue::Number { low, high } => ranges.push((*low, *high)),
                IndexValue::Date { from, until } => ranges.push((instant(*from), instant(*until))),
                _ => {}
            }
        }
        let mut texts = texts.into_iter().chain(std::iter::repeat((String::new(), NO_SYSTEM)));
        let mut ranges = ranges.into_iter().chain(std::iter::repeat((0.0, 0.0)));
        let (first, second) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
        let (one, two) = (ranges.next().unwrap_or_default(), ranges.next().unwrap_or_default());
        Ok(vec![
            Bind::Int(self.resource_no),
            Bind::Int(key),
            first.0.into(),
            first.1.into(),
            second.0.into(),
            second.1.into(),
            unit_text.into(),
            one.0.into(),
            one.1.into(),
            two.0.into(),
            two.1.into(),
        ])
    }
}

/// An instant in a column of numbers. Microseconds of the next two centuries are exact.
#[expect(clippy::cast_precision_loss, reason = "open ends are far beyond what is exact")]
pub(super) fn instant(at: i64) -> f64 {
    at as f64
}

/// The number of a system that nobody ever named: no row has it.
pub(super) const NOBODYS: i64 = -1;
/// Combinations of one element of a composite that are kept.
const MOST_TUPLES: usize = 256;

impl Row {
    /// By table, and within it by its primary key: rows that stand together in the tree are written together.
    fn in_order(&self, other: &Self) -> Ordering {
        let by_table = self.table.name.cmp(other.table.name);
        by_table.then_with(|| {
            let mut columns = self.table.key.iter();
            let differ = columns.find_map(|at| match self.values.get(*at).partial_cmp(&other.values.get(*at)) {
                Some(Ordering::Equal) | None => None,
                differ => differ,
            });
            differ.unwrap_or(Ordering::Equal)
        })
    }
}

/// Writes rows: few statements, each of one of few texts.
pub(super) fn insert(tx: &mut Tx<'_>, mut rows: Vec<Row>) -> Result<(), StoreError> {
    rows.sort_by(Row::in_order);
    let mut rows = rows.into_iter().peekable();
    while let Some(table) = rows.peek().map(|row| row.table) {
        let mut of_table = Vec::new();
        while let Some(row) = rows.next_if(|row| row.table == table) {
            of_table.push(row.values);
        }
        sql::insert(tx, table.name, table.columns, " on conflict do nothing", of_table)?;
    }
    Ok(())
}

/// Takes rows away.
pub(super) fn remove(tx: &mut Tx<'_>, rows: &[Row]) -> Result<(), StoreError> {
    for row in rows {
        let mut sql = Sql::new("delete from ");
        sql.push(row.table.name).push(" where ");
        for (number, (column, value)) in row.table.columns.iter().zip(&row.values).enumerate() {
            sql.push(if number > 0 { " and " } else { "" }).push(column).push(" = ").bind(value.clone());
        }
        sql.execute_in(tx)?;
    }
    Ok(())
}

/// Takes away rows of one key, at most so many. Gives their number.
pub(super) fn forget(tx: &mut Tx<'_>, table: &Table, key: i64, most: usize) -> Result<usize, StoreError> {
    let columns = table.columns.join(", ");
    let mut sql = Sql::new("delete from ");
    sql.push(table.name).push(" where (").push(&columns).push(") in (select ").push(&columns).push(" from ");
    sql.push(table.name).push(" where key = ").bind(key).push("");
    sql.limit(i64::try_from(most).unwrap_or(i64::MAX)).push(")");
    sql.execute(tx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_stay_apart_and_keep_their_beginning() {
        let (one, other) = ("ä".repeat(500), format!("{}x", "ä".repeat(500)));
        assert_ne!(kept(&one), kept(&other));
        assert!(kept(&one).len() <= LONGEST && kept(&one).starts_with(beginning(&other)));
        assert_eq!(kept("short"), "short");
        assert_eq!(beginning("short"), "short");
    }
}
