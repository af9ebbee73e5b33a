//! The form of the log: one line an event, for people or as JSON.

use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

use crate::config::{Log, LogFormat, LogLevel};

use super::json::{Lines, Members};

/// What takes events and spans and writes them to `writer`. `colours` is for terminals.
pub fn subscriber<W>(log: &Log, colours: bool, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
        LogFormat::Human => fmt::layer().with_writer(writer).with_ansi(colours).compact().boxed(),
        // All spans around an event are listed: the request id is in the outermost one.
        LogFormat::Json => {
            fmt::layer().with_writer(writer).with_ansi(false).fmt_fields(Members).event_format(Lines).boxed()
        }
    };
    tracing_subscriber::registry().with(layer.with_filter(filter(&log.level)))
}

fn filter(level: &LogLevel) -> Targets {
    let level_of = |text: &str| text.parse().unwrap_or(LevelFilter::INFO);
    level.as_str().split(',').fold(Targets::new(), |targets, directive| match directive.rsplit_once('=') {
        Some((target, level)) => targets.with_target(target, level_of(level)),
        None => targets.with_default(level_of(directive)),
    })
}

#[cfg(test)]
pub(in crate::telemetry) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What `events` logs.
    pub(in crate::telemetry) fn logged(format: LogFormat, level: &str, events: impl FnOnce()) -> String {
        let log = Log { format, level: LogLevel::parse(level).expect("valid") };
        let sink = Sink::default();
        tracing::subscriber::with_default(subscriber(&log, false, sink.clone()), events);
        let bytes = sink.0.lock().expect("not poisoned").clone();
        String::from_utf8(bytes).expect("text")
    }

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Sink {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn json_has_one_object_a_line_with_the_spans_around() {
        let text = logged(LogFormat::Json, "info", || {
            let request = crate::telemetry::span::http_request("req-1", "GET", "/fhir/r4/{type}/{id}");
            let _in = request.enter();
            request.record(crate::telemetry::field::FHIR_TYPE, "Patient");
            tracing::info!(size_bytes = 12, "resource read");
            tracing::debug!("not shown");
        });
        let event: serde_json::Value = serde_json::from_str(text.trim()).expect("one object");
        assert_eq!(event["message"], "resource read");
        assert_eq!(event["size_bytes"], 12);
        assert_eq!(event["spans"][0]["request.id"], "req-1");
        assert_eq!(event["spans"][0]["http.route"], "/fhir/r4/{type}/{id}");
        assert_eq!(event["spans"][0]["fhir.type"], "Patient");
    }

    #[test]
    fn parts_of_the_program_have_levels_of_their_own() {
        let text = logged(LogFormat::Human, "warn,causeway::telemetry=debug,loud=off", || {
            tracing::debug!("ours");
            tracing::info!(target: "causeway::store", "theirs");
            tracing::error!(target: "loud", "silenced");
            tracing::warn!(target: "quiet", "warned");
        });
        let shown: Vec<bool> =
            ["ours", "theirs", "silenced", "warned"].iter().map(|word| text.contains(word)).collect();
        assert_eq!(shown, [true, false, false, true], "{text}");
        assert!(!text.contains('\u{1b}'), "no colours");
    }
}
