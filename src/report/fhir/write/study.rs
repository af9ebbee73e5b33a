//! ImagingStudy: what the archive knows of the study, or what the report says of it where the archive was
//! silent. R4 imagingstudy.html and its DICOM mapping.

use fhir_sdk::r4b::codes::{IdentifierUse, ImagingStudyStatus};
use fhir_sdk::r4b::resources::{ImagingStudySeries, ImagingStudySeriesInstance};
use fhir_sdk::r4b::types::{Coding, Extension, ExtensionValue, Identifier, Reference};

use crate::base::{Date, TimeOfDay, Uid};
use crate::dicom::study::{InstanceFacts, SeriesFacts, StudyFacts};
use crate::fhir::{Json, Object, definitions};
use crate::report::codes::systems;
use crate::report::fhir::terms::{DICOM_UID, URI};

use super::body::Body;
use super::patient::subject;
use super::types::{
    codeable, coding, compound, concept_coding, concept_part, part, plain_identifier, reference, text_part,
};
use super::{Context, WriteError, archive_source, order, person};

pub(super) fn write(context: &Context<'_>) -> Result<Json, WriteError> {
    let report = context.rendering.report;
    let facts = context.rendering.study;
    let study = &report.study;
    let known = !facts.series.is_empty();
    let referenced = if known { Vec::new() } else { series_of_references(context) };
    let series = if known { &facts.series } else { &referenced };
    let source = if known { archive_source(context.rendering.public_url) } else { context.source() };
    let mut identifiers = vec![uid_identifier(context)?];
    identifiers.extend(order::accession(context)?);
    let status = if known { ImagingStudyStatus::Available } else { ImagingStudyStatus::Registered };
    let instances = facts.series.iter().map(|series| series.instances.len()).sum();
    let counts = if known { Some((count(facts.series.len())?, count(instances)?)) } else { None };
    let fact_date = facts.study_date.as_deref().and_then(Date::parse_da);
    let started = study.study_date.as_ref().or(fact_date.as_ref());
    // A time belongs to its own date.
    let fact_time = facts.study_time.as_deref().filter(|_| started == fact_date.as_ref()).and_then(TimeOfDay::parse_tm);
    let time = study.study_time.as_ref().or(fact_time.as_ref()).filter(|_| started.is_some());
    let procedure = report.order.as_ref().and_then(|order| order.procedure_code.as_ref());
    let procedures: Vec<_> =
        procedure.into_iter().map(|code| codeable(vec![concept_coding(code)?], None)).collect::<Result<_, _>>()?;
    let body = Body::new("ImagingStudy", &context.ids.imaging_study, &source, &[])?
        .with_all("identifier", &identifiers)?
        .with_text("status", status.as_ref())
        .with_all("modality", &modalities(context, facts)?)?
        .with("subject", &subject(context)?)?
        .with_text_if("started", started.map(Date::as_str))
        .with_json("_started", time.map(study_time))
        .with_all("basedOn", &order::plain(context)?.into_iter().collect::<Vec<_>>())?
        .with_some("referrer", person::referrer_reference(context)?.as_ref())?
        .with_some("numberOfSeries", counts.map(|(series, _)| series).as_ref())?
        .with_some("numberOfInstances", counts.map(|(_, instances)| instances).as_ref())?
        .with_all("procedureCode", &procedures)?
        .with_text_if("description", study.description.as_deref().or(facts.description.as_deref()))
        .with_all("series", &series.iter().map(write_series).collect::<Result<Vec<_>, _>>()?)?;
    Ok(body.finish())
}

/// The study as the matter of the report, with what the report says of it.
pub(super) fn stated(context: &Context<'_>) -> Result<Reference, WriteError> {
    let study = &context.rendering.report.study;
    let modality = study.modality.as_deref().map(modality).transpose()?;
    let referrer = person::stated_referrer(context)?;
    let parts = [
        modality.map(|coding| part("modality", ExtensionValue::Coding(coding))).transpose()?,
        text_part("description", study.description.as_deref())?,
        concept_part("bodySite", study.body_site.as_ref())?,
        referrer.map(|person| part("referringPhysician", ExtensionValue::Reference(person))).transpose()?,
    ];
    let parts: Vec<Extension> = parts.into_iter().flatten().collect();
    let mut reference = plain(context)?;
    reference.identifier = Some(uid_identifier(context)?);
    reference.display.clone_from(&study.description);
    if !parts.is_empty() {
        reference.extension = vec![compound("reported-study", parts)?];
    }
    Ok(reference)
}

