//! Whether files say the same: each twin is read back, and what it says is compared with what it claims
//! (its content digest) and with the other twins. Needs nothing but the files.

use dicom_dictionary_std::{tags, uids};

use crate::base::Sha256;
use crate::dicom::element;
use crate::dicom::part10::{self, ReadLimits};
use crate::fhir::bundle::Resources;
use crate::fhir::{Json, JsonLimits, definitions};

use super::family::Family;
use super::fhir::{ReadOptions, read_document};
use super::key_object::{self, SelectedImage};
use super::{ImageRef, Losses, Report, Twin, differences, encapsulated, pdf, sr};

/// What a file turned out to be.
#[derive(Debug)]
pub struct Evidence {
    /// Form.
    pub twin: Twin,
    /// The digest that it claims.
    pub claimed: Option<Sha256>,
    /// What it says, as far as its form says it; forms for people to read say nothing to a program.
    pub report: Option<Report>,
    /// What its form leaves out, as the reader found; a difference there is none.
    pub losses: Losses,
    /// The images that it selects, if selecting is what it does.
    pub selected: Option<Vec<SelectedImage>>,
    /// Files within it, by name.
    pub inner: Vec<(String, Evidence)>,
}

/// Why a file cannot be looked at, or is not what it claims.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is none of our forms.
    #[error("is not a report in FHIR, DICOM SR, PDF or Encapsulated PDF, nor a selection of its key images")]
    Unknown,
    /// It is one of our forms, but cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// It has no content digest: it was not made by Causeway, or was made anew by somebody else.
    #[error("has no content digest")]
    NoDigest,
    /// Its content is not what its digest says.
    #[error("says something else than its digest: {}", paths(.0))]
    Digest(Vec<String>),
    /// It says something else than another twin.
    #[error("differs from {other} at {}", paths(.at))]
    Differs {
        /// The other twin.
        other: String,
        /// Where; paths in the report.
        at: Vec<String>,
    },
    /// It was made from another version than another twin.
    #[error("was made from another content than {0}")]
    OtherContent(String),
    /// A file within it is wrong.
    #[error("{name} in it {error}")]
    Inner {
        /// Its name.
        name: String,
        /// What is wrong.
        error: Box<VerifyError>,
    },
    /// A part that should be in it is not.
    #[error("lacks its embedded {0}")]
    Missing(&'static str),
}

/// Checks what was rendered against the report that it was rendered from.
pub fn family(family: &Family, report: &Report) -> Result<(), VerifyError> {
    let digest = report.content_digest();
    for member in &family.members {
        let evidence = match member.twin {
            Twin::Text => continue,
            twin => look_at(twin, &member.bytes)?,
        };
        check(&evidence)?;
        if evidence.claimed != Some(digest) {
            return Err(VerifyError::OtherContent("the report".into()));
        }
        if let Some(read) = &evidence.report {
            let at = unexplained(report, read, &[&member.losses, &evidence.losses]);
            if !at.is_empty() {
                return Err(VerifyError::Differs { other: "the report".into(), at });
            }
        }
        if evidence.selected.as_deref().is_some_and(|selected| !is_selection_of(selected, report)) {
            return Err(VerifyError::Differs { other: "the report".into(), at: vec![KEY_IMAGES.to_owned()] });
        }
    }
    Ok(())
}

/// Looks at a file of any form.
pub fn file(bytes: &[u8]) -> Result<Evidence, VerifyError> {
    look_at(form_of(bytes).ok_or(VerifyError::Unknown)?, bytes)
}

/// Whether a file is what it claims, and so are the files in it.
pub fn check(evidence: &Evidence) -> Result<(), VerifyError> {
    let claimed = evidence.claimed.ok_or(VerifyError::NoDigest)?;
    // Only FHIR carries the whole content: what an SR leaves out by its nature is no fault of its digest.
    if let (Twin::Fhir, Some(report)) = (evidence.twin, &evidence.report)
        && report.content_digest() != claimed
    {
        return Err(VerifyError::Digest(Vec::new()));
    }
    for (index, (name, inner)) in evidence.inner.iter().enumerate() {
        let wrong = |error| VerifyError::Inner { name: name.clone(), error: Box::new(error) };
        check(inner).map_err(wrong)?;
        if inner.claimed != Some(claimed) {
            return Err(wrong(VerifyError::OtherContent("the document around it".into())));
        }
        for (other, twin) in evidence.inner.iter().take(index) {
            compare(inner, other, twin).map_err(wrong)?;
        }
    }
    let needs_fhir = evidence.twin == Twin::Pdf && !evidence.inner.iter().any(|(_, inner)| inner.twin == Twin::Fhir);
    if needs_fhir { Err(VerifyError::Missing("FHIR bundle")) } else { Ok(()) }
}

