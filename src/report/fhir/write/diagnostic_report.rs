//! DiagnosticReport: the report itself.

use fhir_sdk::r4b::codes::{DiagnosticReportStatus, NarrativeStatus};
use fhir_sdk::r4b::types::{Extension, ExtensionValue, FieldExtension, Narrative};

use crate::base::Date;
use crate::fhir::Json;
use crate::report::ReportStatus;
use crate::report::fhir::terms::{self, CATEGORY_US_CORE, CATEGORY_V2};
use crate::report::model::SectionKind;

use super::body::Body;
use super::claims::{REPORT, claimed};
use super::observation::image_reference;
use super::types::{codeable, compound, concept_coding, extension, field, own_identifier, part, term, term_concept};
use super::{
    Attachment, Context, WriteError, document, narrative, observation, order, organization, patient, person, study,
};

pub(super) fn write(context: &Context<'_>, attachments: &[Attachment<'_>]) -> Result<Json, WriteError> {
    let report = context.rendering.report;
    let edition = context.rendering.edition;
    let mut subject = patient::subject(context)?;
    subject.extension = patient::stated(context)?;
    let mut interpreters = vec![person::stated_author(context)?];
    interpreters.extend(person::stated_verifier(context)?);
    let mut performers: Vec<_> = organization::issuer(context)?.into_iter().collect();
    if performers.is_empty() {
        performers.push(person::author_reference(context)?);
    }
    let narrative = Narrative::builder().status(NarrativeStatus::Generated).div(narrative::div(report)).build()?;
    let profiles = claimed(REPORT, context.claims.report);
    let issued = edition.verified_at.unwrap_or(edition.recorded_at);
    let body = Body::new("DiagnosticReport", &report.id, &context.source(), &profiles)?
        .with_text_if("language", report.language.as_deref())
        .with("text", &narrative)?
        .with_all("extension", &extensions(context)?)?
        .with_all("identifier", &[own_identifier("report", &context.system("report"), report.id.as_str())?])?
        .with_all("basedOn", &order::stated(context)?.into_iter().collect::<Vec<_>>())?
        .with_text("status", status(report.status).as_ref())
        .with_some("_status", own_status(report.status)?.as_ref())?
        .with_all("category", &[term_concept(CATEGORY_US_CORE)?, term_concept(CATEGORY_V2)?])?
        .with("code", &codeable(vec![concept_coding(&report.code)?], None)?)?
        .with("subject", &subject)?
        .with_text_if("effectiveDateTime", report.study.study_date.as_ref().map(Date::as_str))
        .with_json("_effectiveDateTime", report.study.study_time.as_ref().map(study::study_time))
        .with_text("issued", &issued.to_fhir())
        .with_all("performer", &performers)?
        .with_all("resultsInterpreter", &interpreters)?
        .with_all("result", &observation::references(context)?)?
        .with_all("imagingStudy", &[study::stated(context)?])?
        .with_text_if("conclusion", report.sections.impression.as_deref())
        .with_all("presentedForm", &document::presented_form(context, attachments)?)?;
    Ok(body.finish())
}

/// A draft says so beside its status.
fn own_status(status: ReportStatus) -> Result<Option<FieldExtension>, WriteError> {
    if status != ReportStatus::Draft {
        return Ok(None);
    }
    let draft = ExtensionValue::Code(status.as_str().to_owned());
    Ok(Some(field(vec![extension("report-status", draft)?])?))
}

/// R4 valueset-diagnostic-report-status.html. A draft is `preliminary` there.
fn status(status: ReportStatus) -> DiagnosticReportStatus {
    match status {
        ReportStatus::Draft | ReportStatus::Preliminary => DiagnosticReportStatus::Preliminary,
        ReportStatus::Final => DiagnosticReportStatus::Final,
        ReportStatus::Amended => DiagnosticReportStatus::Amended,
        ReportStatus::Corrected => DiagnosticReportStatus::Corrected,
        ReportStatus::Appended => DiagnosticReportStatus::Appended,
        ReportStatus::Cancelled => DiagnosticReportStatus::Cancelled,
        ReportStatus::EnteredInError => DiagnosticReportStatus::EnteredInError,
    }
}

/// The digest of the content, the sections but the impression, which is the conclusion, and the key
/// images.
fn extensions(context: &Context<'_>) -> Result<Vec<Extension>, WriteError> {
    let report = context.rendering.report;
    let digest = ExtensionValue::String(context.rendering.content_digest.to_hex());
    let mut extensions = vec![extension("content-digest", digest)?];
    for (kind, text) in report.sections.present() {
        if kind != SectionKind::Impression {
            let parts = vec![
                part("code", ExtensionValue::Coding(term(terms::section(kind))?))?,
                part("text", ExtensionValue::String(text.to_owned()))?,
            ];
            extensions.push(compound("report-section", parts)?);
        }
    }
    for key in &report.key_images {
        extensions.push(image_reference(&key.image, key.caption.as_deref())?);
    }
    Ok(extensions)
}
