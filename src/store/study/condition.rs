//! Conditions of a query as SQL. What they mean is said by [`crate::dicom::query::matches`].

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::base::{TenantId, Uid};
use crate::dicom::index::cut;
use crate::dicom::query::{
    FoldedName, Key, KeyKind, Level, MatchKey, Matching, Query, date, number, time_from, time_until, words,
};
use crate::store::db::Tx;
use crate::store::search::Sql;

use super::NO_NUMBER;

/// How a database says that a text has a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patterns {
    /// SQLite: `glob`, which heeds case.
    Glob,
    /// PostgreSQL: `like`, which heeds case too.
    Like,
}

impl Patterns {
    pub(super) fn of(tx: &Tx<'_>) -> Self {
        match tx {
            Tx::Sqlite(_) => Self::Glob,
            Tx::Postgres(_) => Self::Like,
        }
    }
}

/// Everything that a query asks for, over `dicom_study s`, `dicom_series e` and `dicom_instance i`, as far down as
/// its level goes.
pub(super) fn conditions(patterns: Patterns, tenant: &TenantId, query: &Query) -> Sql {
    let mut of_tenant = Sql::new("s.tenant = ");
    of_tenant.bind(tenant.as_str());
    let mut parts = vec![of_tenant];
    // The same again where an index of a lower level begins with the tenant.
    for (level, column) in [(Level::Series, "e.tenant = "), (Level::Instance, "i.tenant = ")] {
        let has_key =
            query.keys.iter().any(|key| key.path == [Key::unique(level)] && key.matching != Matching::Universal);
        if query.level >= level && has_key {
            let mut sql = Sql::new(column);
            sql.bind(tenant.as_str());
            parts.push(sql);
        }
    }
    let mut requests = Vec::new();
    for key in query.keys.iter().filter(|key| key.matching != Matching::Universal) {
        match Key::of_path(&key.path) {
            Some(known) if known.sequence.is_some() => requests.push((known, key)),
            Some(known) => parts.push(condition(patterns, known, key, query.fuzzy)),
            None => parts.push(Sql::never()),
        }
    }
    parts.extend(of_requests(patterns, &requests));
    Sql::all(parts)
}

fn condition(patterns: Patterns, known: Key, key: &MatchKey, fuzzy: bool) -> Sql {
    let Some(column) = column(known.tag) else { return Sql::never() };
    match (known.kind, column) {
        (KeyKind::Name, Column::Name(person)) => name(patterns, person, &key.matching, fuzzy),
        (_, Column::Modalities) => {
            let any = |condition: Sql| {
                let mut sql = Sql::new("exists (select 1 from dicom_series m where m.study_no = s.no and ");
                sql.add(condition).push(")");
                sql
            };
            match &key.matching {
                Matching::Empty => any(Sql::new("m.modality <> ''")).negated(),
                matching => any(text(patterns, "m.modality", matching)),
            }
        }
        (KeyKind::Number, Column::Plain(column)) => integer(column, &key.matching),
        (KeyKind::Date | KeyKind::Time, Column::Plain(column)) => range(known.kind, column, &key.matching),
        (_, Column::Plain(column)) => text(patterns, column, &key.matching),
        (_, Column::Name(_)) => Sql::never(),
    }
}

/// One item of the Request Attributes Sequence has to fit all.
fn of_requests(patterns: Patterns, keys: &[(Key, &MatchKey)]) -> Option<Sql> {
    if keys.is_empty() {
        return None;
    }
    let mut parts = vec![Sql::new("r.series_no = e.no")];
    for (known, key) in keys {
        let column = if known.tag == tags::SCHEDULED_PROCEDURE_STEP_ID { "r.step_id" } else { "r.procedure_id" };
        parts.push(text(patterns, column, &key.matching));
    }
    let mut one = Sql::new("exists (select 1 from dicom_request r where ");
    one.add(Sql::all(parts)).push(")");
    if keys.iter().all(|(_, key)| key.matching == Matching::Empty) {
        let none = Sql::new("not exists (select 1 from dicom_request r where r.series_no = e.no)");
        return Some(Sql::any(vec![one, none]));
    }
    Some(one)
}

