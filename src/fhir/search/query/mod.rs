//! What a request asks for. Names and values come in decoded and in order; out comes a [`SearchQuery`] in which
//! everything has its type, or an error that names the parameter. R4 search.html.

mod codes;
mod criterion;
mod result;
mod value;

use std::sync::Arc;

use super::compare::Comparison;
use super::definitions::{Definition, Registry};
use crate::base::Timestamp;

pub use codes::{CodeList, CodeQuestion, Codes, MOST_CODES};
pub use result::{Include, SortKey, Summary, Total};

/// What a request is read with.
#[derive(Debug, Clone, Copy)]
pub struct QueryContext<'a> {
    /// The parameters that there are.
    pub registry: &'a Registry,
    /// Public base URL of this server, without a slash at its end: references that begin with it are local.
    pub base: &'a str,
    /// What `ap` measures the distance of a date from.
    pub now: Timestamp,
    /// How much a request may ask for.
    pub limits: QueryLimits,
}

/// How much a request may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryLimits {
    /// Greatest `_count`; more is lowered to it.
    pub count: u32,
    /// Greatest number of chain links and `_has` in one parameter.
    pub depth: usize,
    /// Greatest number of values in a request, those of every branch of a chain counted.
    pub values: usize,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self { count: 1_000, depth: 3, values: 2_000 }
    }
}

/// What else a request may be read with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Help<'a> {
    /// What is known of the codes that it names indirectly; `None` where nobody can ask for them.
    pub codes: Option<&'a Codes>,
    /// The zone of dates and times that name none, in seconds east of UTC.
    pub zone_seconds: i32,
}

/// A search. R4 search.html.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchQuery {
    /// The types that are searched; none stands for all.
    pub resource_types: Vec<String>,
    /// What a match has to be; all of it.
    pub criteria: Vec<Criterion>,
    /// `_include`
    pub includes: Vec<Include>,
    /// `_revinclude`
    pub revincludes: Vec<Include>,
    /// `_sort`, the first key first.
    pub sort: Vec<SortKey>,
    /// `_count`, at most what the limits allow.
    pub count: Option<u32>,
    /// `_total`
    pub total: Option<Total>,
    /// `_summary`; `_count=0` is `count`.
    pub summary: Option<Summary>,
    /// `_elements`: names of elements of the root.
    pub elements: Vec<String>,
    /// What was left out because no such parameter is known: an error where the client prefers strict handling,
    /// else a warning. R4 search.html#errors.
    pub unsupported: Vec<Unsupported>,
    /// Names and values of what is used, in order: for the `self` link.
    pub used: Vec<(String, String)>,
}

/// One thing that a match has to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Criterion {
    /// A parameter of the resource itself.
    Parameter {
        /// The parameter.
        definition: Arc<Definition>,
        /// What to compare with.
        test: Test,
    },
    /// What it refers to has to be something. R4 search.html#chaining.
    Chain {
        /// The reference.
        definition: Arc<Definition>,
        /// By type of the target; one of them has to hold.
        branches: Vec<Branch>,
    },
    /// Something that refers to it has to exist. R4 search.html#has.
    Has {
        /// Type of what refers to it.
        resource_type: String,
        /// The reference, a parameter of that type.
        reference: Arc<Definition>,
        /// What that has to be.
        criterion: Box<Criterion>,
    },
}

/// What a target of a chain has to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// Type of the target.
    pub resource_type: String,
    /// What it has to be.
    pub criterion: Criterion,
}

/// What the values of a parameter are compared with. R4 search.html#combining.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `:missing`: there is no value if true.
    Missing(bool),
    /// One value has to match one of these.
    Any(Vec<Comparison>),
    /// `:not`: no value may match any of these; that there is no value is fine.
    NoneOf(Vec<Comparison>),
}

/// What a request asks for and we do not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsupported {
    /// A parameter.
    Parameter(String),
    /// A key of `_sort`.
    Sort(String),
}

