//! What the frame needs from the house behind it: who a token is, whether the server can serve, its
//! figures, and a place to record refusals.

use std::net::IpAddr;

use futures_util::future::BoxFuture;

use crate::access::{Actor, Denial, Operation, RequestId};
use crate::base::TenantId;
use crate::oauth::TokenError;

/// The house behind the frame.
pub trait Gate: Send + Sync {
    /// Whether there is a tenant of that name.
    fn knows(&self, tenant: &TenantId) -> bool;

    /// Who showed this token. It must be a token of this tenant, and not revoked.
    fn authenticate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Actor, AuthError>>;

    /// Records that someone was refused. The refusal stands whether or not this succeeds.
    fn refused<'a>(&'a self, refusal: Refusal<'a>) -> BoxFuture<'a, ()>;

    /// Whether the server can serve, part by part.
    fn ready(&self) -> BoxFuture<'_, Readiness>;

    /// The figures of the server in the Prometheus text format.
    fn metrics(&self) -> String;
}

/// A token as it was shown.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The tenant of the path.
    pub tenant: &'a TenantId,
    /// The bearer token; not yet looked at.
    pub bearer: &'a str,
    /// The request it came with.
    pub request_id: &'a RequestId,
    /// Where the request came from.
    pub address: Option<IpAddr>,
}

/// Why nobody can be told from a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The token does not hold.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It cannot be told now.
    #[error("tokens cannot be checked now")]
    Unavailable,
}

/// Someone was refused.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// The tenant of the path.
    pub tenant: &'a TenantId,
    /// What was asked.
    pub operation: Operation,
    /// The request.
    pub request_id: &'a RequestId,
    /// Where it came from.
    pub address: Option<IpAddr>,
    /// Why.
    pub cause: Cause<'a>,
}

/// Why someone was refused.
#[derive(Debug, Clone, Copy)]
pub enum Cause<'a> {
    /// Their token does not hold.
    Token(TokenError),
    /// They may not do it.
    Denied(&'a Actor, &'a Denial),
}

/// Whether the server can serve, part by part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Name of a part (`database`, `blobs`, `jobs`) and whether it works.
    pub parts: Vec<(&'static str, bool)>,
    /// Name of a part (`archive`) without which the server serves, and whether it works.
    pub beside: Vec<(&'static str, bool)>,
}

impl Readiness {
    /// Whether every part works.
    pub fn is_ready(&self) -> bool {
        self.parts.iter().all(|(_, works)| *works)
    }
}
