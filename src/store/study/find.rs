//! What queries find, a page at a time.

use std::collections::{BTreeSet, HashMap};

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::base::{TenantId, Uid};
use crate::dicom::query::{Level, MatchKey, Matching, Query};
use crate::store::db::Tx;
use crate::store::search::{Number, Sql, planner};
use crate::store::{Desk, StoreError};

use super::condition::{Patterns, conditions};
use super::read::kept_uid;
use super::write::open;

/// A match, with all that lies around it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StudyMatch {
    /// Study; at the level of patients the newest one of the patient.
    pub study_uid: Option<Uid>,
    /// Series, at its level and below.
    pub series_uid: Option<Uid>,
    /// Instance, at its level.
    pub instance_uid: Option<Uid>,
    /// DICOM JSON of patient and study.
    pub study: String,
    /// DICOM JSON of the series, at its level and below.
    pub series: Option<String>,
    /// DICOM JSON of all of the instance, at its level.
    pub instance: Option<String>,
    /// How the data set is encoded, at the level of instances.
    pub transfer_syntax_uid: Option<String>,
    /// Modalities of the study, at the levels of patients and studies.
    pub modalities: BTreeSet<String>,
    /// Studies of the patient, at that level.
    pub patient_studies: u64,
    /// Series of the study, or of the patient at that level.
    pub study_series: u64,
    /// Instances of the study, or of the patient at that level.
    pub study_instances: u64,
    /// Instances of the series, at its level and below.
    pub series_instances: u64,
}

impl Desk<'_> {
    /// A page of what a query finds, and how many matches there are behind it. A page has at most 10,000 matches,
    /// however many the query allows.
    pub async fn find_studies(&self, query: &Query) -> Result<(Vec<StudyMatch>, u64), StoreError> {
        let (tenant, query) = (self.tenant().clone(), query.clone());
        let (level, is_short) = (query.level, is_short(&query));
        let work = move |tx: &mut Tx<'_>| {
            let limit = query.limit.min(MOST_ROWS);
            let place = conditions(Patterns::of(tx), &tenant, &query);
            let order = Order::of(tx, &tenant, &query)?;
            let rows =
                if limit == 0 { Vec::new() } else { page(level, order, &place, limit, query.offset).load(tx)? };
            let found = rows.len() as u64;
            let more = if found == limit {
                total(tx, level, place)?.saturating_sub(query.offset.saturating_add(found))
            } else {
                0
            };
            let modalities = if level <= Level::Study { modalities(tx, &rows)? } else { HashMap::new() };
            Ok((rows, modalities, more))
        };
        let (rows, mut modalities, more) = if is_short { self.read_row(work).await? } else { self.read(work).await? };
        let mut matches: Vec<StudyMatch> = Vec::with_capacity(rows.len());
        // Rows of one study or series come one after the other: what lies around them is opened once.
        let (mut study, mut series) = ((0, String::new()), (0, String::new()));
        for row in rows {
            let no = row.study_no;
            if study.0 != no {
                study = (no, self.opened("dicom_study", &row.study_uid, &row.study_attributes)?);
            }
            if series.0 != row.series_no && level >= Level::Series {
                series = (
                    row.series_no,
                    self.opened("dicom_series", &row.series_uid, row.series_attributes.as_deref().unwrap_or_default())?,
                );
            }
            let is_instance = level == Level::Instance;
            let uid = |has: bool, text: &str| has.then(|| kept_uid(text)).transpose();
            matches.push(StudyMatch {
                study_uid: uid(true, &row.study_uid)?,
                series_uid: uid(level >= Level::Series, &row.series_uid)?,
                instance_uid: uid(is_instance, &row.instance_uid)?,
                study: study.1.clone(),
                series: (level >= Level::Series).then(|| series.1.clone()),
                instance: is_instance
                    .then(|| {
                        self.opened("dicom_instance", &row.instance_uid, row.metadata.as_deref().unwrap_or_default())
                    })
                    .transpose()?,
                transfer_syntax_uid: is_instance.then_some(row.transfer_syntax),
                modalities: modalities.remove(&no).unwrap_or_default(),
                patient_studies: count(row.patient_studies),
                study_series: count(row.study_series),
                study_instances: count(row.study_instances),
                series_instances: count(row.series_instances),
            });
        }
        Ok((matches, more))
    }

    /// The plan of a query, a step a line, in the words of the database.
    pub async fn explain_studies(&self, query: &Query) -> Result<String, StoreError> {
        let (tenant, query) = (self.tenant().clone(), query.clone());
        self.read(move |tx| {
            let place = conditions(Patterns::of(tx), &tenant, &query);
            let order = Order::of(tx, &tenant, &query)?;
            planner::explained(tx, page(query.level, order, &place, query.limit, query.offset))
        })
        .await
    }

    fn opened(&self, table: &str, uid: &str, sealed: &[u8]) -> Result<String, StoreError> {
        open(self.tenant(), self.sealer(), table, uid, sealed)
    }
}

