//! The canonical report and its twins. `Report` is a pure value: it is read from JSON or from FHIR, and
//! written as FHIR, DICOM SR, PDF and text. It has no table of its own.

pub mod codes;
pub mod difference;
pub mod edition;
pub mod encapsulated;
pub mod fhir;
pub mod key_object;
pub mod loss;
pub mod model;
pub mod read;
pub mod sample;
pub mod sr;
pub mod status;
pub mod text;
mod write;

pub use difference::differences;
pub use edition::{Edition, Letterhead, PageSize, Predecessor, Rendered, Rendering};
pub use loss::{Loss, Losses, Twin};
pub use model::{
    Author, Concept, Finding, ImageRef, KeyImage, Laterality, Measurement, Order, Patient, PersonName, Report,
    Sections, Severity, Sex, Study, Verifier,
};
pub use read::ReportLimits;
pub use status::{Action, ReportStatus};
