//! Profiles, tags and security labels: what `$meta-add` puts to a resource and `$meta-delete` takes away.
//! R4 resource-operation-meta-add.html.

use super::{Json, Object};
use crate::base::{ProblemCode, Problems};

/// What is done with what a Meta names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetaChange {
    /// It is put to what is there.
    Add,
    /// It is taken away.
    Delete,
}

/// What is wrong with a Meta as an input. Version and instant of it say nothing: they are the server's.
pub fn check(meta: &Json) -> Problems {
    let mut problems = Problems::new();
    for (name, _) in meta.as_object().into_iter().flat_map(Object::iter) {
        if !LISTS.contains(&name) && !matches!(name, "versionId" | "lastUpdated") {
            problems.add("meta", ProblemCode::Unsupported, "profiles, tags and security labels can be changed alone");
        }
    }
    for list in LISTS {
        let items = match meta.get(list) {
            None => continue,
            Some(items) => items.as_array().unwrap_or_default(),
        };
        let is_right = |item: &Json| match list {
            "profile" => item.as_str().is_some_and(|url| !url.is_empty()),
            _ => item.text_at(&["code"]).is_some_and(|code| !code.is_empty()),
        };
        if items.is_empty() || !items.iter().all(is_right) {
            problems.add(format!("meta.{list}"), ProblemCode::Value, "lists canonical URLs, or codings with a code");
        }
    }
    problems
}

/// The meta of a resource after a change; `None` if it changes nothing. What is added twice stands once: codings are
/// the same if system and code are.
pub fn changed(meta: &Json, by: &Json, change: MetaChange) -> Option<Json> {
    let mut out = meta.as_object().cloned().unwrap_or_default();
    for list in LISTS {
        let (mut items, named) = (meta.items(list).to_vec(), by.items(list));
        match change {
            MetaChange::Add => {
                for item in named {
                    if !items.iter().any(|known| is_same(known, item)) {
                        items.push(item.clone());
                    }
                }
            }
            MetaChange::Delete => items.retain(|known| !named.iter().any(|item| is_same(known, item))),
        }
        if items.len() == meta.items(list).len() {
            continue;
        }
        if items.is_empty() {
            out.remove(list);
        } else {
            out.set(list, Json::Array(items));
        }
        // Extensions of single entries stand beside a list by their place, which is another one now.
        out.remove(&format!("_{list}"));
    }
    let out = Json::from(out);
    (out != *meta).then_some(out)
}

fn is_same(one: &Json, other: &Json) -> bool {
    match (one.as_str(), other.as_str()) {
        (Some(one), Some(other)) => one == other,
        _ => one.get("system") == other.get("system") && one.get("code") == other.get("code"),
    }
}

/// Parameters with a Meta as `return`; without any where there is nothing in it.
pub fn returned(meta: &Json) -> Json {
    let meta = Some(meta).filter(|meta| meta.as_object().is_some_and(|meta| !meta.is_empty()));
    let parameter =
        meta.map(|meta| Json::from(Object::new().with("name", Json::string("return")).with("valueMeta", meta.clone())));
    Object::new()
        .with("resourceType", Json::string("Parameters"))
        .with_items("parameter", parameter.into_iter().collect())
        .into()
}

const LISTS: [&str; 3] = ["profile", "security", "tag"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::JsonLimits;

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes(), &JsonLimits::default()).expect("is JSON")
    }

    #[test]
    fn what_is_there_is_not_added_again() {
        let meta = json(r#"{"versionId":"3","tag":[{"system":"s","code":"a","display":"A"}]}"#);
        let by = json(r#"{"tag":[{"system":"s","code":"a"},{"code":"a"}],"profile":["p"]}"#);
        let after = changed(&meta, &by, MetaChange::Add).expect("changes");
        assert_eq!(
            after.to_text(),
            r#"{"versionId":"3","tag":[{"system":"s","code":"a","display":"A"},{"code":"a"}],"profile":["p"]}"#
        );
        assert_eq!(changed(&after, &by, MetaChange::Add), None);
        assert_eq!(changed(&after, &by, MetaChange::Delete), Some(json(r#"{"versionId":"3"}"#)));
        assert_eq!(changed(&meta, &json(r#"{"tag":[{"code":"a"}]}"#), MetaChange::Delete), None);
    }

    #[test]
    fn what_cannot_be_changed_is_refused() {
        for wrong in [
            r#"{"source":"x"}"#,
            r#"{"tag":[]}"#,
            r#"{"tag":{"code":"a"}}"#,
            r#"{"tag":[{"system":"s"}]}"#,
            r#"{"profile":[7]}"#,
            r#"{"colour":"red"}"#,
        ] {
            assert!(!check(&json(wrong)).is_empty(), "{wrong}");
        }
        assert!(check(&json(r#"{"versionId":"9","lastUpdated":"x","security":[{"code":"R"}]}"#)).is_empty());
        assert_eq!(returned(&json("{}")).to_text(), r#"{"resourceType":"Parameters"}"#);
    }
}
