//! `[log]`: what is logged, and how.

use super::kind::choice;
use super::section::section;
use super::setting::{Given, Refusal, Setting};

section! {
    /// The log, on standard error.
    Log {
        /// Lines for people or for programs.
        format: LogFormat = LogFormat::Json, shown "`human` on a terminal, else `json`";
        /// How much is logged: a level, and others for parts of the program: `info,causeway::store=debug`.
        level: LogLevel = LogLevel::info();
    }
}

choice! {
    /// The form of the log.
    LogFormat {
        /// One line an event, for people.
        Human = "human",
        /// One JSON object an event.
        Json = "json",
    }
}

/// A level of the log for each part of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLevel(String);

impl LogLevel {
    /// `info` for everything.
    pub fn info() -> Self {
        Self("info".into())
    }

    /// Parses a comma-separated list of levels and `module::path=level`.
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.split_whitespace().collect();
        text.split(',').all(is_directive).then_some(Self(text))
    }

    /// The directives.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for LogLevel {
    fn shape() -> String {
        "levels (`off`, `error`, `warn`, `info`, `debug`, `trace`)".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        Self::parse(given.text()?)
            .ok_or("must be off, error, warn, info, debug or trace, for parts as module::path=level".into())
    }

    fn write(&self) -> Option<toml::Value> {
        Some(self.as_str().into())
    }
}

fn is_directive(text: &str) -> bool {
    let (target, level) = text.rsplit_once('=').map_or(("all", text), |(target, level)| (target, level));
    let named = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | ':' | '-' | '.');
    LEVELS.contains(&level) && !target.is_empty() && target.chars().all(named)
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_level_is_not_taken_for_a_module() {
        for good in ["info", "off", "warn,causeway::store=debug", "info, actix_web=warn"] {
            assert!(LogLevel::parse(good).is_some(), "{good}");
        }
        for bad in ["", "infoo", "INFO", "info,", "=debug", "causeway", "causeway=loud", "info;debug", "[span]=info"] {
            assert!(LogLevel::parse(bad).is_none(), "{bad}");
        }
    }
}
