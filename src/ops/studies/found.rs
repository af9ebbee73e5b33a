//! A match as QIDO-RS and C-FIND answer it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use dicom_core::value::DataSetSequence;
use dicom_core::{DataDictionary as _, DataElement, Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};

use crate::base::Uid;
use crate::dicom::element::{self, DataSet};
use crate::dicom::json::{self, Attributes, level_of};
use crate::dicom::query::{Include, Level, Matching, Query};
use crate::store::StudyMatch;

/// A match.
#[derive(Debug, Clone)]
pub struct FoundRow {
    /// Study; at the level of patients the newest one of the patient.
    pub study_instance_uid: Option<Uid>,
    /// Series, at its level and below.
    pub series_instance_uid: Option<Uid>,
    /// Instance, at its level.
    pub sop_instance_uid: Option<Uid>,
    pub(super) attributes: Attributes,
    pub(super) wanted: Arc<Wanted>,
}

/// What of a match is returned.
#[derive(Debug)]
pub(super) struct Wanted {
    level: Level,
    /// Whether everything is.
    all: bool,
    /// What was matched by or asked for; of sequences, what is asked for of their items.
    asked: BTreeMap<Tag, BTreeSet<Tag>>,
    /// What the level always returns.
    always: Vec<Tag>,
}

impl Wanted {
    pub(super) fn of(query: &Query) -> Self {
        let mut asked: BTreeMap<Tag, BTreeSet<Tag>> = BTreeMap::new();
        let included: &[Vec<Tag>] = match &query.include {
            Include::All => &[],
            Include::Tags(paths) => paths,
        };
        for path in query.keys.iter().map(|key| &key.path).chain(included) {
            if let Some((first, rest)) = path.split_first() {
                asked.entry(*first).or_default().extend(rest.first());
            }
        }
        let is_within = |tag: Tag| match query.matching(tag) {
            Some(Matching::Uids(uids)) => uids.len() == 1,
            Some(Matching::Single(_)) => true,
            _ => false,
        };
        let mut always = Vec::new();
        // What lies above is returned too, unless the question was asked within it. PS3.18 §10.6.3.3.
        let (of_study, of_series) = (is_within(tags::STUDY_INSTANCE_UID), is_within(tags::SERIES_INSTANCE_UID));
        match query.level {
            Level::Patient => always.extend(PATIENT),
            Level::Study => always.extend(PATIENT.iter().chain(STUDY)),
            Level::Series => {
                always.extend(SERIES);
                if !of_study {
                    always.extend(PATIENT.iter().chain(STUDY));
                }
            }
            Level::Instance => {
                always.extend(INSTANCE);
                if !of_series {
                    always.extend(SERIES);
                }
                if !of_study {
                    always.extend(PATIENT.iter().chain(STUDY));
                }
            }
        }
        if query.level >= Level::Study {
            always.push(tags::STUDY_INSTANCE_UID);
        }
        if query.level == Level::Instance {
            always.push(tags::SERIES_INSTANCE_UID);
        }
        Self { level: query.level, all: query.include == Include::All, asked, always }
    }

    /// Whether an attribute is returned by QIDO-RS.
    fn has(&self, tag: Tag) -> bool {
        self.all || self.asked.contains_key(&tag) || self.always.contains(&tag) || IF_KNOWN.contains(&tag)
    }
}

