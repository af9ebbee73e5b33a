//! The resources that a transaction makes, to be found by criteria before they are in the store.

use std::collections::HashMap;

use crate::base::LogicalId;
use crate::fhir::Json;
use crate::fhir::search::evaluate::{Indexed, holds};
use crate::fhir::search::{Comparison, Criterion, IndexValue, QueryContext, Test, extract_with};

use super::Condition;

/// Resources by type, each found by what it says now.
pub(super) struct Pool<'a> {
    context: QueryContext<'a>,
    types: HashMap<String, Vec<Member<'a>>>,
    /// Places in `types`, by type, parameter and code of a token: most criteria name an identifier, and
    /// looking at every resource for each of them would take the square of their number.
    tokens: HashMap<(String, String, String), Vec<usize>>,
}

struct Member<'a> {
    id: LogicalId,
    indexed: Indexed<'a>,
}

impl<'a> Pool<'a> {
    pub(super) fn new(context: QueryContext<'a>) -> Self {
        Self { context, types: HashMap::new(), tokens: HashMap::new() }
    }

    /// Puts a resource in.
    pub(super) fn add(&mut self, resource_type: &str, id: &LogicalId, resource: &Json) {
        let entries = extract_with(self.context.registry, Some(self.context.base), resource);
        let members = self.types.entry(resource_type.to_owned()).or_default();
        for entry in &entries {
            if let IndexValue::Token { code, .. } = &entry.value {
                let key = (resource_type.to_owned(), entry.definition.code.clone(), code.clone());
                self.tokens.entry(key).or_default().push(members.len());
            }
        }
        let indexed = Indexed { resource_type: resource_type.to_owned(), id: id.as_str().to_owned(), entries };
        members.push(Member { id: id.clone(), indexed });
    }

    /// The resources of a type that meet a condition.
    pub(super) fn find(&self, resource_type: &str, condition: &Condition) -> Vec<LogicalId> {
        let Some(members) = self.types.get(resource_type) else { return Vec::new() };
        let is_match =
            |member: &&Member<'_>| condition.criteria.iter().all(|criterion| holds(criterion, &member.indexed, &[]));
        let mut found: Vec<LogicalId> = match self.by_token(resource_type, condition) {
            Some(places) => places
                .iter()
                .filter_map(|place| members.get(*place))
                .filter(is_match)
                .map(|one| one.id.clone())
                .collect(),
            None => members.iter().filter(is_match).map(|one| one.id.clone()).collect(),
        };
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The places of the resources that one of the criteria leaves, where it names codes.
    fn by_token(&self, resource_type: &str, condition: &Condition) -> Option<Vec<usize>> {
        condition.criteria.iter().find_map(|criterion| {
            let Criterion::Parameter { definition, test: Test::Any(comparisons) } = criterion else { return None };
            let mut places = Vec::new();
            for comparison in comparisons {
                let Comparison::Token(token) = comparison else { return None };
                if token.codes.is_empty() {
                    return None;
                }
                for code in &token.codes {
                    let key = (resource_type.to_owned(), definition.code.clone(), code.clone());
                    places.extend(self.tokens.get(&key).into_iter().flatten().copied());
                }
            }
            Some(places)
        })
    }
}
