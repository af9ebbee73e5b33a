use std::fmt::Write as _;

use super::*;
use crate::access::{Context, Denial, NeededScope, Permission, RequestId};
use crate::base::{ProblemCode, Problems, Secret, VersionId};

/// Every variant, so that a new one is seen here: the match below does not compile without it.
fn every_error() -> Vec<HttpError> {
    let mut problems = Problems::new();
    problems.add("measurements[3].unit", ProblemCode::Value, "must be a UCUM unit");
    problems.add("status", ProblemCode::CodeInvalid, "is not one of the states");
    let needed = NeededScope { context: Context::User, resource_type: "Patient".into(), permission: Permission::Read };
    let all = vec![
        HttpError::NotFound,
        HttpError::no_operation(),
        HttpError::Gone,
        HttpError::VersionMismatch { current: Some(VersionId(4)) },
        HttpError::PreconditionRequired,
        HttpError::Invalid(problems.clone()),
        HttpError::Rule(problems),
        HttpError::Conflict("the export has not failed".into()),
        HttpError::ManyMatches,
        HttpError::TooCostly("at most 10 entries".into()),
        HttpError::At { path: "Bundle.entry[3].request.url".into(), error: Box::new(HttpError::Gone) },
        HttpError::Unresolved {
            path: "Bundle.entry[3].resource".into(),
            reference: Secret::new("Patient?x=1"),
            is_many: false,
        },
        HttpError::Unresolved {
            path: "Bundle.entry[3].resource".into(),
            reference: Secret::new("Patient?x=1"),
            is_many: true,
        },
        HttpError::Unauthenticated(Challenge::Missing),
        HttpError::Unauthenticated(Challenge::Invalid(TokenError::Expired)),
        HttpError::BadCredentials,
        HttpError::Denied(Denial::Role),
        HttpError::Denied(Denial::Scope(Some(needed))),
        HttpError::MethodNotAllowed(vec![actix_web::http::Method::GET]),
        HttpError::NotAcceptable,
        HttpError::UnsupportedMediaType,
        HttpError::UnsupportedEncoding,
        HttpError::TooLarge,
        HttpError::UriTooLong,
        HttpError::HeadersTooLarge,
        HttpError::RangeNotSatisfiable(10),
        HttpError::RequestTimeout,
        HttpError::RateLimited(Duration::from_millis(1500)),
        HttpError::NotReady(Problems::one("mood", ProblemCode::Transient, "is being indexed")),
        HttpError::Busy(Duration::from_secs(5)),
        HttpError::Fault,
    ];
    for error in &all {
        match error {
            HttpError::NotFound
            | HttpError::Absent(_)
            | HttpError::Gone
            | HttpError::VersionMismatch { .. }
            | HttpError::PreconditionRequired
            | HttpError::Invalid(_)
            | HttpError::NotReady(_)
            | HttpError::Rule(_)
            | HttpError::Conflict(_)
            | HttpError::ManyMatches
            | HttpError::TooCostly(_)
            | HttpError::At { .. }
            | HttpError::Unresolved { .. }
            | HttpError::Unauthenticated(_)
            | HttpError::BadCredentials
            | HttpError::Denied(_)
            | HttpError::MethodNotAllowed(_)
            | HttpError::NotAcceptable
            | HttpError::UnsupportedMediaType
            | HttpError::UnsupportedEncoding
            | HttpError::TooLarge
            | HttpError::UriTooLong
            | HttpError::HeadersTooLarge
            | HttpError::RangeNotSatisfiable(_)
            | HttpError::RequestTimeout
            | HttpError::RateLimited(_)
            | HttpError::Busy(_)
            | HttpError::Fault => {}
        }
    }
    all
}

#[test]
fn every_error_has_its_status_code_and_fields_in_every_form() {
    let request = RequestId::parse("req-1").expect("valid");
    let mut out = String::new();
    for error in every_error() {
        let headers: Vec<String> =
            error.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().expect("ASCII"))).collect();
        writeln!(out, "{} {}", error.status().as_u16(), headers.join("; ")).expect("written");
        for form in [to_problem(&error, &request), to_outcome(&error, &request), to_oauth_error(&error)] {
            writeln!(out, "  {form}").expect("written");
        }
    }
    insta::assert_snapshot!(out);
}

#[test]
fn problems_that_are_left_out_are_counted() {
    let mut problems = Problems::new();
    for index in 0..Problems::LIMIT + 7 {
        problems.add(format!("sections[{index}]"), ProblemCode::Value, "is wrong");
    }
    let request = RequestId::parse("req-1").expect("valid");
    let error = HttpError::Invalid(problems);
    let problem = to_problem(&error, &request);
    assert_eq!(problem.items("problems").len(), Problems::LIMIT);
    assert_eq!(problem.get("problemsLeftOut").and_then(Json::as_number), Some("7"));
    let outcome = to_outcome(&error, &request);
    let last = outcome.items("issue").last().expect("an issue");
    assert_eq!((outcome.items("issue").len(), last.text_at(&["severity"])), (Problems::LIMIT + 1, Some("information")));
}