enum Column {
    Plain(&'static str),
    Name(&'static Person),
    Modalities,
}

/// Columns of a name.
struct Person {
    groups: [&'static str; 3],
    words: &'static str,
}

fn column(tag: Tag) -> Option<Column> {
    Some(Column::Plain(match tag {
        tags::PATIENT_NAME => return Some(Column::Name(&PATIENT)),
        tags::REFERRING_PHYSICIAN_NAME => return Some(Column::Name(&REFERRING)),
        tags::MODALITIES_IN_STUDY => return Some(Column::Modalities),
        tags::PATIENT_ID => "s.patient_id",
        tags::ISSUER_OF_PATIENT_ID => "s.issuer",
        tags::PATIENT_BIRTH_DATE => "s.birth_date",
        tags::PATIENT_SEX => "s.sex",
        tags::STUDY_INSTANCE_UID => "s.study_uid",
        tags::STUDY_DATE => "s.study_date",
        tags::STUDY_TIME => "s.study_time",
        tags::ACCESSION_NUMBER => "s.accession",
        tags::STUDY_ID => "s.study_id",
        tags::STUDY_DESCRIPTION => "s.description",
        tags::SERIES_INSTANCE_UID => "e.series_uid",
        tags::MODALITY => "e.modality",
        tags::SERIES_NUMBER => "e.number",
        tags::SERIES_DESCRIPTION => "e.description",
        tags::BODY_PART_EXAMINED => "e.body_part",
        tags::INSTITUTION_NAME => "e.institution",
        tags::PERFORMED_PROCEDURE_STEP_START_DATE => "e.step_date",
        tags::PERFORMED_PROCEDURE_STEP_START_TIME => "e.step_time",
        tags::SOP_INSTANCE_UID => "i.instance_uid",
        tags::SOP_CLASS_UID => "i.class_uid",
        tags::INSTANCE_NUMBER => "i.number",
        _ => return None,
    }))
}

fn text(patterns: Patterns, column: &str, matching: &Matching) -> Sql {
    let mut sql = Sql::default();
    match matching {
        Matching::Universal => return Sql::always(),
        Matching::Empty => sql.push(column).push(" = ''"),
        Matching::Single(value) => sql.push(column).push(" = ").bind(cut(value)),
        Matching::Uids(uids) => sql.one_of(column, uids.iter().map(Uid::as_str)),
        Matching::OneOf(values) => {
            sql.one_of(column, values.iter().filter(|value| !value.is_empty()).map(|value| cut(value)))
        }
        Matching::Wildcard(value) => return pattern(patterns, column, value),
        Matching::Range { .. } => return Sql::never(),
    };
    sql
}

fn integer(column: &str, matching: &Matching) -> Sql {
    let mut sql = Sql::default();
    match matching {
        Matching::Universal => return Sql::always(),
        Matching::Empty => sql.push(column).push(" = ").bind(NO_NUMBER),
        Matching::Single(text) => match number(text) {
            Some(number) if number != NO_NUMBER => sql.push(column).push(" = ").bind(number),
            _ => return Sql::never(),
        },
        Matching::OneOf(texts) => sql.one_of(column, texts.iter().filter_map(|text| number(text))),
        Matching::Uids(_) | Matching::Wildcard(_) | Matching::Range { .. } => return Sql::never(),
    };
    sql
}

fn range(kind: KeyKind, column: &str, matching: &Matching) -> Sql {
    let normal = |text: &str, is_end: bool| match kind {
        KeyKind::Time if is_end => time_until(text),
        KeyKind::Time => time_from(text),
        _ => date(text),
    };
    let between = |from: Option<&str>, until: Option<&str>| {
        let mut sql = Sql::default();
        sql.push(column).push(" <> ''");
        for (bound, operator, is_end) in [(from, " >= ", false), (until, " <= ", true)] {
            let Some(bound) = bound else { continue };
            let Some(bound) = normal(bound, is_end) else { return Sql::never() };
            sql.push(" and ").push(column).push(operator).bind(bound);
        }
        sql
    };
    match matching {
        Matching::Universal => Sql::always(),
        Matching::Empty => {
            let mut sql = Sql::default();
            sql.push(column).push(" = ''");
            sql
        }
        Matching::Single(text) => between(Some(text), Some(text)),
        Matching::Range { from, until } => between(from.as_deref(), until.as_deref()),
        Matching::OneOf(texts) => {
            Sql::any(texts.iter().map(|text| bracketed(between(Some(text), Some(text)))).collect())
        }
        Matching::Uids(_) | Matching::Wildcard(_) => Sql::never(),
    }
}

fn bracketed(sql: Sql) -> Sql {
    let mut out = Sql::new("(");
    out.add(sql).push(")");
    out
}

fn name(patterns: Patterns, person: &Person, matching: &Matching, fuzzy: bool) -> Sql {
    let wanted = match matching {
        Matching::Universal => return Sql::always(),
        Matching::Empty => {
            let none = |column: &&str| {
                let mut sql = Sql::default();
                sql.push(column).push(" = ''");
                sql
            };
            return Sql::all(person.groups.iter().map(none).collect());
        }
        Matching::OneOf(values) => {
            let each = values.iter().map(|value| name(patterns, person, &Matching::Single(value.clone()), fuzzy));
            return Sql::any(each.collect());
        }
        Matching::Single(wanted) | Matching::Wildcard(wanted) => wanted,
        Matching::Uids(_) | Matching::Range { .. } => return Sql::never(),
    };
    let wanted_words = if fuzzy { words(wanted) } else { Vec::new() };
    if !wanted_words.is_empty() {
        let each = wanted_words.iter().map(|word| pattern(patterns, person.words, &format!("* {word}*")));
        return Sql::all(each.collect());
    }
    let groups = FoldedName::of(wanted).groups;
    let fits = |column: &&str, wanted: &str| {
        if wanted.contains(['*', '?']) {
            let mut sql = Sql::default();
            sql.push(column).push(" <> '' and ").add(pattern(patterns, column, wanted));
            bracketed(sql)
        } else if wanted.is_empty() {
            Sql::never()
        } else {
            let mut sql = Sql::default();
            sql.push(column).push(" = ").bind(cut(wanted));
            // Tells the planner that a partial index will do.
            sql.push(" and ").push(column).push(" <> ''");
            bracketed(sql)
        }
    };
    if wanted.contains('=') {
        let each = person.groups.iter().zip(&groups).filter(|(_, wanted)| !wanted.is_empty());
        return Sql::all(each.map(|(column, wanted)| fits(column, wanted)).collect());
    }
    let [wanted, ..] = &groups;
    Sql::any(person.groups.iter().map(|column| fits(column, wanted)).collect())
}

/// `*` stands for any characters, `?` for one. What the pattern begins with is said as a range too, for the index.
fn pattern(patterns: Patterns, column: &str, pattern: &str) -> Sql {
    let mut text = String::with_capacity(pattern.len() + 8);
    for character in pattern.chars().filter(|character| *character != '\0') {
        match (patterns, character) {
            (Patterns::Glob, '[') => text.push_str("[[]"),
            (Patterns::Like, '%' | '_' | '\\') => {
                text.push('\\');
                text.push(character);
            }
            (Patterns::Like, '*') => text.push('%'),
            (Patterns::Like, '?') => text.push('_'),
            (_, other) => text.push(other),
        }
    }
    let mut sql = Sql::new("(");
    sql.push(column).push(match patterns {
        Patterns::Glob => " glob ",
        Patterns::Like => " like ",
    });
    sql.bind(text);
    let beginning = pattern.split(['*', '?']).next().unwrap_or_default();
    if !beginning.is_empty() {
        sql.push(" and ").push(column).push(" >= ").bind(beginning);
        sql.push(" and ").push(column).push(" < ").bind(format!("{beginning}\u{10ffff}"));
    }
    sql.push(" and ").push(column).push(" <> '')");
    sql
}

static PATIENT: Person =
    Person { groups: ["s.patient_name", "s.patient_ideographic", "s.patient_phonetic"], words: "s.patient_words" };
static REFERRING: Person = Person {
    groups: ["s.referring_name", "s.referring_ideographic", "s.referring_phonetic"],
    words: "s.referring_words",
};
