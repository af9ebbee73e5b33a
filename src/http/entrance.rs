//! The door of a route. Before the handler runs it is known which tenant is asked, who asks and that they
//! may; the body is held to its limits; and a handler that panics costs one answer, not a connection.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _};
use futures_util::FutureExt as _;
use tracing::Span;

use crate::access::{Decision, Denial, Need, Operation, Principal, decide, decide_type};
use crate::base::TenantId;

use super::bearer;
use super::caller::{AtTenant, Caller, CurrentRequest};
use super::edge::Edge;
use super::error::Challenge;
use super::frame::CameFrom;
use super::gate::{AuthError, Cause, Presented, Refusal};
use super::intake::{Allowance, guard};
use super::{HttpError, Route};
use crate::oauth::TokenError;
use crate::telemetry::metric;

/// Takes a request through the door of `route`.
pub(super) async fn enter(
    edge: Arc<Edge>,
    route: Route,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    if let Err(error) = admit(&edge, &route, &mut request).await {
        return Ok(request.error_response(error));
    }
    let kept = request.request().clone();
    let limit = if route.is_unhurried { UNHURRIED } else { edge.settings.request_timeout };
    let handled = tokio::time::timeout(limit, AssertUnwindSafe(next.call(request)).catch_unwind());
    let Ok(outcome) = handled.await else {
        tracing::warn!(limit_ms = limit.as_millis(), "request took too long");
        return Ok(ServiceResponse::from_err(HttpError::Busy(RETRY), kept));
    };
    match outcome {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => Ok(ServiceResponse::from_err(error, kept)),
        Err(_panic) => {
            tracing::error!("handler panicked");
            Ok(ServiceResponse::from_err(HttpError::Fault, kept))
        }
    }
}

async fn admit(edge: &Edge, route: &Route, request: &mut ServiceRequest) -> Result<(), HttpError> {
    let span = Span::current();
    span.record("http.route", request.match_pattern().unwrap_or_default());
    let tenant = tenant_of(edge, request)?;
    span.record("tenant", tenant.as_str());
    request.extensions_mut().insert(AtTenant(tenant.clone()));
    if !route.operation.is_public() {
        let caller = known(edge, route.operation, request, &tenant).await?;
        span.record("principal", caller.actor.principal.key());
        request.extensions_mut().insert(caller);
    }
    if route.is_socket {
        return Ok(());
    }
    let allowance = Allowance {
        max_bytes: route.max_body_bytes.unwrap_or(edge.settings.max_body_bytes),
        idle: edge.settings.body_idle,
        grace: edge.settings.body_grace,
    };
    let payload = guard(request.take_payload(), request.headers(), allowance)?;
    request.set_payload(payload);
    // The body is unpacked now; extractors of the framework would do it again.
    request.headers_mut().remove(actix_web::http::header::CONTENT_ENCODING);
    Ok(())
}

/// The tenant of the path. The default one lives at the root only: a thing has one address.
fn tenant_of(edge: &Edge, request: &ServiceRequest) -> Result<TenantId, HttpError> {
    let default = TenantId::default_tenant();
    let Some(name) = request.match_info().get("tenant") else {
        return Ok(default);
    };
    TenantId::parse(name).ok().filter(|tenant| *tenant != default && edge.gate.knows(tenant)).ok_or(HttpError::NotFound)
}

/// Who asks, if they may.
async fn known(
    edge: &Edge,
    operation: Operation,
    request: &ServiceRequest,
    tenant: &TenantId,
) -> Result<Caller, HttpError> {
    let address: Option<IpAddr> = request.extensions().get::<CameFrom>().and_then(|from| from.0);
    let CurrentRequest(request_id) = request.extensions().get::<CurrentRequest>().cloned().ok_or(HttpError::Fault)?;
    let bearer = bearer::read(request.headers(), request.query_string())?
        .ok_or(HttpError::Unauthenticated(Challenge::Missing))?;
    let presented = Presented { tenant, bearer, request_id: &request_id, address };
    let found = match edge.gate.authenticate(presented).await {
        // The gate looks at this too; a slip there must not open another hospital.
        Ok(actor) if actor.tenant != *tenant => Err(TokenError::Tenant),
        Ok(actor) => Ok(actor),
        Err(AuthError::Token(error)) => Err(error),
        Err(AuthError::Unavailable) => return Err(HttpError::Busy(RETRY)),
    };
    let refusal = |cause| Refusal { tenant, operation, request_id: &request_id, address, cause };
    let actor = match found {
        Ok(actor) => actor,
        Err(error) => {
            metrics::counter!(metric::ACCESS_DENIED, "reason" => "token").increment(1);
            edge.gate.refused(refusal(Cause::Token(error))).await;
            return Err(HttpError::Unauthenticated(Challenge::Invalid(error)));
        }
    };
    edge.take_for_principal(tenant, &actor.principal).map_err(|wait| {
        let by = if matches!(actor.principal, Principal::Client { .. }) { "client" } else { "user" };
        metrics::counter!(metric::HTTP_LIMITED, "by" => by).increment(1);
        HttpError::RateLimited(wait)
    })?;
    let decision = match (operation.need(), request.match_info().get("type")) {
        (Need::ScopeOfNamedType(_), Some(resource_type)) => decide_type(&actor, operation, resource_type),
        _ => decide(&actor, operation),
    };
    match decision {
        Decision::Allow(extent) => Ok(Caller { actor, extent }),
        Decision::Deny(denial) => {
            let reason = if matches!(denial, Denial::Role) { "role" } else { "scope" };
            metrics::counter!(metric::ACCESS_DENIED, "reason" => reason).increment(1);
            edge.gate.refused(refusal(Cause::Denied(&actor, &denial))).await;
            Err(HttpError::Denied(denial))
        }
    }
}

/// How long a request may take that looks at much.
const UNHURRIED: Duration = Duration::from_mins(30);
/// When to ask again a server that cannot answer now.
const RETRY: Duration = Duration::from_secs(5);
