//! The report as a DICOM structured report and back.
//!
//! [`render`] writes Basic Text SR with TID 2000 when there are no measurements, and Comprehensive SR
//! with TID 1500 when there are; the sections stand in both, as heading containers under the root (TID
//! 1500 is extensible). [`read()`] takes our own documents back to the report that they came from, and
//! strangers' documents as far as they go, with every text kept.
//!
//! What a plain reader sees is in standard places. Where the standard has none, a content item with a
//! concept of the private scheme `99CAUSEWAY` says it in words; what has no place at all is a loss.
//!
//! A report that was cancelled or entered in error is not rendered ([`SrError::Status`]): what a peer
//! holds of it is withdrawn by a rejection note, not by another report.

mod concept;
mod evidence;
mod header;
mod language;
mod read;
mod reconcile;
pub(super) mod terms;
mod write;

pub use read::{SrReadError, SrReading, read, read_data_set};
pub use terms::HeadingCodes;
pub use write::{render, render_with};

pub(super) use evidence::{Evidence, hierarchical};
pub(super) use header::{DocumentKind, Header};
pub(super) use language::language_name;
use reconcile::reconcile;

use crate::dicom::part10::Part10Error;

/// Why a report cannot become a DICOM document.
#[derive(Debug, thiserror::Error)]
pub enum SrError {
    /// A report in this state is not sent.
    #[error("a report that is {0} has no DICOM document")]
    Status(&'static str),
    /// The archive holds the study under another patient; the element is a path in the report.
    #[error("{element} is not what the archive has for this study")]
    PatientMismatch {
        /// `patient.id` or `patient.birthDate`.
        element: &'static str,
    },
    /// A verified version does not say who verified it, or when.
    #[error("the verified version lacks its verifier or the time of verification")]
    NotVerified,
    /// The document to be embedded is not a PDF.
    #[error("the document is not a PDF")]
    NotPdf,
    /// The document cannot be written.
    #[error(transparent)]
    Part10(#[from] Part10Error),
}

#[cfg(test)]
pub(crate) mod tests;
