//! Who was examined and how: patient, study, order; and who took part: author, verifier.

use crate::base::{ProblemCode, Uid};
use crate::fhir::Json;
use crate::report::{Author, Order, Patient, Sex, Study, Verifier};

use super::concept::concept;
use super::name::person_name;
use super::path::Path;
use super::reader::{Reader, date, dicom_line, time, uid};

/// The patient.
pub(super) fn patient(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<Patient> {
    let members = reader.object(json, path, &["id", "issuer", "name", "birthDate", "sex"])?;
    let id = members.required(reader, "id", dicom_line(LONG));
    let issuer = members.optional(reader, "issuer", dicom_line(LONG));
    let name = members.required(reader, "name", person_name);
    let birth_date = members.optional(reader, "birthDate", date);
    let sex = members.optional(reader, "sex", |reader, json, path| reader.code(json, path, Sex::ALL, Sex::as_str));
    Some(Patient { id: id?, issuer, name: name?, birth_date, sex })
}

/// The study. Its UID says which one it is; the rest describes it.
pub(super) fn study(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<Study> {
    let known = [
        "studyInstanceUID",
        "accessionNumber",
        "studyDate",
        "studyTime",
        "modality",
        "description",
        "bodySite",
        "referringPhysician",
    ];
    let members = reader.object(json, path, &known)?;
    let study_instance_uid: Option<Uid> = members.required(reader, "studyInstanceUID", uid);
    let accession_number = members.optional(reader, "accessionNumber", dicom_line(SHORT));
    let study_date = members.optional(reader, "studyDate", date);
    let study_time = members.optional(reader, "studyTime", time);
    if members.has("studyTime") && !members.has("studyDate") {
        reader.problem(&path.member("studyTime"), ProblemCode::Invariant, "needs a studyDate");
    }
    let modality = members.optional(reader, "modality", modality);
    let description = members.optional(reader, "description", dicom_line(LONG));
    let body_site = members.optional(reader, "bodySite", concept);
    let referring_physician = members.optional(reader, "referringPhysician", person_name);
    Some(Study {
        study_instance_uid: study_instance_uid?,
        accession_number,
        study_date,
        study_time,
        modality,
        description,
        body_site,
        referring_physician,
    })
}

/// A code string. PS3.5 §6.2 (CS).
fn modality(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<String> {
    let text = reader.string(json, path)?;
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_' || byte == b' ';
    let valid = (1..=SHORT).contains(&text.len()) && text.bytes().all(allowed) && text.trim() == text;
    if !valid {
        let rule = "must be 1 to 16 of A-Z, 0-9, underscore and space, as in DICOM (0008,0060)";
        reader.problem(path, ProblemCode::Value, rule);
        return None;
    }
    Some(text.to_owned())
}

/// The order. One that says nothing is a problem.
pub(super) fn order(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<Order> {
    let members = reader.object(json, path, &["placerNumber", "fillerNumber", "procedureCode"])?;
    if members.is_empty() {
        reader.problem(path, ProblemCode::Required, "must not be empty; leave it out when there is no order");
    }
    Some(Order {
        placer_number: members.optional(reader, "placerNumber", dicom_line(LONG)),
        filler_number: members.optional(reader, "fillerNumber", dicom_line(LONG)),
        procedure_code: members.optional(reader, "procedureCode", concept),
    })
}

/// Who wrote the report.
pub(super) fn author(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<Author> {
    let members = reader.object(json, path, &["id", "name", "role"])?;
    let id = members.required(reader, "id", dicom_line(LONG));
    let name = members.required(reader, "name", person_name);
    let role = members.required(reader, "role", dicom_line(LONG));
    Some(Author { id: id?, name: name?, role: role? })
}

/// Who answers for it.
pub(super) fn verifier(reader: &mut Reader<'_>, json: &Json, path: &Path<'_>) -> Option<Verifier> {
    let members = reader.object(json, path, &["id", "name", "organization"])?;
    let id = members.required(reader, "id", dicom_line(LONG));
    let name = members.required(reader, "name", person_name);
    let organization = members.optional(reader, "organization", dicom_line(LONG));
    Some(Verifier { id: id?, name: name?, organization })
}

/// Characters of a DICOM LO. PS3.5 §6.2.
pub(super) const LONG: usize = 64;
/// Characters of a DICOM SH or CS.
const SHORT: usize = 16;
