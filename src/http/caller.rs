//! What handlers are given about who asks: put there by the entrance, taken out by these extractors.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};

use crate::access::{Actor, Extent, RequestId};
use crate::base::TenantId;

use super::HttpError;

/// Who asks, let in for the operation of the route.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The actor, for `ops`.
    pub actor: Actor,
    /// How far they reach in the operation of the route.
    pub extent: Extent,
}

/// The tenant of the path, also where nobody needs to be known.
#[derive(Debug, Clone)]
pub struct AtTenant(pub TenantId);

/// The id of the request.
#[derive(Debug, Clone)]
pub struct CurrentRequest(pub RequestId);

impl FromRequest for Caller {
    type Error = HttpError;
    type Future = Ready<Result<Self, HttpError>>;

    /// Fails on a public route: nobody is known there.
    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(taken(request))
    }
}

impl FromRequest for AtTenant {
    type Error = HttpError;
    type Future = Ready<Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(taken(request))
    }
}

impl FromRequest for CurrentRequest {
    type Error = HttpError;
    type Future = Ready<Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(taken(request))
    }
}

fn taken<T: Clone + 'static>(request: &HttpRequest) -> Result<T, HttpError> {
    request.extensions().get::<T>().cloned().ok_or(HttpError::Fault)
}
