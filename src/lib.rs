//! Causeway: an interoperability gateway for imaging reports. One canonical report comes in, is
//! versioned and audited, and leaves as FHIR R4, DICOM SR and PDF that agree to the last digit.
//!
//! The modules form levels, and a module uses lower levels only (`tests/it/architecture.rs` holds it):
//!
//! - L0 [`base`]: leaf types
//! - L1 [`fhir`], [`dicom`]: values of the standards
//! - L2 [`report`]: the report and its twins
//! - L3 [`remote`]: clients of other systems
//! - L1 [`fhir`], [`dicom`]: values of the standards; [`access`]: who may do what; [`audit`]: what was done
//! - L2 [`report`]: the report and its twins; [`oauth`]: tokens and their keys
//! - L6 [`http`]: the HTTP edge

pub mod access;
pub mod audit;
pub mod base;
pub mod config;
pub mod dicom;
pub mod fhir;
pub mod http;
pub mod jobs;
pub mod oauth;
pub mod remote;
pub mod report;
pub mod store;
pub mod telemetry;
