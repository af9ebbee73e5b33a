//! The server: starts everything in order, and stops it in order when it is told to.

use std::sync::Arc;

use actix_web::web;

use crate::config::{Config, Quota, Rate as ConfiguredRate};
use crate::http::{self, Edge, EdgeSettings, Rate, ServerSettings};
use crate::jobs::{JobSettings, Workers, WorkersHandle};
use crate::telemetry::Metrics;
use crate::work::{self, SCHEDULES};

use super::demo;
use super::gate::House;
use super::services::{Services, Start};

/// Serves until the process is told to stop. Order of the stop: listener, requests, workers with their
/// leases, buffers, database.
pub async fn serve(config: &Config, metrics: Metrics, demo: bool) -> anyhow::Result<()> {
    let services = Services::open(config, Start::Server { demo }).await?;
    let ops = services.ops.clone();
    let workers = start_workers(config, &services);
    let edge = Edge::new(House::new(ops.clone(), metrics), edge_settings(config));
    let routes = http::routes();
    let data = web::Data::new(ops.clone());
    let server = http::start(&server_settings(config), Arc::clone(&edge), routes, move |app| {
        app.app_data(data.clone());
    });
    let mut server = server.map_err(|error| anyhow::anyhow!("cannot listen at {}: {error}", config.http.listen))?;
    for address in server.addresses() {
        tracing::info!(%address, "listening");
    }
    demo::greet(config, &ops, server.addresses(), demo).await?;
    let failure = tokio::select! {
        () = stop_signal() => None,
        failure = server.failed() => Some(failure),
    };
    tracing::info!("stopping");
    let stopped = server.stop().await;
    workers.stop().await;
    drop((edge, ops));
    services.close().await;
    tracing::info!("stopped");
    failure.unwrap_or(stopped)?;
    Ok(())
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

/// SIGTERM, or an interrupt from the keyboard.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM cannot be waited for");
            let _interrupted = tokio::signal::ctrl_c().await;
        }
    }
}
