//! ImagingStudy of a study that the gateway keeps itself, and the Endpoint where its images are. R4
//! imagingstudy.html, endpoint.html, and the DICOM mapping there.

use fhir_sdk::r4b::codes::{IdentifierUse, ImagingStudyStatus};
use fhir_sdk::r4b::types::{Coding, Identifier, Reference};

use crate::base::{Date, LogicalId, TimeOfDay, Uid};
use crate::dicom::study::{SeriesFacts, StudyFacts};
use crate::fhir::{Json, Object};
use crate::report::PersonName;
use crate::report::fhir::issuer;
use crate::report::fhir::terms::DICOM_UID;

use super::body::Body;
use super::study::{count, modality, study_time, write_series};
use super::types::{coding, identifier, plain_identifier, reference};
use super::{WriteError, archive_source, identifier_system};

/// Whom an archived study belongs to, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyTies {
    /// Logical id of the ImagingStudy.
    pub id: LogicalId,
    /// The Patient that has the patient's ID.
    pub patient: Option<LogicalId>,
    /// The ServiceRequest that has the accession number.
    pub service_request: Option<LogicalId>,
}

/// The ImagingStudy of a study of the archive. Without a Patient its subject is the identifier that the
/// study has.
pub fn archived_study(
    study_instance_uid: &Uid,
    facts: &StudyFacts,
    ties: &StudyTies,
    public_url: &str,
) -> Result<Json, WriteError> {
    let mut uid = plain_identifier(DICOM_UID, &format!("urn:oid:{study_instance_uid}"))?;
    uid.r#use = Some(IdentifierUse::Official);
    let mut identifiers = vec![uid];
    if let Some(number) = &facts.accession_number {
        identifiers.push(identifier("ACSN", "Accession ID", &identifier_system(public_url, "accession"), number)?);
    }
    let order = ties.service_request.as_ref().map(|id| reference("ServiceRequest", id)).transpose()?;
    let started = facts.study_date.as_deref().and_then(Date::parse_da);
    let time = facts.study_time.as_deref().filter(|_| started.is_some()).and_then(TimeOfDay::parse_tm);
    let referrer = facts.referring_physician.as_deref().and_then(display);
    let referrer = referrer.map(|name| Reference::builder().display(name).build()).transpose()?;
    let instances = facts.series.iter().map(|series| series.instances.len()).sum();
    let series = facts.series.iter().map(|series| write_series(&with_modality(series)));
    let body = Body::new("ImagingStudy", &ties.id, &archive_source(public_url), &[])?
        .with_all("identifier", &identifiers)?
        .with_text("status", ImagingStudyStatus::Available.as_ref())
        .with_all("modality", &modalities(facts)?)?
        .with("subject", &subject(facts, ties, public_url)?)?
        .with_text_if("started", started.as_ref().map(Date::as_str))
        .with_json("_started", time.as_ref().map(study_time))
        .with_all("basedOn", &order.into_iter().collect::<Vec<_>>())?
        .with_some("referrer", referrer.as_ref())?
        .with_all("endpoint", &[reference("Endpoint", &endpoint_id())?])?
        .with("numberOfSeries", &count(facts.series.len())?)?
        .with("numberOfInstances", &count(instances)?)?
        .with_text_if("description", facts.description.as_deref())
        .with_all("series", &series.collect::<Result<Vec<_>, _>>()?)?;
    Ok(body.finish())
}

/// Logical id of the Endpoint of the gateway's own archive.
pub fn endpoint_id() -> LogicalId {
    LogicalId::derived(&["Endpoint", "dicom-wado-rs"])
}

/// The Endpoint of the gateway's own archive: WADO-RS below the public URL.
pub fn endpoint(public_url: &str) -> Result<Json, WriteError> {
    let connection = coding(CONNECTION_TYPE, "dicom-wado-rs", Some("DICOM WADO-RS"))?;
    let payload = Object::new().with("text", Json::string("DICOM"));
    let body = Body::new("Endpoint", &endpoint_id(), &archive_source(public_url), &[])?
        .with_text("status", "active")
        .with("connectionType", &connection)?
        .with_text("name", "WADO-RS of the archive")
        .with_json("payloadType", Some(Json::Array(vec![payload.into()])))
        .with_json("payloadMimeType", Some(Json::Array(vec![Json::string("application/dicom")])))
        .with_text("address", &format!("{public_url}/dicom-web"));
    Ok(body.finish())
}

/// System and value of a patient's identifier, as FHIR has them.
pub fn patient_token(facts: &StudyFacts, public_url: &str) -> Option<(String, String)> {
    let value = facts.patient_id.clone()?;
    let own = || identifier_system(public_url, "patient");
    let system = facts.issuer_of_patient_id.as_deref().map_or_else(own, issuer::to_system);
    Some((system, value))
}

fn subject(facts: &StudyFacts, ties: &StudyTies, public_url: &str) -> Result<Reference, WriteError> {
    let mut subject = match &ties.patient {
        Some(patient) => reference("Patient", patient)?,
        None => Reference::builder().r#type("Patient".to_owned()).build()?,
    };
    subject.identifier = patient_identifier(facts, public_url)?;
    subject.display = facts.patient_name.as_deref().and_then(display);
    Ok(subject)
}

