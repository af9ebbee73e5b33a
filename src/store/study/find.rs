//! What queries find, a page at a time.

use std::collections::{BTreeSet, HashMap};

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::base::Uid;
use crate::dicom::query::{Level, Matching, Query};
use crate::store::db::Tx;
use crate::store::search::{Number, Sql};
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
            let rows = page(tx, level, &place, limit, query.offset)?;
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

fn page(tx: &mut Tx<'_>, level: Level, place: &Sql, limit: u64, offset: u64) -> Result<Vec<Row>, StoreError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
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
            sql.push(STUDY).push(NO_SERIES).push(NO_INSTANCE).push("from dicom_study s where ").add(place.clone());
            sql.push(" order by ").push(BY_STUDY);
        }
        Level::Series => {
            sql.push(STUDY).push(SERIES).push(NO_INSTANCE).push("from ").push(FROM_SERIES).push(" where ");
            sql.add(place.clone()).push(" order by ").push(BY_STUDY).push(BY_SERIES);
        }
        Level::Instance => {
            sql.push(STUDY).push(SERIES).push(INSTANCE).push("from ").push(FROM_INSTANCE).push(" where ");
            sql.add(place.clone()).push(" order by ").push(BY_STUDY).push(BY_SERIES).push(", i.number, i.instance_uid");
        }
    }
    sql.limit(signed(limit));
    if offset > 0 {
        sql.push(" offset ").push(&signed(offset).to_string());
    }
    sql.load(tx)
}

fn total(tx: &mut Tx<'_>, level: Level, place: Sql) -> Result<u64, StoreError> {
    let mut sql = Sql::new("select count(*) as number from ");
    if level == Level::Patient {
        sql.push("(select 1 as one from dicom_study s where ").add(place).push(" group by s.patient_id, s.issuer) p");
    } else {
        let from = match level {
            Level::Patient | Level::Study => "dicom_study s",
            Level::Series => FROM_SERIES,
            Level::Instance => FROM_INSTANCE,
        };
        sql.push(from).push(" where ").add(place);
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
const FROM_SERIES: &str = "dicom_study s join dicom_series e on e.study_no = s.no";
const FROM_INSTANCE: &str =
    "dicom_study s join dicom_series e on e.study_no = s.no join dicom_instance i on i.series_no = e.no";
const BY_STUDY: &str = "s.study_date desc, s.study_time desc, s.study_uid";
const BY_SERIES: &str = ", e.number, e.series_uid";

/// UIDs that are asked for at once.
const FEW: usize = 8;
/// Matches of a page.
const MOST_ROWS: u64 = 10_000;
/// Values in one statement.
const BATCH: usize = 500;
