//! read and vread. R4 http.html#read, http.html#vread.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::{LogicalId, Timestamp, VersionId};
use crate::fhir::{Json, JsonLimits, resource_type};
use crate::http::{
    Caller, EntityTag, FHIR_JSON, FhirFormat, HttpError, Params, fhir_format, is_not_modified, last_modified,
};
use crate::ops::Ops;
use crate::store::StoredResource;

use super::binary;

/// `GET /fhir/r4/{type}/{id}`
pub(super) async fn read(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let (kind, id) = path.into_inner();
    let format = format_of(&kind, &request)?;
    let found = ops.read_resource(&caller.actor, known(&kind)?, &logical_id(&id)?).await?;
    answer(&request, format, found).await
}

/// `GET /fhir/r4/{type}/{id}/_history/{version}`
pub(super) async fn vread(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<(String, String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let (kind, id, version) = path.into_inner();
    let format = format_of(&kind, &request)?;
    let version = VersionId::parse(&version).ok_or(HttpError::NotFound)?;
    let found = ops.read_resource_version(&caller.actor, known(&kind)?, &logical_id(&id)?, version).await?;
    answer(&request, format, found).await
}

/// The form of the answer, unless that is seen only when the resource is.
fn format_of(kind: &str, request: &HttpRequest) -> Result<Option<FhirFormat>, HttpError> {
    if kind == "Binary" { Ok(None) } else { fhir_format(request).map(Some) }
}

/// The stored bytes as they are; parsed only where they are to be indented.
async fn answer(
    request: &HttpRequest,
    format: Option<FhirFormat>,
    mut found: StoredResource,
) -> Result<HttpResponse, HttpError> {
    let format = match format {
        Some(format) => format,
        None => match binary::content(request, &mut found).await? {
            Ok(format) => format,
            Err(content) => return Ok(content),
        },
    };
    let tag = EntityTag::of_version(found.version_id);
    let unchanged = is_not_modified(request, &tag, Some(found.last_updated));
    let mut response = if unchanged {
        HttpResponse::NotModified().finish()
    } else {
        let body = found.body.ok_or(HttpError::Gone)?;
        HttpResponse::Ok().content_type(FHIR_JSON).body(shown(body, format)?)
    };
    mark(&mut response, &tag, found.last_updated);
    Ok(response)
}

/// The header fields that say which version it is.
pub(super) fn mark(response: &mut HttpResponse, tag: &EntityTag, last_updated: Timestamp) {
    for (name, value) in [
        (header::ETAG, tag.to_header()),
        (header::LAST_MODIFIED, last_modified(last_updated)),
        (header::VARY, Some(HeaderValue::from_static("Accept, Authorization"))),
    ] {
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
}

/// A stored body in the form that was asked for.
pub(super) fn shown(body: Vec<u8>, format: FhirFormat) -> Result<Vec<u8>, HttpError> {
    if !format.is_pretty {
        return Ok(body);
    }
    let document = Json::parse(&body, &JsonLimits::default()).map_err(|_error| HttpError::Fault)?;
    Ok(document.to_pretty().into_bytes())
}

pub(super) fn known(kind: &str) -> Result<&str, HttpError> {
    match kind {
        kind if resource_type::is_known(kind) => Ok(kind),
        operation if operation.starts_with('$') => Err(HttpError::no_operation()),
        _ => Err(HttpError::NotFound),
    }
}

pub(super) fn logical_id(text: &str) -> Result<LogicalId, HttpError> {
    if text.starts_with('$') {
        return Err(HttpError::no_operation());
    }
    LogicalId::parse(text).map_err(|error| HttpError::invalid("id", crate::base::ProblemCode::Value, error.to_string()))
}
