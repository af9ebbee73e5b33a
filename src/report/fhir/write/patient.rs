//! Patient. Mapping: spec of DICOM (0010,*) to Patient, R4 patient.html.

use fhir_sdk::r4b::codes::IdentifierUse;
use fhir_sdk::r4b::types::{Extension, ExtensionValue, Identifier, Reference};

use crate::base::Date;
use crate::fhir::Json;
use crate::report::fhir::issuer;
use crate::report::fhir::terms;

use super::body::Body;
use super::claims::{PATIENT, claimed};
use super::name::human_names;
use super::types::{compound, date, identifier, part, reference};
use super::{Context, WriteError};

pub(super) fn write(context: &Context<'_>) -> Result<Json, WriteError> {
    let patient = &context.rendering.report.patient;
    let profiles = claimed(PATIENT, context.claims.patient);
    let body = Body::new("Patient", &context.ids.patient, &context.source(), &profiles)?
        .with_all("identifier", &[patient_identifier(context)?])?
        .with_all("name", &human_names(&patient.name)?)?
        .with_text_if("gender", patient.sex.map(terms::gender))
        .with_text_if("birthDate", patient.birth_date.as_ref().map(Date::as_str));
    Ok(body.finish())
}

/// The patient ID. Without an issuer it belongs to a system of this gateway's own; with one, the issuer's
/// own words stand in `assigner`.
pub(super) fn patient_identifier(context: &Context<'_>) -> Result<Identifier, WriteError> {
    let patient = &context.rendering.report.patient;
    let system = patient.issuer.as_deref().map_or_else(|| context.system("patient"), issuer::to_system);
    let mut identifier = identifier("MR", "Medical record number", &system, &patient.id)?;
    identifier.r#use = Some(IdentifierUse::Usual);
    if let Some(issuer) = &patient.issuer {
        identifier.assigner = Some(Reference::builder().display(issuer.clone()).build()?);
    }
    Ok(identifier)
}

/// The patient as the subject of a resource that is found by who it is about.
pub(super) fn subject(context: &Context<'_>) -> Result<Reference, WriteError> {
    let patient = &context.rendering.report.patient;
    let mut subject = reference("Patient", &context.ids.patient)?;
    subject.identifier = Some(patient_identifier(context)?);
    subject.display = Some(patient.name.to_display()).filter(|display| !display.is_empty());
    Ok(subject)
}

/// What the report says of its patient, beside the patient ID.
pub(super) fn stated(context: &Context<'_>) -> Result<Vec<Extension>, WriteError> {
    let patient = &context.rendering.report.patient;
    let mut parts = Vec::new();
    for name in human_names(&patient.name)? {
        parts.push(part("name", ExtensionValue::HumanName(name))?);
    }
    if let Some(birth_date) = &patient.birth_date {
        parts.push(part("birthDate", ExtensionValue::Date(date(birth_date)?))?);
    }
    if let Some(sex) = patient.sex {
        parts.push(part("gender", ExtensionValue::Code(terms::gender(sex).to_owned()))?);
    }
    if parts.is_empty() { Ok(Vec::new()) } else { Ok(vec![compound("reported-patient", parts)?]) }
}
