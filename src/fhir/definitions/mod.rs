//! The extensions, code systems and value sets that we define and publish, and how they are read.
//!
//! FHIR's own elements come first; these carry what it has no place for. Each has a definition here that
//! is served under its canonical URL.

use super::{Json, Object};

/// What every canonical URL of ours begins with.
pub const CANONICAL_BASE: &str = "https://causeway.health/fhir";

/// A definition that we publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// `StructureDefinition`, `CodeSystem` or `ValueSet`.
    pub resource_type: &'static str,
    /// Logical id; the last part of the canonical URL.
    pub id: &'static str,
    /// The resource as JSON text.
    pub json: &'static str,
}

macro_rules! definitions {
    ($($resource_type:literal $id:literal),* $(,)?) => {
        /// Every definition, by type and id.
        pub const DEFINITIONS: &[Definition] = &[$(Definition {
            resource_type: $resource_type,
            id: $id,
            json: include_str!(concat!($resource_type, "-", $id, ".json")),
        }),*];
    };
}

definitions! {
    "CodeSystem" "identifier-type",
    "CodeSystem" "report-status",
    "StructureDefinition" "content-digest",
    "StructureDefinition" "image-reference",
    "StructureDefinition" "laterality",
    "StructureDefinition" "report-section",
    "StructureDefinition" "report-status",
    "StructureDefinition" "reported-order",
    "StructureDefinition" "reported-patient",
    "StructureDefinition" "reported-person",
    "StructureDefinition" "reported-study",
    "StructureDefinition" "study-time",
    "ValueSet" "laterality",
    "ValueSet" "report-status",
}

/// The canonical URL of one of our extensions.
pub fn extension_url(name: &str) -> String {
    format!("{CANONICAL_BASE}/StructureDefinition/{name}")
}

/// The canonical URL of one of our code systems.
pub fn code_system(name: &str) -> String {
    format!("{CANONICAL_BASE}/CodeSystem/{name}")
}

/// Our extensions with this name on an element, in order.
pub fn extensions<'a>(element: Option<&'a Json>, name: &str) -> impl Iterator<Item = &'a Json> {
    let url = extension_url(name);
    let all = element.map(|element| element.items("extension")).unwrap_or_default();
    all.iter().filter(move |extension| extension.text_at(&["url"]) == Some(&url))
}

/// The first of our extensions with this name on an element.
pub fn extension<'a>(element: Option<&'a Json>, name: &str) -> Option<&'a Json> {
    extensions(element, name).next()
}

/// A part of an extension that has parts.
pub fn part<'a>(extension: Option<&'a Json>, name: &str) -> Option<&'a Json> {
    extension?.items("extension").iter().find(|part| part.text_at(&["url"]) == Some(name))
}

/// An extension with a value: `key` is `valueString`, `valueCoding` and so on.
pub fn simple(name: &str, key: &str, value: Json) -> Json {
    Object::new().with("url", Json::string(extension_url(name))).with(key, value).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::JsonLimits;

    #[test]
    fn definitions_are_what_they_are_listed_as() {
        for definition in DEFINITIONS {
            let json = Json::parse(definition.json.as_bytes(), &JsonLimits::default()).expect("valid JSON");
            assert_eq!(json.text_at(&["resourceType"]), Some(definition.resource_type));
            assert_eq!(json.text_at(&["id"]), Some(definition.id));
            let url = format!("{CANONICAL_BASE}/{}/{}", definition.resource_type, definition.id);
            assert_eq!(json.text_at(&["url"]), Some(url.as_str()));
            assert!(json.text_at(&["description"]).is_some_and(|text| text.ends_with('.')), "{url}");
        }
    }
}
