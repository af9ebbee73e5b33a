//! FHIR search without a database: the parameters that there are, what a resource is found by, what a request asks
//! for, and what it means. R4 search.html.
//!
//! [`definitions`] holds the SearchParameters, [`custom`] reads further ones, [`compartment`] the compartments,
//! and [`expression`] compiles what they are computed by; [`extract`](mod@extract) gives the [`value`]s of a
//! resource. [`query`] reads a request into comparisons, [`compare`] says what those mean, and [`evaluate`] runs a
//! whole search in memory.

pub mod care;
pub mod compare;
pub mod compartment;
mod convert;
pub mod custom;
pub mod definitions;
pub mod evaluate;
pub mod expression;
pub mod extract;
pub mod query;
pub mod summary;
pub mod text;
pub mod units;
pub mod value;

pub use compare::Comparison;
pub use definitions::{Definition, ParamType, Registry};
pub use extract::{Entry, extract, extract_with};
pub use query::{Criterion, Help, QueryContext, QueryError, QueryLimits, SearchQuery, Test};
pub use value::IndexValue;

#[cfg(test)]
mod tests;
