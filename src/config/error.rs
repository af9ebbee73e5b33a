//! What can be wrong with a configuration. All of it is found in one go.

use std::fmt;
use std::path::PathBuf;

use super::Origin;

/// One thing that is wrong. No message repeats a value: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file is not TOML, or an override is not `key=value`.
    #[error("{at}: {detail}")]
    Syntax {
        /// Where it stands.
        at: Origin,
        /// What the parser says.
        detail: String,
    },
    /// There is no such setting.
    #[error("{at}: unknown key {key}{}", did_you_mean(.suggestion.as_deref()))]
    UnknownKey {
        /// The key as it was written.
        key: String,
        /// Where it stands.
        at: Origin,
        /// What may have been meant, written as this source writes keys.
        suggestion: Option<String>,
    },
    /// The value is of the wrong type or out of range.
    #[error("{at}: {key} {detail}")]
    Value {
        /// Key.
        key: String,
        /// Where the value stands.
        at: Origin,
        /// What it must be.
        detail: String,
    },
    /// Settings do not fit each other.
    #[error("{key} {detail}")]
    Conflict {
        /// The key that has to change, or one of them.
        key: String,
        /// Why.
        detail: String,
    },
    /// A file that was named cannot be used.
    #[error("{key}: {} {detail}", .path.display())]
    File {
        /// What named it.
        key: String,
        /// The file.
        path: PathBuf,
        /// Why not.
        detail: String,
    },
}

/// All that is wrong with a configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    /// One error a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|suggestion| format!(", did you mean {suggestion}?")).unwrap_or_default()
}

/// The candidate that `word` most likely was meant to be.
pub(super) fn suggest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let last = |key: &'a str| key.rsplit('.').next().unwrap_or(key);
    candidates
        .into_iter()
        .map(|candidate| {
            let whole = strsim::normalized_damerau_levenshtein(word, candidate);
            // The right name in the wrong section.
            let named = if word.rsplit('.').next() == Some(last(candidate)) { 0.75 } else { 0.0 };
            (whole.max(named), candidate)
        })
        .filter(|(likeness, _)| *likeness > 0.6)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_key_that_was_meant() {
        let keys = ["http.listen", "http.public_url", "log.level", "dimse.ae_title"];
        assert_eq!(suggest("http.lisen", keys), Some("http.listen"));
        assert_eq!(suggest("htpt.public_url", keys), Some("http.public_url"));
        assert_eq!(suggest("level", keys), Some("log.level"));
        assert_eq!(suggest("dicom.ae_title", keys), Some("dimse.ae_title"));
        assert_eq!(suggest("colour", keys), None);
        assert_eq!(suggest("", keys), None);
    }
}
