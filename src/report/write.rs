//! The report's own JSON, as `POST /api/reports` takes it: members in a fixed order, nothing that is
//! absent or empty, decimals as strings so that no reader in between touches their digits.

use crate::base::{Date, Sha256, TimeOfDay, Uid};
use crate::fhir::{Json, Object};

use super::{
    Author, Concept, Finding, ImageRef, KeyImage, Laterality, Measurement, Order, Patient, PersonName, Report,
    Sections, Severity, Sex, Study, Verifier,
};

impl Report {
    /// The report's JSON. `report::read::read` of it gives the same report.
    pub fn to_json(&self) -> Json {
        Object::new()
            .with("id", Json::string(self.id.as_str()))
            .with("status", Json::string(self.status.as_str()))
            .with("patient", patient(&self.patient))
            .with("study", study(&self.study))
            .with("code", self.code.to_json())
            .with_object("sections", sections(&self.sections))
            .with_items("structuredFindings", self.structured_findings.iter().map(finding).collect())
            .with_items("measurements", self.measurements.iter().map(measurement).collect())
            .with_items("keyImages", self.key_images.iter().map(key_image).collect())
            .with("author", author(&self.author))
            .with_some("verifier", self.verifier.as_ref().map(verifier))
            .with_text("language", self.language.as_deref())
            .with_object("order", self.order.as_ref().map(order).unwrap_or_default())
            .into()
    }

    /// The SHA-256 of the canonical JSON (RFC 8785, numbers as text). It is the same in every rendition
    /// of a version, and it changes with any letter of the content.
    pub fn content_digest(&self) -> Sha256 {
        Sha256::of(self.to_json().to_canonical().as_bytes())
    }
}

impl Concept {
    /// The concept as `{system, code, display}`.
    pub fn to_json(&self) -> Json {
        Object::new()
            .with("system", Json::string(&self.system))
            .with("code", Json::string(&self.code))
            .with("display", Json::string(&self.display))
            .into()
    }
}

impl PersonName {
    /// The name as `{family, given[], prefix, suffix, ideographic, phonetic}`.
    pub fn to_json(&self) -> Json {
        Object::new()
            .with("family", Json::string(&self.family))
            .with_items("given", self.given.iter().map(Json::string).collect())
            .with_text("prefix", self.prefix.as_deref())
            .with_text("suffix", self.suffix.as_deref())
            .with_text("ideographic", self.ideographic.as_deref())
            .with_text("phonetic", self.phonetic.as_deref())
            .into()
    }
}

fn patient(patient: &Patient) -> Json {
    Object::new()
        .with("id", Json::string(&patient.id))
        .with_text("issuer", patient.issuer.as_deref())
        .with("name", patient.name.to_json())
        .with_text("birthDate", patient.birth_date.as_ref().map(Date::as_str))
        .with_text("sex", patient.sex.map(Sex::as_str))
        .into()
}

fn study(study: &Study) -> Json {
    Object::new()
        .with("studyInstanceUID", Json::string(study.study_instance_uid.as_str()))
        .with_text("accessionNumber", study.accession_number.as_deref())
        .with_text("studyDate", study.study_date.as_ref().map(Date::as_str))
        .with_text("studyTime", study.study_time.as_ref().map(TimeOfDay::as_str))
        .with_text("modality", study.modality.as_deref())
        .with_text("description", study.description.as_deref())
        .with_some("bodySite", study.body_site.as_ref().map(Concept::to_json))
        .with_some("referringPhysician", study.referring_physician.as_ref().map(PersonName::to_json))
        .into()
}

fn sections(sections: &Sections) -> Object {
    sections.present().fold(Object::new(), |object, (kind, text)| object.with(kind.json_name(), Json::string(text)))
}

fn finding(finding: &Finding) -> Json {
    Object::new()
        .with("id", Json::string(&finding.id))
        .with_some("code", finding.code.as_ref().map(Concept::to_json))
        .with("text", Json::string(&finding.text))
        .with_some("bodySite", finding.body_site.as_ref().map(Concept::to_json))
        .with_text("laterality", finding.laterality.map(Laterality::as_str))
        .with_text("severity", finding.severity.map(Severity::as_str))
        .with_some("critical", finding.critical.then_some(Json::Bool(true)))
        .with_items("images", finding.images.iter().map(|reference| image(reference).into()).collect())
        .into()
}

fn measurement(measurement: &Measurement) -> Json {
    Object::new()
        .with("id", Json::string(&measurement.id))
        .with_some("code", measurement.code.as_ref().map(Concept::to_json))
        .with("label", Json::string(&measurement.label))
        .with("value", Json::string(measurement.value.as_str()))
        .with("unit", Json::string(&measurement.unit))
        .with_some("bodySite", measurement.body_site.as_ref().map(Concept::to_json))
        .with_text("laterality", measurement.laterality.map(Laterality::as_str))
        .with_some("method", measurement.method.as_ref().map(Concept::to_json))
        .with_text("trackingId", measurement.tracking_id.as_deref())
        .with_some("image", measurement.image.as_ref().map(|reference| image(reference).into()))
        .into()
}

fn key_image(key: &KeyImage) -> Json {
    image(&key.image).with_text("caption", key.caption.as_deref()).into()
}

fn image(image: &ImageRef) -> Object {
    Object::new()
        .with("seriesInstanceUID", Json::string(image.series_instance_uid.as_str()))
        .with("sopInstanceUID", Json::string(image.sop_instance_uid.as_str()))
        .with_text("sopClassUID", image.sop_class_uid.as_ref().map(Uid::as_str))
        .with_some("frame", image.frame.map(|frame| Json::integer(i64::from(frame))))
}

fn author(author: &Author) -> Json {
    Object::new()
        .with("id", Json::string(&author.id))
        .with("name", author.name.to_json())
        .with("role", Json::string(&author.role))
        .into()
}

fn verifier(verifier: &Verifier) -> Json {
    Object::new()
        .with("id", Json::string(&verifier.id))
        .with("name", verifier.name.to_json())
        .with_text("organization", verifier.organization.as_deref())
        .into()
}

fn order(order: &Order) -> Object {
    Object::new()
        .with_text("placerNumber", order.placer_number.as_deref())
        .with_text("fillerNumber", order.filler_number.as_deref())
        .with_some("procedureCode", order.procedure_code.as_ref().map(Concept::to_json))
}

/// The parts of building an object that only this document has.
trait Build: Sized {
    /// With `key` if there is a value.
    fn with_some(self, key: &str, value: Option<Json>) -> Self;
    /// With `key` if the object has a member.
    fn with_object(self, key: &str, value: Object) -> Self;
}

impl Build for Object {
    fn with_some(self, key: &str, value: Option<Json>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    fn with_object(self, key: &str, value: Object) -> Self {
        if value.is_empty() { self } else { self.with(key, value.into()) }
    }
}
