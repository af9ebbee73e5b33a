//! The server: starts everything in order, and stops it in order when it is told to.

use crate::access::Actor;
use crate::audit::Activity;
use crate::base::TenantId;
use crate::config::Config;
use crate::telemetry::Metrics;

use super::demo;
use super::gateway::Gateway;
use super::services::{Services, Start, random_request_id};

/// Serves until the process is told to stop.
pub async fn serve(config: &Config, metrics: Metrics, demo: bool) -> anyhow::Result<()> {
    let services = Services::open(config, Start::Server { demo }).await?;
    let mut gateway =
        if demo { Gateway::start_demo(config, services, metrics)? } else { Gateway::start(config, services, metrics)? };
    for address in gateway.addresses() {
        tracing::info!(%address, "listening");
    }
    for address in gateway.dimse_addresses() {
        tracing::info!(%address, "listening for DICOM");
    }
    if let Some(taken) = gateway.dimse_taken() {
        tracing::warn!(%taken, "there is no DICOM listener");
    }
    let server = Actor::system(TenantId::default_tenant(), "server", random_request_id());
    gateway.ops().note_server(&server, Activity::ServerStart).await?;
    demo::greet(config, &gateway, demo).await?;
    let failure = tokio::select! {
        () = stop_signal() => None,
        failure = gateway.failed() => Some(failure),
    };
    tracing::info!("stopping");
    gateway.ops().note_server(&server, Activity::ServerStop).await?;
    let stopped = gateway.stop().await;
    tracing::info!("stopped");
    failure.unwrap_or(stopped)?;
    Ok(())
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
