//! Errors below `/api`: `application/problem+json`. RFC 9457.

use crate::access::RequestId;
use crate::base::Problem;
use crate::fhir::{Json, Object};

use super::HttpError;

/// The media type. RFC 9457 §3.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The problem document of an error. `code` says what kind it is, `problems` what is wrong with the
/// input, place by place; `requestId` is what an operator looks for in the log.
pub fn to_problem(error: &HttpError, request_id: &RequestId) -> Json {
    let status = error.status();
    let mut document = Object::new()
        .with("type", Json::string("about:blank"))
        .with("title", Json::string(status.canonical_reason().unwrap_or("Error")))
        .with("status", Json::integer(i64::from(status.as_u16())))
        .with("code", Json::string(code(error)))
        .with("detail", Json::string(error.to_string()))
        .with("requestId", Json::string(request_id.as_str()));
    if let HttpError::VersionMismatch { current: Some(current) } = error {
        document.set("currentVersion", Json::integer(i64::from(current.0)));
    }
    if let Some(problems) = error.problems() {
        document.set("problems", Json::Array(problems.iter().map(item).collect()));
        if problems.dropped() > 0 {
            document.set("problemsLeftOut", Json::Number(problems.dropped().to_string().into()));
        }
    }
    document.into()
}

fn item(problem: &Problem) -> Json {
    Object::new()
        .with("path", Json::string(&*problem.path))
        .with("code", Json::string(problem.code.as_str()))
        .with("detail", Json::string(&*problem.detail))
        .into()
}

/// The word that programs tell failures apart by.
fn code(error: &HttpError) -> &'static str {
    match error {
        HttpError::NotFound | HttpError::Absent(_) => "not-found",
        HttpError::ManyMatches => "many-matches",
        HttpError::TooCostly(_) => "too-costly",
        HttpError::At { error, .. } => code(error),
        HttpError::Unresolved { .. } => "unresolved-reference",
        HttpError::Gone => "gone",
        HttpError::VersionMismatch { .. } => "version-mismatch",
        HttpError::PreconditionRequired => "precondition-required",
        HttpError::Invalid(_) => "invalid",
        HttpError::Rule(_) => "rule",
        HttpError::Conflict(_) => "conflict",
        HttpError::Unauthenticated(_) => "unauthenticated",
        HttpError::BadCredentials => "bad-credentials",
        HttpError::Denied(_) => "denied",
        HttpError::MethodNotAllowed(_) => "method-not-allowed",
        HttpError::NotAcceptable => "not-acceptable",
        HttpError::UnsupportedMediaType => "unsupported-media-type",
        HttpError::UnsupportedEncoding => "unsupported-encoding",
        HttpError::TooLarge => "too-large",
        HttpError::UriTooLong => "uri-too-long",
        HttpError::HeadersTooLarge => "headers-too-large",
        HttpError::RangeNotSatisfiable(_) => "range-not-satisfiable",
        HttpError::RequestTimeout => "request-timeout",
        HttpError::RateLimited(_) => "rate-limited",
        HttpError::Busy(_) | HttpError::NotReady(_) => "busy",
        HttpError::Fault => "fault",
    }
}
