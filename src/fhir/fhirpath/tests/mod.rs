use crate::fhir::{Json, JsonLimits};

use super::*;

mod behaviour;
mod properties;
mod suite;

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes(), &JsonLimits::default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn fixture(path: &str) -> String {
    let path = format!("{}/fixtures/fhir/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The texts of what an expression finds in a resource.
fn found(expression: &str, resource: &Json) -> Result<Vec<String>, EvaluateError> {
    let expression = Expression::parse(expression).unwrap_or_else(|error| panic!("{error}: {expression}"));
    let items = expression.evaluate(Node::resource(resource), &Environment::of(resource), &Limits::default())?;
    Ok(items.iter().map(|item| item.to_text().unwrap_or_else(|| "(element)".to_owned())).collect())
}
