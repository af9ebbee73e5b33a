//! What all requests share: the gate, the limits, who may ask how often, and the sign to stop.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::access::Principal;
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
    /// How long a request may take from its head to the head of the answer.
    pub request_timeout: Duration,
    /// Longest wait for the next bytes of a body.
    pub body_idle: Duration,
    /// How long a body may come slower than 8 KiB/s.
    pub body_grace: Duration,
    /// Origins whose pages may read answers; none by default.
    pub allowed_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed; none by default.
    pub trusted_proxies: Vec<Network>,
    /// Requests from one address; `None` is no limit.
    pub address_rate: Option<Rate>,
    /// Requests of one user; `None` is no limit.
    pub user_rate: Option<Rate>,
    /// Requests of one client that acts alone; `None` is no limit.
    pub client_rate: Option<Rate>,
    /// Whether the public URL is https: then browsers are told to keep to it.
    pub is_https: bool,
}

impl Default for EdgeSettings {
    fn default() -> Self {
        Self {
            max_body_bytes: 16 * 1024 * 1024,
            max_url_bytes: 16 * 1024,
            max_header_bytes: 32 * 1024,
            request_timeout: Duration::from_secs(30),
            body_idle: Duration::from_secs(15),
            body_grace: Duration::from_secs(30),
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            address_rate: Some(Rate::new(50_000, 100_000)),
            user_rate: Some(Rate::new(50_000, 100_000)),
            client_rate: Some(Rate::new(50_000, 100_000)),
            is_https: false,
        }
    }
}

/// What all requests share.
pub struct Edge {
    pub(super) gate: Arc<dyn Gate>,
    pub(super) settings: EdgeSettings,
    pub(super) cors: Cors,
    by_address: Option<Buckets<IpAddr>>,
    by_user: Option<Buckets<(TenantId, String)>>,
    by_client: Option<Buckets<(TenantId, String)>>,
    stopping: CancellationToken,
}

impl Edge {
    /// An edge before `gate`.
    pub fn new(gate: Arc<dyn Gate>, settings: EdgeSettings) -> Arc<Self> {
        Arc::new(Self {
            gate,
            cors: Cors::new(&settings.allowed_origins),
            by_address: settings.address_rate.map(Buckets::new),
            by_user: settings.user_rate.map(Buckets::new),
            by_client: settings.client_rate.map(Buckets::new),
            settings,
            stopping: CancellationToken::new(),
        })
    }

    /// Set when the server stops; event streams end by it.
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    pub(super) fn take_for_address(&self, address: Option<IpAddr>) -> Result<(), Duration> {
        match (&self.by_address, address) {
            (Some(buckets), Some(address)) => buckets.take(&address_key(address)),
            _ => Ok(()),
        }
    }

    pub(super) fn take_for_principal(&self, tenant: &TenantId, principal: &Principal) -> Result<(), Duration> {
        let buckets = match principal {
            Principal::Client { .. } | Principal::ApplicationEntity { .. } => &self.by_client,
            Principal::User { .. } | Principal::System(_) => &self.by_user,
        };
        buckets.as_ref().map_or(Ok(()), |buckets| buckets.take(&(tenant.clone(), principal.key())))
    }
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edge").field("settings", &self.settings).finish_non_exhaustive()
    }
}
