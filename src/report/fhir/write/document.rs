//! Renditions of the report as attachments: presented by the DiagnosticReport and listed, under the same
//! URLs, by a DocumentReference (US Core clinical notes guidance).

use fhir_sdk::r4b::codes::{CompositionStatus, DocumentReferenceStatus, IdentifierUse};
use fhir_sdk::r4b::resources::{DocumentReferenceContent, DocumentReferenceContext};
use fhir_sdk::r4b::types::{self as fhir, Period};
use fhir_sdk::{Base64Binary, DateTime};

use crate::base::Timestamp;
use crate::base::digest::sha1;
use crate::fhir::Json;
use crate::report::ReportStatus;
use crate::report::fhir::ids::document_id;
use crate::report::fhir::terms::{CATEGORY_NOTE, IMAGING_REPORT};

use super::body::Body;
use super::claims::{DOCUMENT, claimed};
use super::patient::subject;
use super::types::{codeable, date_time, instant, plain_identifier, reference, some, term, term_concept};
use super::{Context, WriteError, organization, person};

/// A rendition of the report.
#[derive(Debug, Clone, Copy)]
pub struct Attachment<'a> {
    /// Media type.
    pub content_type: &'a str,
    /// What it is, for people.
    pub title: &'a str,
    /// Where it can be fetched; required unless it stands inline.
    pub url: Option<&'a str>,
    /// Its bytes, if they exist already: size and hash are taken from them.
    pub bytes: Option<&'a [u8]>,
    /// Whether the bytes stand in the resource itself. In the DocumentReference they do not if there is a
    /// URL.
    pub inline: bool,
    /// When it was made.
    pub creation: Timestamp,
}

/// The DocumentReference, if there is anything to list.
pub(super) fn write(context: &Context<'_>, attachments: &[Attachment<'_>]) -> Result<Option<Json>, WriteError> {
    if attachments.is_empty() {
        return Ok(None);
    }
    let report = context.rendering.report;
    let mut identifier = plain_identifier(&context.system("document"), report.id.as_str())?;
    identifier.r#use = Some(IdentifierUse::Official);
    let content = |attachment: &Attachment<'_>| -> Result<_, WriteError> {
        let attachment = self::attachment(context, attachment, attachment.url.is_none())?;
        Ok(DocumentReferenceContent::builder().attachment(attachment).build()?)
    };
    let status = match report.status {
        ReportStatus::EnteredInError => DocumentReferenceStatus::EnteredInError,
        _ => DocumentReferenceStatus::Current,
    };
    let doc_status = doc_status(report.status);
    let profiles = claimed(DOCUMENT, context.claims.document);
    let body = Body::new("DocumentReference", &document_id(&report.id), &context.source(), &profiles)?
        .with_text_if("language", report.language.as_deref())
        .with_all("identifier", &[identifier])?
        .with_text("status", status.as_ref())
        .with_text_if("docStatus", doc_status.as_ref().map(AsRef::as_ref))
        .with("type", &document_type(context)?)?
        .with_all("category", &[term_concept(CATEGORY_NOTE)?])?
        .with("subject", &subject(context)?)?
        .with_text("date", &context.rendering.edition.recorded_at.to_fhir())
        .with_all("author", &[person::author_reference(context)?])?
        .with_some("authenticator", person::verifier_reference(context)?.as_ref())?
        .with_some("custodian", organization::issuer(context)?.as_ref())?
        .with_all("content", &attachments.iter().map(content).collect::<Result<Vec<_>, _>>()?)?
        .with("context", &document_context(context)?)?;
    Ok(Some(body.finish()))
}

/// What the DiagnosticReport presents.
pub(super) fn presented_form(
    context: &Context<'_>,
    attachments: &[Attachment<'_>],
) -> Result<Vec<fhir::Attachment>, WriteError> {
    attachments.iter().map(|attachment| self::attachment(context, attachment, attachment.inline)).collect()
}

fn attachment(
    context: &Context<'_>,
    attachment: &Attachment<'_>,
    inline: bool,
) -> Result<fhir::Attachment, WriteError> {
    let mut element = fhir::Attachment::builder()
        .content_type(attachment.content_type.to_owned())
        .title(attachment.title.to_owned())
        .creation(DateTime::DateTime(instant(attachment.creation)));
    if let Some(language) = &context.rendering.report.language {
        element = element.language(language.clone());
    }
    if let Some(url) = attachment.url {
        element = element.url(url.to_owned());
    }
    if let Some(bytes) = attachment.bytes {
        let size = u32::try_from(bytes.len()).map_err(|_too_large| WriteError::Value("the size of an attachment"))?;
        element = element.size(size).hash(Base64Binary(sha1(bytes).to_vec()));
        if inline {
            element = element.data(Base64Binary(bytes.to_vec()));
        }
    }
    Ok(element.build()?)
}

/// US Core asks for a LOINC document type: the general one, with the report's own name. (HAPI's validator
/// wants every coding to be of the value set, not one.)
fn document_type(context: &Context<'_>) -> Result<fhir::CodeableConcept, WriteError> {
    Ok(codeable(vec![term(IMAGING_REPORT)?], Some(&context.rendering.report.code.display))?)
}

/// R4 valueset-composition-status.html. A report that was given up has none of these.
fn doc_status(status: ReportStatus) -> Option<CompositionStatus> {
    match status {
        ReportStatus::Draft | ReportStatus::Preliminary => Some(CompositionStatus::Preliminary),
        ReportStatus::Final => Some(CompositionStatus::Final),
        ReportStatus::Amended | ReportStatus::Corrected | ReportStatus::Appended => Some(CompositionStatus::Amended),
        ReportStatus::EnteredInError => Some(CompositionStatus::EnteredInError),
        ReportStatus::Cancelled => None,
    }
}

fn document_context(context: &Context<'_>) -> Result<DocumentReferenceContext, WriteError> {
    let report = context.rendering.report;
    let related = vec![reference("DiagnosticReport", &report.id)?];
    let element = DocumentReferenceContext::builder().related(some(related));
    match &report.study.study_date {
        Some(date) => Ok(element.period(Period::builder().start(date_time(date)?).build()?).build()?),
        None => Ok(element.build()?),
    }
}
