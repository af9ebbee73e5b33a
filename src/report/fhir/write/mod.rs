//! Writes a report as FHIR R4 resources.
//!
//! Elements are built with fhir-sdk's structs and serialised, resources are put together from them; digits
//! of measured values and times of day, which those structs would change, are put in as text.
//! `meta.versionId` and `meta.lastUpdated` are for the store.

mod archived;
mod body;
mod claims;
mod diagnostic_report;
mod document;
mod name;
mod narrative;
mod observation;
mod order;
mod organization;
mod patient;
mod person;
mod provenance;
mod study;
mod types;

use fhir_sdk::BuilderError;

use crate::fhir::Json;
use crate::report::Rendering;

use super::ids::Ids;
use claims::Claims;

pub use archived::{StudyTies, archived_study, endpoint, endpoint_id, patient_token};
pub use claims::CLAIMED_PROFILES;
pub use document::Attachment;
pub use provenance::provenance;

/// Why a report could not be written. None of these happens to a report that passed its checks.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A required element was left out.
    #[error("a FHIR element is missing")]
    Missing(#[from] BuilderError),
    /// An element does not serialise.
    #[error("a FHIR element does not serialise")]
    Serialize(#[from] serde_json::Error),
    /// A value has no form in FHIR.
    #[error("{0} has no form in FHIR")]
    Value(&'static str),
}

/// The resources of one version of a report but its Provenance, which names their versions: first the
/// DiagnosticReport, then what it refers to, each once.
///
/// `attachments` are the renditions that the DiagnosticReport presents and the DocumentReference lists;
/// without any there is no DocumentReference.
pub fn resources(
    rendering: &Rendering<'_>,
    ids: &Ids,
    attachments: &[Attachment<'_>],
) -> Result<Vec<Json>, WriteError> {
    let context = Context { rendering, ids, claims: Claims::of(rendering) };
    let mut resources = vec![diagnostic_report::write(&context, attachments)?, patient::write(&context)?];
    resources.push(study::write(&context)?);
    resources.extend(order::write(&context)?);
    resources.extend(person::write_all(&context)?);
    resources.extend(organization::write_all(&context)?);
    resources.extend(observation::write_all(&context)?);
    resources.extend(document::write(&context, attachments)?);
    Ok(resources)
}

/// What every resource needs to know.
struct Context<'a> {
    rendering: &'a Rendering<'a>,
    ids: &'a Ids,
    claims: Claims,
}

impl Context<'_> {
    /// `meta.source` of what comes from the report.
    fn source(&self) -> String {
        report_source(self.rendering.public_url)
    }

    /// The system of identifiers that this gateway assigns or takes from sources that name no issuer.
    fn system(&self, kind: &str) -> String {
        identifier_system(self.rendering.public_url, kind)
    }
}

/// `meta.source` of shared resources that nobody but reports has written.
pub(super) fn report_source(public_url: &str) -> String {
    format!("{public_url}/api/reports")
}

/// `meta.source` of an ImagingStudy that follows the archive.
pub(super) fn archive_source(public_url: &str) -> String {
    format!("{public_url}/dicom-web")
}

/// The system of identifiers of one kind.
pub(super) fn identifier_system(public_url: &str, kind: &str) -> String {
    format!("{public_url}/id/{kind}")
}

#[cfg(test)]
mod tests;
