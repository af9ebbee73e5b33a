//! create, update, patch and delete. R4 http.html#create, #update, #patch, #delete.

use crate::access::{Actor, Operation, Principal};
use crate::audit::Object;
use crate::base::{LogicalId, ProblemCode, Problems, Timestamp, VersionId};
use crate::fhir::index::extract;
use crate::fhir::patch::{PatchError, PatchFaultClass, PatchLimits, fhirpath_patch, json_patch};
use crate::fhir::search::{self, summary::is_part};
use crate::fhir::structure::Issue;
use crate::fhir::{Json, Object as JsonObject};
use crate::report::fhir::is_report_source;
use crate::store::{ResourceWrite, StoreError, StoredResource, Write, WriteSet};

use super::super::document::{document, stamp};
use super::super::{Attempt, Error, Ops};

/// Which version a change is meant for. R4 http.html#concurrency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Whatever there is, or nothing.
    Whatever,
    /// Any version, but there must be one.
    Present,
    /// One of these.
    Versions(Vec<VersionId>),
}

/// A change to what a resource says. R4 http.html#patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patch {
    /// The operations of a JSON Patch. RFC 6902.
    Json(Json),
    /// The Parameters of a FHIRPath Patch. R4 fhirpatch.html.
    FhirPath(Json),
}

impl Patch {
    fn apply(&self, document: &Json) -> Result<Json, PatchError> {
        let limits = PatchLimits::default();
        match self {
            Self::Json(patch) => json_patch::apply(document, patch, &limits),
            Self::FhirPath(parameters) => fhirpath_patch::apply(document, parameters, &limits),
        }
    }
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The version that was made.
    pub stored: StoredResource,
    /// Whether there was no resource before, or a deleted one.
    pub is_new: bool,
    /// What is to be said of it all the same: warnings, and under the policy `warn` what breaks rules.
    pub remarks: Vec<Issue>,
}

impl Ops {
    /// Keeps a new resource under an id of ours; an id in the body is not looked at.
    pub async fn create_resource(&self, actor: &Actor, resource_type: &str, body: Json) -> Result<Written, Error> {
        let operation = Operation::FhirCreate;
        self.authorize_type(actor, operation, resource_type).await?;
        let (body, remarks) = self.valid(actor, self.writable(actor, resource_type, body)?).await?;
        let body = of_client(body);
        let id = LogicalId::random();
        self.check_parameter(actor, resource_type, &id, &body).await?;
        let (stored, set) = self.kept(actor, resource_type, id, None, body).await?;
        let object = Object::resource(resource_type, &stored.logical_id, Some(stored.version_id));
        let event = self.event(actor, operation).on(object);
        self.desk(actor).commit(set.with(Write::Audit(event))).await?;
        Ok(Written { stored, is_new: true, remarks })
    }

    /// Makes a new version of a resource, or the first one under this id.
    pub async fn update_resource(
        &self,
        actor: &Actor,
        resource_type: &str,
        id: &LogicalId,
        body: Json,
        expected: &Expected,
    ) -> Result<Written, Error> {
        let operation = Operation::FhirUpdate;
        self.authorize_type(actor, operation, resource_type).await?;
        let body = self.writable(actor, resource_type, body)?;
        match body.text_at(&["id"]) {
            Some(named) if named == id.as_str() => {}
            Some(_) => return Err(wrong("id", ProblemCode::Invariant, "is not the id in the URL")),
            None => return Err(wrong("id", ProblemCode::Required, "is required in an update")),
        }
        let (body, remarks) = self.valid(actor, body).await?;
        let body = of_client(body);
        self.check_parameter(actor, resource_type, id, &body).await?;
        self.with_retries(actor, (resource_type, id.as_str()), || async {
            let former = self.desk(actor).resource(resource_type, id).await?;
            if let Some(former) = &former {
                self.refuse_hidden(actor, former)?;
            }
            check(expected, former.as_ref())?;
            let is_new = former.as_ref().is_none_or(|former| former.body.is_none());
            match former.as_ref().filter(|former| former.body.is_some()) {
                Some(former) => refuse_of_report(former)?,
                None => {
                    self.authorize_type(actor, Operation::FhirCreate, resource_type).await?;
                }
            }
            let before = former.map(|former| former.version_id);
            let (stored, set) = self.kept(actor, resource_type, id.clone(), before, body.clone()).await?;
            let object = Object::resource(resource_type, id, Some(stored.version_id));
            let event = self.event(actor, operation).on(object);
            let written = Written { stored, is_new, remarks: remarks.clone() };
            self.attempt(actor, set, event, expected, written).await
        })
        .await
    }

