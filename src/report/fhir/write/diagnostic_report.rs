//! DiagnosticReport: the report itself.

use fhir_sdk::r4b::codes::{DiagnosticReportStatus, NarrativeStatus};
use fhir_sdk::r4b::resources::{DiagnosticReport, DiagnosticReportEffective};
use fhir_sdk::r4b::types::{CodeableConcept, Extension, ExtensionValue, Narrative};

use crate::fhir::Json;
use crate::report::ReportStatus;
use crate::report::fhir::terms::{self, CATEGORY_US_CORE, CATEGORY_V2};
use crate::report::model::SectionKind;

use super::claims::{REPORT, claimed};
use super::observation::image_reference;
use super::types::{
    codeable, compound, concept_coding, date_time, extension, field, instant, meta, own_identifier, part, some, term,
    term_concept,
};
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
    let mut resource = DiagnosticReport::builder()
        .id(report.id.to_string())
        .meta(meta(&context.source(), &claimed(REPORT, context.claims.report))?)
        .text(narrative)
        .extension(extensions(context)?)
        .identifier(vec![Some(own_identifier("report", &context.system("report"), report.id.as_str())?)])
        .based_on(some(order::stated(context)?.into_iter().collect()))
        .status(status(report.status))
        .category(categories()?)
        .code(codeable(vec![concept_coding(&report.code)?], None)?)
        .subject(subject)
        .issued(instant(edition.verified_at.unwrap_or(edition.recorded_at)))
        .performer(some(performers))
        .results_interpreter(some(interpreters))
        .result(some(observation::references(context)?))
        .imaging_study(vec![Some(study::stated(context)?)])
        .presented_form(some(document::presented_form(context, attachments)?));
    if report.status == ReportStatus::Draft {
        let draft = ExtensionValue::Code(report.status.as_str().to_owned());
        resource = resource.status_ext(field(vec![extension("report-status", draft)?])?);
    }
    if let Some(language) = &report.language {
        resource = resource.language(language.clone());
    }
    if let Some(date) = &report.study.study_date {
        resource = resource.effective(DiagnosticReportEffective::DateTime(date_time(date)?));
    }
    if let Some(impression) = &report.sections.impression {
        resource = resource.conclusion(impression.clone());
    }
    let mut json = Json::from_serialize(&resource.build()?)?;
    if let (Some(_), Some(time), Some(object)) =
        (&report.study.study_date, &report.study.study_time, json.as_object_mut())
    {
        object.set("_effectiveDateTime", study::study_time(time));
    }
    Ok(json)
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

fn categories() -> Result<Vec<Option<CodeableConcept>>, WriteError> {
    Ok(vec![Some(term_concept(CATEGORY_US_CORE)?), Some(term_concept(CATEGORY_V2)?)])
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
