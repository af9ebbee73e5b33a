//! The attributes that studies are found by: required and optional keys of PS3.4 §C.6 and PS3.18 Table
//! 10.6.1-5, and what those who read them want besides.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::base::Uid;

use super::{Level, Matching, QueryError};

/// An attribute that can be matched by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The sequence that it lies in, if any.
    pub sequence: Option<Tag>,
    /// The attribute.
    pub tag: Tag,
    /// The level that it belongs to.
    pub level: Level,
    /// What its values are.
    pub kind: KeyKind,
}

/// What values a key has, and so which ways of matching. PS3.4 §C.2.2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// UI: single value and list.
    Uid,
    /// CS, SH, LO: single value and wildcards; case counts.
    Text,
    /// PN: single value and wildcards; case does not count.
    Name,
    /// DA: single value and range.
    Date,
    /// TM: single value and range.
    Time,
    /// IS: single value.
    Number,
}

impl Key {
    /// All keys.
    pub const ALL: &[Self] = &[
        of(Level::Patient, tags::PATIENT_ID, KeyKind::Text),
        of(Level::Patient, tags::PATIENT_NAME, KeyKind::Name),
        of(Level::Patient, tags::ISSUER_OF_PATIENT_ID, KeyKind::Text),
        of(Level::Patient, tags::PATIENT_BIRTH_DATE, KeyKind::Date),
        of(Level::Patient, tags::PATIENT_SEX, KeyKind::Text),
        of(Level::Study, tags::STUDY_INSTANCE_UID, KeyKind::Uid),
        of(Level::Study, tags::STUDY_DATE, KeyKind::Date),
        of(Level::Study, tags::STUDY_TIME, KeyKind::Time),
        of(Level::Study, tags::ACCESSION_NUMBER, KeyKind::Text),
        of(Level::Study, tags::STUDY_ID, KeyKind::Text),
        of(Level::Study, tags::STUDY_DESCRIPTION, KeyKind::Text),
        of(Level::Study, tags::REFERRING_PHYSICIAN_NAME, KeyKind::Name),
        of(Level::Study, tags::MODALITIES_IN_STUDY, KeyKind::Text),
        of(Level::Series, tags::SERIES_INSTANCE_UID, KeyKind::Uid),
        of(Level::Series, tags::MODALITY, KeyKind::Text),
        of(Level::Series, tags::SERIES_NUMBER, KeyKind::Number),
        of(Level::Series, tags::SERIES_DESCRIPTION, KeyKind::Text),
        of(Level::Series, tags::BODY_PART_EXAMINED, KeyKind::Text),
        of(Level::Series, tags::INSTITUTION_NAME, KeyKind::Text),
        of(Level::Series, tags::PERFORMED_PROCEDURE_STEP_START_DATE, KeyKind::Date),
        of(Level::Series, tags::PERFORMED_PROCEDURE_STEP_START_TIME, KeyKind::Time),
        inside(tags::REQUEST_ATTRIBUTES_SEQUENCE, tags::SCHEDULED_PROCEDURE_STEP_ID),
        inside(tags::REQUEST_ATTRIBUTES_SEQUENCE, tags::REQUESTED_PROCEDURE_ID),
        of(Level::Instance, tags::SOP_INSTANCE_UID, KeyKind::Uid),
        of(Level::Instance, tags::SOP_CLASS_UID, KeyKind::Uid),
        of(Level::Instance, tags::INSTANCE_NUMBER, KeyKind::Number),
    ];

    /// The key of a path; `None` if nothing is found by that attribute.
    pub fn of_path(path: &[Tag]) -> Option<Self> {
        let (sequence, tag) = match path {
            [tag] => (None, *tag),
            [sequence, tag] => (Some(*sequence), *tag),
            _ => return None,
        };
        Self::ALL.iter().copied().find(|key| key.sequence == sequence && key.tag == tag)
    }

    /// The unique key of a level. PS3.4 §C.3.
    pub fn unique(level: Level) -> Tag {
        match level {
            Level::Patient => tags::PATIENT_ID,
            Level::Study => tags::STUDY_INSTANCE_UID,
            Level::Series => tags::SERIES_INSTANCE_UID,
            Level::Instance => tags::SOP_INSTANCE_UID,
        }
    }

    /// The condition that a text in an identifier or a parameter means: zero length is universal matching,
    /// `*` alone too. Lists are separated by backslashes; UIDs, and the modalities of a study, may have one.
    pub fn matching(&self, text: &str) -> Result<Matching, QueryError> {
        let wrong = QueryError::Value(self.tag);
        let text = text.trim_matches([' ', '\0']);
        if text.is_empty() {
            return Ok(Matching::Universal);
        }
        match self.kind {
            KeyKind::Uid => {
                let uids: Result<Vec<Uid>, _> =
                    text.split('\\').map(|uid| Uid::parse_lenient(uid.trim_matches([' ', '\0']))).collect();
                uids.map(Matching::Uids).or(Err(wrong))
            }
            KeyKind::Date => range(text, super::matching::date).ok_or(wrong),
            KeyKind::Time => range(text, super::matching::time_text).ok_or(wrong),
            KeyKind::Number => match text.parse::<i64>() {
                Ok(_) => Ok(Matching::Single(text.to_owned())),
                Err(_) if text.bytes().all(|byte| byte == b'*') => Ok(Matching::Universal),
                Err(_) => Err(wrong),
            },
            KeyKind::Text if self.tag == tags::MODALITIES_IN_STUDY && text.contains('\\') => {
                Ok(Matching::OneOf(text.split('\\').map(|one| one.trim_matches(' ').to_owned()).collect()))
            }
            KeyKind::Text | KeyKind::Name if text.chars().count() > LONGEST_TEXT => Err(wrong),
            KeyKind::Text | KeyKind::Name => {
                if text.bytes().all(|byte| byte == b'*') {
                    return Ok(Matching::Universal);
                }
                let is_pattern = text.contains(['*', '?']);
                Ok(if is_pattern { Matching::Wildcard(text.to_owned()) } else { Matching::Single(text.to_owned()) })
            }
        }
    }
}

/// A single value or a range; `check` says what a value may be.
fn range(text: &str, check: impl Fn(&str) -> Option<String>) -> Option<Matching> {
    let Some((from, until)) = text.split_once('-') else {
        return check(text).map(|_normal| Matching::Single(text.to_owned()));
    };
    let (from, until) = (from.trim_matches(' '), until.trim_matches(' '));
    let bound =
        |text: &str| if text.is_empty() { Some(None) } else { check(text).map(|_normal| Some(text.to_owned())) };
    let (from, until) = (bound(from)?, bound(until)?);
    (from.is_some() || until.is_some()).then_some(Matching::Range { from, until })
}

const fn of(level: Level, tag: Tag, kind: KeyKind) -> Key {
    Key { sequence: None, tag, level, kind }
}

const fn inside(sequence: Tag, tag: Tag) -> Key {
    Key { sequence: Some(sequence), tag, level: Level::Series, kind: KeyKind::Text }
}

/// Characters of a text that is asked for: more than three groups of a name have (PS3.5 §6.2).
const LONGEST_TEXT: usize = 256;