/// Whether a query begins at an index and finds little: one patient, one accession number, few UIDs.
fn is_short(query: &Query) -> bool {
    let is_one = |path: &[Tag]| matches!(path, [tags::PATIENT_ID | tags::ACCESSION_NUMBER]);
    query.level < Level::Instance
        && query.keys.iter().any(|key| match &key.matching {
            Matching::Uids(uids) => uids.len() <= FEW,
            Matching::Single(_) => is_one(&key.path),
            _ => false,
        })
}

/// How a page comes into its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// As the planner thinks best.
    Open,
    /// What an index finds is sorted.
    Sorted,
    /// By going along all studies until the page is full.
    Along,
}

impl Order {
    /// SQLite does not know whether few are found by an index or many. Few are sorted sooner than all others are passed
    /// by; of many, a page is full sooner than all of them are sorted. So they are counted, as far as it matters.
    /// PostgreSQL knows.
    fn of(tx: &mut Tx<'_>, tenant: &TenantId, query: &Query) -> Result<Self, StoreError> {
        let has_unique = query.keys.iter().any(|key| matches!(key.matching, Matching::Uids(_)));
        let keys: Vec<MatchKey> = query.keys.iter().filter(|key| has_index(key, query.fuzzy)).cloned().collect();
        if matches!(tx, Tx::Postgres(_)) || query.level == Level::Patient || has_unique || keys.is_empty() {
            return Ok(Self::Open);
        }
        let of_keys = Query { level: Level::Study, keys, ..query.clone() };
        let mut sql = Sql::new("select count(*) as number from (select 1 as one from dicom_study s where ");
        sql.add(conditions(Patterns::of(tx), tenant, &of_keys)).limit(MANY_STUDIES).push(") f");
        let counted: Vec<Number> = sql.load(tx)?;
        let are_many = counted.first().is_some_and(|counted| counted.number >= MANY_STUDIES);
        Ok(if are_many { Self::Along } else { Self::Sorted })
    }

    /// What stands behind the table of studies.
    fn hint(self) -> &'static str {
        match self {
            Self::Open | Self::Sorted => "",
            Self::Along => " indexed by dicom_study_by_time",
        }
    }

    /// What stands before the order: no index is that of an expression.
    fn mark(self) -> &'static str {
        match self {
            Self::Open | Self::Along => "",
            Self::Sorted => "+",
        }
    }
}

/// Whether an index of studies begins with what a key asks for.
fn has_index(key: &MatchKey, fuzzy: bool) -> bool {
    let begins = |pattern: &str| !pattern.starts_with(['*', '?']);
    match (key.path.as_slice(), &key.matching) {
        ([tags::PATIENT_ID | tags::ACCESSION_NUMBER], Matching::Single(_) | Matching::OneOf(_)) => true,
        ([tags::PATIENT_ID | tags::ACCESSION_NUMBER], Matching::Wildcard(pattern)) => begins(pattern),
        ([tags::PATIENT_NAME], Matching::Single(name) | Matching::Wildcard(name)) => !fuzzy && begins(name),
        _ => false,
    }
}

fn page(level: Level, order: Order, place: &Sql, limit: u64, offset: u64) -> Sql {
    let mut sql = Sql::new("select ");
    match level {
        Level::Patient => {
            sql.push("s.no as study_no, s.study_uid, s.attributes as study_attributes, p.patient_studies, ");
            sql.push("p.study_series, p.study_instances, ").push(NO_SERIES).push(NO_INSTANCE);
            sql.push("from (select max(s.no) as no, count(*) as patient_studies, ");
            sql.push("cast(sum(s.series) as bigint) as study_series, ");
            sql.push("cast(sum(s.instances) as bigint) as study_instances, s.patient_id, s.issuer from dicom_study s ");
            sql.push("where ").add(place.clone()).push(" group by s.patient_id, s.issuer) p ");
            sql.push("join dicom_study s on s.no = p.no order by p.patient_id, p.issuer");
        }
        Level::Study => {
            sql.push(STUDY).push(NO_SERIES).push(NO_INSTANCE).push("from dicom_study s").push(order.hint());
            sql.push(" where ").add(place.clone()).push(" order by ").push(order.mark()).push(BY_STUDY);
        }
        Level::Series => {
            sql.push(STUDY).push(SERIES).push(NO_INSTANCE).push("from dicom_study s").push(order.hint());
            sql.push(JOIN_SERIES).push(" where ").add(place.clone());
            sql.push(" order by ").push(order.mark()).push(BY_STUDY).push(BY_SERIES);
        }
        Level::Instance => {
            sql.push(STUDY).push(SERIES).push(INSTANCE).push("from dicom_study s").push(order.hint());
            sql.push(JOIN_SERIES).push(JOIN_INSTANCE).push(" where ").add(place.clone());
            sql.push(" order by ").push(order.mark()).push(BY_STUDY).push(BY_SERIES).push(", i.number, i.instance_uid");
        }
    }
    sql.limit(signed(limit));
    if offset > 0 {
        sql.push(" offset ").push(&signed(offset).to_string());
    }
    sql
}

