//! The canonical report and its twins. `Report` is a pure value: it is read from JSON or from FHIR, and
//! written as FHIR, DICOM SR, PDF and text. It has no table of its own.

pub mod edition;
pub mod loss;
pub mod model;
pub mod pdf;
pub mod status;

pub use edition::{Edition, Letterhead, PageSize, Predecessor, Rendered, Rendering};
pub use loss::{Loss, Losses, Twin};
pub use model::{
    Author, Concept, Finding, ImageRef, KeyImage, Laterality, Measurement, Order, Patient, PersonName, Report,
    Sections, Severity, Sex, Study, Verifier,
};
pub use status::{Action, ReportStatus};