fn patient_identifier(facts: &StudyFacts, public_url: &str) -> Result<Option<Identifier>, WriteError> {
    let Some((system, value)) = patient_token(facts, public_url) else { return Ok(None) };
    let mut identifier = identifier("MR", "Medical record number", &system, &value)?;
    identifier.r#use = Some(IdentifierUse::Usual);
    if let Some(issuer) = &facts.issuer_of_patient_id {
        identifier.assigner = Some(Reference::builder().display(issuer.clone()).build()?);
    }
    Ok(Some(identifier))
}

/// A PN as people write it.
fn display(name: &str) -> Option<String> {
    let display = PersonName::from_pn(name).map(|name| name.to_display());
    display.filter(|display| !display.is_empty())
}

/// A series without a modality has another one: FHIR requires one, and DICOM has a code for that.
fn with_modality(series: &SeriesFacts) -> SeriesFacts {
    let mut series = series.clone();
    if series.modality.is_empty() {
        OTHER.clone_into(&mut series.modality);
    }
    series
}

fn modalities(facts: &StudyFacts) -> Result<Vec<Coding>, WriteError> {
    let mut codes: Vec<&str> = Vec::new();
    for series in &facts.series {
        let code = series.modality.as_str();
        if !code.is_empty() && !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes.into_iter().map(modality).collect()
}

const CONNECTION_TYPE: &str = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type";
/// DICOM PS3.3 §C.7.3.1.1.1: other.
const OTHER: &str = "OT";

#[cfg(test)]
mod tests {
    use crate::dicom::study::InstanceFacts;

    use super::*;

    fn uid(text: &str) -> Uid {
        Uid::parse(text).unwrap()
    }

    fn facts() -> StudyFacts {
        let instance = |text: &str, number| InstanceFacts {
            uid: uid(text),
            sop_class_uid: uid("1.2.840.10008.5.1.4.1.1.2"),
            number: Some(number),
            frames: None,
        };
        let series = |text: &str, modality: &str, instances| SeriesFacts {
            uid: uid(text),
            modality: modality.to_owned(),
            number: Some(1),
            description: None,
            body_part: None,
            instances,
        };
        StudyFacts {
            patient_id: Some("4711".into()),
            issuer_of_patient_id: Some("1.2.3".into()),
            patient_name: Some("Doe^Jane".into()),
            accession_number: Some("A1".into()),
            study_date: Some("20261122".into()),
            study_time: Some("0930".into()),
            series: vec![
                series("1.2.1", "CT", vec![instance("1.2.1.1", 1), instance("1.2.1.2", 2)]),
                series("1.2.2", "", vec![instance("1.2.2.1", 1)]),
            ],
            ..StudyFacts::default()
        }
    }

    #[test]
    fn a_study_without_a_patient_names_whom_it_is_of() {
        let ties = StudyTies { id: LogicalId::random(), patient: None, service_request: None };
        let study = archived_study(&uid("1.2"), &facts(), &ties, "https://a.example").unwrap();
        let text = |path: &[&str]| study.text_at(path);
        assert_eq!(text(&["meta", "source"]), Some("https://a.example/dicom-web"));
        assert_eq!(text(&["identifier", "0", "value"]), Some("urn:oid:1.2"));
        assert_eq!(text(&["subject", "reference"]), None);
        assert_eq!(text(&["subject", "identifier", "system"]), Some("urn:oid:1.2.3"));
        assert_eq!(text(&["subject", "display"]), Some("Jane Doe"));
        assert_eq!(text(&["started"]), Some("2026-11-22"));
        assert_eq!(text(&["series", "1", "modality", "code"]), Some("OT"));
        assert_eq!(study.items("modality").len(), 1);
        assert_eq!(study.get("numberOfInstances").map(Json::to_text).as_deref(), Some("3"));
    }

    #[test]
    fn a_study_is_tied_to_whom_it_belongs_to() {
        let (patient, order) = (LogicalId::random(), LogicalId::random());
        let ties =
            StudyTies { id: LogicalId::random(), patient: Some(patient.clone()), service_request: Some(order.clone()) };
        let study = archived_study(&uid("1.2"), &facts(), &ties, "https://a.example").unwrap();
        assert_eq!(study.text_at(&["subject", "reference"]), Some(format!("Patient/{patient}").as_str()));
        assert_eq!(study.text_at(&["basedOn", "0", "reference"]), Some(format!("ServiceRequest/{order}").as_str()));
        let endpoint = endpoint("https://a.example").unwrap();
        assert_eq!(endpoint.text_at(&["address"]), Some("https://a.example/dicom-web"));
        let refers = format!("Endpoint/{}", endpoint.text_at(&["id"]).unwrap());
        assert_eq!(study.text_at(&["endpoint", "0", "reference"]), Some(refers.as_str()));
    }
}
