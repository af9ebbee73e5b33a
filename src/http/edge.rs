//! What all requests share: the gate, the limits, who may ask how often, and the sign to stop.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::base::TenantId;

use super::address::Network;
use super::cors::Cors;
use super::gate::Gate;
use super::rate::{Buckets, Rate, address_key};

/// Settings of the edge. The defaults are those of security.md's list of limits.
#[derive(Debug, Clone)]
pub struct EdgeSettings {
    /// Most bytes of a body, unpacked, where the route does not say otherwise.
    pub max_body_bytes: u64,
    /// Most bytes of path and query.
    pub max_url_bytes: usize,
    /// Most bytes of all header fields together.
    pub max_header_bytes: usize,
    /// Longest wait for the next bytes of a body.
    pub body_idle: Duration,
    /// How long a body may come slower than 8 KiB/s.
    pub body_grace: Duration,
    /// Origins whose pages may read answers; none by default.
    pub allowed_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed; none by default.
    pub trusted_proxies: Vec<Network>,
    /// Requests from one address.
    pub address_rate: Rate,
    /// Requests of one user or client.
    pub principal_rate: Rate,
    /// Whether the public URL is https: then browsers are told to keep to it.
    pub is_https: bool,
}

impl Default for EdgeSettings {
    fn default() -> Self {
        Self {
            max_body_bytes: 16 * 1024 * 1024,
            max_url_bytes: 16 * 1024,
            max_header_bytes: 32 * 1024,
            body_idle: Duration::from_secs(15),
            body_grace: Duration::from_secs(30),
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            address_rate: Rate::new(2_000, 4_000),
            principal_rate: Rate::new(1_000, 2_000),
            is_https: false,
        }
    }
}

/// What all requests share.
pub struct Edge {
    pub(super) gate: Arc<dyn Gate>,
    pub(super) settings: EdgeSettings,
    pub(super) cors: Cors,
    by_address: Buckets<IpAddr>,
    by_principal: Buckets<(TenantId, String)>,
    stopping: CancellationToken,
}

impl Edge {
    /// An edge before `gate`.
    pub fn new(gate: Arc<dyn Gate>, settings: EdgeSettings) -> Arc<Self> {
        Arc::new(Self {
            gate,
            cors: Cors::new(&settings.allowed_origins),
            by_address: Buckets::new(settings.address_rate),
            by_principal: Buckets::new(settings.principal_rate),
            settings,
            stopping: CancellationToken::new(),
        })
    }

    /// Set when the server stops; event streams end by it.
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    pub(super) fn take_for_address(&self, address: Option<IpAddr>) -> Result<(), Duration> {
        address.map_or(Ok(()), |address| self.by_address.take(&address_key(address)))
    }

    pub(super) fn take_for_principal(&self, tenant: &TenantId, key: String) -> Result<(), Duration> {
        self.by_principal.take(&(tenant.clone(), key))
    }
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edge").field("settings", &self.settings).finish_non_exhaustive()
    }
}
