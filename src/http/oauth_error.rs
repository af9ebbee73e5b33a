//! Errors below `/oauth`: the JSON of RFC 6749 §5.2.

use crate::fhir::{Json, Object};

use super::HttpError;

/// The error document. The description never repeats input (RFC 6749 §5.2 allows few characters there).
pub fn to_oauth_error(error: &HttpError) -> Json {
    Object::new()
        .with("error", Json::string(code(error)))
        .with("error_description", Json::string(error.to_string()))
        .into()
}

fn code(error: &HttpError) -> &'static str {
    match error {
        HttpError::Unauthenticated(_) => "invalid_token",
        HttpError::Denied(crate::access::Denial::Scope(_)) => "insufficient_scope",
        HttpError::Denied(crate::access::Denial::Role) => "access_denied",
        HttpError::RateLimited(_) | HttpError::Busy(_) | HttpError::NotReady(_) => "temporarily_unavailable",
        HttpError::Fault => "server_error",
        HttpError::At { error, .. } => code(error),
        HttpError::NotFound
        | HttpError::Absent(_)
        | HttpError::Gone
        | HttpError::VersionMismatch { .. }
        | HttpError::PreconditionRequired
        | HttpError::Invalid(_)
        | HttpError::Rule(_)
        | HttpError::Conflict(_)
        | HttpError::ManyMatches
        | HttpError::TooCostly(_)
        | HttpError::Unresolved { .. }
        | HttpError::BadCredentials
        | HttpError::MethodNotAllowed(_)
        | HttpError::NotAcceptable
        | HttpError::UnsupportedMediaType
        | HttpError::UnsupportedEncoding
        | HttpError::TooLarge
        | HttpError::UriTooLong
        | HttpError::HeadersTooLarge
        | HttpError::RangeNotSatisfiable(_)
        | HttpError::RequestTimeout => "invalid_request",
    }
}
