//! What a search means, over values in memory: the reference that the database is tested against. It looks at every
//! resource and follows chains by looking at every resource again, so it is for few.

use super::compare::Comparison;
use super::extract::Entry;
use super::query::{Criterion, SearchQuery, Test};
use super::value::IndexValue;

/// A resource by what it is found by.
#[derive(Debug, Clone, PartialEq)]
pub struct Indexed<'r> {
    /// Its type.
    pub resource_type: String,
    /// Its id.
    pub id: String,
    /// Its values.
    pub entries: Vec<Entry<'r>>,
}

/// The resources that match, in the order in which they are given.
pub fn find<'i, 'r>(query: &SearchQuery, resources: &'i [Indexed<'r>]) -> Vec<&'i Indexed<'r>> {
    resources
        .iter()
        .filter(|one| query.resource_types.is_empty() || query.resource_types.contains(&one.resource_type))
        .filter(|one| query.criteria.iter().all(|criterion| holds(criterion, one, resources)))
        .collect()
}

/// Whether a resource is what a criterion asks for. `resources` is where chains lead.
pub fn holds(criterion: &Criterion, one: &Indexed<'_>, resources: &[Indexed<'_>]) -> bool {
    let refers = |from: &Indexed<'_>, code: &str, to: &Indexed<'_>| {
        values(from, code).any(|value| match value {
            IndexValue::Reference { resource_type, id, .. } => *resource_type == to.resource_type && *id == to.id,
            _ => false,
        })
    };
    match criterion {
        Criterion::Parameter { definition, test } => says(test, || values(one, &definition.code)),
        Criterion::Chain { definition, branches } => branches.iter().any(|branch| {
            resources
                .iter()
                .filter(|target| target.resource_type == branch.resource_type)
                .any(|target| refers(one, &definition.code, target) && holds(&branch.criterion, target, resources))
        }),
        Criterion::Has { resource_type, reference, criterion } => resources
            .iter()
            .filter(|source| source.resource_type == *resource_type)
            .any(|source| refers(source, &reference.code, one) && holds(criterion, source, resources)),
    }
}

/// Whether the values of one parameter in one resource pass a test. R4 search.html#modifiers.
fn says<'v, I: Iterator<Item = &'v IndexValue>>(test: &Test, values: impl Fn() -> I) -> bool {
    let any = |comparisons: &[Comparison]| values().any(|value| comparisons.iter().any(|one| one.matches(value)));
    match test {
        Test::Missing(missing) => values().next().is_none() == *missing,
        Test::Any(comparisons) => any(comparisons),
        Test::NoneOf(comparisons) => !any(comparisons),
    }
}

fn values<'i>(one: &'i Indexed<'_>, code: &'i str) -> impl Iterator<Item = &'i IndexValue> {
    one.entries.iter().filter(move |entry| entry.definition.code == code).map(|entry| &entry.value)
}
