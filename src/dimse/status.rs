//! What becomes of an error of a use case on the wire: a status and a comment (PS3.7 §C).

use crate::dicom::status::StoreStatus;
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

/// A status as the conformance statement lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status {
    /// Its class. PS3.7 §C.
    pub(super) class: &'static str,
    /// Its code.
    pub(super) code: u16,
    /// What it means here.
    pub(super) meaning: &'static str,
}

const fn success(meaning: &'static str) -> Status {
    Status { class: "success", code: SUCCESS, meaning }
}

const fn failed(code: u16, meaning: &'static str) -> Status {
    Status { class: "failure", code, meaning }
}

const fn other(class: &'static str, code: u16, meaning: &'static str) -> Status {
    Status { class, code, meaning }
}

/// What C-ECHO answers.
pub(super) const OF_VERIFICATION: &[Status] =
    &[success("the server is there"), failed(UNRECOGNIZED_OPERATION, "another operation on this context")];
/// What C-STORE answers.
pub(super) const OF_STORAGE: &[Status] = &[
    success("kept, or kept before with the same content"),
    other("warning", StoreStatus::STORED_WITH_WARNING.0, "kept, although the data set is not what it should be"),
    failed(PROCESSING_FAILURE, "a fault on our side; the sender may try again"),
    failed(StoreStatus::DUPLICATE_SOP_INSTANCE.0, "the SOP Instance UID is there with other content"),
    failed(NO_SUCH_INSTANCE, "what it belongs to is not there"),
    failed(StoreStatus::SOP_CLASS_NOT_SUPPORTED.0, "instances of this SOP class are not kept"),
    failed(NOT_AUTHORIZED, "this caller may not store"),
    failed(UNRECOGNIZED_OPERATION, "another operation on this context"),
    failed(MISTYPED_ARGUMENT, "the data set is missing"),
    failed(OUT_OF_RESOURCES, "too little space, too much on one association, or too busy; the sender may try again"),
    failed(MISMATCH, "SOP class or instance is not the one of the command, or a required UID is missing"),
    failed(StoreStatus::OTHER_STUDY.0, "the instance belongs to another study"),
    failed(CANNOT_UNDERSTAND, "the data set cannot be read"),
    failed(StoreStatus::ILLEGAL_UID.0, "a UID is illegal"),
    failed(StoreStatus::TRANSFER_SYNTAX_NOT_SUPPORTED.0, "the transfer syntax is not kept"),
];
/// What C-FIND answers.
pub(super) const OF_FIND: &[Status] = &[
    success("all matches have been answered"),
    other("pending", PENDING, "a match"),
    other("pending", PENDING_WITH_UNSUPPORTED_KEYS, "a match; some optional keys were not used"),
    other("cancel", CANCELLED, "ended by C-CANCEL"),
    failed(PROCESSING_FAILURE, "an answer cannot be encoded"),
    failed(CLASS_NOT_SUPPORTED, "the SOP class is not the one of the context"),
    failed(NOT_AUTHORIZED, "this caller may not query"),
    failed(UNRECOGNIZED_OPERATION, "another operation on this context"),
    failed(MISTYPED_ARGUMENT, "the identifier is missing"),
    failed(OUT_OF_RESOURCES, "more matches than are answered, or too busy"),
    failed(MISMATCH, "the identifier is no query of this model"),
    failed(UNABLE_TO_PROCESS, "a fault on our side"),
];
/// What C-MOVE and C-GET answer.
pub(super) const OF_RETRIEVE: &[Status] = &[
    success("everything has been sent"),
    other("pending", PENDING, "sub-operations go on"),
    other("warning", SUBOPERATION_FAILURES, "some sub-operations failed or warned"),
    other("cancel", CANCELLED, "ended by C-CANCEL"),
    failed(PROCESSING_FAILURE, "an answer cannot be encoded"),
    failed(CLASS_NOT_SUPPORTED, "the SOP class is not the one of the context"),
    failed(NOT_AUTHORIZED, "this caller may not retrieve"),
    failed(UNRECOGNIZED_OPERATION, "another operation on this context"),
    failed(MISTYPED_ARGUMENT, "the identifier is missing"),
    failed(OUT_OF_RESOURCES, "too busy"),
    failed(NO_SUBOPERATIONS, "no instance could be sent"),
    failed(DESTINATION_UNKNOWN, "the move destination is no configured peer"),
    failed(MISMATCH, "the identifier names nothing that can be retrieved"),
    failed(UNABLE_TO_PROCESS, "a fault on our side"),
];
/// What N-ACTION of storage commitment answers.
pub(super) const OF_COMMITMENT: &[Status] = &[
    success("the request is kept; its report will come"),
    failed(PROCESSING_FAILURE, "a fault on our side"),
    failed(NO_SUCH_INSTANCE, "not the well-known instance"),
    failed(INVALID_ARGUMENT, "the references cannot be read"),
    failed(CLASS_NOT_SUPPORTED, "the SOP class is not the one of the context"),
    failed(NO_SUCH_ACTION, "another action than a request for commitment"),
    failed(NOT_AUTHORIZED, "this caller may not store"),
    failed(UNRECOGNIZED_OPERATION, "another operation on this context"),
    failed(MISTYPED_ARGUMENT, "the data set is missing"),
    failed(OUT_OF_RESOURCES, "too busy"),
    failed(MISMATCH, "the references are not what they should be"),
    failed(CANNOT_UNDERSTAND, "the references break a rule"),
];

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
            for listed in [OF_STORAGE, OF_COMMITMENT] {
                assert!(listed.iter().any(|listed| listed.code == status), "{status:04X} is in the statement");
            }
        }
    }
}
