//! A gateway at work: workers, the HTTP edge and the DICOM edge over opened services, started and stopped in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use tokio::task::JoinHandle;

use crate::config::{Config, Quota, Rate as ConfiguredRate};
use crate::dimse::{self, DimseServer, StartError};
use crate::http::conformance::Written;
use crate::http::{self, Edge, EdgeSettings, Rate, Server, ServerSettings};
use crate::jobs::{JobSettings, Workers, WorkersHandle};
use crate::ops::Ops;
use crate::telemetry::Metrics;
use crate::work::feed::{self, FeedHandle};
use crate::work::{self, SCHEDULES};

use super::gate::House;
use super::services::Services;

/// A gateway that serves.
pub struct Gateway {
    services: Services,
    workers: WorkersHandle,
    feed: FeedHandle,
    server: Server,
    dimse: Option<DimseServer>,
    /// Why there is no DICOM listener although there should be one.
    dimse_taken: Option<StartError>,
    grace: Duration,
    upkeep: JoinHandle<()>,
}

impl Gateway {
    /// Starts the workers, then listens. Needs a tokio runtime.
    pub fn start(config: &Config, services: Services, metrics: Metrics) -> anyhow::Result<Self> {
        let mut gateway = Self::start_demo(config, services, metrics)?;
        match gateway.dimse_taken.take() {
            None => Ok(gateway),
            Some(taken) => Err(taken.into()),
        }
    }

    /// As [`Gateway::start`], but where somebody else listens at the DICOM port, it goes on without it:
    /// [`Gateway::dimse_taken`] says so.
    pub(super) fn start_demo(config: &Config, services: Services, metrics: Metrics) -> anyhow::Result<Self> {
        let dimse_settings = super::dimse::settings(config)?;
        let workers = start_workers(config, &services);
        let feed = feed::follow(services.ops.clone(), config.jobs.poll);
        let edge = Edge::new(House::new(services.ops.clone(), metrics.clone()), edge_settings(config));
        let data = web::Data::new(services.ops.clone());
        let dicomweb = web::Data::new(config.dicomweb.clone());
        let conformance = web::Data::new(Written::new(&super::conformance::statement(config, &dimse_settings)));
        let server = http::start(&server_settings(config), edge, http::routes(), move |app| {
            app.app_data(data.clone()).app_data(dicomweb.clone()).app_data(conformance.clone());
        });
        let server = server.map_err(|error| anyhow::anyhow!("cannot listen at {}: {error}", config.http.listen))?;
        let (dimse, dimse_taken) = match dimse::start(dimse_settings, services.ops.clone()) {
            Ok(dimse) => (Some(dimse), None),
            Err(error) if error.is_taken() => (None, Some(error)),
            Err(error) => return Err(error.into()),
        };
        let upkeep = tokio::spawn(keep_up(metrics));
        let grace = config.http.shutdown_timeout;
        Ok(Self { services, workers, feed, server, dimse, dimse_taken, grace, upkeep })
    }

    /// Where it listens for DICOM: plain first, then within TLS.
    pub fn dimse_addresses(&self) -> &[SocketAddr] {
        self.dimse.as_ref().map(DimseServer::addresses).unwrap_or_default()
    }

    /// Why there is no DICOM listener although there should be one.
    pub(super) fn dimse_taken(&self) -> Option<&StartError> {
        self.dimse_taken.as_ref()
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.server.addresses()
    }

    /// The use cases behind it.
    pub fn ops(&self) -> &Ops {
        &self.services.ops
    }

    /// Runs until it ends by itself, which it does only when it fails.
    pub async fn failed(&mut self) -> io::Result<()> {
        self.server.failed().await
    }

    /// Stops: listeners, requests and associations, workers with their leases, buffers, database.
    pub async fn stop(self) -> io::Result<()> {
        let dimse = async {
            if let Some(dimse) = self.dimse {
                dimse.stop(self.grace).await;
            }
        };
        let (stopped, ()) = tokio::join!(self.server.stop(), dimse);
        self.upkeep.abort();
        self.feed.stop().await;
        self.workers.stop().await;
        self.services.close().await;
        stopped
    }
}

/// Frees what histograms gather, also where nobody reads them.
async fn keep_up(metrics: Metrics) {
    let mut ticks = tokio::time::interval(Metrics::UPKEEP);
    loop {
        ticks.tick().await;
        metrics.upkeep();
    }
}

fn start_workers(config: &Config, services: &Services) -> WorkersHandle {
    let settings = JobSettings {
        node: format!("{}-{}", std::process::id(), super::services::random_request_id()),
        workers: usize::try_from(config.jobs.workers).unwrap_or(usize::MAX),
        lease: config.jobs.lease,
        heartbeat: config.jobs.heartbeat,
        poll: config.jobs.poll,
        grace: config.http.shutdown_timeout,
        backoff: config.jobs.backoff,
        backoff_cap: config.jobs.backoff_limit,
    };
    let store = services.ops.store().clone();
    let workers = Workers::new(store, Arc::clone(&services.clock), settings, SCHEDULES);
    work::register(workers, &services.ops).start()
}

fn edge_settings(config: &Config) -> EdgeSettings {
    EdgeSettings {
        max_body_bytes: config.http.max_body_bytes.0,
        request_timeout: config.http.request_timeout,
        allowed_origins: config.http.allowed_origins.clone(),
        address_rate: rate(&config.limits.address),
        user_rate: rate(&config.limits.user),
        client_rate: rate(&config.limits.client),
        is_https: config.http.public_url.as_str().starts_with("https://"),
        ..EdgeSettings::default()
    }
}

fn rate(quota: &Quota) -> Option<Rate> {
    match quota.requests_per_second {
        ConfiguredRate::Off => None,
        ConfiguredRate::PerSecond(count) => Some(Rate::new(count.get(), quota.burst)),
    }
}

fn server_settings(config: &Config) -> ServerSettings {
    let mut settings = ServerSettings {
        listen: vec![config.http.listen],
        shutdown_timeout: config.http.shutdown_timeout,
        ..ServerSettings::default()
    };
    if let Some(workers) = config.http.workers {
        settings.workers = usize::try_from(workers).unwrap_or(usize::MAX);
    }
    settings
}
