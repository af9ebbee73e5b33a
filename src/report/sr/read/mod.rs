//! Structured reports as reports. Our own documents come back as they were; of strangers' documents the
//! parts with a meaning that a report has go where they belong, and everything else is kept as text in
//! the findings and named in the losses.

mod content;
mod finding;
mod header;
mod measurement;
mod rest;

use std::collections::{HashMap, HashSet};

use dicom_dictionary_std::{tags, uids};
use unicode_normalization::UnicodeNormalization as _;

use crate::base::{LogicalId, Sha256, Uid};
use crate::dicom::code::{Code, CodingSchemes};
use crate::dicom::element::{self, DataSet};
use crate::dicom::part10::{self, DecodedDataSet, Part10Error, ReadLimits};
use crate::dicom::sr::{ImageReference, SrDocument, SrLimits, SrTreeError};
use crate::dicom::value::from_lines;

use super::super::model::{Concept, ImageRef};
use super::super::{Finding, KeyImage, Losses, Measurement, Report, Sections, codes};
use super::concept::concept;
use super::header::content_digest;

/// A structured report that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SrReading {
    /// The report. What a foreign document does not say is empty: whoever takes it in has to check it.
    pub report: Report,
    /// What was not carried, or not as it was.
    pub losses: Losses,
    /// The digest of the content that one of our own documents was made from.
    pub content_digest: Option<Sha256>,
}

