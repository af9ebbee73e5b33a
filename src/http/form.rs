//! Which form errors have on which path.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};

use crate::access::RequestId;

use super::HttpError;
use super::oauth_error::to_oauth_error;
use super::outcome::{FHIR_JSON, to_outcome};
use super::problem::{PROBLEM_JSON, to_problem};

/// The form of the errors of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// OperationOutcome.
    Fhir,
    /// OAuth JSON.
    OAuth,
    /// Problem document.
    Problem,
}

impl Form {
    /// That of a path: below `/fhir` and `/oauth`, also of a tenant's own, their forms; problem documents
    /// elsewhere.
    pub(super) fn of(path: &str) -> Self {
        let mut segments = path.split('/').skip(1);
        let first = match segments.next() {
            Some("t") => segments.nth(1),
            first => first,
        };
        match first {
            Some("fhir") => Self::Fhir,
            Some("oauth") => Self::OAuth,
            _ => Self::Problem,
        }
    }

    /// The answer that says `error`.
    pub(super) fn render(self, error: &HttpError, request_id: &RequestId) -> HttpResponse {
        let (media_type, body) = match self {
            Self::Fhir => (FHIR_JSON, to_outcome(error, request_id)),
            Self::OAuth => ("application/json", to_oauth_error(error)),
            Self::Problem => (PROBLEM_JSON, to_problem(error, request_id)),
        };
        let mut response = HttpResponse::build(error.status()).body(body.to_text());
        for (name, value) in error.headers() {
            response.headers_mut().insert(name, value);
        }
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_the_errors_of_their_protocol() {
        for (path, form) in [
            ("/fhir", Form::Fhir),
            ("/fhir/r4/Patient/1", Form::Fhir),
            ("/t/north/fhir/r4/Patient/1", Form::Fhir),
            ("/oauth/token", Form::OAuth),
            ("/t/north/oauth/token", Form::OAuth),
            ("/fhirx", Form::Problem),
            ("/api/fhir", Form::Problem),
            ("/t/fhir", Form::Problem),
            ("/t/north", Form::Problem),
            ("/", Form::Problem),
            ("", Form::Problem),
        ] {
            assert_eq!(Form::of(path), form, "{path}");
        }
    }
}
