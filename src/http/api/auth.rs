//! Tokens in their first form: `/api/admin/tokens`, `/api/auth/bootstrap`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use crate::access::{Role, Scopes, TokenId, UserId};
use crate::base::{ProblemCode, Problems, Secret};
use crate::fhir::{Json, Object};
use crate::http::{ApiJson, AtTenant, Caller, CurrentRequest, HttpError, Params};
use crate::ops::Ops;
use crate::ops::tokens::{Minted, TokenRequest};

use super::json;
use super::shape::{self, Kind, Member, any, optional, required};

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MintBody {
    user: String,
    #[serde(default)]
    name: Option<String>,
    roles: Vec<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    expires_in: Option<i64>,
}

/// `POST /api/admin/tokens`, with `{user, name?, roles, scope?, expiresIn?}`
pub(super) async fn mint(ops: web::Data<Ops>, caller: Caller, body: ApiJson) -> Result<HttpResponse, HttpError> {
    let body: MintBody = shape::read(&body.0, MINT)?;
    let minted = ops.mint_token(&caller.actor, token_request(body)?).await?;
    Ok(shown(&ops, &minted))
}

/// `DELETE /api/admin/tokens/{jti}`
pub(super) async fn revoke(
    ops: web::Data<Ops>,
    caller: Caller,
    path: Params<String>,
) -> Result<HttpResponse, HttpError> {
    let token_id = TokenId::parse(&path).map_err(|_form| HttpError::NotFound)?;
    ops.revoke_token(&caller.actor, &token_id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /api/auth/bootstrap`, with `{password}`: the one-time password of the first start, for an
/// administrator's token.
pub(super) async fn bootstrap(
    ops: web::Data<Ops>,
    tenant: AtTenant,
    request: CurrentRequest,
    body: ApiJson,
) -> Result<HttpResponse, HttpError> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        password: String,
    }
    let body: Body = shape::read(&body.0, BOOTSTRAP)?;
    let minted = ops.redeem_bootstrap(&tenant.0, &Secret::new(body.password), request.0).await?;
    Ok(shown(&ops, &minted))
}

fn token_request(body: MintBody) -> Result<TokenRequest, HttpError> {
    let mut problems = Problems::new();
    let user =
        UserId::parse(&body.user).map_err(|error| problems.add("user", ProblemCode::Value, error.to_string())).ok();
    let mut roles = Vec::new();
    for (index, name) in body.roles.iter().enumerate() {
        match Role::parse(name) {
            Some(role) => roles.push(role),
            None => problems.add(format!("roles[{index}]"), ProblemCode::CodeInvalid, "is not a role"),
        }
    }
    if body.roles.is_empty() {
        problems.add("roles", ProblemCode::Required, "names no role");
    }
    let scopes = body.scope.as_deref().map_or_else(Scopes::unrestricted, Scopes::parse);
    if scopes.grants_nothing() {
        problems.add("scope", ProblemCode::Value, "holds no scope that grants anything");
    } else if scopes.are_of_client().is_none() {
        problems.add(
            "scope",
            ProblemCode::Value,
            "is of a user (user/) or of a client of its own (system/), not of both",
        );
    }
    if body.expires_in.is_some_and(|seconds| seconds < 1) {
        problems.add("expiresIn", ProblemCode::Value, "is not a positive number of seconds");
    }
    let request = user.map(|user| TokenRequest {
        user,
        name: body.name,
        roles,
        scope: body.scope,
        lifetime_seconds: body.expires_in,
    });
    problems.into_result(()).map_err(HttpError::Invalid)?;
    request.ok_or(HttpError::Fault)
}

/// As an OAuth token endpoint answers. RFC 6749 §5.1.
fn shown(ops: &Ops, minted: &Minted) -> HttpResponse {
    let lifetime = (minted.claims.expires_at.0 - ops.now().0).div_euclid(1_000_000).max(0);
    let body = Object::new()
        .with("access_token", Json::string(minted.token.expose()))
        .with("token_type", Json::string("Bearer"))
        .with("expires_in", Json::integer(lifetime))
        .with("jti", Json::string(minted.claims.token_id.as_str()))
        .with_text("scope", minted.claims.scope.as_deref());
    json(StatusCode::OK, &body.into())
}

const MINT: &[Member] = &[
    required(&["user"], Kind::Text),
    optional(&["name"], Kind::Text),
    required(&["roles"], Kind::Texts(any, "")),
    optional(&["scope"], Kind::Text),
    optional(&["expiresIn"], Kind::Integer(1 << 53)),
];
const BOOTSTRAP: &[Member] = &[required(&["password"], Kind::Text)];