    /// Makes a new version of a resource out of its newest one.
    pub async fn patch_resource(
        &self,
        actor: &Actor,
        resource_type: &str,
        id: &LogicalId,
        patch: &Patch,
        expected: &Expected,
    ) -> Result<Written, Error> {
        let operation = Operation::FhirUpdate;
        self.authorize_type(actor, operation, resource_type).await?;
        self.refuse_read_only(actor, resource_type)?;
        self.with_retries(actor, (resource_type, id.as_str()), || async {
            let former = self.desk(actor).resource(resource_type, id).await?.ok_or(Error::NotFound)?;
            self.refuse_hidden(actor, &former)?;
            if former.body.is_none() {
                return Err(Error::Gone);
            }
            check(expected, Some(&former))?;
            refuse_of_report(&former)?;
            let (document, patch) = (document(&former)?, patch.clone());
            let patched = self.on_cpu(move || patch.apply(&document)).await?.map_err(of_patch)?;
            let (body, remarks) = self.valid(actor, patched).await?;
            self.check_parameter(actor, resource_type, id, &body).await?;
            let before = Some(former.version_id);
            let (stored, set) = self.kept(actor, resource_type, id.clone(), before, of_client(body)).await?;
            let object = Object::resource(resource_type, id, Some(stored.version_id));
            let event = self.event(actor, operation).on(object);
            self.attempt(actor, set, event, expected, Written { stored, is_new: false, remarks }).await
        })
        .await
    }

    /// A body of the right type, if resources of this type are written at all.
    pub(super) fn writable(&self, actor: &Actor, resource_type: &str, body: Json) -> Result<Json, Error> {
        self.refuse_read_only(actor, resource_type)?;
        if is_part(&body) {
            return Err(Error::Rule(Problems::one("meta.tag", ProblemCode::BusinessRule, OF_PART)));
        }
        match body.text_at(&["resourceType"]) {
            Some(named) if named == resource_type => Ok(body),
            Some(_) => Err(wrong("resourceType", ProblemCode::Invariant, "is not the type in the URL")),
            None if body.as_object().is_none() => Err(wrong("", ProblemCode::Structure, "is not an object")),
            None => Err(wrong("resourceType", ProblemCode::Required, "is required")),
        }
    }

    /// An AuditEvent follows the audit log; an ImagingStudy the archive, unless the gateway has none to follow
    /// or takes over what another system had.
    pub(in crate::ops) fn refuse_read_only(&self, actor: &Actor, resource_type: &str) -> Result<(), Error> {
        match resource_type {
            "AuditEvent" => Err(Error::ReadOnly),
            "ImagingStudy"
                if !self.settings().stores_imaging_studies && !matches!(actor.principal, Principal::System(_)) =>
            {
                Err(Error::ReadOnly)
            }
            _ => Ok(()),
        }
    }

    /// Deletes a resource; its former versions stay. `None` if there was nothing to delete.
    pub async fn delete_resource(
        &self,
        actor: &Actor,
        resource_type: &str,
        id: &LogicalId,
        expected: &Expected,
    ) -> Result<Option<VersionId>, Error> {
        let operation = Operation::FhirDelete;
        self.authorize_type(actor, operation, resource_type).await?;
        self.refuse_read_only(actor, resource_type)?;
        self.with_retries(actor, (resource_type, id.as_str()), || async {
            let former = self.desk(actor).resource(resource_type, id).await?;
            if let Some(former) = &former {
                self.refuse_hidden(actor, former)?;
            }
            check(expected, former.as_ref().filter(|former| former.body.is_some()))?;
            let Some(former) = former.filter(|former| former.body.is_some()) else {
                return Ok(Attempt::Done(None));
            };
            refuse_of_report(&former)?;
            let write = deletion(resource_type, id.clone(), former.version_id, self.now());
            let version = write.version_id();
            let event = self.event(actor, operation).on(Object::resource(resource_type, id, Some(version)));
            let set = WriteSet::new().with(Write::Resource(write)).and(self.gone(actor, resource_type, id));
            self.attempt(actor, set, event, expected, Some(version)).await
        })
        .await
    }

    /// Commits one version. Where the client did not say which version it means, somebody else's commit in
    /// between only means another look.
    pub(super) async fn attempt<T>(
        &self,
        actor: &Actor,
        set: WriteSet,
        event: crate::audit::AuditEvent,
        expected: &Expected,
        outcome: T,
    ) -> Result<Attempt<T>, Error> {
        match self.desk(actor).commit(set.with(Write::Audit(event))).await {
            Ok(()) => Ok(Attempt::Done(outcome)),
            Err(StoreError::VersionConflict { current }) => match expected {
                Expected::Versions(_) => Err(Error::VersionMismatch { current }),
                Expected::Whatever | Expected::Present => Ok(Attempt::Spoilt),
            },
            Err(error) => Err(error.into()),
        }
    }
}

