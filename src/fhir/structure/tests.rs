use crate::fhir::{Json, JsonLimits};

use super::*;

mod corpus;
mod datatypes;
mod shape;

pub(super) use corpus::{examples, put};

pub(super) fn json(text: &str) -> Json {
    Json::parse(text.as_bytes(), &JsonLimits::default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Code and expression of every issue.
fn issues(text: &str) -> Vec<(&'static str, String)> {
    check(&json(text), &Limits::default()).into_iter().map(|issue| (issue.code.as_str(), issue.expression)).collect()
}

/// Asserts that a text has exactly one issue, and which.
#[track_caller]
fn one(text: &str, code: &str, expression: &str) {
    assert_eq!(issues(text), [(code, expression.to_owned())].map(|(code, at)| (known(code), at)), "{text}");
}

#[track_caller]
fn none(text: &str) {
    assert_eq!(issues(text), [], "{text}");
}

/// The same text for ever, so that it can be compared.
fn known(code: &str) -> &'static str {
    use IssueCode::{CodeInvalid, Invalid, Invariant, Required, Structure, TooLong, Value};
    let all = [Structure, Required, Value, Invalid, CodeInvalid, Invariant, TooLong];
    all.into_iter().map(IssueCode::as_str).find(|text| *text == code).expect("a code")
}