/// Whether two files say the same, as far as both say it. `name` is how the second is called.
pub fn compare(one: &Evidence, name: &str, other: &Evidence) -> Result<(), VerifyError> {
    if one.claimed != other.claimed {
        return Err(VerifyError::OtherContent(name.to_owned()));
    }
    for (selecting, saying) in [(one, other), (other, one)] {
        if let (Some(selected), Some(report)) =
            (&selecting.selected, speaker(saying).and_then(|said| said.report.as_ref()))
            && !is_selection_of(selected, report)
        {
            return Err(VerifyError::Differs { other: name.to_owned(), at: vec![KEY_IMAGES.to_owned()] });
        }
    }
    let (Some(left), Some(right)) = (speaker(one), speaker(other)) else { return Ok(()) };
    let (Some(left_report), Some(right_report)) = (&left.report, &right.report) else { return Ok(()) };
    let nature = if left.twin == right.twin { Losses::new() } else { beyond_sr(&[left_report, right_report]) };
    let at = unexplained(left_report, right_report, &[&left.losses, &right.losses, &nature]);
    if at.is_empty() { Ok(()) } else { Err(VerifyError::Differs { other: name.to_owned(), at }) }
}

/// What an SR has no place for: a verifier who has not verified, and images whose SOP class nobody has said.
/// Its writer listed it as lost, but the file does not; that it must be so follows from the other form.
fn beyond_sr(reports: &[&Report]) -> Losses {
    let mut losses = Losses::new();
    for report in reports {
        if !report.status.is_verified() {
            losses.add("verifier", "is named by verified documents only");
        }
        for (index, finding) in report.structured_findings.iter().enumerate() {
            if finding.images.iter().any(is_of_unknown_class) {
                losses.add(format!("structuredFindings[{index}].images"), NO_CLASS);
            }
        }
        for (index, measurement) in report.measurements.iter().enumerate() {
            if measurement.image.as_ref().is_some_and(is_of_unknown_class) {
                losses.add(format!("measurements[{index}].image"), NO_CLASS);
            }
        }
        if report.key_images.iter().any(|key| is_of_unknown_class(&key.image)) {
            losses.add(KEY_IMAGES, NO_CLASS);
        }
    }
    losses
}

/// Whether exactly the key images of a report are selected, in their order. One whose SOP class the report
/// does not say is selected only if the archive said it.
fn is_selection_of(selected: &[SelectedImage], report: &Report) -> bool {
    let mut selected = selected.iter().peekable();
    let complete = report.key_images.iter().all(|key| {
        let next = selected.next_if(|next| {
            next.sop_instance_uid == key.image.sop_instance_uid.as_str() && next.frame == key.image.frame
        });
        next.is_some() || is_of_unknown_class(&key.image)
    });
    complete && selected.next().is_none()
}

fn is_of_unknown_class(image: &ImageRef) -> bool {
    image.sop_class_uid.is_none()
}

const KEY_IMAGES: &str = "keyImages";
const NO_CLASS: &str = "has no SOP class, without which nothing is referred to";

/// The part of a file that says to a program what the report is: itself, or what is embedded in it.
fn speaker(evidence: &Evidence) -> Option<&Evidence> {
    if evidence.report.is_some() {
        return Some(evidence);
    }
    evidence.inner.iter().find_map(|(_, inner)| speaker(inner))
}

/// Where two reports differ although no loss says that they may.
fn unexplained(left: &Report, right: &Report, losses: &[&Losses]) -> Vec<String> {
    let explained = |path: &str| {
        losses.iter().flat_map(|losses| &losses.0).any(|loss| {
            path == loss.path
                || path.strip_prefix(&loss.path).is_some_and(|rest| rest.starts_with(['.', '[']))
                || loss.path.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '[']))
        })
    };
    differences(left, right).into_iter().filter(|path| !explained(path)).collect()
}

