//! Criteria of conditional interactions and of conditional references: a search that says which one resource is
//! meant. R4 http.html#ccreate, #cond-update, #2.20.0.8.1, and http.html#trules.

use crate::fhir::search::query::Unsupported;
use crate::fhir::search::{Criterion, QueryContext, QueryError, SearchQuery};

/// Criteria of one type that only ask what a resource says itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What a match has to be; all of it, and something.
    pub criteria: Vec<Criterion>,
}

/// Why criteria are not taken. Values are never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// They ask nothing: every resource of the type would be meant.
    #[error("the criteria are empty")]
    Empty,
    /// A parameter that we do not know: what it asks would be passed over.
    #[error("parameter {0} is not supported")]
    Unknown(String),
    /// A parameter that says how to answer a search.
    #[error("parameters that shape the answer to a search have no meaning in criteria")]
    Result,
    /// A chain or `_has`, which asks what other resources say: they may be in the same transaction.
    #[error("chains are not supported in the criteria of a transaction")]
    Chain,
    /// Not a search.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl ConditionError {
    /// Whether they are right and we cannot follow them.
    pub fn is_not_supported(&self) -> bool {
        match self {
            Self::Empty | Self::Result => false,
            Self::Unknown(_) | Self::Chain => true,
            Self::Query(error) => error.is_not_supported(),
        }
    }
}

/// Reads criteria of a resource type, encoded as in a URL.
pub fn condition(context: QueryContext<'_>, resource_type: &str, text: &str) -> Result<Condition, ConditionError> {
    let pairs: Vec<(String, String)> = ::url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    let query = SearchQuery::parse(context, Some(resource_type), &pairs)?;
    if let Some(Unsupported::Parameter(name) | Unsupported::Sort(name)) = query.unsupported.first() {
        return Err(ConditionError::Unknown(name.clone()));
    }
    let shapes = query.used.len() > query.criteria.len();
    if shapes {
        return Err(ConditionError::Result);
    }
    if query.criteria.is_empty() {
        return Err(ConditionError::Empty);
    }
    if query.criteria.iter().any(|criterion| !matches!(criterion, Criterion::Parameter { .. })) {
        return Err(ConditionError::Chain);
    }
    Ok(Condition { criteria: query.criteria })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::fhir::search::{QueryLimits, Registry};

    #[test]
    fn criteria_say_what_the_resource_is_and_nothing_else() {
        let context = QueryContext {
            registry: Registry::r4(),
            base: "https://gateway.example/fhir/r4",
            now: Timestamp(0),
            limits: QueryLimits::default(),
        };
        let read = |text| condition(context, "Patient", text);
        assert_eq!(read("identifier=a%7Cb&birthdate=2000").expect("valid").criteria.len(), 2);
        assert_eq!(read("identifier="), Err(ConditionError::Empty));
        assert_eq!(read("colour=red"), Err(ConditionError::Unknown("colour".into())));
        assert_eq!(read("identifier=a&_count=1"), Err(ConditionError::Result));
        assert_eq!(read("organization.name=a"), Err(ConditionError::Chain));
        assert_eq!(read("_has:Observation:patient:code=a"), Err(ConditionError::Chain));
        assert!(matches!(read("birthdate=soon"), Err(ConditionError::Query(_))));
    }
}
