//! The shape of bodies whose members are read by serde, which stops at the first fault and knows no place.
//! Here all that is wrong is named before it is read.

use crate::base::{ProblemCode, Problems};
use crate::fhir::Json;
use crate::http::HttpError;

/// A member that a body may have.
pub(super) struct Member {
    /// Its name; others that stand for it follow.
    pub(super) names: &'static [&'static str],
    /// What it holds.
    pub(super) kind: Kind,
    /// Whether it must be there.
    pub(super) required: bool,
}

/// What a member holds.
pub(super) enum Kind {
    /// A text.
    Text,
    /// A text that a rule takes, and how the rule is told.
    Parsed(fn(&str) -> bool, &'static str),
    /// Texts that a rule takes.
    Texts(fn(&str) -> bool, &'static str),
    /// A whole number up to this one.
    Integer(u64),
    /// An object.
    Object(&'static [Member]),
    /// Objects.
    Objects(&'static [Member]),
}

/// A member that must be there.
pub(super) const fn required(names: &'static [&'static str], kind: Kind) -> Member {
    Member { names, kind, required: true }
}

/// A member that may be left out.
pub(super) const fn optional(names: &'static [&'static str], kind: Kind) -> Member {
    Member { names, kind, required: false }
}

/// Any text.
pub(super) fn any(_text: &str) -> bool {
    true
}

/// Reads a body that has these members and no others.
pub(super) fn read<T: serde::de::DeserializeOwned>(json: &Json, members: &[Member]) -> Result<T, HttpError> {
    let mut problems = Problems::new();
    object(json, members, "", &mut problems);
    problems.into_result(()).map_err(HttpError::Invalid)?;
    // The reader's message may repeat what stands there.
    serde_json::from_str(&json.to_text())
        .map_err(|_error| HttpError::invalid("", ProblemCode::Structure, "has not the shape of this body"))
}

fn object(json: &Json, members: &[Member], path: &str, problems: &mut Problems) {
    let Some(object) = json.as_object() else {
        problems.add(path, ProblemCode::Structure, "is not an object");
        return;
    };
    let inside = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for member in members {
        let mut found = member.names.iter().filter_map(|name| Some((*name, object.get(name)?)));
        match (found.next(), found.next()) {
            (Some((name, value)), None) => one(value, &member.kind, &inside(name), problems),
            (Some(_), Some((second, _))) => {
                problems.add(inside(second), ProblemCode::Duplicate, "stands under two names");
            }
            (None, _) if member.required => {
                let name = member.names.first().copied().unwrap_or_default();
                problems.add(inside(name), ProblemCode::Required, "is missing");
            }
            (None, _) => {}
        }
    }
    for (name, _) in object.iter() {
        if !members.iter().any(|member| member.names.contains(&name)) {
            let shown: String =
                name.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_').take(40).collect();
            problems.add(inside(&shown), ProblemCode::Structure, "is not a member of this body");
        }
    }
}

fn one(json: &Json, kind: &Kind, path: &str, problems: &mut Problems) {
    match kind {
        Kind::Text => text(json, any, "", path, problems),
        Kind::Parsed(fits, rule) => text(json, *fits, rule, path, problems),
        Kind::Texts(fits, rule) => {
            each(json, path, problems, |item, path, problems| text(item, *fits, rule, path, problems));
        }
        Kind::Integer(greatest) => {
            let fits = |number: &str| number.parse::<u64>().is_ok_and(|number| number <= *greatest);
            if !json.as_number().is_some_and(fits) {
                problems.add(path, ProblemCode::Value, format!("is not a whole number from 0 to {greatest}"));
            }
        }
        Kind::Object(members) => object(json, members, path, problems),
        Kind::Objects(members) => {
            each(json, path, problems, |item, path, problems| object(item, members, path, problems));
        }
    }
}

fn each(json: &Json, path: &str, problems: &mut Problems, look: impl Fn(&Json, &str, &mut Problems)) {
    let Some(items) = json.as_array() else {
        problems.add(path, ProblemCode::Structure, "is not an array");
        return;
    };
    for (index, item) in items.iter().enumerate() {
        look(item, &format!("{path}[{index}]"), problems);
    }
}

fn text(json: &Json, fits: fn(&str) -> bool, rule: &str, path: &str, problems: &mut Problems) {
    match json.as_str() {
        None => problems.add(path, ProblemCode::Structure, "is not a text"),
        Some(text) if !fits(text) => problems.add(path, ProblemCode::Value, rule),
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::JsonLimits;

    const INNER: &[Member] = &[required(&["number"], Kind::Integer(9))];
    const BODY: &[Member] = &[
        required(&["name"], Kind::Parsed(|text| text.len() < 5, "is too long")),
        optional(&["tags", "labels"], Kind::Texts(any, "")),
        optional(&["inner"], Kind::Object(INNER)),
        optional(&["more"], Kind::Objects(INNER)),
    ];

    fn wrong(text: &str) -> Vec<String> {
        let json = Json::parse(text.as_bytes(), &JsonLimits::default()).expect("JSON");
        match read::<serde_json::Value>(&json, BODY) {
            Ok(_) => Vec::new(),
            Err(error) => error.problems().expect("problems").iter().map(|problem| problem.path.clone()).collect(),
        }
    }

    #[test]
    fn all_that_is_wrong_is_named() {
        assert!(wrong(r#"{"name":"a","labels":["b"],"inner":{"number":0},"more":[{"number":1}]}"#).is_empty());
        assert_eq!(wrong("[]"), [""]);
        assert_eq!(wrong("{}"), ["name"]);
        assert_eq!(wrong(r#"{"name":"longer","tags":[1,"a",null],"x y":1}"#), ["name", "tags[0]", "tags[2]", "xy"]);
        assert_eq!(wrong(r#"{"name":"a","tags":[],"labels":[]}"#), ["labels"]);
        let deep = r#"{"name":null,"tags":"a","inner":[],"more":[{"number":-1},{"number":"1","b":1},{}]}"#;
        let wanted = ["name", "tags", "inner", "more[0].number", "more[1].number", "more[1].b", "more[2].number"];
        assert_eq!(wrong(deep), wanted);
    }
}
