//! A small terminology service: which codes are in a value set, whether one is, and what a code means. R4
//! terminology-service.html.
//!
//! Requests come in as typed values that are read from the parameters of an operation; answers go out as
//! resources. They are given from a [`Library`]: the CodeSystems and ValueSets of R4, embedded and
//! compressed, those that we publish, and what a tenant brought along. LOINC, SNOMED CT, UCUM and their
//! like are not in it; of them only codes are known that a value set enumerates.

mod code_system;
mod concept;
mod evaluate;
mod expand;
mod fault;
mod filter;
mod input;
mod library;
mod listing;
mod lookup;
mod members;
mod table;
mod target;
mod validate;
mod value_set;

pub use code_system::{CodeSystem, Content};
pub use concept::{Concept, Designation, Property, PropertyValue, Text};
pub use evaluate::{Entry, Versions};
pub use expand::{ExpandRequest, Stamp, expand};
pub use fault::Fault;
pub use input::{Coding, Inputs};
pub use library::Library;
pub use listing::listing;
pub use lookup::{LookupRequest, SubsumesRequest, lookup, subsumes};
pub use members::{Members, contains, members};
pub use target::{Level, Target};
pub use validate::{ValidateRequest, validate_in_code_system, validate_in_value_set};
pub use value_set::{Canonical, Contained, Filter, Kind, Listed, Part, ValueSet};

#[cfg(test)]
mod tests;