impl FoundRow {
    /// The match as a DICOM JSON object for QIDO-RS: what the level always returns, what was matched by and what was
    /// asked for. `retrieve_base` is the URL of the DICOMweb service, without a slash at its end.
    pub fn write_json(&self, out: &mut Vec<u8>, retrieve_base: &str) {
        let url = self.url(retrieve_base);
        let known = self.attributes.iter().filter(|(tag, _)| self.wanted.has(*tag));
        let mut members: Vec<(Tag, Cow<'_, str>)> = known.map(|(tag, json)| (tag, json.into())).collect();
        let required = self.wanted.always.iter().chain(self.wanted.asked.keys());
        let is_missing = |tag: &&Tag| !KNOWN_OR_NOT_AT_ALL.contains(*tag) && self.attributes.get(**tag).is_none();
        let missing = required.filter(is_missing);
        members.extend(missing.map(|tag| (*tag, format!("{{\"vr\":\"{}\"}}", vr(*tag).to_string()).into())));
        let mut of_url = Attributes::default();
        if let Some(url) = &url {
            of_url.set_text(tags::RETRIEVE_URL, "UR", url);
            members.retain(|(tag, _)| *tag != tags::RETRIEVE_URL);
        }
        members.extend(of_url.iter().map(|(tag, json)| (tag, json.into())));
        members.sort_by_key(|(tag, _)| *tag);
        members.dedup_by_key(|(tag, _)| *tag);
        out.push(b'{');
        for (number, (tag, json)) in members.into_iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            let _never_fails = write!(out, "\"{:04X}{:04X}\":", tag.group(), tag.element());
            json::with_instance_url(json.as_bytes(), url.as_deref().unwrap_or_default(), out);
        }
        out.push(b'}');
    }

    /// The match as the identifier of a C-FIND response, in UTF-8: the keys of the request alone, without a value
    /// where there is none. Level, Retrieve AE Title and (0008,0005) are the caller's.
    pub fn data_set(&self) -> DataSet {
        let mut asked = self.attributes.clone();
        asked.retain(|tag| self.wanted.all || self.wanted.asked.contains_key(&tag));
        let known = asked.data_set();
        let mut set = DataSet::new_empty();
        for element in known {
            set.put(element);
        }
        for (tag, inside) in &self.wanted.asked {
            match set.get(*tag).map(|element| element.items().unwrap_or_default().to_vec()) {
                None => element::put_empty(&mut set, *tag, vr(*tag)),
                Some(items) if !inside.is_empty() => {
                    let items: Vec<DataSet> = items.iter().map(|item| picked(item, inside)).collect();
                    set.put(DataElement::new(*tag, VR::SQ, DataSetSequence::from(items)));
                }
                Some(_) => {}
            }
        }
        set
    }

    fn url(&self, base: &str) -> Option<String> {
        if self.wanted.level == Level::Patient {
            return None;
        }
        let mut url = format!("{base}/studies/{}", self.study_instance_uid.as_ref()?);
        if let Some(series) = &self.series_instance_uid {
            let _ = write!(url, "/series/{series}");
        }
        if let Some(instance) = &self.sop_instance_uid {
            let _ = write!(url, "/instances/{instance}");
        }
        Some(url)
    }
}

/// What is asked for of an item.
fn picked(item: &DataSet, tags: &BTreeSet<Tag>) -> DataSet {
    let mut out = DataSet::new_empty();
    for tag in tags {
        match item.get(*tag) {
            Some(element) => {
                out.put(element.clone());
            }
            None => element::put_empty(&mut out, *tag, vr(*tag)),
        }
    }
    out
}

/// Everything that is known of a match.
pub(super) fn attributes(found: &StudyMatch) -> Option<Attributes> {
    let mut all = match &found.instance {
        Some(kept) => {
            let mut instance = Attributes::parse(kept)?;
            // Bulk values answer no query; those within items stay references.
            let is_bulk = |(_, json): &(Tag, &str)| !json.contains("\"Value\"") && json.contains("\"BulkDataURI\"");
            let bulk: BTreeSet<Tag> = instance.iter().filter(is_bulk).map(|(tag, _)| tag).collect();
            // What lies above is said by the row that was matched.
            instance.retain(|tag| level_of(tag) == Level::Instance && !bulk.contains(&tag));
            instance
        }
        None => Attributes::default(),
    };
    if let Some(series) = &found.series {
        all.fill(Attributes::parse(series)?);
        all.set_number(tags::NUMBER_OF_SERIES_RELATED_INSTANCES, "IS", found.series_instances);
    }
    let mut study = Attributes::parse(&found.study)?;
    if found.patient_studies > 0 {
        study.retain(|tag| level_of(tag) == Level::Patient);
        study.set_number(tags::NUMBER_OF_PATIENT_RELATED_STUDIES, "IS", found.patient_studies);
        study.set_number(tags::NUMBER_OF_PATIENT_RELATED_SERIES, "IS", found.study_series);
        study.set_number(tags::NUMBER_OF_PATIENT_RELATED_INSTANCES, "IS", found.study_instances);
    } else {
        study.set_number(tags::NUMBER_OF_STUDY_RELATED_SERIES, "IS", found.study_series);
        study.set_number(tags::NUMBER_OF_STUDY_RELATED_INSTANCES, "IS", found.study_instances);
        if found.series_uid.is_none() {
            study.set_texts(tags::MODALITIES_IN_STUDY, "CS", found.modalities.iter().map(String::as_str));
        }
        all.set_text(tags::INSTANCE_AVAILABILITY, "CS", "ONLINE");
    }
    all.fill(study);
    if let Some(uid) = &found.transfer_syntax_uid {
        all.set_text(tags::AVAILABLE_TRANSFER_SYNTAX_UID, "UI", uid);
    }
    all.set_text(tags::SPECIFIC_CHARACTER_SET, "CS", "ISO_IR 192");
    Some(all)
}

