//! FHIR resources as such: reads, writes and histories of any type, alone and in Bundles. R4 http.html.
//!
//! What a report is kept as is read here like anything else, but written by the report's own use cases
//! only: a DiagnosticReport that was changed here would say something else than its twins.

mod bundle;
mod history;
mod read;
mod write;

pub use bundle::{Done, Processed};
pub use history::{HistoryEntry, HistoryPage, HistoryQuery, HistoryScope};
pub use write::{Expected, Patch, Written};
