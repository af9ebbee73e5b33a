//! Which US Core 6.1.0 profiles the resources of a report keep. A profile is claimed only then.

use crate::report::codes::systems;
use crate::report::{PersonName, Rendering, ReportStatus};

use super::name::{all_have_family, all_have_family_or_given};

pub(super) const PATIENT: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
pub(super) const PRACTITIONER: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-practitioner";
pub(super) const ORGANIZATION: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-organization";
pub(super) const REPORT: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-diagnosticreport-note";
pub(super) const DOCUMENT: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-documentreference";

/// The profiles that resources of a report may claim, with their types.
pub const CLAIMED_PROFILES: [(&str, &str); 5] = [
    ("DiagnosticReport", REPORT),
    ("DocumentReference", DOCUMENT),
    ("Organization", ORGANIZATION),
    ("Patient", PATIENT),
    ("Practitioner", PRACTITIONER),
];

/// What holds of a report.
pub(super) struct Claims {
    /// Name and gender are there.
    pub(super) patient: bool,
    /// Patient and performer keep theirs, the code is from LOINC, and a time is there where us-core-10
    /// asks for one.
    pub(super) report: bool,
    /// Patient and author keep theirs.
    pub(super) document: bool,
}

impl Claims {
    pub(super) fn of(rendering: &Rendering<'_>) -> Self {
        let report = rendering.report;
        let patient = report.patient.sex.is_some() && all_have_family_or_given(&report.patient.name);
        let performer = !rendering.letterhead.organization.is_empty() || practitioner(&report.author.name);
        let timeless = matches!(report.status, ReportStatus::Cancelled | ReportStatus::EnteredInError);
        let effective = report.study.study_date.is_some() || timeless;
        Self {
            patient,
            report: patient && performer && effective && report.code.system == systems::LOINC,
            document: patient && practitioner(&report.author.name),
        }
    }
}

/// Whether a person of this name keeps us-core-practitioner: its names need a family name.
pub(super) fn practitioner(name: &PersonName) -> bool {
    all_have_family(name)
}

/// `profile` if it is kept.
pub(super) fn claimed(profile: &'static str, kept: bool) -> Vec<&'static str> {
    if kept { vec![profile] } else { Vec::new() }
}
