//! Stored resources as documents, and the members of `meta` that the store is responsible for.

use crate::base::{Timestamp, VersionId};
use crate::fhir::{Json, JsonLimits, Object};
use crate::store::StoredResource;

use super::Error;

/// The document of a stored resource.
pub(super) fn document(stored: &StoredResource) -> Result<Json, Error> {
    let body = stored.body.as_deref().ok_or(Error::Gone)?;
    Json::parse(body, &JsonLimits::default()).map_err(|error| Error::Fault(format!("stored resource: {error}")))
}

/// Puts version and instant into `meta`, as its first members. R4 resource.html#meta.
pub(super) fn stamp(body: &mut Json, version: VersionId, now: Timestamp) {
    let Some(object) = body.as_object_mut() else { return };
    let mut meta = Object::new()
        .with("versionId", Json::string(version.to_string()))
        .with("lastUpdated", Json::string(now.to_fhir()));
    if let Some(Json::Object(former)) = object.get("meta") {
        for (key, value) in former.iter().filter(|(key, _)| !["versionId", "lastUpdated"].contains(key)) {
            meta.set(key, value.clone());
        }
    }
    object.set("meta", meta.into());
}
