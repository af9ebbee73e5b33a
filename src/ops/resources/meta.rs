//! `$meta`, `$meta-add`, `$meta-delete`. R4 resource-operation-meta.html.
//!
//! A change of tags is a change of the resource: it makes a version, as everything does that is written here, and
//! versions that were never change.

use crate::access::{Actor, Operation, decide_type};
use crate::audit::Object;
use crate::base::{LogicalId, VersionId};
use crate::fhir::meta::{MetaChange, changed, check};
use crate::fhir::resource_type::RESOURCE_TYPES;
use crate::fhir::{Json, Object as JsonObject};
use crate::store::StoredResource;

use super::super::document::document;
use super::super::{Attempt, Error, Ops};
use super::write::{Expected, Written, check as check_version, of_client, refuse_of_report};

impl Ops {
    /// The profiles, tags and labels that resources carry: of a type, or of all that the actor may find.
    pub async fn meta_in_use(&self, actor: &Actor, resource_type: Option<&str>) -> Result<Json, Error> {
        let operation = Operation::FhirSearch;
        let types: Vec<String> = match resource_type {
            Some(resource_type) => {
                self.authorize_type(actor, operation, resource_type).await?;
                self.authorize_all_binaries(actor, resource_type).await?;
                vec![resource_type.to_owned()]
            }
            None => {
                self.authorize(actor, operation).await?;
                let found = |kind: &&&str| decide_type(actor, operation, kind).into_result().is_ok();
                RESOURCE_TYPES.iter().filter(found).map(|kind| (*kind).to_owned()).collect()
            }
        };
        let desk = self.desk(actor);
        let profiles = desk.canonicals_in_use(types.clone(), "_profile").await?;
        let security = desk.codings_in_use(types.clone(), "_security").await?;
        let tags = desk.codings_in_use(types, "_tag").await?;
        self.note_read(actor, operation, Vec::new()).await?;
        let profile = |one: crate::store::CanonicalInUse| match one.version.as_str() {
            "" => Json::String(one.uri),
            version => Json::String(format!("{}|{version}", one.uri)),
        };
        let coding = |one: crate::store::CodingInUse| {
            JsonObject::new().with_text("system", one.system).with("code", Json::String(one.code)).into()
        };
        Ok(JsonObject::new()
            .with_items("profile", profiles.into_iter().map(profile).collect())
            .with_items("security", security.into_iter().map(coding).collect())
            .with_items("tag", tags.into_iter().map(coding).collect())
            .into())
    }

    /// The resource whose meta is asked for, in a version or the newest one, and that meta.
    pub async fn meta_of(
        &self,
        actor: &Actor,
        resource_type: &str,
        id: &LogicalId,
        version: Option<VersionId>,
    ) -> Result<(StoredResource, Json), Error> {
        let stored = match version {
            None => self.read_resource(actor, resource_type, id).await?,
            Some(version) => self.read_resource_version(actor, resource_type, id, version).await?,
        };
        let meta = meta(&document(&stored)?);
        Ok((stored, meta))
    }

    /// Makes a version with other profiles, tags or labels; none where nothing is another.
    pub async fn change_meta(
        &self,
        actor: &Actor,
        resource_type: &str,
        id: &LogicalId,
        (by, change): (&Json, MetaChange),
        expected: &Expected,
    ) -> Result<(StoredResource, Json), Error> {
        let operation = Operation::FhirUpdate;
        self.authorize_type(actor, operation, resource_type).await?;
        self.refuse_read_only(actor, resource_type)?;
        check(by).into_result(()).map_err(Error::Invalid)?;
        let written = self
            .with_retries(actor, (resource_type, id.as_str()), || async {
                let former = self.desk(actor).resource(resource_type, id).await?.ok_or(Error::NotFound)?;
                self.refuse_hidden(actor, &former)?;
                if former.body.is_none() {
                    return Err(Error::Gone);
                }
                check_version(expected, Some(&former))?;
                refuse_of_report(&former)?;
                let mut document = document(&former)?;
                let Some(meta) = changed(&meta(&document), by, change) else {
                    return Ok(Attempt::Done(Written { stored: former, is_new: false, remarks: Vec::new() }));
                };
                if let Some(object) = document.as_object_mut() {
                    object.set("meta", meta);
                }
                let (body, remarks) = self.valid(actor, document).await?;
                let body = of_client(body);
                self.check_parameter(actor, resource_type, id, &body).await?;
                let before = Some(former.version_id);
                let (stored, set) = self.kept(actor, resource_type, id.clone(), before, body).await?;
                let object = Object::resource(resource_type, id, Some(stored.version_id));
                let event = self.event(actor, operation).on(object);
                self.attempt(actor, set, event, expected, Written { stored, is_new: false, remarks }).await
            })
            .await?;
        let meta = meta(&document(&written.stored)?);
        Ok((written.stored, meta))
    }
}

fn meta(document: &Json) -> Json {
    document.get("meta").cloned().unwrap_or_else(|| JsonObject::new().into())
}
