//! Errors below `/fhir`: OperationOutcome. R4 operationoutcome.html.

use crate::access::RequestId;
use crate::base::{Problem, Problems};
use crate::fhir::{Json, Object};
use crate::oauth::TokenError;

use super::HttpError;
use super::error::Challenge;

/// The media type of FHIR answers. R4 http.html#mime-type.
pub const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";

/// The OperationOutcome of an error: an issue for each problem with the input, else one for the error.
pub fn to_outcome(error: &HttpError, request_id: &RequestId) -> Json {
    let mut issues: Vec<Json> = error.problems().into_iter().flat_map(|problems| problems.iter().map(issue)).collect();
    if let Some(dropped) = error.problems().map(Problems::dropped).filter(|dropped| *dropped > 0) {
        issues.push(plain("information", "incomplete", &format!("{dropped} more problems are left out")));
    }
    if issues.is_empty() {
        let severity = if *error == HttpError::Fault { "fatal" } else { "error" };
        let said = match error {
            HttpError::Fault => format!("{error}; request id {request_id}"),
            HttpError::Unresolved { reference, .. } => format!("{error}: {}", reference.expose()),
            _ => error.to_string(),
        };
        issues.push(located(severity, code(error), &said, place(error)));
    }
    Object::new().with("resourceType", Json::string("OperationOutcome")).with("issue", Json::Array(issues)).into()
}

fn issue(problem: &Problem) -> Json {
    let place = (!problem.path.is_empty()).then(|| Json::string(&*problem.path));
    Object::new()
        .with("severity", Json::string("error"))
        .with("code", Json::string(problem.code.as_str()))
        .with("diagnostics", Json::string(&*problem.detail))
        .with_items("expression", place.into_iter().collect())
        .into()
}

fn located(severity: &str, code: &str, diagnostics: &str, place: Option<&str>) -> Json {
    let mut issue = plain(severity, code, diagnostics);
    if let (Some(place), Some(issue)) = (place, issue.as_object_mut()) {
        issue.set("expression", Json::Array(vec![Json::string(place)]));
    }
    issue
}

/// Where in a Bundle it fails.
fn place(error: &HttpError) -> Option<&str> {
    match error {
        HttpError::At { path, .. } | HttpError::Unresolved { path, .. } => Some(path),
        _ => None,
    }
}

fn plain(severity: &str, code: &str, diagnostics: &str) -> Json {
    Object::new()
        .with("severity", Json::string(severity))
        .with("code", Json::string(code))
        .with("diagnostics", Json::string(diagnostics))
        .into()
}

/// The issue code. R4 valueset-issue-type.html; STYLE section 3.
fn code(error: &HttpError) -> &'static str {
    match error {
        HttpError::NotFound | HttpError::Absent(_) | HttpError::Unresolved { is_many: false, .. } => "not-found",
        HttpError::ManyMatches | HttpError::Unresolved { is_many: true, .. } => "multiple-matches",
        HttpError::TooCostly(_) => "too-costly",
        HttpError::At { error, .. } => code(error),
        HttpError::Gone => "deleted",
        HttpError::VersionMismatch { .. } | HttpError::Conflict(_) => "conflict",
        HttpError::PreconditionRequired => "required",
        HttpError::Invalid(_) => "invalid",
        HttpError::Rule(_) => "business-rule",
        HttpError::Unauthenticated(Challenge::Invalid(TokenError::Expired)) => "expired",
        HttpError::Unauthenticated(_) => "login",
        HttpError::BadCredentials => "structure",
        HttpError::Denied(_) => "forbidden",
        HttpError::MethodNotAllowed(_)
        | HttpError::NotAcceptable
        | HttpError::UnsupportedMediaType
        | HttpError::UnsupportedEncoding => "not-supported",
        HttpError::TooLarge | HttpError::UriTooLong | HttpError::HeadersTooLarge => "too-long",
        HttpError::RangeNotSatisfiable(_) => "value",
        HttpError::RequestTimeout => "timeout",
        HttpError::RateLimited(_) => "throttled",
        HttpError::Busy(_) | HttpError::NotReady(_) => "transient",
        HttpError::Fault => "exception",
    }
}
