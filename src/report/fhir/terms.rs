//! Codes that both directions use.

use crate::report::codes::systems;
use crate::report::model::SectionKind;
use crate::report::{Laterality, Severity, Sex};

/// A code, its system and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) system: &'static str,
    pub(super) code: &'static str,
    pub(super) display: &'static str,
}

const fn term(system: &'static str, code: &'static str, display: &'static str) -> Term {
    Term { system, code, display }
}

/// Radiology among the categories of US Core.
pub(super) const CATEGORY_US_CORE: Term = term(systems::LOINC, "LP29684-5", "Radiology");
/// Radiology among the diagnostic services of HL7 v2 table 0074.
pub(super) const CATEGORY_V2: Term = term("http://terminology.hl7.org/CodeSystem/v2-0074", "RAD", "Radiology");
/// What an imaging observation is.
pub(super) const CATEGORY_IMAGING: Term =
    term("http://terminology.hl7.org/CodeSystem/observation-category", "imaging", "Imaging");
/// Category of notes. US Core DocumentReference.
pub(super) const CATEGORY_NOTE: Term =
    term("http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category", "clinical-note", "Clinical Note");
/// What every report is.
pub(super) const IMAGING_REPORT: Term = term(systems::LOINC, "18748-4", "Diagnostic imaging study");
/// What the Observation of a finding observes. PS3.16 annex D.
pub(super) const FINDING: Term = term(systems::DCM, "121071", "Finding");
/// Identifier of a lesion through time. PS3.16 TID 1501.
pub(super) const TRACKING_ID: Term = term(systems::DCM, "112039", "Tracking Identifier");
/// Component that grades a finding. PS3.16 TID 3105 and others.
pub(super) const SEVERITY: Term = term(systems::SNOMED, "246112005", "Severity");
/// Interpretation of a critical finding.
pub(super) const CRITICAL: Term =
    term("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "AA", "Critical abnormal");
/// Who wrote it.
pub(super) const AUTHOR: Term = term(PARTICIPANT_TYPE, "author", "Author");
/// Who verified it.
pub(super) const VERIFIER: Term = term(PARTICIPANT_TYPE, "verifier", "Verifier");
/// Who keeps it.
pub(super) const CUSTODIAN: Term = term(PARTICIPANT_TYPE, "custodian", "Custodian");
/// Who sent the patient.
pub(super) const REFERRER: Term = term("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "REF", "referrer");

const PARTICIPANT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";

/// Identifier of whoever made the thing. HL7 v2 table 0203.
pub(super) const FILLER: Term = term(IDENTIFIER_TYPE, "FILL", "Filler Identifier");

/// Codes of HL7 v2 table 0203, the kinds of identifiers.
pub(super) const IDENTIFIER_TYPE: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
/// System of DICOM UIDs as identifiers; their values begin with `urn:oid:`.
pub(super) const DICOM_UID: &str = "urn:dicom:uid";
/// System of codes that are URIs.
pub(super) const URI: &str = "urn:ietf:rfc:3986";

/// LOINC codes of the sections, PS3.16 CID 7001.
pub(super) fn section(kind: SectionKind) -> Term {
    match kind {
        SectionKind::ClinicalHistory => term(systems::LOINC, "11329-0", "History general Narrative - Reported"),
        SectionKind::Technique => term(systems::LOINC, "55111-9", "Current imaging procedure descriptions Document"),
        SectionKind::Comparison => term(systems::LOINC, "55114-3", "Prior imaging procedure descriptions Document"),
        SectionKind::Findings => term(systems::LOINC, "59776-5", "Procedure findings Narrative"),
        SectionKind::Impression => term(systems::LOINC, "19005-8", "Radiology Imaging study [Impression] (narrative)"),
        SectionKind::Recommendations => term(systems::LOINC, "18783-1", "Radiology Study recommendation (narrative)"),
    }
}

/// Other codes that mean a section: LOINC codes of related documents, and the DICOM codes of CID 7001 and
/// 7002 before they were replaced.
pub(super) fn section_of(system: &str, code: &str) -> Option<SectionKind> {
    if let Some(kind) =
        SectionKind::ALL.into_iter().find(|kind| (section(*kind).system, section(*kind).code) == (system, code))
    {
        return Some(kind);
    }
    let kind = match (system, code) {
        (systems::LOINC, "55752-0" | "18785-6") => SectionKind::ClinicalHistory,
        (systems::DCM, "121060") => SectionKind::ClinicalHistory,
        (systems::DCM, "121064" | "121065") => SectionKind::Technique,
        (systems::DCM, "121066") => SectionKind::Comparison,
        (systems::LOINC, "18782-3") => SectionKind::Findings,
        (systems::DCM, "121070") => SectionKind::Findings,
        (systems::DCM, "121072" | "121073") => SectionKind::Impression,
        (systems::LOINC, "55110-1") => SectionKind::Impression,
        (systems::DCM, "121074" | "121075") => SectionKind::Recommendations,
        _ => return None,
    };
    Some(kind)
}

/// PS3.16 CID 244.
pub(super) fn laterality(side: Laterality) -> Term {
    match side {
        Laterality::Left => term(systems::SNOMED, "7771000", "Left"),
        Laterality::Right => term(systems::SNOMED, "24028007", "Right"),
        Laterality::Bilateral => term(systems::SNOMED, "51440002", "Right and left"),
    }
}

/// PS3.16 CID 3716.
pub(super) fn severity(severity: Severity) -> Term {
    match severity {
        Severity::Mild => term(systems::SNOMED, "255604002", "Mild"),
        Severity::Moderate => term(systems::SNOMED, "6736007", "Moderate"),
        Severity::Severe => term(systems::SNOMED, "24484000", "Severe"),
    }
}

/// R4 valueset-administrative-gender.html.
pub(super) fn gender(sex: Sex) -> &'static str {
    match sex {
        Sex::Male => "male",
        Sex::Female => "female",
        Sex::Other => "other",
    }
}
