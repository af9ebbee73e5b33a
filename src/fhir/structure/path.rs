//! Where in a resource the check stands, to be written as FHIRPath when something is wrong there.

use std::fmt::Write as _;

/// A step from the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fhir) enum Step<'a> {
    /// The type of the resource, or an element.
    Name(&'a str),
    /// The type of a choice.
    OfType(&'static str),
    /// Place in a list, from 0.
    Index(usize),
}

/// The FHIRPath of these steps. R4 fhirpath.html#simple.
pub(in crate::fhir) fn expression(steps: &[Step<'_>]) -> String {
    let mut out = String::new();
    for step in steps {
        let _never_fails = match step {
            Step::Name(name) if out.is_empty() => write!(out, "{name}"),
            Step::Name(name) => write!(out, ".{name}"),
            Step::OfType(name) => write!(out, ".ofType({name})"),
            Step::Index(index) => write!(out, "[{index}]"),
        };
    }
    out
}

/// Whether a member name may stand in an expression: what a client has put there may be anything.
pub(in crate::fhir) fn is_plain(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
