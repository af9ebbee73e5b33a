//! All renditions of one version of a report, made together: the SR first, because the PDF embeds it, and
//! the FHIR bundle last, because it tells size and hash of the others.

use super::fhir::{self, Attachment, Ids, WriteError};
use super::pdf::{self, Embedded, PdfError, Relationship};
use super::sr::{self, HeadingCodes, SrError};
use super::{Losses, Rendered, Rendering, Twin, encapsulated, key_object, text};

/// All renditions of one version of a report.
#[derive(Debug)]
pub struct Family {
    /// Those that could be made, in the order of [`Twin::ALL`].
    pub members: Vec<Rendered>,
    /// Why there is no DICOM rendition, if there is none.
    pub without_dicom: Option<SrError>,
    /// Key images that no Key Object Selection could refer to.
    pub unselected: Losses,
}

/// Why a version could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum FamilyError {
    /// FHIR.
    #[error("FHIR: {0}")]
    Fhir(#[from] WriteError),
    /// PDF.
    #[error("PDF: {0}")]
    Pdf(#[from] PdfError),
    /// A DICOM rendition other than the SR.
    #[error("DICOM: {0}")]
    Dicom(#[from] SrError),
}

/// Renders a version in every form that it has.
///
/// A version that cannot be an SR (its state is withdrawn, or the archive knows the study for another
/// patient's) has no DICOM rendition at all, but the others.
pub fn render(rendering: &Rendering<'_>, headings: HeadingCodes) -> Result<Family, FamilyError> {
    let ids = Ids::derived(rendering.report, rendering.letterhead);
    let plain = Rendered {
        twin: Twin::Text,
        bytes: text::render(rendering).into_bytes(),
        sop: None,
        losses: rendering.missing.clone(),
    };
    let (structured, without_dicom) = match sr::render_with(rendering, headings) {
        Ok(rendered) => (Some(rendered), None),
        Err(error) => (None, Some(error)),
    };
    let urls = Urls::of(rendering);
    let mut attachments = vec![urls.text(rendering, &plain)];
    if let Some(structured) = &structured {
        attachments.push(urls.sr(rendering, structured));
    }
    let content = fhir::content_bundle(rendering, &ids, &attachments)?.to_text();
    let mut embedded = vec![Embedded {
        name: "report.fhir.json",
        media_type: Twin::Fhir.media_type(),
        bytes: content.as_bytes(),
        description: "The report as a FHIR R4 Bundle",
        relationship: Relationship::Alternative,
    }];
    if let Some(structured) = &structured {
        embedded.push(Embedded {
            name: "report.sr.dcm",
            media_type: Twin::DicomSr.media_type(),
            bytes: &structured.bytes,
            description: "The report as a DICOM structured report",
            relationship: Relationship::Alternative,
        });
    }
    let pdf = pdf::render(rendering, &embedded)?;
    attachments.insert(1, urls.pdf(rendering, &pdf));
    let bundle = fhir::render(rendering, &ids, &attachments)?;
    let mut members = vec![bundle];
    let mut unselected = Losses::new();
    if let Some(structured) = structured {
        let sr = structured.sop.as_ref().map(|(class, instance)| (class, instance));
        let encapsulated = encapsulated::render(rendering, &pdf.bytes, sr)?;
        let (key_object, without) = key_object::render(rendering)?;
        unselected = without;
        members.push(structured);
        members.push(pdf);
        members.push(encapsulated);
        members.extend(key_object);
    } else {
        members.push(pdf);
    }
    members.push(plain);
    Ok(Family { members, without_dicom, unselected })
}

impl Family {
    /// The rendition of a form.
    pub fn member(&self, twin: Twin) -> Option<&Rendered> {
        self.members.iter().find(|member| member.twin == twin)
    }
}

/// Where the renditions can be fetched.
struct Urls {
    text: String,
    pdf: String,
    sr: String,
}

impl Urls {
    fn of(rendering: &Rendering<'_>) -> Self {
        let url = |twin| rendering.rendition_url(twin);
        Self { text: url(Twin::Text), pdf: url(Twin::Pdf), sr: url(Twin::DicomSr) }
    }

    fn text<'a>(&'a self, rendering: &Rendering<'_>, rendered: &'a Rendered) -> Attachment<'a> {
        Attachment { inline: true, ..attachment(rendering, &self.text, "Report, plain text", rendered) }
    }

    fn pdf<'a>(&'a self, rendering: &Rendering<'_>, rendered: &'a Rendered) -> Attachment<'a> {
        attachment(rendering, &self.pdf, "Report, PDF", rendered)
    }

    fn sr<'a>(&'a self, rendering: &Rendering<'_>, rendered: &'a Rendered) -> Attachment<'a> {
        attachment(rendering, &self.sr, "Report, DICOM SR", rendered)
    }
}

fn attachment<'a>(rendering: &Rendering<'_>, url: &'a str, title: &'a str, rendered: &'a Rendered) -> Attachment<'a> {
    Attachment {
        content_type: rendered.twin.media_type(),
        title,
        url: Some(url),
        bytes: Some(&rendered.bytes),
        inline: false,
        creation: rendering.edition.recorded_at,
    }
}
