//! Observation: one for each structured finding and each measurement.

use fhir_sdk::r4b::codes::ObservationStatus;
use fhir_sdk::r4b::resources::{ObservationComponent, ObservationComponentValue};
use fhir_sdk::r4b::types::{CodeableConcept, Extension, ExtensionValue, Identifier, Reference};

use crate::base::{Date, LogicalId};
use crate::fhir::{Json, Object};
use crate::report::codes::systems;
use crate::report::fhir::ids::{finding_id, measurement_id};
use crate::report::fhir::terms::{self, CATEGORY_IMAGING, CRITICAL, FINDING, SEVERITY, TRACKING_ID};
use crate::report::{Concept, Finding, ImageRef, Laterality, Measurement, ReportStatus, Severity};

use super::body::Body;
use super::types::{
    codeable, compound, concept_coding, extension, own_identifier, part, positive, reference, term, term_concept,
    text_part,
};
use super::{Context, WriteError, person, study};

/// The Observations, findings before measurements, each in the report's order.
pub(super) fn write_all(context: &Context<'_>) -> Result<Vec<Json>, WriteError> {
    let report = context.rendering.report;
    let findings = report.structured_findings.iter().map(|finding| write_finding(context, finding));
    let measurements = report.measurements.iter().map(|measurement| write_measurement(context, measurement));
    findings.chain(measurements).collect()
}

/// References to the Observations in the same order.
pub(super) fn references(context: &Context<'_>) -> Result<Vec<Reference>, WriteError> {
    ids(context).iter().map(|id| Ok(reference("Observation", id)?)).collect()
}

fn ids(context: &Context<'_>) -> Vec<LogicalId> {
    let report = context.rendering.report;
    let findings = report.structured_findings.iter().map(|finding| finding_id(&report.id, &finding.id));
    let measurements = report.measurements.iter().map(|measurement| measurement_id(&report.id, &measurement.id));
    findings.chain(measurements).collect()
}

/// What findings and measurements have in common.
struct Common<'a> {
    id: LogicalId,
    identifiers: Vec<Identifier>,
    code: CodeableConcept,
    /// Element and value.
    value: (&'static str, Json),
    critical: bool,
    body_site: Option<&'a Concept>,
    laterality: Option<Laterality>,
    method: Option<&'a Concept>,
    images: Vec<&'a ImageRef>,
    severity: Option<Severity>,
}

fn write_finding(context: &Context<'_>, finding: &Finding) -> Result<Json, WriteError> {
    let value = match &finding.code {
        Some(code) => {
            let concept = codeable(vec![concept_coding(code)?], Some(&finding.text))?;
            ("valueCodeableConcept", Json::from_serialize(&concept)?)
        }
        None => ("valueString", Json::string(&finding.text)),
    };
    write(
        context,
        &Common {
            id: finding_id(&context.rendering.report.id, &finding.id),
            identifiers: vec![identifier(context, "finding", &finding.id)?],
            code: term_concept(FINDING)?,
            value,
            critical: finding.critical,
            body_site: finding.body_site.as_ref(),
            laterality: finding.laterality,
            method: None,
            images: finding.images.iter().collect(),
            severity: finding.severity,
        },
    )
}

fn write_measurement(context: &Context<'_>, measurement: &Measurement) -> Result<Json, WriteError> {
    let code = measurement.code.as_ref().map(concept_coding).transpose()?;
    let mut identifiers = vec![identifier(context, "measurement", &measurement.id)?];
    if let Some(tracking_id) = &measurement.tracking_id {
        identifiers.push(
            Identifier::builder()
                .r#type(term_concept(TRACKING_ID)?)
                .system(context.system("tracking"))
                .value(tracking_id.clone())
                .build()?,
        );
    }
    write(
        context,
        &Common {
            id: measurement_id(&context.rendering.report.id, &measurement.id),
            identifiers,
            code: codeable(code.into_iter().collect(), Some(&measurement.label))?,
            value: ("valueQuantity", quantity(measurement)),
            critical: false,
            body_site: measurement.body_site.as_ref(),
            laterality: measurement.laterality,
            method: measurement.method.as_ref(),
            images: measurement.image.iter().collect(),
            severity: None,
        },
    )
}

/// fhir-sdk holds decimals as binary floating point: here the digits go in as they are.
fn quantity(measurement: &Measurement) -> Json {
    Object::new()
        .with("value", Json::Number(measurement.value.as_str().into()))
        .with("unit", Json::string(&measurement.unit))
        .with("system", Json::string(systems::UCUM))
        .with("code", Json::string(&measurement.unit))
        .into()
}

