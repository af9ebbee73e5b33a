//! `$meta`, `$meta-add`, `$meta-delete`. R4 resource-operation-meta.html.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::{ProblemCode, VersionId};
use crate::fhir::Json;
use crate::fhir::meta::{MetaChange, returned};
use crate::http::{Caller, EntityTag, FHIR_JSON, HttpError, OptionalFhirJson, Params, fhir_format};
use crate::ops::Ops;
use crate::report::fhir::bundle::fhir_base;
use crate::store::StoredResource;

use super::operation::inputs;
use super::read::{known, logical_id, mark};
use super::write::expected;

/// `/fhir/r4/$meta`
pub(super) async fn of_system(
    ops: web::Data<Ops>,
    caller: Caller,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    inputs(&request, &body)?.finish(Some(()))?;
    answer(&request, &ops.meta_in_use(&caller.actor, None).await?)
}

/// `/fhir/r4/{type}/$meta`
pub(super) async fn of_type(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    inputs(&request, &body)?.finish(Some(()))?;
    answer(&request, &ops.meta_in_use(&caller.actor, Some(known(&path)?)).await?)
}

/// `/fhir/r4/{type}/{id}/$meta`
pub(super) async fn of_one(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String)>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    let (kind, id) = path.into_inner();
    inputs(&request, &body)?.finish(Some(()))?;
    let found = ops.meta_of(&caller.actor, known(&kind)?, &logical_id(&id)?, None).await?;
    answer_of(&ops, &caller, &request, &found)
}

/// `/fhir/r4/{type}/{id}/_history/{version}/$meta`
pub(super) async fn of_version(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String, String)>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    let (kind, id, version) = path.into_inner();
    let version = VersionId::parse(&version).ok_or(HttpError::NotFound)?;
    inputs(&request, &body)?.finish(Some(()))?;
    let found = ops.meta_of(&caller.actor, known(&kind)?, &logical_id(&id)?, Some(version)).await?;
    answer_of(&ops, &caller, &request, &found)
}

/// `/fhir/r4/{type}/{id}/$meta-add`
pub(super) async fn add(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String)>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    change(&ops, &caller, path.into_inner(), &request, &body, MetaChange::Add).await
}

/// `/fhir/r4/{type}/{id}/$meta-delete`
pub(super) async fn delete(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String)>,
    request: HttpRequest,
    body: OptionalFhirJson,
) -> Result<HttpResponse, HttpError> {
    change(&ops, &caller, path.into_inner(), &request, &body, MetaChange::Delete).await
}

async fn change(
    ops: &Ops,
    caller: &Caller,
    (kind, id): (String, String),
    request: &HttpRequest,
    body: &OptionalFhirJson,
    change: MetaChange,
) -> Result<HttpResponse, HttpError> {
    fhir_format(request)?;
    let mut inputs = inputs(request, body)?;
    let meta = inputs.element("meta", "valueMeta");
    if meta.is_none() {
        inputs.refuse("meta", ProblemCode::Required, "is required");
    }
    let meta = inputs.finish(meta)?;
    let (kind, id, expected) = (known(&kind)?, logical_id(&id)?, expected(request)?);
    let found = ops.change_meta(&caller.actor, kind, &id, (&meta, change), &expected).await?;
    answer_of(ops, caller, request, &found)
}

/// The meta of a version, and which it is.
fn answer_of(
    ops: &Ops,
    caller: &Caller,
    request: &HttpRequest,
    (stored, meta): &(StoredResource, Json),
) -> Result<HttpResponse, HttpError> {
    let mut response = answer(request, meta)?;
    mark(&mut response, &EntityTag::of_version(stored.version_id), stored.last_updated);
    let base = fhir_base(&ops.base_url(&caller.actor.tenant));
    let place = format!("{base}/{}/{}/_history/{}", stored.resource_type, stored.logical_id, stored.version_id);
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(header::CONTENT_LOCATION, place);
    }
    Ok(response)
}

fn answer(request: &HttpRequest, meta: &Json) -> Result<HttpResponse, HttpError> {
    let returned = returned(meta);
    let text = if fhir_format(request)?.is_pretty { returned.to_pretty() } else { returned.to_text() };
    Ok(HttpResponse::Ok().content_type(FHIR_JSON).body(text))
}