/// Why what `_summary` or `_elements` left is not taken: it would take the place of the whole. R4 search.html#summary.
pub(in crate::ops) const OF_PART: &str = "says that this is a part of a resource; only a whole one is kept";

/// The body as a client's own: it does not claim to be written by a report.
pub(super) fn of_client(mut body: Json) -> Json {
    if body.text_at(&["meta", "source"]).is_some_and(is_report_source)
        && let Some(Json::Object(meta)) = body.as_object_mut().and_then(|body| body.get_mut("meta"))
    {
        meta.remove("source");
    }
    body
}

/// What is wrong with a patch, at which of its operations.
pub(super) fn of_patch(error: PatchError) -> Error {
    let path = error.operation.map_or_else(String::new, |number| format!("operation[{number}]"));
    match error.class() {
        PatchFaultClass::Malformed => wrong(&path, ProblemCode::Structure, &error.fault.to_string()),
        PatchFaultClass::TooLarge => wrong(&path, ProblemCode::TooLong, &error.fault.to_string()),
        PatchFaultClass::Unprocessable => {
            Error::Rule(Problems::one(path, ProblemCode::BusinessRule, error.fault.to_string()))
        }
    }
}

pub(in crate::ops) fn refuse_of_report(former: &StoredResource) -> Result<(), Error> {
    let is_own = matches!(
        former.resource_type.as_str(),
        "DiagnosticReport" | "Observation" | "DocumentReference" | "Provenance"
    );
    if is_own && document(former)?.text_at(&["meta", "source"]).is_some_and(is_report_source) {
        return Err(Error::Conflict("it belongs to a report, which is changed at /api/reports"));
    }
    Ok(())
}

pub(super) fn check(expected: &Expected, former: Option<&StoredResource>) -> Result<(), Error> {
    let current = former.map(|former| former.version_id);
    let holds = match (expected, current) {
        (Expected::Whatever, _) | (Expected::Present, Some(_)) => true,
        (Expected::Versions(versions), Some(current)) => versions.contains(&current),
        (Expected::Present | Expected::Versions(_), None) => false,
    };
    if holds { Ok(()) } else { Err(Error::VersionMismatch { current }) }
}

/// The version after `before` that says that the resource is deleted.
pub(super) fn deletion(resource_type: &str, id: LogicalId, before: VersionId, now: Timestamp) -> ResourceWrite {
    ResourceWrite {
        resource_type: resource_type.to_owned(),
        logical_id: id,
        expected: Some(before),
        last_updated: now.to_millis(),
        body: None,
        rows: Vec::new(),
        entries: Vec::new(),
    }
}

/// The version after `before`, with id, version and instant in it.
pub(in crate::ops) fn version(
    resource_type: &str,
    id: LogicalId,
    before: Option<VersionId>,
    body: Json,
    now: Timestamp,
) -> (StoredResource, ResourceWrite) {
    let now = now.to_millis();
    let version_id = before.map_or(VersionId::FIRST, VersionId::next);
    let mut body = with_id(body, &id);
    stamp(&mut body, version_id, now);
    let (rows, entries) = (extract(&body), search::extract(&body));
    let text = body.to_text().into_bytes();
    let write = ResourceWrite {
        resource_type: resource_type.to_owned(),
        logical_id: id.clone(),
        expected: before,
        last_updated: now,
        body: Some(text.clone()),
        rows,
        entries,
    };
    let stored = StoredResource {
        resource_type: resource_type.to_owned(),
        logical_id: id,
        version_id,
        last_updated: now,
        body: Some(text),
    };
    (stored, write)
}

/// The body with its type, id and meta first and everything else as it came.
fn with_id(body: Json, id: &LogicalId) -> Json {
    let mut out = JsonObject::new();
    for name in ["resourceType", "id", "meta"] {
        match (name, body.get(name)) {
            ("id", _) => out = out.with(name, Json::string(id.as_str())),
            (_, Some(value)) => out = out.with(name, value.clone()),
            // Its place; the stamp fills it.
            (_, None) => out = out.with(name, JsonObject::new().into()),
        }
    }
    if let Json::Object(body) = body {
        for (name, value) in body.iter().filter(|(name, _)| !["resourceType", "id", "meta"].contains(name)) {
            out = out.with(name, value.clone());
        }
    }
    out.into()
}

fn wrong(path: &str, code: ProblemCode, detail: &str) -> Error {
    Error::Invalid(Problems::one(path, code, detail))
}
