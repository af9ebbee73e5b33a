//! Delivery rules: `/api/admin/rules`.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::base::{PeerName, ProblemCode, VersionId};
use crate::fhir::{Json, Object};
use crate::http::{ApiJson, Caller, EntityTag, HttpError, IfMatch};
use crate::ops::{DeliveryRule, Ops};
use crate::store::SettingVersion;

use super::json;
use super::shape::{self, Kind, Member, any, optional, required};

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
    let body: Body = shape::read(&body.0, RULES)?;
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

const RULES: &[Member] = &[required(&["rules"], Kind::Objects(RULE))];
const RULE: &[Member] = &[
    required(&["name"], Kind::Text),
    required(&["on"], Kind::Texts(any, "")),
    required(&["peers"], Kind::Texts(|name| PeerName::parse(name).is_ok(), "is not the name of a peer")),
    optional(&["formats"], Kind::Texts(any, "")),
];
