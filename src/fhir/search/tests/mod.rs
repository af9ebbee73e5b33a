//! Whole searches in memory: the tables of R4 search.html, and synthetic patients.

mod extraction;
mod semantics;
mod synthea;

use super::definitions::Registry;
use super::evaluate::{Indexed, find};
use super::extract::extract;
use super::query::{QueryContext, QueryError, QueryLimits, SearchQuery};
use crate::base::Timestamp;
use crate::fhir::{Json, JsonLimits};

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes(), &JsonLimits::default()).expect("valid JSON")
}

fn context() -> QueryContext<'static> {
    QueryContext {
        registry: Registry::r4(),
        base: "https://gateway.example/fhir",
        now: Timestamp::parse("2026-01-01T00:00:00Z").expect("valid"),
        limits: QueryLimits::default(),
    }
}

/// Reads `Type?name=value&name=value`, already decoded.
fn query(text: &str) -> Result<SearchQuery, QueryError> {
    let (resource_type, rest) = text.split_once('?').expect("a type");
    let pairs: Vec<(String, String)> = rest
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).expect("a value"))
        .collect();
    SearchQuery::parse(context(), Some(resource_type).filter(|name| !name.is_empty()), &pairs)
}

fn index(resource: &Json) -> Indexed<'static> {
    Indexed {
        resource_type: resource.text_at(&["resourceType"]).expect("a type").to_owned(),
        id: resource.text_at(&["id"]).expect("an id").to_owned(),
        entries: extract(resource),
    }
}

/// The ids of the resources that a search finds.
fn ids(text: &str, resources: &[Indexed<'_>]) -> Vec<String> {
    let query = query(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(query.unsupported, [], "{text}");
    find(&query, resources).into_iter().map(|one| one.id.clone()).collect()
}

/// Whether a search of its type finds one resource.
fn finds(resource: &str, parameters: &str) -> bool {
    let resource = json(resource);
    let indexed = index(&resource);
    let text = format!("{}?{parameters}", indexed.resource_type);
    !ids(&text, std::slice::from_ref(&indexed)).is_empty()
}
