//! FHIR R4 values: JSON documents that keep every digit, references, outcomes, resource types, index
//! extraction. Pure functions; nothing here does input or output.

pub mod index;
pub mod json;

pub use json::{Json, JsonError, JsonLimits, Object};
