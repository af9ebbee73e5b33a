//! The identifier of a C-FIND request as a query. PS3.4 §C.4.1.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::super::element::{self, DataSet};
use super::matching::last;
use super::{Include, Key, Level, MatchKey, Matching, Query, QueryError, Root};

impl Query {
    /// From an identifier whose texts are decoded. Keys of zero length match anything and are returned;
    /// keys that nothing can be matched by are returned and noted in [`Query::ignored`]. The unique keys of
    /// the levels above have to be there, with one value each (PS3.4 §C.4.1.3.1).
    pub fn from_identifier(identifier: &DataSet, root: Root) -> Result<Self, QueryError> {
        let level = element::text(identifier, tags::QUERY_RETRIEVE_LEVEL).and_then(|text| Level::parse(&text));
        let level = level.filter(|level| root == Root::Patient || *level != Level::Patient).ok_or(QueryError::Level)?;
        let mut query = Self { root, ..Self::all(level, u64::MAX) };
        let mut include = Vec::new();
        for element in identifier {
            let tag = element.header().tag;
            if NO_KEYS.contains(&tag) || tag.element() == 0 {
                continue;
            }
            if element.vr() == VR::SQ {
                let items = element.items().unwrap_or_default();
                if items.len() > 1 {
                    return Err(QueryError::Value(tag));
                }
                let mut inside = items.first().map(|item| item.into_iter().collect::<Vec<_>>()).unwrap_or_default();
                inside.retain(|element| element.header().tag.element() != 0);
                if inside.is_empty() {
                    include.push(vec![tag]);
                }
                for inner in inside {
                    let text = element.items().and_then(<[DataSet]>::first);
                    let text = text.and_then(|item| element::text(item, inner.header().tag)).unwrap_or_default();
                    query.take(vec![tag, inner.header().tag], &text, &mut include)?;
                }
            } else {
                query.take(vec![tag], &element::text(identifier, tag).unwrap_or_default(), &mut include)?;
            }
        }
        query.include = Include::Tags(include);
        query.check_parents()?;
        Ok(query)
    }

    fn take(&mut self, path: Vec<Tag>, text: &str, include: &mut Vec<Vec<Tag>>) -> Result<(), QueryError> {
        let matching = match Key::of_path(&path) {
            Some(key) if key.level > self.level => {
                // What lies below is neither matched nor returned; only a value is worth an error.
                return if text.is_empty() { Ok(()) } else { Err(QueryError::LowerLevel(last(&path))) };
            }
            Some(key) => key.matching(text)?,
            None => {
                if !text.is_empty() && !COUNTS.contains(&last(&path)) {
                    self.ignored.push(path.clone());
                }
                include.push(path);
                return Ok(());
            }
        };
        if matching == Matching::Universal {
            include.push(path.clone());
        }
        self.keys.push(MatchKey { path, matching });
        Ok(())
    }

    /// The unique keys above the level have one value each.
    fn check_parents(&self) -> Result<(), QueryError> {
        let above = match self.root {
            Root::Patient => [Level::Patient, Level::Study, Level::Series].as_slice(),
            Root::Study => [Level::Study, Level::Series].as_slice(),
        };
        for level in above.iter().filter(|level| **level < self.level) {
            let tag = Key::unique(*level);
            let has_one = match self.matching(tag) {
                Some(Matching::Single(_)) => true,
                Some(Matching::Uids(uids)) => uids.len() == 1,
                _ => false,
            };
            if !has_one {
                return Err(QueryError::UniqueKey(tag));
            }
        }
        Ok(())
    }
}

/// What stands in an identifier and is no key.
const NO_KEYS: [Tag; 4] =
    [tags::SPECIFIC_CHARACTER_SET, tags::QUERY_RETRIEVE_LEVEL, tags::RETRIEVE_AE_TITLE, tags::TIMEZONE_OFFSET_FROM_UTC];

/// What is counted, or the same for everything: nobody is found by it, and a value in a request is habit.
const COUNTS: [Tag; 8] = [
    tags::INSTANCE_AVAILABILITY,
    tags::NUMBER_OF_PATIENT_RELATED_STUDIES,
    tags::NUMBER_OF_PATIENT_RELATED_SERIES,
    tags::NUMBER_OF_PATIENT_RELATED_INSTANCES,
    tags::NUMBER_OF_STUDY_RELATED_SERIES,
    tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
    tags::NUMBER_OF_SERIES_RELATED_INSTANCES,
    tags::RETRIEVE_URL,
];
