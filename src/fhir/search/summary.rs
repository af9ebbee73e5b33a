//! Parts of resources: `_summary` and `_elements`. R4 search.html#summary, search.html#elements.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::query::Summary;
use crate::fhir::{Json, Object};

/// Which part of a resource is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// What the definition marks as summary.
    Summary,
    /// Narrative, id, meta and what is mandatory.
    Text,
    /// All but the narrative.
    Data,
    /// These elements and what is mandatory.
    Elements(Vec<String>),
}

impl Part {
    /// The part that a request asks for; `None` for the whole. `_elements` is the narrower of the two.
    pub fn of(summary: Option<Summary>, elements: &[String]) -> Option<Self> {
        if !elements.is_empty() {
            return Some(Self::Elements(elements.to_vec()));
        }
        match summary {
            Some(Summary::True) => Some(Self::Summary),
            Some(Summary::Text) => Some(Self::Text),
            Some(Summary::Data) => Some(Self::Data),
            Some(Summary::Count | Summary::False) | None => None,
        }
    }

    /// The part of a resource, tagged as one, so that nobody takes it for the whole.
    pub fn cut(&self, resource: &Json) -> Json {
        let Some(object) = resource.as_object() else { return resource.clone() };
        let resource_type = resource.text_at(&["resourceType"]).unwrap_or_default();
        let marked = ELEMENTS.get(resource_type);
        let listed = |names: Option<&Vec<&str>>, name: &str| names.is_some_and(|names| is_among(names, name));
        let mut out = Object::new();
        for (key, value) in object.iter() {
            let name = key.strip_prefix('_').unwrap_or(key);
            let always =
                matches!(name, "resourceType" | "id" | "meta") || listed(marked.map(|marked| &marked.mandatory), name);
            let wanted = always
                || match self {
                    Self::Summary => listed(marked.map(|marked| &marked.summary), name),
                    Self::Text => name == "text",
                    Self::Data => name != "text",
                    Self::Elements(names) => {
                        let names: Vec<&str> = names.iter().map(String::as_str).collect();
                        is_among(&names, name)
                    }
                };
            if wanted {
                out.set(key, value.clone());
            }
        }
        tag(&mut out);
        out.into()
    }
}

/// Whether an element is among names that may stand for all types of a choice.
fn is_among(names: &[&str], element: &str) -> bool {
    names.iter().any(|name| {
        element
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(|one: char| one.is_ascii_uppercase()))
    })
}

fn tag(resource: &mut Object) {
    let mut meta = match resource.get("meta") {
        Some(Json::Object(meta)) => meta.clone(),
        _ => Object::new(),
    };
    let mut tags = meta.get("tag").and_then(Json::as_array).unwrap_or_default().to_vec();
    if !tags.iter().any(is_subset_tag) {
        tags.push(
            Object::new()
                .with("system", Json::string(OBSERVATION_VALUE))
                .with("code", Json::string("SUBSETTED"))
                .into(),
        );
    }
    meta.set("tag", Json::Array(tags));
    resource.set("meta", meta.into());
}

fn is_subset_tag(tag: &Json) -> bool {
    tag.text_at(&["system"]) == Some(OBSERVATION_VALUE) && tag.text_at(&["code"]) == Some("SUBSETTED")
}

/// Whether a resource says that it is only a part: such a one must not take the place of the whole.
pub fn is_part(resource: &Json) -> bool {
    resource.at(&["meta", "tag"]).and_then(Json::as_array).is_some_and(|tags| tags.iter().any(is_subset_tag))
}

const OBSERVATION_VALUE: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";

/// The marked elements of a type.
struct Marked {
    summary: Vec<&'static str>,
    mandatory: Vec<&'static str>,
}

static ELEMENTS: LazyLock<HashMap<&str, Marked>> = LazyLock::new(|| {
    let words = |text: &'static str| text.split(' ').filter(|word| !word.is_empty()).collect();
    let mut table = HashMap::new();
    for line in include_str!("data/summaries.tsv").lines() {
        if let [resource_type, summary, mandatory] = line.split('\t').collect::<Vec<_>>()[..] {
            table.insert(resource_type, Marked { summary: words(summary), mandatory: words(mandatory) });
        }
    }
    table
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::JsonLimits;

    #[test]
    fn parts_have_what_they_have_to() {
        let json = |text: &str| Json::parse(text.as_bytes(), &JsonLimits::default()).expect("JSON");
        let observation = json(
            r#"{"resourceType":"Observation","id":"1","text":{"div":"x"},"status":"final","_status":{"id":"s"},
                "code":{"text":"c"},"valueQuantity":{"value":1.0},"note":[{"text":"n"}]}"#,
        );
        let keys = |part: Part| -> Vec<String> {
            let cut = part.cut(&observation);
            assert!(is_part(&cut));
            cut.as_object().expect("object").iter().map(|(key, _)| key.to_owned()).collect()
        };
        assert_eq!(keys(Part::Summary), ["resourceType", "id", "status", "_status", "code", "valueQuantity", "meta"]);
        assert_eq!(keys(Part::Text), ["resourceType", "id", "text", "status", "_status", "code", "meta"]);
        assert_eq!(
            keys(Part::Data),
            ["resourceType", "id", "status", "_status", "code", "valueQuantity", "note", "meta"]
        );
        let elements = Part::Elements(vec!["note".to_owned(), "value".to_owned()]);
        assert_eq!(
            keys(elements),
            ["resourceType", "id", "status", "_status", "code", "valueQuantity", "note", "meta"]
        );
        assert!(!is_part(&observation));
        assert_eq!(Part::of(Some(Summary::False), &[]), None);
    }
}
