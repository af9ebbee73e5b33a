//! Profiles: whether a resource keeps to what implementation guides say beyond the base definitions. R4 profiling.html,
//! extensibility.html. A resource that [`super::structure::check()`] has found sound comes in with a [`Registry`] of
//! what is installed; issues go out, each with its place, and what the check needs that is installed but not read yet.
//!
//! Looked at, for every profile that `meta.profile` names, of the resource and of those within it, and for those that
//! the caller names: cardinality, fixed values and patterns, types, types of what is referred to, slices, value sets
//! (one that cannot be evaluated is named, not judged), lengths and bounds, invariants. And every extension, wherever
//! it stands: whether it is known, whether it may stand there, and whether it is as its definition says.
//!
//! Not looked at: `mustSupport` (it obliges systems, not resources), profiles of what is referred to outside of the
//! resource (only its type), bindings that are preferred or examples.

mod check;
mod compile;
mod definition;
mod policy;
mod registry;

pub use check::{Checked, check};
pub use compile::{CompileError, compile, constrained_type};
pub use definition::Profile;
pub use policy::{Policy, Scope, Validated, validate};
pub use registry::{Installed, Registry, Wanted};

#[cfg(test)]
mod tests;
