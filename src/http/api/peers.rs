//! Peers: `/api/admin/peers`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use crate::base::{AeTitle, PeerName, ProblemCode};
use crate::fhir::{Json, Object};
use crate::http::{ApiJson, Caller, HttpError, Params};
use crate::ops::Ops;
use crate::remote::peer::Trial;
use crate::remote::{PeerKind, PeerSettings};

use super::json;
use super::shape::{self, Kind, Member, any, optional, required};

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
    path: Params<String>,
    body: ApiJson,
) -> Result<HttpResponse, HttpError> {
    let name = peer_name(&path)?;
    let settings: PeerSettings = shape::read(&body.0, PEER)?;
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
    path: Params<String>,
) -> Result<HttpResponse, HttpError> {
    ops.remove_peer(&caller.actor, &peer_name(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /api/admin/peers/{name}/test`: what can be found out without storing anything.
pub(super) async fn test(ops: web::Data<Ops>, caller: Caller, path: Params<String>) -> Result<HttpResponse, HttpError> {
    let report = ops.test_peer(&caller.actor, &peer_name(&path)?, &Trial::default()).await?;
    let body = Json::from_serialize(&report).map_err(|_error| HttpError::Fault)?;
    Ok(json(StatusCode::OK, &body))
}

fn peer_name(text: &str) -> Result<PeerName, HttpError> {
    PeerName::parse(text).map_err(|_form| HttpError::NotFound)
}

fn is_kind(text: &str) -> bool {
    [PeerKind::Dimse, PeerKind::Dicomweb, PeerKind::Fhir, PeerKind::Orthanc].iter().any(|kind| kind.as_str() == text)
}

fn is_ae_title(text: &str) -> bool {
    AeTitle::parse(text).is_ok()
}

fn is_url(text: &str) -> bool {
    url::Url::parse(text).is_ok()
}

fn is_auth(text: &str) -> bool {
    ["none", "basic", "bearer", "client_credentials"].contains(&text)
}

const PEER: &[Member] = &[
    required(&["name"], Kind::Parsed(|name| PeerName::parse(name).is_ok(), "is not the name of a peer")),
    required(&["kind"], Kind::Parsed(is_kind, "is not dimse, dicomweb, fhir or orthanc")),
    optional(&["host"], Kind::Text),
    optional(&["port"], Kind::Integer(0xffff)),
    optional(&["called_ae_title", "calledAeTitle"], Kind::Parsed(is_ae_title, "is not an AE title")),
    optional(&["calling_ae_title", "callingAeTitle"], Kind::Parsed(is_ae_title, "is not an AE title")),
    optional(&["url"], Kind::Parsed(is_url, "is not a URL")),
    optional(&["tls"], Kind::Object(TLS)),
    optional(&["auth"], Kind::Object(AUTH)),
    optional(&["timeouts"], Kind::Object(TIMEOUTS)),
    optional(&["formats"], Kind::Texts(any, "")),
];
const TLS: &[Member] = &[
    optional(&["ca_file", "caFile"], Kind::Text),
    optional(&["ca_pem", "caPem"], Kind::Text),
    optional(&["client_certificate_file", "clientCertificateFile"], Kind::Text),
    optional(&["client_certificate_pem", "clientCertificatePem"], Kind::Text),
    optional(&["client_key_file", "clientKeyFile"], Kind::Text),
    optional(&["client_key_pem", "clientKeyPem"], Kind::Text),
    optional(&["server_name", "serverName"], Kind::Text),
];
const AUTH: &[Member] = &[
    required(&["type"], Kind::Parsed(is_auth, "is not none, basic, bearer or client_credentials")),
    optional(&["username"], Kind::Text),
    optional(&["password"], Kind::Text),
    optional(&["token"], Kind::Text),
    optional(&["token_url", "tokenUrl"], Kind::Parsed(is_url, "is not a URL")),
    optional(&["client_id", "clientId"], Kind::Text),
    optional(&["client_secret", "clientSecret"], Kind::Text),
    optional(&["private_key_pem", "privateKeyPem"], Kind::Text),
    optional(&["key_id", "keyId"], Kind::Text),
    optional(&["scopes"], Kind::Texts(any, "")),
];
const TIMEOUTS: &[Member] = &[
    optional(&["connect_seconds", "connectSeconds"], Kind::Integer(0xffff_ffff)),
    optional(&["association_seconds", "associationSeconds"], Kind::Integer(0xffff_ffff)),
    optional(&["response_seconds", "responseSeconds"], Kind::Integer(0xffff_ffff)),
    optional(&["send_seconds", "sendSeconds"], Kind::Integer(0xffff_ffff)),
    optional(&["total_seconds", "totalSeconds"], Kind::Integer(0xffff_ffff)),
];
