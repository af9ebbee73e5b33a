//! The words that the document adds to the report's own, and how values are written out.

use crate::base::Timestamp;
use crate::report::{Concept, Laterality, PersonName, ReportStatus, Severity, Sex};

/// The word across each page of a report that must not be taken for a valid one.
pub(super) fn watermark(status: ReportStatus) -> Option<&'static str> {
    match status {
        ReportStatus::Draft | ReportStatus::Preliminary => Some("PRELIMINARY"),
        ReportStatus::Cancelled => Some("CANCELLED"),
        ReportStatus::EnteredInError => Some("ENTERED IN ERROR"),
        ReportStatus::Final | ReportStatus::Amended | ReportStatus::Corrected | ReportStatus::Appended => None,
    }
}

/// State of the report in capitals.
pub(super) fn state(status: ReportStatus) -> &'static str {
    match status {
        ReportStatus::Draft => "DRAFT",
        ReportStatus::Preliminary => "PRELIMINARY",
        ReportStatus::Final => "FINAL",
        ReportStatus::Amended => "AMENDED",
        ReportStatus::Corrected => "CORRECTED",
        ReportStatus::Appended => "APPENDED",
        ReportStatus::Cancelled => "CANCELLED",
        ReportStatus::EnteredInError => "ENTERED IN ERROR",
    }
}

/// State of the report at the foot of each page, with the word across the page if that is another.
pub(super) fn foot_state(status: ReportStatus) -> &'static str {
    if status == ReportStatus::Draft { "DRAFT, PRELIMINARY" } else { state(status) }
}

/// Sex in words.
pub(super) fn sex(sex: Sex) -> &'static str {
    match sex {
        Sex::Male => "Male",
        Sex::Female => "Female",
        Sex::Other => "Other",
    }
}

/// A side of the body in words.
pub(super) fn laterality(laterality: Laterality) -> &'static str {
    match laterality {
        Laterality::Left => "left",
        Laterality::Right => "right",
        Laterality::Bilateral => "bilateral",
    }
}

/// A severity in words.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Mild => "Mild",
        Severity::Moderate => "Moderate",
        Severity::Severe => "Severe",
    }
}

/// A code with its system, `SCT 39607008`. Systems that are known by a short name among radiologists
/// are called by it (PS3.16 §8), others by their URI.
pub(super) fn code(concept: &Concept) -> String {
    let system = match concept.system.as_str() {
        "http://snomed.info/sct" => "SCT",
        "http://loinc.org" => "LOINC",
        "http://dicom.nema.org/resources/ontology/DCM" => "DCM",
        "http://unitsofmeasure.org" => "UCUM",
        "http://www.radlex.org" | "http://radlex.org" => "RadLex",
        "http://hl7.org/fhir/sid/icd-10" => "ICD-10",
        "http://hl7.org/fhir/sid/icd-10-cm" => "ICD-10-CM",
        "http://www.ama-assn.org/go/cpt" => "CPT",
        other => other,
    };
    format!("{system} {}", concept.code)
}

/// A concept in words with its code, `Long axis (SCT 103339001)`; the words are left out where they only
/// repeat `shown`.
pub(super) fn coded(concept: &Concept, shown: &str) -> String {
    let code = code(concept);
    if concept.display.is_empty() || concept.display == shown { code } else { format!("{} ({code})", concept.display) }
}

/// A body site with its side, `Lung, left`.
pub(super) fn site(body_site: Option<&Concept>, side: Option<Laterality>) -> String {
    let parts = [body_site.map(|site| site.display.as_str()), side.map(laterality)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A unit as people write it. UCUM writes 1 where there is none, and quotes annotations in braces.
pub(super) fn unit(ucum: &str) -> &str {
    if ucum == "1" { "" } else { ucum }
}

/// The groups of a name besides the alphabetic one, `山田 太郎 · やまだ たろう`.
pub(super) fn other_scripts(name: &PersonName) -> String {
    let groups = [&name.ideographic, &name.phonetic];
    let written = groups.into_iter().flatten().map(|group| {
        let parts: Vec<&str> = group.split('^').filter(|part| !part.is_empty()).collect();
        parts.join(" ")
    });
    written.filter(|group| !group.is_empty()).collect::<Vec<_>>().join(DOT)
}

/// An instant to the second, `2026-02-03 04:05:06 UTC`.
pub(super) fn instant(timestamp: Timestamp) -> String {
    let text = timestamp.to_fhir();
    format!("{} {} UTC", text.get(..10).unwrap_or_default(), text.get(11..19).unwrap_or_default())
}

/// What stands between two values.
pub(super) const DOT: &str = "  ·  ";
