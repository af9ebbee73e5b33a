//! The composition root: configuration → database, blobs, keys → use cases → workers and edges, and the
//! order in which they start and stop.

mod conformance;
pub mod demo;
mod dimse;
mod gate;
mod gateway;
mod serve;
mod services;

pub use gateway::Gateway;
pub use serve::serve;
pub use services::{OpenError, Services, Start, store_settings};
