//! FHIR resources as such: reads, writes and histories of any type, alone and in Bundles. R4 http.html.
//!
//! What a report is kept as is read here like anything else, but written by the report's own use cases
//! only: a DiagnosticReport that was changed here would say something else than its twins.

mod binary;
mod bundle;
mod conditional;
mod documents;
mod everything;
mod history;
mod last;
mod meta;
mod parameters;
mod read;
mod search;
mod write;

pub use bundle::{Done, Processed};
pub use conditional::CreatedUnless;
pub use documents::DocumentsRequest;
pub use everything::EverythingRequest;
pub use history::{HistoryEntry, HistoryPage, HistoryQuery, HistoryScope};
pub use search::{SearchPage, SearchRequest};
pub(in crate::ops) use write::version;
pub use write::{Expected, Patch, Written};

pub(super) use write::{OF_PART, refuse_of_report};
