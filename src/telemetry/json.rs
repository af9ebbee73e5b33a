//! The log as JSON: one object a line, written in one go. A span's fields are kept as the text that will stand in
//! the line, so that an event copies them and nothing is parsed again: each request writes a line.

use std::fmt::{self, Debug};

use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Fields as members of an object, each behind a comma.
#[derive(Debug, Clone, Copy)]
pub(super) struct Members;

impl<'w> FormatFields<'w> for Members {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut visitor = Visitor { out: &mut writer, outcome: Ok(()) };
        fields.record(&mut visitor);
        visitor.outcome
    }

    fn add_fields(&self, current: &'w mut FormattedFields<Self>, fields: &Record<'_>) -> fmt::Result {
        fields.record(&mut Forgetful(&mut current.fields));
        self.format_fields(current.as_writer(), fields)
    }
}

/// An event as an object: time, level, its fields, target, and the spans around it from the outermost on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        writer.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut writer)?;
        write!(writer, "\",\"level\":\"{}\"", metadata.level())?;
        context.format_fields(writer.by_ref(), event)?;
        writer.write_str(",\"target\":")?;
        quote(&mut writer, metadata.target())?;
        writer.write_str(",\"spans\":[")?;
        let mut is_first = true;
        for span in context.event_scope().into_iter().flat_map(tracing_subscriber::registry::Scope::from_root) {
            writer.write_str(if std::mem::take(&mut is_first) { "{\"name\":" } else { ",{\"name\":" })?;
            quote(&mut writer, span.name())?;
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                writer.write_str(&fields.fields)?;
            }
            writer.write_str("}")?;
        }
        writer.write_str("]}\n")
    }
}

struct Visitor<'v, W> {
    out: &'v mut W,
    outcome: fmt::Result,
}

impl<W: fmt::Write> Visitor<'_, W> {
    fn member(&mut self, field: &Field, value: impl FnOnce(&mut W) -> fmt::Result) {
        let mut write = || {
            self.out.write_str(",")?;
            quote(self.out, name(field))?;
            self.out.write_str(":")
        };
        if self.outcome.is_ok() {
            self.outcome = write().and_then(|()| value(self.out));
        }
    }
}

impl<W: fmt::Write> Visit for Visitor<'_, W> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.member(field, |out| if value.is_finite() { write!(out, "{value}") } else { out.write_str("null") });
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, |out| write!(out, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, |out| write!(out, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, |out| write!(out, "{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, |out| quote(out, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.member(field, |out| quote(out, &format!("{value:?}")));
    }
}

/// Takes the former values of fields that are recorded again out of the text of a span.
struct Forgetful<'f>(&'f mut String);

impl Visit for Forgetful<'_> {
    fn record_debug(&mut self, field: &Field, _value: &dyn Debug) {
        let member = format!(",\"{}\":", name(field));
        let Some(start) = self.0.find(&member) else { return };
        let from = start + member.len();
        let end = self.0.get(from..).map_or(self.0.len(), |rest| from + length_of_scalar(rest));
        self.0.replace_range(start..end, "");
    }
}

/// Bytes of the string, number or word that `text` begins with.
fn length_of_scalar(text: &str) -> usize {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'"') {
        return bytes.iter().position(|byte| *byte == b',').unwrap_or(bytes.len());
    }
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The name of a field; one that is a keyword of Rust is declared raw.
fn name(field: &Field) -> &'static str {
    field.name().strip_prefix("r#").unwrap_or(field.name())
}

/// A string of JSON. RFC 8259 §7.
fn quote(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    out.write_str("\"")?;
    let mut rest = text;
    while let Some(at) = rest.find(|each: char| each < ' ' || each == '"' || each == '\\') {
        let (plain, special) = rest.split_at(at);
        out.write_str(plain)?;
        let mut characters = special.chars();
        match characters.next() {
            Some(quoted @ ('"' | '\\')) => write!(out, "\\{quoted}")?,
            Some(control) => write!(out, "\\u{:04x}", u32::from(control))?,
            None => {}
        }
        rest = characters.as_str();
    }
    out.write_str(rest)?;
    out.write_str("\"")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::LogFormat;
    use crate::telemetry::log::tests::logged;

    #[test]
    fn spans_stand_in_the_line_from_the_outermost_on_and_keep_the_last_value() {
        let text = logged(LogFormat::Json, "info", || {
            let outer =
                tracing::info_span!("outer", a = "\"x\",\"b\":1", b = 1, c = tracing::field::Empty, r#type = true);
            let _in = outer.enter();
            outer.record("a", "y").record("c", 2.5).record("b", 2);
            let _inner = tracing::info_span!("inner", d = ?Some(1)).entered();
            tracing::warn!(e = f64::NAN, "line\nend {}", 1);
        });
        assert_eq!(text.lines().count(), 1, "{text}");
        let event: serde_json::Value = serde_json::from_str(text.trim()).expect("one object");
        assert_eq!((event["level"].as_str(), event["message"].as_str()), (Some("WARN"), Some("line\nend 1")));
        assert!(event["e"].is_null() && event["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')));
        let expected = serde_json::json!([
            {"name": "outer", "type": true, "a": "y", "c": 2.5, "b": 2},
            {"name": "inner", "d": "Some(1)"},
        ]);
        assert_eq!(event["spans"], expected);
        assert_eq!(text.matches("\"a\":").count(), 1, "{text}");
    }

    proptest! {
        #[test]
        fn any_text_is_quoted(text in "\\PC{0,20}|[\\x00-\\x7f]{0,20}") {
            let mut out = String::new();
            quote(&mut out, &text).expect("written");
            prop_assert_eq!(length_of_scalar(&out), out.len());
            prop_assert_eq!(serde_json::from_str::<String>(&out).expect("a string"), text);
        }
    }
}
