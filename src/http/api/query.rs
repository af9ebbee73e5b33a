//! Query strings: every parameter is known, stands once, and has a value that its type takes. What is
//! wrong is named, all of it.

use std::collections::BTreeMap;

use actix_web::HttpRequest;

use crate::base::{LogicalId, ProblemCode, Problems};
use crate::http::HttpError;

/// The parameters of a request, to be taken out one by one.
pub(super) struct Query {
    values: BTreeMap<String, String>,
    problems: Problems,
}

impl Query {
    /// Reads the query string of a request.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let mut query = Self { values: BTreeMap::new(), problems: Problems::new() };
        for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
            if query.values.contains_key(name.as_ref()) {
                query.problems.add(shown(&name), ProblemCode::Duplicate, "stands more than once");
            }
            query.values.insert(name.into_owned(), value.into_owned());
        }
        query
    }

    /// The text of a parameter, if it is there.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let value = self.values.remove(name)?;
        if value.is_empty() {
            self.problems.add(name, ProblemCode::Value, "has no value");
            return None;
        }
        Some(value)
    }

    /// A parameter that `parse` understands.
    pub(super) fn parsed<T>(&mut self, name: &str, rule: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name)?;
        let value = parse(&text);
        if value.is_none() {
            self.problems.add(name, ProblemCode::Value, rule);
        }
        value
    }

    /// A parameter with values separated by commas, each of which `parse` understands.
    pub(super) fn list<T>(&mut self, name: &str, rule: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        self.parsed(name, rule, |text| text.split(',').map(&parse).collect()).unwrap_or_default()
    }

    /// `limit`: rows a page, 1 to 100; 20 where absent.
    pub(super) fn limit(&mut self) -> usize {
        let within = |text: &str| text.parse::<usize>().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        self.parsed("limit", "is not a number from 1 to 100", within).unwrap_or(USUAL_LIMIT)
    }

    /// `cursor` of the page before.
    pub(super) fn cursor(&mut self) -> Option<String> {
        self.text("cursor")
    }

    /// Ends the reading: parameters that nobody took do not exist.
    pub(super) fn finish(mut self) -> Result<(), HttpError> {
        for name in self.values.keys() {
            self.problems.add(shown(name), ProblemCode::Structure, "is not a parameter of this request");
        }
        self.problems.into_result(()).map_err(HttpError::Invalid)
    }
}

/// The id in a path. One that has not the form of an id names nothing.
pub(super) fn id(text: &str) -> Result<LogicalId, HttpError> {
    LogicalId::parse(text).map_err(|_form| HttpError::NotFound)
}

/// A name as it may be shown: a client's text is not repeated at length.
fn shown(name: &str) -> String {
    name.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_' || *letter == '-').take(40).collect()
}

const MAX_LIMIT: usize = 100;
const USUAL_LIMIT: usize = 20;
