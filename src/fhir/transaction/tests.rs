use proptest::prelude::*;

use super::*;
use crate::fhir::JsonLimits;

mod reading;
mod settling;

fn parse(text: &str) -> Json {
    Json::parse(text.as_bytes(), &JsonLimits::default()).expect("valid JSON")
}

/// A Bundle of these entries.
fn bundle(kind: &str, entries: &[&str]) -> Json {
    parse(&format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{}]}}"#, entries.join(",")))
}

/// The problems of a transaction, as `path code`.
fn problems(entries: &[&str]) -> Vec<String> {
    match read(bundle("transaction", entries), 100) {
        Ok(_) => Vec::new(),
        Err(ReadError::Invalid(problems)) => shown(&problems),
        Err(other) => panic!("{other}"),
    }
}

fn shown(problems: &Problems) -> Vec<String> {
    problems.iter().map(|problem| format!("{} {}", problem.path, problem.code.as_str())).collect()
}

/// The entries of a transaction that is right.
fn entries(entries: &[&str]) -> Vec<Entry> {
    let plan = read(bundle("transaction", entries), 100).expect("is right");
    plan.entries.into_iter().map(|entry| entry.expect("is right")).collect()
}

fn id(text: &str) -> LogicalId {
    LogicalId::parse(text).expect("valid")
}

#[test]
fn places_in_a_resource_become_places_in_the_bundle() {
    for (path, expected) in [
        ("Patient.name[0].family", "Bundle.entry[3].resource.name[0].family"),
        ("Patient", "Bundle.entry[3].resource"),
        ("", "Bundle.entry[3].resource"),
        ("id", "Bundle.entry[3].resource.id"),
        ("name[0]", "Bundle.entry[3].resource.name[0]"),
    ] {
        assert_eq!(in_resource(3, path), expected);
    }
}

#[test]
fn what_the_client_has_is_told_by_version_before_date() {
    let cached = Cached { versions: Some(Versions::Listed(vec![VersionId(2)])), since: Some(Timestamp(i64::MAX)) };
    assert!(cached.is_fresh(VersionId(2), Timestamp(5)));
    assert!(!cached.is_fresh(VersionId(3), Timestamp(5)));
    let since = Cached { versions: None, since: Some(Timestamp(5)) };
    assert!(since.is_fresh(VersionId(3), Timestamp(5)) && !since.is_fresh(VersionId(3), Timestamp(6)));
    assert!(!Cached::default().is_fresh(VersionId(1), Timestamp(0)));
}
