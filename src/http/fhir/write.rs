//! create, update, patch and delete. R4 http.html#create, #update, #patch, #delete.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::{ProblemCode, TenantId, VersionId};
use crate::fhir::Json;
use crate::fhir::outcome::{Issue, Severity, outcome};
use crate::fhir::structure;
use crate::http::{
    Caller, EntityTag, FHIR_JSON, FhirFormat, HttpError, IfMatch, Params, PatchBody, Prefer, Return, fhir_format,
};
use crate::ops::Ops;
use crate::ops::resources::{CreatedUnless, Expected, Patch, Written};
use crate::report::fhir::bundle::fhir_base;

use super::binary::WrittenBody;
use super::read::{known, logical_id, mark, shown};
use super::search::checked;

/// `POST /fhir/r4/{type}`
pub(super) async fn create(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: WrittenBody,
) -> Result<HttpResponse, HttpError> {
    let (format, prefer) = body.answered(&request)?;
    let kind = path.into_inner();
    let kind = known(&kind)?;
    refuse_criteria(&request)?;
    let Some(field) = request.headers().get("if-none-exist") else {
        let written = ops.create_resource(&caller.actor, kind, body.json).await?;
        return answer(&ops, &caller.actor.tenant, format, prefer, written);
    };
    let not_text = || HttpError::invalid("If-None-Exist", ProblemCode::Value, "is not text");
    let criteria = field.to_str().map_err(|_error| not_text())?.trim();
    // Some clients send the whole search.
    let criteria = criteria.strip_prefix(kind).unwrap_or(criteria);
    let criteria = checked(criteria.strip_prefix('?').unwrap_or(criteria))?;
    match ops.create_unless(&caller.actor, kind, body.json, criteria).await? {
        CreatedUnless::Created(written) => answer(&ops, &caller.actor.tenant, format, prefer, written),
        CreatedUnless::Found(stored) => {
            let mut response = answer(
                &ops,
                &caller.actor.tenant,
                format,
                prefer,
                Written { stored, is_new: false, remarks: Vec::new() },
            )?;
            // Where it is, not where it was put.
            if let Some(place) = response.headers_mut().remove(header::CONTENT_LOCATION).next() {
                response.headers_mut().insert(header::LOCATION, place);
            }
            Ok(response)
        }
    }
}

/// Some servers take the criteria of a conditional create from the URL. Whoever takes us for one of them would get a
/// second resource where there is one already.
fn refuse_criteria(request: &HttpRequest) -> Result<(), HttpError> {
    let mut names = url::form_urlencoded::parse(request.query_string().as_bytes()).map(|(name, _)| name);
    match names.find(|name| !name.starts_with('_')) {
        Some(_) => {
            let said = "are not taken by a create: the criteria of a conditional one stand in If-None-Exist";
            Err(HttpError::invalid("search parameters", ProblemCode::Unsupported, said))
        }
        None => Ok(()),
    }
}

/// `PUT /fhir/r4/{type}?criteria`
pub(super) async fn update_where(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: WrittenBody,
) -> Result<HttpResponse, HttpError> {
    let (format, prefer) = body.answered(&request)?;
    let (kind, expected) = (path.into_inner(), expected(&request)?);
    let criteria = criteria(&request)?;
    let written = ops.update_where(&caller.actor, known(&kind)?, body.json, criteria, &expected).await?;
    answer(&ops, &caller.actor.tenant, format, prefer, written)
}

/// `PATCH /fhir/r4/{type}?criteria`
pub(super) async fn patch_where(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
    body: PatchBody,
) -> Result<HttpResponse, HttpError> {
    let (format, prefer) = (fhir_format(&request)?, Prefer::of(&request)?);
    let (kind, expected) = (path.into_inner(), expected(&request)?);
    let criteria = criteria(&request)?;
    let written = ops.patch_where(&caller.actor, known(&kind)?, &body.into(), criteria, &expected).await?;
    answer(&ops, &caller.actor.tenant, format, prefer, written)
}

/// `DELETE /fhir/r4/{type}?criteria`
pub(super) async fn delete_where(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let (kind, expected) = (path.into_inner(), expected(&request)?);
    let deleted = ops.delete_where(&caller.actor, known(&kind)?, criteria(&request)?, &expected).await?;
    Ok(is_deleted(deleted))
}

/// The criteria of a request whose resource is named by them; `_format` and `_pretty` are none.
fn criteria(request: &HttpRequest) -> Result<&str, HttpError> {
    let criteria = request.query_string();
    if criteria.is_empty() {
        return Err(HttpError::invalid("", ProblemCode::Required, "search criteria are required where there is no id"));
    }
    checked(criteria)
}

