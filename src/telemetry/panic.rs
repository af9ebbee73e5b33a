//! Panics are logged by their place alone: the message of a panic may quote what was being worked on.

use std::panic::PanicHookInfo;

use super::metric;

/// From now on a panic is an event and a count, with file and line but without its message.
pub fn hook_panics() {
    std::panic::set_hook(Box::new(report));
}

fn report(panic: &PanicHookInfo<'_>) {
    metrics::counter!(metric::PANICS).increment(1);
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let (file, line) = panic.location().map_or(("unknown", 0), |location| (location.file(), location.line()));
    tracing::error!(panic.file = file, panic.line = line, panic.thread = thread, "panicked");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LogFormat;
    use crate::telemetry::log::tests::logged;

    #[test]
    fn a_panic_is_logged_without_its_message() {
        let text = logged(LogFormat::Json, "error", || {
            let before = std::panic::take_hook();
            hook_panics();
            let outcome = std::panic::catch_unwind(|| panic!("name of a patient"));
            std::panic::set_hook(before);
            assert!(outcome.is_err());
        });
        assert!(!text.contains("patient"), "{text}");
        let event: serde_json::Value = serde_json::from_str(text.trim()).expect("one object");
        assert_eq!(event["panic.file"], "src/telemetry/panic.rs");
        assert_eq!(event["level"], "ERROR");
    }
}