fn vr(tag: Tag) -> VR {
    StandardDataDictionary.by_tag(tag).map_or(VR::UN, |entry| entry.vr.relaxed())
}

/// What QIDO-RS answers at each level whatever is asked for; of the levels above only where the question is not asked
/// within one of them.
pub fn returned() -> Vec<(Level, Vec<Tag>)> {
    let own: [(Level, &[Tag]); 4] =
        [(Level::Patient, PATIENT), (Level::Study, STUDY), (Level::Series, SERIES), (Level::Instance, INSTANCE)];
    let if_known = |level| if level == Level::Study { IF_KNOWN.as_slice() } else { &[] };
    own.into_iter().map(|(level, tags)| (level, tags.iter().chain(if_known(level)).copied().collect())).collect()
}

/// PS3.18 Table 10.6.3-3.
const PATIENT: &[Tag] = &[tags::PATIENT_NAME, tags::PATIENT_ID, tags::PATIENT_BIRTH_DATE, tags::PATIENT_SEX];
const STUDY: &[Tag] = &[
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::ACCESSION_NUMBER,
    tags::MODALITIES_IN_STUDY,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::STUDY_INSTANCE_UID,
    tags::STUDY_ID,
    tags::NUMBER_OF_STUDY_RELATED_SERIES,
    tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
];
/// PS3.18 Table 10.6.3-4.
const SERIES: &[Tag] = &[
    tags::MODALITY,
    tags::SERIES_DESCRIPTION,
    tags::SERIES_INSTANCE_UID,
    tags::SERIES_NUMBER,
    tags::NUMBER_OF_SERIES_RELATED_INSTANCES,
    tags::PERFORMED_PROCEDURE_STEP_START_DATE,
    tags::PERFORMED_PROCEDURE_STEP_START_TIME,
    tags::REQUEST_ATTRIBUTES_SEQUENCE,
];
/// PS3.18 Table 10.6.3-5.
const INSTANCE: &[Tag] = &[
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::INSTANCE_NUMBER,
    tags::ROWS,
    tags::COLUMNS,
    tags::BITS_ALLOCATED,
    tags::NUMBER_OF_FRAMES,
    tags::AVAILABLE_TRANSFER_SYNTAX_UID,
];
/// What is returned at every level where it is known.
const IF_KNOWN: [Tag; 3] = [tags::SPECIFIC_CHARACTER_SET, tags::INSTANCE_AVAILABILITY, tags::TIMEZONE_OFFSET_FROM_UTC];
/// What is left out where it is not known.
const KNOWN_OR_NOT_AT_ALL: [Tag; 7] = [
    tags::SERIES_DESCRIPTION,
    tags::ROWS,
    tags::COLUMNS,
    tags::BITS_ALLOCATED,
    tags::NUMBER_OF_FRAMES,
    tags::MODALITIES_IN_STUDY,
    tags::RETRIEVE_URL,
];