/// `PUT /fhir/r4/{type}/{id}`
pub(super) async fn update(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String)>,
    request: HttpRequest,
    body: WrittenBody,
) -> Result<HttpResponse, HttpError> {
    let (format, prefer) = body.answered(&request)?;
    let (kind, id) = path.into_inner();
    let expected = expected(&request)?;
    let written = ops.update_resource(&caller.actor, known(&kind)?, &logical_id(&id)?, body.json, &expected).await?;
    answer(&ops, &caller.actor.tenant, format, prefer, written)
}

/// `PATCH /fhir/r4/{type}/{id}`
pub(super) async fn patch(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String)>,
    request: HttpRequest,
    body: PatchBody,
) -> Result<HttpResponse, HttpError> {
    let (format, prefer) = (fhir_format(&request)?, Prefer::of(&request)?);
    let (kind, id) = path.into_inner();
    let expected = expected(&request)?;
    let written = ops.patch_resource(&caller.actor, known(&kind)?, &logical_id(&id)?, &body.into(), &expected).await?;
    answer(&ops, &caller.actor.tenant, format, prefer, written)
}

/// `DELETE /fhir/r4/{type}/{id}`
pub(super) async fn delete(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let (kind, id) = path.into_inner();
    let expected = expected(&request)?;
    let deleted = ops.delete_resource(&caller.actor, known(&kind)?, &logical_id(&id)?, &expected).await?;
    Ok(is_deleted(deleted))
}

fn is_deleted(deleted: Option<VersionId>) -> HttpResponse {
    let mut response = HttpResponse::NoContent().finish();
    if let Some(tag) = deleted.and_then(|version| EntityTag::of_version(version).to_header()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

impl From<PatchBody> for Patch {
    fn from(body: PatchBody) -> Self {
        match body {
            PatchBody::JsonPatch(patch) => Self::Json(patch),
            PatchBody::FhirPathPatch(parameters) => Self::FhirPath(parameters),
        }
    }
}

pub(super) fn expected(request: &HttpRequest) -> Result<Expected, HttpError> {
    Ok(match IfMatch::of(request)? {
        None => Expected::Whatever,
        Some(IfMatch::Any) => Expected::Present,
        Some(IfMatch::Versions(versions)) => Expected::Versions(versions),
    })
}

/// What was written, as far as the client wants it back. R4 http.html#ops.
fn answer(
    ops: &Ops,
    tenant: &TenantId,
    format: FhirFormat,
    prefer: Prefer,
    written: Written,
) -> Result<HttpResponse, HttpError> {
    let Written { stored, is_new, remarks } = written;
    let base = fhir_base(&ops.base_url(tenant));
    let location = format!("{base}/{}/{}/_history/{}", stored.resource_type, stored.logical_id, stored.version_id);
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let mut builder = HttpResponse::build(status);
    let mut response = match prefer.wants.unwrap_or(Return::Representation) {
        Return::Minimal => builder.finish(),
        Return::Representation => builder.content_type(FHIR_JSON).body(shown(stored.body.unwrap_or_default(), format)?),
        Return::OperationOutcome => {
            let outcome = kept(&remarks);
            let text = if format.is_pretty { outcome.to_pretty() } else { outcome.to_text() };
            builder.content_type(FHIR_JSON).body(text)
        }
    };
    mark(&mut response, &EntityTag::of_version(stored.version_id), stored.last_updated);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&location) {
        let name = if is_new { header::LOCATION } else { header::CONTENT_LOCATION };
        headers.insert(name, value);
    }
    note_applied(headers, prefer);
    Ok(response)
}

/// What a client hears that wants an outcome of what went well: that it did, and what is to be said all the same.
pub(super) fn kept(remarks: &[structure::Issue]) -> Json {
    let severity = Severity::Information;
    let kept = Issue { severity, code: "informational", diagnostics: "it is kept", expression: "" };
    let issues: Vec<Issue<'_>> =
        std::iter::once(kept).chain(remarks.iter().map(structure::Issue::as_outcome)).collect();
    outcome(&issues)
}

/// Says that what the client preferred was done. RFC 7240 §3.
pub(super) fn note_applied(headers: &mut HeaderMap, prefer: Prefer) {
    let applied = match prefer.wants {
        Some(Return::Minimal) => "return=minimal",
        Some(Return::Representation) => "return=representation",
        Some(Return::OperationOutcome) => "return=OperationOutcome",
        None => return,
    };
    let name = header::HeaderName::from_static("preference-applied");
    headers.insert(name, HeaderValue::from_static(applied));
}
