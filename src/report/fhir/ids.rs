//! Logical ids of the resources that make up a report.
//!
//! They are derived from business identifiers, so that two reports on one patient share the Patient, and
//! a retry writes the same resources again. A store that holds a resource with the same identifier under
//! another id puts that id in.

use crate::base::{LogicalId, VersionId};
use crate::report::{Letterhead, Report};

/// Ids of the resources that a report shares with others. Those that a report does not need are set all
/// the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    /// Patient; from issuer and patient ID.
    pub patient: LogicalId,
    /// ImagingStudy; from the study instance UID.
    pub imaging_study: LogicalId,
    /// ServiceRequest; from the accession, placer and filler numbers.
    pub service_request: LogicalId,
    /// Practitioner who wrote the report; from the person's id.
    pub author: LogicalId,
    /// Practitioner who verified it; from the person's id.
    pub verifier: LogicalId,
    /// Practitioner who sent the patient; from the study, because a name alone identifies nobody.
    pub referring_physician: LogicalId,
    /// Organization that issues the report; from its name.
    pub organization: LogicalId,
    /// Organization of the verifier; from its name.
    pub verifier_organization: LogicalId,
}

impl Ids {
    /// The ids that follow from the identifiers in a report.
    pub fn derived(report: &Report, letterhead: &Letterhead) -> Self {
        let text = |value: Option<&String>| value.cloned().unwrap_or_default();
        let study_uid = report.study.study_instance_uid.as_str();
        let order = report.order.as_ref();
        let numbers = [
            text(report.study.accession_number.as_ref()),
            text(order.and_then(|order| order.placer_number.as_ref())),
            text(order.and_then(|order| order.filler_number.as_ref())),
        ];
        let [accession, placer, filler] = &numbers;
        let service_request = if numbers.iter().all(String::is_empty) {
            LogicalId::derived(&["ServiceRequest", "report", report.id.as_str()])
        } else {
            LogicalId::derived(&["ServiceRequest", accession, placer, filler])
        };
        let verifier = report.verifier.as_ref();
        Self {
            patient: LogicalId::derived(&["Patient", &text(report.patient.issuer.as_ref()), &report.patient.id]),
            imaging_study: LogicalId::derived(&["ImagingStudy", study_uid]),
            service_request,
            author: LogicalId::derived(&["Practitioner", &report.author.id]),
            verifier: LogicalId::derived(&["Practitioner", verifier.map_or("", |verifier| &verifier.id)]),
            referring_physician: LogicalId::derived(&["Practitioner", "referring", study_uid]),
            organization: LogicalId::derived(&["Organization", &letterhead.organization]),
            verifier_organization: LogicalId::derived(&[
                "Organization",
                &text(verifier.and_then(|verifier| verifier.organization.as_ref())),
            ]),
        }
    }
}

/// The Observation of a finding.
pub fn finding_id(report: &LogicalId, finding: &str) -> LogicalId {
    LogicalId::derived(&["Observation", report.as_str(), "finding", finding])
}

/// The Observation of a measurement.
pub fn measurement_id(report: &LogicalId, measurement: &str) -> LogicalId {
    LogicalId::derived(&["Observation", report.as_str(), "measurement", measurement])
}

/// The DocumentReference of a report; its versions follow those of the report.
pub fn document_id(report: &LogicalId) -> LogicalId {
    LogicalId::derived(&["DocumentReference", report.as_str()])
}

/// The Provenance of one version of a report.
pub fn provenance_id(report: &LogicalId, version: VersionId) -> LogicalId {
    LogicalId::derived(&["Provenance", report.as_str(), &version.to_string()])
}