fn write(context: &Context<'_>, parts: &Common<'_>) -> Result<Json, WriteError> {
    let report = context.rendering.report;
    let interpretation = if parts.critical { vec![term_concept(CRITICAL)?] } else { Vec::new() };
    let method = parts.method.map(|method| codeable(vec![concept_coding(method)?], None)).transpose()?;
    let (value_element, value) = &parts.value;
    let body = Body::new("Observation", &parts.id, &context.source(), &[])?
        .with_text_if("language", report.language.as_deref())
        .with_all("identifier", &parts.identifiers)?
        .with_text("status", status(report.status).as_ref())
        .with_all("category", &[term_concept(CATEGORY_IMAGING)?])?
        .with("code", &parts.code)?
        .with("subject", &reference("Patient", &context.ids.patient)?)?
        .with_text_if("effectiveDateTime", report.study.study_date.as_ref().map(Date::as_str))
        .with_all("performer", &[person::author_reference(context)?])?
        .with_json(value_element, Some(value.clone()))
        .with_all("interpretation", &interpretation)?
        .with_some("bodySite", body_site(parts.body_site, parts.laterality)?.as_ref())?
        .with_some("method", method.as_ref())?
        .with_all("derivedFrom", &derived_from(context, &parts.images)?)?
        .with_all("component", &components(parts.severity)?)?;
    Ok(body.finish())
}

/// R4 observation.html has no severity: it is a component of a finding.
fn components(severity: Option<Severity>) -> Result<Vec<ObservationComponent>, WriteError> {
    let Some(severity) = severity else {
        return Ok(Vec::new());
    };
    let value = ObservationComponentValue::CodeableConcept(term_concept(terms::severity(severity))?);
    Ok(vec![ObservationComponent::builder().code(term_concept(SEVERITY)?).value(value).build()?])
}

/// R4 valueset-observation-status.html has no `appended`: an addendum leaves what was observed as it was.
fn status(status: ReportStatus) -> ObservationStatus {
    match status {
        ReportStatus::Draft | ReportStatus::Preliminary => ObservationStatus::Preliminary,
        ReportStatus::Final | ReportStatus::Appended => ObservationStatus::Final,
        ReportStatus::Amended => ObservationStatus::Amended,
        ReportStatus::Corrected => ObservationStatus::Corrected,
        ReportStatus::Cancelled => ObservationStatus::Cancelled,
        ReportStatus::EnteredInError => ObservationStatus::EnteredInError,
    }
}

fn identifier(context: &Context<'_>, kind: &str, id: &str) -> Result<Identifier, WriteError> {
    let value = format!("{}/{id}", context.rendering.report.id);
    Ok(own_identifier(kind, &context.system(kind), &value)?)
}

/// The site in code; its side in an extension and, for readers who do not know that, in words.
fn body_site(site: Option<&Concept>, side: Option<Laterality>) -> Result<Option<CodeableConcept>, WriteError> {
    if site.is_none() && side.is_none() {
        return Ok(None);
    }
    let coding = site.map(concept_coding).transpose()?;
    let side_term = side.map(terms::laterality);
    let words = side_term.map(|side| match site {
        Some(site) => format!("{}, {}", site.display, side.display.to_lowercase()),
        None => side.display.to_owned(),
    });
    let mut concept = codeable(coding.into_iter().collect(), words.as_deref())?;
    if let Some(side) = side_term {
        concept.extension = vec![extension("laterality", ExtensionValue::Coding(term(side)?))?];
    }
    Ok(Some(concept))
}

/// The study, once for each image that shows the matter, or once without.
fn derived_from(context: &Context<'_>, images: &[&ImageRef]) -> Result<Vec<Reference>, WriteError> {
    if images.is_empty() {
        return Ok(vec![study::plain(context)?]);
    }
    images
        .iter()
        .map(|image| {
            let mut reference = study::plain(context)?;
            reference.extension = vec![image_reference(image, None)?];
            Ok(reference)
        })
        .collect()
}

/// An image by its UIDs.
pub(super) fn image_reference(image: &ImageRef, caption: Option<&str>) -> Result<Extension, WriteError> {
    let id = |name: &str, uid: &str| part(name, ExtensionValue::Id(uid.to_owned()));
    let mut parts = vec![
        id("seriesInstanceUid", image.series_instance_uid.as_str())?,
        id("sopInstanceUid", image.sop_instance_uid.as_str())?,
    ];
    if let Some(sop_class_uid) = &image.sop_class_uid {
        parts.push(id("sopClassUid", sop_class_uid.as_str())?);
    }
    if let Some(frame) = image.frame {
        parts.push(part("frame", positive(frame)?)?);
    }
    parts.extend(text_part("caption", caption)?);
    Ok(compound("image-reference", parts)?)
}
