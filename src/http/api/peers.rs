//! Peers: `/api/admin/peers`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use crate::base::{PeerName, ProblemCode};
use crate::fhir::{Json, Object};
use crate::http::{ApiJson, Caller, HttpError};
use crate::ops::Ops;
use crate::ops::peers::settings_from_json;

use super::json;

/// `GET /api/admin/peers`
pub(super) async fn list(ops: web::Data<Ops>, caller: Caller) -> Result<HttpResponse, HttpError> {
    let peers = ops.peers(&caller.actor).await?;
    let items: Result<Vec<Json>, _> = peers.iter().map(Json::from_serialize).collect();
    let items = items.map_err(|_error| HttpError::Fault)?;
    Ok(json(StatusCode::OK, &Object::new().with("items", Json::Array(items)).into()))
}

/// `PUT /api/admin/peers/{name}`
pub(super) async fn put(
    ops: web::Data<Ops>,
    caller: Caller,
    path: web::Path<String>,
    body: ApiJson,
) -> Result<HttpResponse, HttpError> {
    let name = peer_name(&path)?;
    let settings = settings_from_json(body.0.to_text().as_bytes())?;
    if settings.name != name {
        return Err(HttpError::invalid("name", ProblemCode::Invariant, "is not the name in the path"));
    }
    ops.put_peer(&caller.actor, settings).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /api/admin/peers/{name}`
pub(super) async fn remove(
    ops: web::Data<Ops>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, HttpError> {
    ops.remove_peer(&caller.actor, &peer_name(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /api/admin/peers/{name}/test`
pub(super) async fn test(
    ops: web::Data<Ops>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, HttpError> {
    let report = ops.test_peer(&caller.actor, &peer_name(&path)?).await?;
    let body = Json::from_serialize(&report).map_err(|_error| HttpError::Fault)?;
    Ok(json(StatusCode::OK, &body))
}

fn peer_name(text: &str) -> Result<PeerName, HttpError> {
    PeerName::parse(text).map_err(|_form| HttpError::NotFound)
}