fn look_at(twin: Twin, bytes: &[u8]) -> Result<Evidence, VerifyError> {
    match twin {
        Twin::Fhir => fhir(bytes),
        Twin::DicomSr => structured(bytes),
        Twin::Pdf => pdf_file(bytes),
        Twin::EncapsulatedPdf => {
            let content = part10::read(bytes, &ReadLimits::default()).map_err(unreadable)?.content;
            let document = encapsulated::pdf_of(&content.data_set).map_err(unreadable)?;
            let claimed = sr::content_digest(&content.data_set).map(|contribution| contribution.digest);
            let inner = vec![("the PDF".to_owned(), pdf_file(&document)?)];
            Ok(Evidence { twin, claimed, report: None, losses: Losses::new(), selected: None, inner })
        }
        Twin::KeyObject => {
            let content = part10::read(bytes, &ReadLimits::default()).map_err(unreadable)?.content;
            let claimed = sr::content_digest(&content.data_set).map(|contribution| contribution.digest);
            let selected = Some(key_object::selected(&content.data_set).map_err(unreadable)?);
            Ok(Evidence { twin, claimed, report: None, losses: Losses::new(), selected, inner: Vec::new() })
        }
        Twin::Text => Err(VerifyError::Unknown),
    }
}

fn fhir(bytes: &[u8]) -> Result<Evidence, VerifyError> {
    let document = Json::parse(bytes, &JsonLimits::default()).map_err(unreadable)?;
    let (report, losses) = read_document(&document, &ReadOptions::default()).map_err(unreadable)?;
    let claimed = claimed_in_fhir(&document);
    Ok(Evidence { twin: Twin::Fhir, claimed, report: Some(report), losses, selected: None, inner: Vec::new() })
}

fn structured(bytes: &[u8]) -> Result<Evidence, VerifyError> {
    let reading = sr::read(bytes).map_err(unreadable)?;
    Ok(Evidence {
        twin: Twin::DicomSr,
        claimed: reading.content_digest,
        report: Some(reading.report),
        losses: reading.losses,
        selected: None,
        inner: Vec::new(),
    })
}

fn pdf_file(bytes: &[u8]) -> Result<Evidence, VerifyError> {
    let mut inner = Vec::new();
    for (name, bytes) in pdf::embedded_files(bytes).map_err(unreadable)? {
        let found = file(&bytes).map_err(|error| VerifyError::Inner { name: name.clone(), error: Box::new(error) })?;
        inner.push((name, found));
    }
    let claimed = pdf::content_digest(bytes);
    Ok(Evidence { twin: Twin::Pdf, claimed, report: None, losses: Losses::new(), selected: None, inner })
}

/// The digest in the DiagnosticReport of a document.
fn claimed_in_fhir(document: &Json) -> Option<Sha256> {
    let resources = Resources::of(document);
    let report =
        resources.iter().find(|found| found.resource.text_at(&["resourceType"]) == Some("DiagnosticReport"))?;
    let extension = definitions::extension(Some(report.resource), "content-digest")?;
    Sha256::parse(extension.text_at(&["valueString"])?)
}

/// By what stands at the beginning, and for DICOM by what the data set is.
fn form_of(bytes: &[u8]) -> Option<Twin> {
    if bytes.starts_with(b"%PDF-") {
        return Some(Twin::Pdf);
    }
    if bytes.get(128..132) == Some(b"DICM") {
        let class = part10::read(bytes, &ReadLimits::default()).ok()?.content;
        let class = element::text(&class.data_set, tags::SOP_CLASS_UID)?;
        return Some(match class.as_str() {
            uids::ENCAPSULATED_PDF_STORAGE => Twin::EncapsulatedPdf,
            uids::KEY_OBJECT_SELECTION_DOCUMENT_STORAGE => Twin::KeyObject,
            _ => Twin::DicomSr,
        });
    }
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace())?;
    (*first == b'{').then_some(Twin::Fhir)
}

fn unreadable(error: impl std::fmt::Display) -> VerifyError {
    VerifyError::Unreadable(error.to_string())
}

fn paths(paths: &[String]) -> String {
    if paths.is_empty() { "its content".into() } else { paths.join(", ") }
}