/// Why a document is not read as a report.
#[derive(Debug, thiserror::Error)]
pub enum SrReadError {
    /// It cannot be read as DICOM.
    #[error(transparent)]
    Part10(#[from] Part10Error),
    /// Its content tree cannot be read.
    #[error(transparent)]
    Tree(#[from] SrTreeError),
    /// It is something else than a structured report.
    #[error("SOP class {0} is not a structured report")]
    NotAReport(String),
    /// It does not say which study or which instance it is, or not in a valid way.
    #[error("{0} is missing or invalid")]
    Identity(&'static str),
}

/// Reads a DICOM file.
pub fn read(file: &[u8]) -> Result<SrReading, SrReadError> {
    read_data_set(&part10::read(file, &ReadLimits::default())?.content)
}

/// Reads a data set that came by another way.
pub fn read_data_set(content: &DecodedDataSet) -> Result<SrReading, SrReadError> {
    let set = &content.data_set;
    let sop_class = element::text(set, tags::SOP_CLASS_UID).unwrap_or_default();
    let is_sr = sop_class.starts_with("1.2.840.10008.5.1.4.1.1.88.");
    if !is_sr || sop_class == uids::KEY_OBJECT_SELECTION_DOCUMENT_STORAGE {
        return Err(SrReadError::NotAReport(sop_class));
    }
    let (document, notes) = SrDocument::of(set, &SrLimits::default())?;
    let contribution = content_digest(set);
    let mut reading = Reading::new(set, contribution.is_some());
    for tag in &content.inexact_texts {
        reading.losses.add(tag.as_str(), "holds bytes outside its character set");
    }
    for _ in &content.unknown_character_sets {
        reading.losses.add("(0008,0005)", "names a character set that is not known");
    }
    for note in notes {
        reading.losses.add(format!("content item {}", note.position), note.kind.as_text());
    }
    let id = reading.report_id(contribution.as_ref().and_then(|known| known.report.as_deref()))?;
    let mut report = reading.header(id)?;
    reading.content(&document.root, &mut report);
    reading.header_rest();
    reading.finish(&mut report);
    Ok(SrReading {
        report,
        losses: reading.losses,
        content_digest: contribution.map(|contribution| contribution.digest),
    })
}

/// A document while it is being read.
struct Reading<'a> {
    set: &'a DataSet,
    schemes: CodingSchemes,
    /// Whether we wrote it: then nothing in it has to be guessed.
    is_own: bool,
    losses: Losses,
    /// The series of every instance that the document lists as evidence.
    series: HashMap<String, Uid>,
    sections: Sections,
    findings: Vec<Finding>,
    measurements: Vec<Measurement>,
    key_images: Vec<KeyImage>,
    /// Ids that findings have, and those of measurements.
    finding_ids: finding::Ids,
    measurement_ids: finding::Ids,
    /// Instances and frames that are key images.
    key_instances: HashSet<(Uid, Option<u32>)>,
    /// Lines of what has no other place; they end in the findings.
    rest: Vec<String>,
}

impl<'a> Reading<'a> {
    fn new(set: &'a DataSet, is_own: bool) -> Self {
        let mut series = HashMap::new();
        for tag in [tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE, tags::PERTINENT_OTHER_EVIDENCE_SEQUENCE] {
            for study in element::items(set, tag) {
                for item in element::items(study, tags::REFERENCED_SERIES_SEQUENCE) {
                    let uid = element::text(item, tags::SERIES_INSTANCE_UID).and_then(|uid| Uid::parse(&uid).ok());
                    let Some(uid) = uid else { continue };
                    for instance in element::items(item, tags::REFERENCED_SOP_SEQUENCE) {
                        if let Some(instance) = element::text(instance, tags::REFERENCED_SOP_INSTANCE_UID) {
                            series.entry(instance).or_insert_with(|| uid.clone());
                        }
                    }
                }
            }
        }
        Self {
            set,
            schemes: CodingSchemes::of(set),
            is_own,
            losses: Losses::new(),
            series,
            sections: Sections::default(),
            findings: Vec::new(),
            measurements: Vec::new(),
            key_images: Vec::new(),
            finding_ids: finding::Ids::default(),
            measurement_ids: finding::Ids::default(),
            key_instances: HashSet::new(),
            rest: Vec::new(),
        }
    }

    /// The id that the report had with us, or one that follows from the foreign instance.
    fn report_id(&self, own: Option<&str>) -> Result<LogicalId, SrReadError> {
        if let Some(id) = own.and_then(|id| LogicalId::parse(id).ok()) {
            return Ok(id);
        }
        let instance = element::text(self.set, tags::SOP_INSTANCE_UID);
        let instance = instance.and_then(|uid| Uid::parse(&uid).ok());
        let instance = instance.ok_or(SrReadError::Identity("SOP instance UID (0008,0018)"))?;
        Ok(LogicalId::derived(&["structured report", instance.as_str()]))
    }

    fn concept(&self, code: &Code) -> Concept {
        let mut concept = concept(code, &self.schemes);
        concept.display = line(&concept.display);
        concept
    }

    /// The images that a content item refers to, one for each frame.
    fn images(&mut self, image: &ImageReference, position: &str) -> Vec<ImageRef> {
        let sop_instance_uid = Uid::parse(&image.sop.sop_instance_uid).ok();
        let series = self.series.get(&image.sop.sop_instance_uid).cloned();
        let (Some(sop_instance_uid), Some(series_instance_uid)) = (sop_instance_uid, series) else {
            self.lose(position, "refers to an image that the evidence does not list");
            return Vec::new();
        };
        if !image.rest.is_empty() {
            self.lose(position, "has attributes of an image reference that are not carried");
        }
        let one = |frame| ImageRef {
            series_instance_uid: series_instance_uid.clone(),
            sop_instance_uid: sop_instance_uid.clone(),
            sop_class_uid: Uid::parse(&image.sop.sop_class_uid).ok(),
            frame,
        };
        if image.frames.is_empty() {
            vec![one(None)]
        } else {
            image.frames.iter().map(|frame| one(Some(*frame))).collect()
        }
    }

    /// Names a content item in the losses.
    fn lose(&mut self, position: &str, detail: &str) {
        self.losses.add(format!("content item {position}"), detail);
    }

    fn finish(&mut self, report: &mut Report) {
        if !self.rest.is_empty() {
            append(&mut self.sections.findings, &self.rest.join("\n"));
        }
        report.sections = std::mem::take(&mut self.sections);
        report.structured_findings = std::mem::take(&mut self.findings);
        report.measurements = std::mem::take(&mut self.measurements);
        report.key_images = std::mem::take(&mut self.key_images);
        if report.code.code.is_empty() {
            report.code = codes::report_code(report.study.modality.as_deref(), report.study.body_site.as_ref());
            self.losses.add("code", "is not said; it was chosen by modality and body site");
        }
        let more = self.losses.0.len().saturating_sub(MAX_LOSSES);
        if more > 0 {
            self.losses.0.truncate(MAX_LOSSES);
            self.losses.add("", format!("{more} more losses are not listed"));
        }
    }
}

/// So many losses are listed; the rest is counted.
const MAX_LOSSES: usize = 1000;

/// Adds a text to a section, behind what it has.
fn append(slot: &mut Option<String>, text: &str) {
    match slot {
        Some(present) => {
            present.push_str("\n\n");
            present.push_str(text);
        }
        None => *slot = Some(text.to_owned()),
    }
}

/// Text with line breaks as a report has it: NFC, `\n`, no other control characters than tab.
fn lines(text: &str) -> String {
    from_lines(text).nfc().collect()
}

/// Text of one line.
fn line(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).nfc().collect()
}
