//! A report as FHIR R4, and back.
//!
//! The resources that [`write::resources`] makes are the stored record of a report. What the report says
//! is all in its DiagnosticReport and the Observations that this one refers to; Patient, ImagingStudy,
//! ServiceRequest, Practitioner and Organization are shared with other reports and may grow, so the
//! DiagnosticReport repeats what the report stated about them. A report version is therefore read back
//! exactly from its own resources, whatever becomes of the shared ones.

pub mod bundle;
pub mod ids;
mod issuer;
pub mod read;
pub mod shared;
mod terms;
pub mod write;

pub use bundle::{content_bundle, render, transaction_bundle};
pub use ids::Ids;
pub use read::{ReadOptions, read_document, read_resources};
pub use shared::is_report_source;
pub use write::{
    Attachment, StudyTies, WriteError, archived_study, endpoint, endpoint_id, patient_token, provenance, resources,
};

#[cfg(test)]
mod testing;
