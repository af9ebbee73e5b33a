//! FHIR R4 values: JSON documents that keep every digit, references, bundles, outcomes, resource types,
//! index extraction, patches, searches, transactions. Pure functions; nothing here does input or output.

pub mod binary;
pub mod bundle;
pub mod capability;
pub mod definitions;
pub mod fhirpath;
pub mod index;
pub mod json;
pub mod last;
pub mod mentions;
pub mod meta;
pub mod outcome;
pub mod package;
pub mod patch;
pub mod profile;
pub mod reference;
pub mod resource_type;
pub mod search;
pub mod structure;
pub mod subscription;
pub mod temporal;
pub mod terminology;
pub mod transaction;
pub mod uri;

pub use json::{Json, JsonError, JsonLimits, Object};
