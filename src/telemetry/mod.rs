//! Logs, spans, metrics, and what happens when a thread panics. `app` starts it; everybody else emits
//! events with the field names of [`field`] and metrics with the names of [`metric`].
//!
//! No event, span or metric holds a token, a secret, a name, a birth date, a body or a query string.
//! Patient identifiers stand in the audit log only.

pub mod field;
mod json;
mod log;
pub mod metric;
mod panic;
pub mod span;

pub use log::subscriber;
pub use metric::Metrics;
pub use panic::hook_panics;

use crate::config::Log;

/// Why telemetry did not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Something has started it in this process already.
    #[error("{0} are set up already")]
    Twice(&'static str),
    /// The recorder cannot be built.
    #[error("metrics cannot be set up")]
    Metrics(#[source] metrics_exporter_prometheus::BuildError),
}

/// Starts the log of this process on standard error. `colours` is for terminals.
pub fn start_log(log: &Log, colours: bool) -> Result<(), TelemetryError> {
    let subscriber = subscriber(log, colours, std::io::stderr);
    tracing::subscriber::set_global_default(subscriber).map_err(|_already| TelemetryError::Twice("logs"))
}
