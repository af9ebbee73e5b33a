//! Codes that a request names by a value set, or by another code: `:in`, `:not-in`, `:above`, `:below` of tokens. R4
//! search.html#modifiers. Whoever reads the request is told what has to be found out, finds it out, and reads it
//! again with the answers.

use std::collections::HashMap;

use super::QueryError;
use crate::fhir::search::definitions::Definition;
use crate::fhir::search::text::{split, unescape};

/// What has to be found out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CodeQuestion {
    /// The codes of a value set: a canonical URL, `ValueSet/id`, or the URL of a ValueSet of this server.
    In(String),
    /// A code and all below it.
    Below {
        /// URI of the code system.
        system: String,
        /// The code.
        code: String,
    },
    /// A code and all above it.
    Above {
        /// URI of the code system.
        system: String,
        /// The code.
        code: String,
    },
}

/// Code systems with their codes.
pub type CodeList = Vec<(String, Vec<String>)>;

/// What was found out so far.
#[derive(Debug, Clone, Default)]
pub struct Codes {
    answers: HashMap<CodeQuestion, CodeList>,
}

impl Codes {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes an answer.
    pub fn add(&mut self, question: CodeQuestion, answer: CodeList) {
        self.answers.insert(question, answer);
    }

    pub(super) fn get(&self, question: &CodeQuestion) -> Option<&CodeList> {
        self.answers.get(question)
    }
}

/// Greatest number of codes that value sets and hierarchies may bring into one request: each is a value that is
/// bound to the statement.
pub const MOST_CODES: usize = 10_000;

/// What a value behind one of the modifiers asks. `part` keeps its escapes.
pub(super) fn question(
    definition: &Definition,
    modifier: &str,
    name: &str,
    part: &str,
) -> Result<CodeQuestion, QueryError> {
    if matches!(modifier, "in" | "not-in") {
        return Ok(CodeQuestion::In(unescape(part.trim())));
    }
    let (system, code) = match split(part, '|')[..] {
        [system, code] if !system.is_empty() && !code.is_empty() => (unescape(system), unescape(code)),
        // Elements of the type `code` have one system, which nobody needs to name.
        [code] => match definition.systems.as_slice() {
            [system] => (system.clone(), unescape(code)),
            _ => return Err(expected(name)),
        },
        _ => return Err(expected(name)),
    };
    let question =
        if modifier == "above" { CodeQuestion::Above { system, code } } else { CodeQuestion::Below { system, code } };
    Ok(question)
}

fn expected(name: &str) -> QueryError {
    QueryError::Value { name: super::named(name), reason: "system|code is expected" }
}
