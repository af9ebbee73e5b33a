//! What is wrong with a Bundle, as errors of use cases that name the place in it.

use crate::base::{ProblemCode, Problems, Secret};
use crate::fhir::transaction::{EntryError, Fault, ReadError, Reason, in_resource};

use super::super::super::Error;
use super::super::write::of_patch;

pub(super) fn of_read(error: ReadError) -> Error {
    match error {
        ReadError::TooMany(most) => Error::TooCostly(format!("a Bundle has at most {most} entries")),
        ReadError::Invalid(problems) => Error::Invalid(problems),
    }
}

pub(super) fn of_entry(index: usize, error: EntryError) -> Error {
    match error {
        EntryError::UnknownType => at(path(index), Error::NotFound),
        EntryError::Invalid(problems) => Error::Invalid(problems),
    }
}

/// The error of a use case that one entry met. Places in a resource become places in the Bundle.
pub(super) fn at_entry(index: usize, error: Error) -> Error {
    match error {
        Error::Invalid(problems) => Error::Invalid(in_bundle(index, &problems)),
        Error::Rule(problems) => Error::Rule(in_bundle(index, &problems)),
        other => at(path(index), other),
    }
}

/// An error with its place, where it does not have one and is not about the server.
pub(super) fn at(path: String, error: Error) -> Error {
    match error {
        Error::Busy(_)
        | Error::NotReady(_)
        | Error::Fault(_)
        | Error::Unauthenticated
        | Error::TooCostly(_)
        | Error::At { .. }
        | Error::Unresolved { .. } => error,
        Error::Invalid(problems) => Error::Invalid(moved(&path, &problems)),
        Error::Rule(problems) => Error::Rule(moved(&path, &problems)),
        error => Error::At { path, error: Box::new(error) },
    }
}

/// The error that a fault of a transaction is.
pub(super) fn of_fault(fault: Fault) -> Error {
    let Fault { path, reason } = fault;
    let invalid = |code, path: String, reason: &Reason| Error::Invalid(Problems::one(path, code, reason.to_string()));
    match reason {
        Reason::VersionMismatch(current) => at(path, Error::VersionMismatch { current }),
        Reason::NotFound => at(path, Error::NotFound),
        Reason::Gone => at(path, Error::Gone),
        Reason::ManyMatches => at(path, Error::ManyMatches),
        Reason::Taken => at(path, Error::Conflict("the id belongs to a resource that does not match the criteria")),
        Reason::NoTarget(reference) => unresolved(path, reference, false),
        Reason::ManyTargets(reference) => unresolved(path, reference, true),
        Reason::Patch(error) => at(path, of_patch(error)),
        Reason::Duplicate(_) => invalid(ProblemCode::Duplicate, path, &reason),
        Reason::OtherId | Reason::Dangling => invalid(ProblemCode::Invariant, path, &reason),
        Reason::ConditionalInPatch => invalid(ProblemCode::Unsupported, path, &reason),
        Reason::Condition(ref error) => {
            let code = if error.is_not_supported() { ProblemCode::Unsupported } else { ProblemCode::Value };
            invalid(code, path, &reason)
        }
    }
}

fn unresolved(path: String, reference: String, is_many: bool) -> Error {
    Error::Unresolved { path, reference: Secret::new(reference), is_many }
}

/// Places in a Bundle for places in the resource of an entry.
pub(super) fn in_bundle(index: usize, problems: &Problems) -> Problems {
    let mut moved = Problems::new();
    for problem in problems.iter() {
        if problem.path.starts_with("Bundle.entry[") {
            moved.add(problem.path.as_str(), problem.code, problem.detail.as_str());
        } else if problem.path.starts_with(OPERATION) {
            // Of a patch, which may be packed: a path cannot lead into it.
            let detail = format!("{}: {}", problem.path, problem.detail);
            moved.add(in_resource(index, ""), problem.code, detail);
        } else {
            moved.add(in_resource(index, &problem.path), problem.code, problem.detail.as_str());
        }
    }
    moved
}

/// One place for all problems; what place they had is said in words.
fn moved(path: &str, problems: &Problems) -> Problems {
    let mut moved = Problems::new();
    for problem in problems.iter() {
        if problem.path.starts_with("Bundle.entry[") {
            moved.add(problem.path.as_str(), problem.code, problem.detail.as_str());
        } else {
            moved.add(path, problem.code, problem.to_string());
        }
    }
    moved
}

fn path(index: usize) -> String {
    format!("Bundle.entry[{index}]")
}

/// How places in a patch begin.
const OPERATION: &str = "operation[";
