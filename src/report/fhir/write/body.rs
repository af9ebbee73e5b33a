//! A resource being put together from typed elements.
//!
//! The resource itself is a JSON object. A resource struct of fhir-sdk can contain every other resource,
//! so serialising one compiles the code of all 140 of them: some 50 seconds of an optimised build,
//! against 4 for the elements.

use serde::Serialize;

use crate::base::LogicalId;
use crate::fhir::{Json, Object};

use super::WriteError;
use super::types::meta;

/// The members of a resource, in the order in which they are written.
pub(super) struct Body(Object);

impl Body {
    /// A resource with its id, where it comes from and the profiles that it keeps.
    pub(super) fn new(
        resource_type: &str,
        id: &LogicalId,
        source: &str,
        profiles: &[&str],
    ) -> Result<Self, WriteError> {
        let object =
            Object::new().with("resourceType", Json::string(resource_type)).with("id", Json::string(id.as_str()));
        Self(object).with("meta", &meta(source, profiles)?)
    }

    /// With an element.
    pub(super) fn with<T: Serialize>(self, key: &str, value: &T) -> Result<Self, WriteError> {
        Ok(Self(self.0.with(key, Json::from_serialize(value)?)))
    }

    /// With an element, if there is one.
    pub(super) fn with_some<T: Serialize>(self, key: &str, value: Option<&T>) -> Result<Self, WriteError> {
        match value {
            Some(value) => self.with(key, value),
            None => Ok(self),
        }
    }

    /// With a repeating element, if there is any.
    pub(super) fn with_all<T: Serialize>(self, key: &str, values: &[T]) -> Result<Self, WriteError> {
        if values.is_empty() { Ok(self) } else { self.with(key, &values) }
    }

    /// With a text or a code.
    #[must_use]
    pub(super) fn with_text(self, key: &str, text: &str) -> Self {
        Self(self.0.with(key, Json::string(text)))
    }

    /// With a text or a code, if there is one.
    #[must_use]
    pub(super) fn with_text_if(self, key: &str, text: Option<&str>) -> Self {
        Self(self.0.with_text(key, text))
    }

    /// With a value that is JSON already, if there is one.
    #[must_use]
    pub(super) fn with_json(self, key: &str, json: Option<Json>) -> Self {
        match json {
            Some(json) => Self(self.0.with(key, json)),
            None => self,
        }
    }

    pub(super) fn finish(self) -> Json {
        self.0.into()
    }
}
