//! ImagingStudy: what the archive knows of the study, or what the report says of it where the archive was
//! silent. R4 imagingstudy.html and its DICOM mapping.

use fhir_sdk::r4b::codes::{IdentifierUse, ImagingStudyStatus};
use fhir_sdk::r4b::resources::{ImagingStudy, ImagingStudySeries, ImagingStudySeriesInstance};
use fhir_sdk::r4b::types::{Coding, Extension, ExtensionValue, Identifier, Reference};

use crate::base::{Date, TimeOfDay, Uid};
use crate::dicom::study::{InstanceFacts, SeriesFacts, StudyFacts};
use crate::fhir::{Json, Object, definitions};
use crate::report::codes::systems;
use crate::report::fhir::terms::{DICOM_UID, URI};

use super::patient::subject;
use super::types::{
    codeable, coding, compound, concept_coding, concept_part, date_time, meta, part, plain_identifier, reference, some,
    text_part,
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
    let mut resource = ImagingStudy::builder()
        .id(context.ids.imaging_study.to_string())
        .meta(meta(&source, &[])?)
        .identifier(some(identifiers))
        .status(if known { ImagingStudyStatus::Available } else { ImagingStudyStatus::Registered })
        .modality(some(modalities(context, facts)?))
        .subject(subject(context)?)
        .based_on(some(order::plain(context)?.into_iter().collect()))
        .series(series.iter().map(|series| write_series(series).map(Some)).collect::<Result<_, _>>()?);
    if known {
        resource = resource
            .number_of_series(count(facts.series.len())?)
            .number_of_instances(count(facts.series.iter().map(|series| series.instances.len()).sum())?);
    }
    let fact_date = facts.study_date.as_deref().and_then(Date::parse_da);
    let started = study.study_date.as_ref().or(fact_date.as_ref());
    if let Some(date) = started {
        resource = resource.started(date_time(date)?);
    }
    if let Some(referrer) = person::referrer_reference(context)? {
        resource = resource.referrer(referrer);
    }
    if let Some(description) = study.description.as_ref().or(facts.description.as_ref()) {
        resource = resource.description(description.clone());
    }
    if let Some(code) = report.order.as_ref().and_then(|order| order.procedure_code.as_ref()) {
        resource = resource.procedure_code(vec![Some(codeable(vec![concept_coding(code)?], None)?)]);
    }
    let mut json = Json::from_serialize(&resource.build()?)?;
    // A time belongs to its own date.
    let fact_time = facts.study_time.as_deref().filter(|_| started == fact_date.as_ref()).and_then(TimeOfDay::parse_tm);
    if let (Some(_), Some(time), Some(object)) =
        (started, study.study_time.as_ref().or(fact_time.as_ref()), json.as_object_mut())
    {
        object.set("_started", study_time(time));
    }
    Ok(json)
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

fn modality(code: &str) -> Result<Coding, WriteError> {
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

fn write_series(series: &SeriesFacts) -> Result<ImagingStudySeries, WriteError> {
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

fn count(number: usize) -> Result<u32, WriteError> {
    u32::try_from(number).map_err(|_too_many| WriteError::Value("a count"))
}
