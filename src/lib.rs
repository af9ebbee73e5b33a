//! Causeway: an interoperability gateway for imaging reports. One canonical report comes in, is
//! versioned and audited, and leaves as FHIR R4, DICOM SR and PDF that agree to the last digit.
//!
//! The modules form levels, and a module uses lower levels only (`tests/it/architecture.rs` holds it):
//!
//! - L0 [`base`]: leaf types
//! - L1 [`fhir`], [`dicom`]: values of the standards; [`access`]: who may do what; [`audit`]: what was done
//! - L2 [`report`]: the report and its twins; [`oauth`]: tokens and their keys
//! - L3 [`store`]: the database; [`blob`]: sealed bytes; [`remote`]: clients of other systems
//! - L4 [`jobs`]: the queue
//! - L5 [`ops`]: use cases; [`work`]: one handler for each kind of job
//! - L6 [`http`], [`dimse`], [`cli`]: the edges
//!
//! Beside them: [`config`], [`telemetry`], and [`app`], which puts everything together.

pub mod access;
pub mod app;
pub mod audit;
pub mod base;
pub mod blob;
pub mod cli;
pub mod config;
pub mod dicom;
pub mod dimse;
pub mod fhir;
pub mod http;
pub mod jobs;
pub mod oauth;
pub mod ops;
pub mod remote;
pub mod report;
pub mod store;
pub mod telemetry;
pub mod work;
