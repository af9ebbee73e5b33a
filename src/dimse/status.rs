//! What becomes of an error of a use case on the wire: a status and a comment (PS3.7 §C).

use crate::ops::Error;

/// A status with what is said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The status.
    pub(super) status: u16,
    /// The Error Comment; empty for none. Never patient data.
    pub(super) comment: String,
}

impl Failure {
    pub(super) fn new(status: u16, comment: impl Into<String>) -> Self {
        Self { status, comment: comment.into() }
    }
}

impl From<&Error> for Failure {
    /// The status of an error. Faults say nothing of their cause.
    fn from(error: &Error) -> Self {
        let (status, comment) = match error {
            Error::NotFound | Error::Gone => (NO_SUCH_INSTANCE, "not found".to_owned()),
            Error::Absent(problems) => (NO_SUCH_INSTANCE, problems.to_string()),
            Error::Denied(_) | Error::Unauthenticated => (NOT_AUTHORIZED, "not authorized".to_owned()),
            Error::Invalid(problems) => (MISMATCH, problems.to_string()),
            Error::Rule(problems) => (CANNOT_UNDERSTAND, problems.to_string()),
            Error::Conflict(detail) => (CANNOT_UNDERSTAND, (*detail).to_owned()),
            Error::TooCostly(detail) => (OUT_OF_RESOURCES, detail.clone()),
            Error::Busy(_) | Error::NotReady(_) => (OUT_OF_RESOURCES, "busy".to_owned()),
            Error::At { error, .. } => return Self::from(error.as_ref()),
            Error::VersionMismatch { .. }
            | Error::VersionRequired
            | Error::ReadOnly
            | Error::ManyMatches
            | Error::Unresolved { .. }
            | Error::Fault(_) => (PROCESSING_FAILURE, String::new()),
        };
        Self { status, comment }
    }
}

/// Success.
pub(super) const SUCCESS: u16 = 0x0000;
/// A match or sub-operation, and more to come.
pub(super) const PENDING: u16 = 0xFF00;
/// A match, and some optional keys were not used.
pub(super) const PENDING_WITH_UNSUPPORTED_KEYS: u16 = 0xFF01;
/// Some sub-operations failed or warned.
pub(super) const SUBOPERATION_FAILURES: u16 = 0xB000;
/// Ended by C-CANCEL.
pub(super) const CANCELLED: u16 = 0xFE00;
pub(super) const PROCESSING_FAILURE: u16 = 0x0110;
pub(super) const NO_SUCH_INSTANCE: u16 = 0x0112;
pub(super) const INVALID_ARGUMENT: u16 = 0x0115;
pub(super) const CLASS_NOT_SUPPORTED: u16 = 0x0122;
pub(super) const NO_SUCH_ACTION: u16 = 0x0123;
pub(super) const NOT_AUTHORIZED: u16 = 0x0124;
pub(super) const UNRECOGNIZED_OPERATION: u16 = 0x0211;
pub(super) const MISTYPED_ARGUMENT: u16 = 0x0212;
pub(super) const OUT_OF_RESOURCES: u16 = 0xA700;
/// No sub-operation could be performed.
pub(super) const NO_SUBOPERATIONS: u16 = 0xA702;
pub(super) const DESTINATION_UNKNOWN: u16 = 0xA801;
/// The identifier, or the data set, does not match its SOP class.
pub(super) const MISMATCH: u16 = 0xA900;
pub(super) const CANNOT_UNDERSTAND: u16 = 0xC000;
/// Of a query: unable to process.
pub(super) const UNABLE_TO_PROCESS: u16 = 0xC001;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Denial;
    use crate::base::{ProblemCode, Problems};

    #[test]
    fn every_error_has_a_status_and_faults_keep_their_secrets() {
        let problems = || Problems::one("x", ProblemCode::Value, "is wrong");
        for (error, status) in [
            (Error::NotFound, 0x0112),
            (Error::Gone, 0x0112),
            (Error::Absent(problems()), 0x0112),
            (Error::Denied(Denial::Role), 0x0124),
            (Error::Unauthenticated, 0x0124),
            (Error::VersionMismatch { current: None }, 0x0110),
            (Error::VersionRequired, 0x0110),
            (Error::Invalid(problems()), 0xA900),
            (Error::Rule(problems()), 0xC000),
            (Error::ReadOnly, 0x0110),
            (Error::Conflict("no"), 0xC000),
            (Error::ManyMatches, 0x0110),
            (Error::TooCostly("100".into()), 0xA700),
            (Error::At { path: "x".into(), error: Box::new(Error::NotFound) }, 0x0112),
            (Error::NotReady(problems()), 0xA700),
            (Error::Busy("pool".into()), 0xA700),
            (Error::Fault("/var/lib/secret".into()), 0x0110),
        ] {
            let failure = Failure::from(&error);
            assert_eq!(failure.status, status, "{error}");
            assert!(!failure.comment.contains("secret"));
        }
    }
}