/// Why a request cannot be answered. Names are those of the request, values never stand here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A parameter that R4 has and we do not.
    #[error("parameter {0} is not supported")]
    NotSupported(String),
    /// A modifier that the type of the parameter does not have, or that we do not support.
    #[error("modifier of {0} is not supported")]
    Modifier(String),
    /// Letters before the value that are no prefix.
    #[error("unknown prefix in the value of {0}")]
    Prefix(String),
    /// The value has not the form that the type of the parameter asks for.
    #[error("value of {name}: {reason}")]
    Value {
        /// Name of the parameter.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A chain, `_has` or include names a type or a parameter that is not there.
    #[error("{0} names an unknown type or parameter")]
    Unknown(String),
    /// A chain or include goes through a parameter that is not a reference, or that does not lead there.
    #[error("{0} does not follow a reference to this type")]
    NotReference(String),
    /// A chain through a reference to any type has to name the type.
    #[error("{0} has to name the type of the target")]
    Ambiguous(String),
    /// More links than the limit.
    #[error("{0} has too many links")]
    Depth(String),
    /// More values than the limit.
    #[error("too many values")]
    TooMany,
    /// The codes that the value stands for have to be asked for first.
    #[error("the codes that {name} asks for are not known")]
    Codes {
        /// Name of the parameter.
        name: String,
        /// What to ask.
        question: CodeQuestion,
    },
    /// A parameter that says how to answer is given twice with different values.
    #[error("{0} is given twice")]
    Twice(String),
}

impl QueryError {
    /// Whether the request is right and we cannot do it (`not-supported`), or wrong (`invalid`).
    /// R4 valueset-issue-type.html.
    pub fn is_not_supported(&self) -> bool {
        matches!(self, Self::NotSupported(_) | Self::Modifier(_) | Self::Prefix(_) | Self::Depth(_))
    }

    /// The parameter that is wrong, if it is one.
    pub fn parameter(&self) -> Option<&str> {
        match self {
            Self::NotSupported(name)
            | Self::Modifier(name)
            | Self::Prefix(name)
            | Self::Value { name, .. }
            | Self::Codes { name, .. }
            | Self::Unknown(name)
            | Self::NotReference(name)
            | Self::Ambiguous(name)
            | Self::Depth(name)
            | Self::Twice(name) => Some(name),
            Self::TooMany => None,
        }
    }
}

/// A name for an error: no longer than any that is right.
fn named(name: &str) -> String {
    name.chars().take(100).collect()
}

impl SearchQuery {
    /// Reads the parameters of a search of one type, or of the whole system if there is none. `pairs` are names and
    /// values, decoded, in their order, those of the URL before those of the body.
    pub fn parse(
        context: QueryContext<'_>,
        resource_type: Option<&str>,
        pairs: &[(String, String)],
    ) -> Result<Self, QueryError> {
        Self::parse_with(context, Help::default(), resource_type, pairs)
    }

    /// As [`SearchQuery::parse`], with help. An error of the kind [`QueryError::Codes`] is a question: with its answer
    /// among the codes the same call comes further.
    pub fn parse_with(
        context: QueryContext<'_>,
        help: Help<'_>,
        resource_type: Option<&str>,
        pairs: &[(String, String)],
    ) -> Result<Self, QueryError> {
        let mut query =
            Self { resource_types: resource_type.map(str::to_owned).into_iter().collect(), ..Self::default() };
        if resource_type.is_none() {
            result::types(&mut query, context.registry, pairs)?;
        }
        let mut reader = criterion::Reader::new(context, help);
        for (name, value) in pairs {
            if value.trim().is_empty() || matches!(name.as_str(), "_format" | "_pretty") {
                // A blank value asks nothing; the two say how to write the answer and are read where it is written.
                continue;
            }
            if result::read(&mut query, context, name, value)? {
                query.used.push((name.clone(), value.clone()));
                continue;
            }
            match reader.read(&query.resource_types, name, value)? {
                criterion::Read::Criterion(criterion) => {
                    query.criteria.push(criterion);
                    query.used.push((name.clone(), value.clone()));
                }
                criterion::Read::Blank => {}
                criterion::Read::Unknown => query.unsupported.push(Unsupported::Parameter(named(name))),
            }
        }
        Ok(query)
    }
}

#[cfg(test)]
mod tests;
