//! The structural check: whether a resource is what the base definitions of R4 allow. A resource comes in,
//! issues go out, each with its place; the resource is not changed. Called before a write and by
//! `$validate`.
//!
//! Looked at: names of elements, cardinality, the shapes of json.html (lists, `_` siblings, no nulls, nothing
//! empty), formats of primitives, variants of choices, required bindings, form and target types of
//! references, contained resources (dom-2 to dom-5, ref-1), narratives (txt-1, txt-2), ids, and resources
//! within resources (`contained`, `Bundle.entry.resource`, `Parameters.parameter.resource`).
//!
//! The other invariants are for [`invariants::check`] to look at. Not looked at: profiles, extensions against their definitions; bindings that are
//! not required; codes of required bindings whose ValueSet the definitions of R4 do not list (media types,
//! currencies, UCUM units, a LOINC answer list); whether what is referred to exists, and of what type it is
//! when the reference is a `urn:` or does not end in a type and an id.

mod check;
mod codes;
mod contained;
pub mod invariants;
pub mod narrative;
pub(in crate::fhir) mod path;
mod primitive;
mod table;

use std::borrow::Cow;

pub use check::check;
pub use codes::CodeSet;
pub use primitive::Primitive;
pub use table::{Class, Definitions, ElementDef, Member, TypeDef, TypeRef, choice_name, definitions};

use super::outcome::{self, Severity};
use crate::base::ProblemCode;

/// How far the check goes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Greatest depth of objects and lists.
    pub depth: usize,
    /// Greatest number of issues; one more says how many there would be.
    pub issues: usize,
    /// Whether `Type?query` is a reference, as in the entries of a transaction (R4 http.html#trules). In a
    /// Bundle of type `transaction` it always is.
    pub conditional_references: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, issues: 100, conditional_references: false }
    }
}

/// Something that is wrong with a resource. Nothing of its values is in here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// How bad; an error unless R4 only advises against it.
    pub severity: Severity,
    /// What kind.
    pub code: IssueCode,
    /// FHIRPath of the element: `Patient.name[0].family`, `Observation.value.ofType(Quantity).code`.
    pub expression: String,
    /// For people.
    pub diagnostics: Cow<'static, str>,
}

/// The codes of R4 valueset-issue-type.html that the checks give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueCode {
    /// The shape of the JSON, or an element that the type does not have.
    Structure,
    /// An element is absent.
    Required,
    /// A value does not have the format of its type.
    Value,
    /// Content that is not allowed: a narrative that is not safe.
    Invalid,
    /// A code that a required binding does not have.
    CodeInvalid,
    /// A rule of a base definition: dom-2 to dom-5, ref-1.
    Invariant,
    /// An extension that is not known, or stands in a wrong place.
    Extension,
    /// A profile that is named is not installed.
    NotFound,
    /// Something could not be checked.
    Informational,
    /// Nested too deep, or a text that is too long.
    TooLong,
}

impl IssueCode {
    /// The code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Required => "required",
            Self::Value => "value",
            Self::Invalid => "invalid",
            Self::CodeInvalid => "code-invalid",
            Self::Invariant => "invariant",
            Self::Extension => "extension",
            Self::NotFound => "not-found",
            Self::Informational => "informational",
            Self::TooLong => "too-long",
        }
    }
}

impl From<IssueCode> for ProblemCode {
    fn from(code: IssueCode) -> Self {
        match code {
            IssueCode::Structure => Self::Structure,
            IssueCode::Required => Self::Required,
            IssueCode::Value | IssueCode::Invalid => Self::Value,
            IssueCode::CodeInvalid => Self::CodeInvalid,
            IssueCode::Invariant => Self::Invariant,
            IssueCode::Extension => Self::Extension,
            IssueCode::NotFound => Self::NotFound,
            // Never an error.
            IssueCode::Informational => Self::BusinessRule,
            IssueCode::TooLong => Self::TooLong,
        }
    }
}

impl Issue {
    /// Whether a resource with this issue is not valid.
    pub fn is_error(&self) -> bool {
        matches!(self.severity, Severity::Fatal | Severity::Error)
    }

    /// As an OperationOutcome takes it.
    pub fn as_outcome(&self) -> outcome::Issue<'_> {
        outcome::Issue {
            severity: self.severity,
            code: self.code.as_str(),
            diagnostics: &self.diagnostics,
            expression: &self.expression,
        }
    }
}

#[cfg(test)]
mod tests;
