//! What studies, series and instances are found by: a pure function from a header to columns. Texts are cut to 256
//! characters, which no VR that is matched by exceeds.

use std::collections::BTreeSet;

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::header::{Header, Value};
use super::query::{self, FoldedName};

/// What a study and its patient are found by. Empty texts stand for no value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StudyIndex {
    /// (0010,0020).
    pub patient_id: String,
    /// (0010,0021).
    pub issuer: String,
    /// (0010,0010).
    pub patient_name: FoldedName,
    /// Its words, each behind a space.
    pub patient_words: String,
    /// (0010,0030) as `YYYYMMDD`.
    pub birth_date: String,
    /// (0010,0040).
    pub sex: String,
    /// (0008,0020) as `YYYYMMDD`.
    pub study_date: String,
    /// (0008,0030) as `HHMMSS.FFFFFF`.
    pub study_time: String,
    /// (0008,0050).
    pub accession: String,
    /// (0020,0010).
    pub study_id: String,
    /// (0008,1030).
    pub description: String,
    /// (0008,0090).
    pub referring_name: FoldedName,
    /// Its words, each behind a space.
    pub referring_words: String,
}

/// What a series is found by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeriesIndex {
    /// (0008,0060).
    pub modality: String,
    /// (0020,0011).
    pub number: Option<i64>,
    /// (0008,103E).
    pub description: String,
    /// (0018,0015).
    pub body_part: String,
    /// (0008,0080).
    pub institution: String,
    /// (0040,0244) as `YYYYMMDD`.
    pub step_date: String,
    /// (0040,0245) as `HHMMSS.FFFFFF`.
    pub step_time: String,
    /// Scheduled Procedure Step ID and Requested Procedure ID of each item of (0040,0275).
    pub requests: BTreeSet<(String, String)>,
}

/// What an instance is found by, and what is asked for before it is opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InstanceIndex {
    /// (0020,0013).
    pub number: Option<i64>,
    /// (0028,0008).
    pub frames: Option<u32>,
    /// (0028,0010).
    pub rows: Option<u32>,
    /// (0028,0011).
    pub columns: Option<u32>,
}

impl StudyIndex {
    /// Of the study that an instance belongs to.
    pub fn of(header: &Header) -> Self {
        let name = |tag| header.text(tag).unwrap_or_default();
        let (patient, referring) = (name(tags::PATIENT_NAME), name(tags::REFERRING_PHYSICIAN_NAME));
        Self {
            patient_id: text(header, tags::PATIENT_ID),
            issuer: text(header, tags::ISSUER_OF_PATIENT_ID),
            patient_name: folded(&patient),
            patient_words: words(&patient),
            birth_date: date(header, tags::PATIENT_BIRTH_DATE),
            sex: text(header, tags::PATIENT_SEX),
            study_date: date(header, tags::STUDY_DATE),
            study_time: time(header, tags::STUDY_TIME),
            accession: text(header, tags::ACCESSION_NUMBER),
            study_id: text(header, tags::STUDY_ID),
            description: text(header, tags::STUDY_DESCRIPTION),
            referring_name: folded(&referring),
            referring_words: words(&referring),
        }
    }

    /// Whether another patient is meant: what both have of the identifier differs.
    pub fn contradicts(&self, patient_id: &str, issuer: &str) -> bool {
        let differs = |one: &str, other: &str| !one.is_empty() && !other.is_empty() && one != other;
        differs(&self.patient_id, patient_id) || differs(&self.issuer, issuer)
    }
}

impl SeriesIndex {
    /// Of the series that an instance belongs to.
    pub fn of(header: &Header) -> Self {
        Self {
            modality: text(header, tags::MODALITY),
            number: header.integer(tags::SERIES_NUMBER),
            description: text(header, tags::SERIES_DESCRIPTION),
            body_part: text(header, tags::BODY_PART_EXAMINED),
            institution: text(header, tags::INSTITUTION_NAME),
            step_date: date(header, tags::PERFORMED_PROCEDURE_STEP_START_DATE),
            step_time: time(header, tags::PERFORMED_PROCEDURE_STEP_START_TIME),
            requests: requests(header),
        }
    }
}

impl InstanceIndex {
    /// Of an instance.
    pub fn of(header: &Header) -> Self {
        let count = |tag| header.integer(tag).and_then(|number| u32::try_from(number).ok());
        Self {
            number: header.integer(tags::INSTANCE_NUMBER),
            frames: count(tags::NUMBER_OF_FRAMES),
            rows: count(tags::ROWS),
            columns: count(tags::COLUMNS),
        }
    }
}

fn requests(header: &Header) -> BTreeSet<(String, String)> {
    let Some(Value::Items(items)) = header.element(tags::REQUEST_ATTRIBUTES_SEQUENCE).map(|element| &element.value)
    else {
        return BTreeSet::new();
    };
    let of_item = |item: &super::header::Item| {
        let value = |tag: Tag| {
            let element = item.elements.iter().find(|element| element.tag == tag);
            let text = element.and_then(|element| header.text_of(element, header.charset_of(item)));
            cut(&text.unwrap_or_default())
        };
        (value(tags::SCHEDULED_PROCEDURE_STEP_ID), value(tags::REQUESTED_PROCEDURE_ID))
    };
    items.iter().take(MAX_REQUESTS).map(of_item).collect()
}

fn text(header: &Header, tag: Tag) -> String {
    cut(&header.text(tag).unwrap_or_default())
}

fn date(header: &Header, tag: Tag) -> String {
    let text = header.text(tag).unwrap_or_default();
    query::date(text.split('\\').next().unwrap_or_default()).unwrap_or_default()
}

fn time(header: &Header, tag: Tag) -> String {
    let text = header.text(tag).unwrap_or_default();
    query::time_from(text.split('\\').next().unwrap_or_default()).unwrap_or_default()
}

fn folded(name: &str) -> FoldedName {
    let FoldedName { groups } = FoldedName::of(name);
    FoldedName { groups: groups.map(|group| cut(&group)) }
}

fn words(name: &str) -> String {
    let mut out = String::new();
    for word in query::words(&cut(name)) {
        out.push(' ');
        out.push_str(&word);
    }
    out
}

/// The beginning of a text, and no NUL, which PostgreSQL has no place for.
pub fn cut(text: &str) -> String {
    text.chars().filter(|character| *character != '\0').take(LONGEST).collect()
}

const LONGEST: usize = 256;
const MAX_REQUESTS: usize = 64;
