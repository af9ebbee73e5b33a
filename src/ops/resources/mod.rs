//! FHIR resources as such: reads, writes and histories of any type, alone and in Bundles. R4 http.html.
//!
//! What a report is kept as is read here like anything else, but written by the report's own use cases
//! only: a DiagnosticReport that was changed here would say something else than its twins.

mod bundle;
mod conditional;
mod history;
mod parameters;
mod read;
mod search;
mod write;

pub use bundle::{Done, Processed};
pub use conditional::CreatedUnless;
pub use history::{HistoryEntry, HistoryPage, HistoryQuery, HistoryScope};
pub use search::{SearchPage, SearchRequest};
pub use write::{Expected, Patch, Written};