fn total(tx: &mut Tx<'_>, level: Level, place: Sql) -> Result<u64, StoreError> {
    let mut sql = Sql::new("select count(*) as number from ");
    if level == Level::Patient {
        sql.push("(select 1 as one from dicom_study s where ").add(place).push(" group by s.patient_id, s.issuer) p");
    } else {
        let (series, instance) = match level {
            Level::Patient | Level::Study => ("", ""),
            Level::Series => (JOIN_SERIES, ""),
            Level::Instance => (JOIN_SERIES, JOIN_INSTANCE),
        };
        sql.push("dicom_study s").push(series).push(instance).push(" where ").add(place);
    }
    let counted: Vec<Number> = sql.load(tx)?;
    Ok(counted.first().map_or(0, |counted| count(counted.number)))
}

fn modalities(tx: &mut Tx<'_>, rows: &[Row]) -> Result<HashMap<i64, BTreeSet<String>>, StoreError> {
    let mut found: HashMap<i64, BTreeSet<String>> = HashMap::new();
    for rows in rows.chunks(BATCH) {
        let mut sql = Sql::new("select distinct study_no, modality from dicom_series where modality <> '' and ");
        sql.one_of("study_no", rows.iter().map(|row| row.study_no));
        for row in sql.load::<ModalityRow>(tx)? {
            found.entry(row.study_no).or_default().insert(row.modality);
        }
    }
    Ok(found)
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[derive(QueryableByName)]
struct ModalityRow {
    #[diesel(sql_type = BigInt)]
    study_no: i64,
    #[diesel(sql_type = Text)]
    modality: String,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    study_no: i64,
    #[diesel(sql_type = Text)]
    study_uid: String,
    #[diesel(sql_type = Binary)]
    study_attributes: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    patient_studies: i64,
    #[diesel(sql_type = BigInt)]
    study_series: i64,
    #[diesel(sql_type = BigInt)]
    study_instances: i64,
    #[diesel(sql_type = BigInt)]
    series_no: i64,
    #[diesel(sql_type = Text)]
    series_uid: String,
    #[diesel(sql_type = Nullable<Binary>)]
    series_attributes: Option<Vec<u8>>,
    #[diesel(sql_type = BigInt)]
    series_instances: i64,
    #[diesel(sql_type = Text)]
    instance_uid: String,
    #[diesel(sql_type = Text)]
    transfer_syntax: String,
    #[diesel(sql_type = Nullable<Binary>)]
    metadata: Option<Vec<u8>>,
}

const STUDY: &str = "s.no as study_no, s.study_uid, s.attributes as study_attributes, \
     cast(0 as bigint) as patient_studies, s.series as study_series, s.instances as study_instances, ";
const SERIES: &str =
    "e.no as series_no, e.series_uid, e.attributes as series_attributes, e.instances as series_instances, ";
const NO_SERIES: &str = "cast(0 as bigint) as series_no, '' as series_uid, null as series_attributes, \
     cast(0 as bigint) as series_instances, ";
const INSTANCE: &str = "i.instance_uid, i.transfer_syntax, i.metadata ";
const NO_INSTANCE: &str = "'' as instance_uid, '' as transfer_syntax, null as metadata ";
const JOIN_SERIES: &str = " join dicom_series e on e.study_no = s.no";
const JOIN_INSTANCE: &str = " join dicom_instance i on i.series_no = e.no";
const BY_STUDY: &str = "s.study_date desc, s.study_time desc, s.study_uid";
const BY_SERIES: &str = ", e.number, e.series_uid";

/// UIDs that are asked for at once.
const FEW: usize = 8;
/// Studies that are not sorted for a page.
const MANY_STUDIES: i64 = 1_000;
/// Matches of a page.
const MOST_ROWS: u64 = 10_000;
/// Values in one statement.
const BATCH: usize = 500;
