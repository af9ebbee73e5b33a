//! Metrics: their names, what they mean, and the text that Prometheus reads.

use std::time::Duration;

use metrics::Unit;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::TelemetryError;
use crate::base::Timestamp;

/// How the values of a metric behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Values fall into buckets.
    Histogram,
}

/// What there is to know of a metric.
#[derive(Debug, Clone, Copy)]
pub struct MetricDoc {
    /// Name.
    pub name: &'static str,
    /// Kind.
    pub kind: MetricKind,
    /// Unit of the values.
    pub unit: Unit,
    /// Labels. None of them takes values that a stranger can choose without limit.
    pub labels: &'static [&'static str],
    /// What it counts or measures.
    pub help: &'static str,
}

macro_rules! metric_table {
    ($($(#[doc = $doc:literal])+ $id:ident = $kind:ident $name:literal, $unit:ident $(, $label:literal)*;)+) => {
        $($(#[doc = $doc])+ pub const $id: &str = $name;)+

        /// All metrics.
        pub const ALL: &[MetricDoc] = &[$(MetricDoc {
            name: $name,
            kind: MetricKind::$kind,
            unit: Unit::$unit,
            labels: &[$($label),*],
            help: concat!($($doc),+),
        }),+];
    };
}

metric_table! {
    /// The build that runs; always 1.
    BUILD_INFO = Gauge "causeway_build_info", Count, "version";
    /// When the process started, in seconds since 1970.
    START_TIME = Gauge "causeway_start_time_seconds", Seconds;
    /// Threads that panicked.
    PANICS = Counter "causeway_panics_total", Count;
    /// Requests that were answered.
    HTTP_REQUESTS = Counter "causeway_http_requests_total", Count, "method", "route", "status";
    /// From the head of a request to the end of its answer.
    HTTP_REQUEST_SECONDS = Histogram "causeway_http_request_seconds", Seconds, "method", "route";
    /// Requests that are being answered.
    HTTP_IN_FLIGHT = Gauge "causeway_http_requests_in_flight", Count;
    /// Requests that a limit refused, by whose limit it was: client, user or address.
    HTTP_LIMITED = Counter "causeway_http_requests_limited_total", Count, "by";
    /// Denied accesses.
    ACCESS_DENIED = Counter "causeway_access_denied_total", Count, "reason";
    /// From handing in a write set to its commit.
    COMMIT_SECONDS = Histogram "causeway_commit_seconds", Seconds;
    /// Write sets that shared a transaction.
    COMMIT_BATCH = Histogram "causeway_commit_write_sets", Count;
    /// Write sets that were not committed, by reason.
    COMMIT_FAILURES = Counter "causeway_commit_failures_total", Count, "reason";
    /// Blobs that were written or read.
    BLOBS = Counter "causeway_blobs_total", Count, "operation";
    /// Plain bytes that were written to blobs or read from them.
    BLOB_BYTES = Counter "causeway_blob_bytes_total", Bytes, "operation";
    /// Time until a blob was on disk, or until its first bytes were at hand.
    BLOB_SECONDS = Histogram "causeway_blob_seconds", Seconds, "operation";
    /// Jobs that wait, by kind.
    JOBS_WAITING = Gauge "causeway_jobs_waiting", Count, "kind";
    /// Jobs that run, by kind.
    JOBS_RUNNING = Gauge "causeway_jobs_running", Count, "kind";
    /// Attempts of jobs that ended: completed, retry, dead or cancelled.
    JOBS_FINISHED = Counter "causeway_jobs_finished_total", Count, "kind", "outcome";
    /// How long an attempt of a job took.
    JOB_SECONDS = Histogram "causeway_job_seconds", Seconds, "kind";
    /// How long a rendition took.
    RENDER_SECONDS = Histogram "causeway_render_seconds", Seconds, "twin";
    /// Attempts to deliver, as the peer answered.
    DELIVERIES = Counter "causeway_deliveries_total", Count, "channel", "outcome";
    /// Requests to peers.
    REMOTE_SECONDS = Histogram "causeway_remote_seconds", Seconds, "channel";
    /// DICOM associations that ended, by how: released, aborted, lost, timeout, protocol, rejected, fault, stopped.
    DIMSE_ASSOCIATIONS = Counter "causeway_dimse_associations_total", Count, "end";
    /// DICOM associations that are open.
    DIMSE_OPEN = Gauge "causeway_dimse_associations_open", Count;
    /// DIMSE operations that were answered.
    DIMSE_OPERATIONS = Counter "causeway_dimse_operations_total", Count, "service", "outcome";
    /// From a DIMSE request to its last answer.
    DIMSE_SECONDS = Histogram "causeway_dimse_operation_seconds", Seconds, "service";
    /// When all changes of the archive behind were last known, in seconds since 1970.
    ARCHIVE_REACHED = Gauge "causeway_archive_reached_time_seconds", Seconds, "peer";
    /// What is to be done in the archive behind (store, delete), and what of it cannot be indexed (unindexed).
    ARCHIVE_WAITING = Gauge "causeway_archive_waiting", Count, "peer", "what";
    /// Instances of the archive behind: taken, sent, refused, deleted there, gone there.
    ARCHIVE_INSTANCES = Counter "causeway_archive_instances_total", Count, "outcome";
    /// Rows of the audit log that were written.
    AUDIT_EVENTS = Counter "causeway_audit_events_total", Count;
}

/// The metrics of this process.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

impl Metrics {
    /// Starts to record. `version` is that of the build.
    pub fn start(version: &'static str, started: Timestamp) -> Result<Self, TelemetryError> {
        let recorder = recorder()?;
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_already| TelemetryError::Twice("metrics"))?;
        describe(version, started);
        Ok(Self { handle })
    }

    /// All metrics in Prometheus' text format, version 0.0.4.
    pub fn render(&self) -> String {
        self.handle.run_upkeep();
        self.handle.render()
    }

    /// Frees what histograms gather. To be called about every [`Metrics::UPKEEP`] where nobody asks for
    /// the metrics.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// How often [`Metrics::upkeep`] is needed.
    pub const UPKEEP: Duration = Duration::from_secs(5);
    /// Media type of [`Metrics::render`].
    pub const MEDIA_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

fn recorder() -> Result<PrometheusRecorder, TelemetryError> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(COMMIT_BATCH.into()), &COUNTS))
        .map_err(TelemetryError::Metrics)?;
    Ok(builder.build_recorder())
}

/// Tells the recorder what the metrics mean, and sets those that never change.
fn describe(version: &'static str, started: Timestamp) {
    for metric in ALL {
        let help = metric.help.trim();
        match metric.kind {
            MetricKind::Counter => metrics::describe_counter!(metric.name, metric.unit, help),
            MetricKind::Gauge => metrics::describe_gauge!(metric.name, metric.unit, help),
            MetricKind::Histogram => metrics::describe_histogram!(metric.name, metric.unit, help),
        }
    }
    metrics::gauge!(BUILD_INFO, "version" => version).set(1.0);
    metrics::gauge!(START_TIME).set(Duration::from_micros(started.0.unsigned_abs()).as_secs_f64().floor());
    // A counter that has not moved is 0, not absent.
    metrics::counter!(PANICS).absolute(0);
}

const SECONDS: [f64; 15] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];
const COUNTS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_reads_what_was_counted() {
        let recorder = recorder().expect("builds");
        let metrics = Metrics { handle: recorder.handle() };
        metrics::with_local_recorder(&recorder, || {
            describe("1.2.3", Timestamp::parse("2026-02-03T04:05:06Z").expect("valid"));
            metrics::counter!(HTTP_REQUESTS, "method" => "GET", "route" => "/", "status" => "200").increment(2);
            metrics::histogram!(HTTP_REQUEST_SECONDS, "method" => "GET", "route" => "/").record(0.003);
            metrics::histogram!(COMMIT_BATCH).record(3.0);
        });
        let text = metrics.render();
        for line in [
            "# HELP causeway_http_requests_total Requests that were answered.",
            "# TYPE causeway_http_requests_total counter",
            "causeway_http_requests_total{method=\"GET\",route=\"/\",status=\"200\"} 2",
            "# TYPE causeway_http_request_seconds histogram",
            "causeway_http_request_seconds_bucket{method=\"GET\",route=\"/\",le=\"0.0025\"} 0",
            "causeway_http_request_seconds_bucket{method=\"GET\",route=\"/\",le=\"0.005\"} 1",
            "causeway_commit_write_sets_bucket{le=\"4\"} 1",
            "causeway_build_info{version=\"1.2.3\"} 1",
            "causeway_start_time_seconds 1770091506",
            "causeway_panics_total 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn names_follow_prometheus() {
        for metric in ALL {
            let plain = metric.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            assert!(plain && metric.name.starts_with("causeway_"), "{}", metric.name);
            assert_eq!(metric.kind == MetricKind::Counter, metric.name.ends_with("_total"), "{}", metric.name);
            assert!(ALL.iter().filter(|other| other.name == metric.name).count() == 1, "{}", metric.name);
        }
    }
}
