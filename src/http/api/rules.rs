//! Delivery rules: `/api/admin/rules`.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::{ProblemCode, VersionId};
use crate::fhir::{Json, Object};
use crate::http::{ApiJson, Caller, EntityTag, HttpError, IfMatch};
use crate::ops::{DeliveryRule, Ops};
use crate::store::SettingVersion;

use super::json;

/// `GET /api/admin/rules`
pub(super) async fn list(ops: web::Data<Ops>, caller: Caller) -> Result<HttpResponse, HttpError> {
    let (rules, version) = ops.rules(&caller.actor).await?;
    let items: Result<Vec<Json>, _> = rules.iter().map(Json::from_serialize).collect();
    let items = items.map_err(|_error| HttpError::Fault)?;
    let body = Object::new().with("rules", Json::Array(items)).into();
    Ok(tagged(json(StatusCode::OK, &body), version))
}

/// `PUT /api/admin/rules`, with `{rules: […]}`
pub(super) async fn set(
    ops: web::Data<Ops>,
    caller: Caller,
    request: HttpRequest,
    body: ApiJson,
) -> Result<HttpResponse, HttpError> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        rules: Vec<DeliveryRule>,
    }
    let body: Body = serde_json::from_str(&body.0.to_text()).map_err(|error| malformed(&error))?;
    ops.set_rules(&caller.actor, body.rules, expected(&request)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What must stand now, as `If-Match` says; whatever it is where it says nothing.
pub(super) fn expected(request: &HttpRequest) -> Result<SettingVersion, HttpError> {
    match IfMatch::of(request)? {
        None | Some(IfMatch::Any) => Ok(SettingVersion::Any),
        Some(IfMatch::Versions(versions)) => match versions.as_slice() {
            [version] => Ok(SettingVersion::Is(*version)),
            _ => Err(HttpError::invalid("If-Match", ProblemCode::Value, "must name one version")),
        },
    }
}

pub(super) fn tagged(mut response: HttpResponse, version: Option<VersionId>) -> HttpResponse {
    if let Some(value) = version.and_then(|version| EntityTag::of_version(version).to_header()) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// A body of another shape. The reader's message may repeat what stands there, so only the place is said.
pub(super) fn malformed(error: &serde_json::Error) -> HttpError {
    let detail = format!("has not the shape of this body: line {}, column {}", error.line(), error.column());
    HttpError::invalid("", ProblemCode::Structure, detail)
}