/// The study alone.
pub(super) fn plain(context: &Context<'_>) -> Result<Reference, WriteError> {
    Ok(reference("ImagingStudy", &context.ids.imaging_study)?)
}

/// The extension that carries a time of day beside a date.
pub(super) fn study_time(time: &TimeOfDay) -> Json {
    let extension = definitions::simple("study-time", "valueString", Json::string(time.as_str()));
    Object::new().with_items("extension", vec![extension]).into()
}

fn uid_identifier(context: &Context<'_>) -> Result<Identifier, WriteError> {
    let uid = &context.rendering.report.study.study_instance_uid;
    let mut identifier = plain_identifier(DICOM_UID, &format!("urn:oid:{uid}"))?;
    identifier.r#use = Some(IdentifierUse::Official);
    Ok(identifier)
}

/// The modalities that made images: documents about a study are no modality of it. R4
/// imagingstudy-definitions.html#ImagingStudy.modality.
fn modalities(context: &Context<'_>, facts: &StudyFacts) -> Result<Vec<Coding>, WriteError> {
    let mut codes: Vec<&str> = Vec::new();
    let stated = context.rendering.report.study.modality.as_deref();
    for code in facts.series.iter().map(|series| series.modality.as_str()).chain(stated) {
        if !code.is_empty() && !NOT_ACQUIRED.contains(&code) && !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes.into_iter().map(modality).collect()
}

const NOT_ACQUIRED: [&str; 5] = ["SR", "KO", "PR", "SEG", "DOC"];

pub(super) fn modality(code: &str) -> Result<Coding, WriteError> {
    Ok(coding(systems::DCM, code, None)?)
}

/// The series of the images that the report refers to. A series needs a modality and an instance its SOP
/// class (R4 imagingstudy.html): without them the references stay in the report alone.
fn series_of_references(context: &Context<'_>) -> Vec<SeriesFacts> {
    let report = context.rendering.report;
    let Some(modality) = &report.study.modality else {
        return Vec::new();
    };
    let mut all: Vec<SeriesFacts> = Vec::new();
    for image in report.referenced_images() {
        let at = all.iter().position(|series| series.uid == image.series_instance_uid);
        let series = match at.and_then(|at| all.get_mut(at)) {
            Some(series) => series,
            None => all.push_mut(SeriesFacts {
                uid: image.series_instance_uid.clone(),
                modality: modality.clone(),
                number: None,
                description: None,
                body_part: None,
                instances: Vec::new(),
            }),
        };
        let listed = series.instances.iter().any(|instance| instance.uid == image.sop_instance_uid);
        if let (false, Some(sop_class_uid)) = (listed, &image.sop_class_uid) {
            series.instances.push(InstanceFacts {
                uid: image.sop_instance_uid.clone(),
                sop_class_uid: sop_class_uid.clone(),
                number: None,
                frames: None,
            });
        }
    }
    all
}

pub(super) fn write_series(series: &SeriesFacts) -> Result<ImagingStudySeries, WriteError> {
    let instances = &series.instances;
    let mut element = ImagingStudySeries::builder()
        .uid(series.uid.to_string())
        .modality(modality(&series.modality)?)
        .number_of_instances(count(instances.len())?)
        .instance(instances.iter().map(|instance| write_instance(instance).map(Some)).collect::<Result<_, _>>()?);
    if let Some(number) = series.number.and_then(|number| u32::try_from(number).ok()) {
        element = element.number(number);
    }
    if let Some(description) = &series.description {
        element = element.description(description.clone());
    }
    if let Some(body_part) = &series.body_part {
        element = element.body_site(Coding::builder().display(body_part.clone()).build()?);
    }
    Ok(element.build()?)
}

fn write_instance(instance: &InstanceFacts) -> Result<ImagingStudySeriesInstance, WriteError> {
    let mut element = ImagingStudySeriesInstance::builder()
        .uid(instance.uid.to_string())
        .sop_class(sop_class(&instance.sop_class_uid)?);
    if let Some(number) = instance.number.and_then(|number| u32::try_from(number).ok()) {
        element = element.number(number);
    }
    Ok(element.build()?)
}

fn sop_class(uid: &Uid) -> Result<Coding, WriteError> {
    Ok(coding(URI, &format!("urn:oid:{uid}"), None)?)
}

pub(super) fn count(number: usize) -> Result<u32, WriteError> {
    u32::try_from(number).map_err(|_too_many| WriteError::Value("a count"))
}
