//! Numbers, texts, paths, names, and settings that need not be there.

use std::path::{Path, PathBuf};

use crate::base::{AeTitle, PeerName};
use crate::config::setting::{Given, Refusal, Setting};

impl<T: Setting> Setting for Option<T> {
    fn shape() -> String {
        T::shape()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        // An empty variable or flag takes away what a weaker source has set.
        if given.loose() == Some("") { Ok(None) } else { T::read(given).map(Some) }
    }

    fn write(&self) -> Option<toml::Value> {
        self.as_ref().and_then(T::write)
    }

    fn magnitude(&self) -> Option<u64> {
        self.as_ref().and_then(T::magnitude)
    }

    fn expand(&mut self, data_dir: &Path) {
        if let Some(value) = self {
            value.expand(data_dir);
        }
    }

    fn is_secret() -> bool {
        T::is_secret()
    }
}

impl Setting for u32 {
    fn shape() -> String {
        "integer".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        Self::try_from(given.integer()?).map_err(|_too_great| "must be an integer below 4294967296".into())
    }

    fn write(&self) -> Option<toml::Value> {
        Some(i64::from(*self).into())
    }

    fn magnitude(&self) -> Option<u64> {
        Some(u64::from(*self))
    }
}

impl Setting for bool {
    fn shape() -> String {
        "`true` or `false`".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        given.truth()
    }

    fn write(&self) -> Option<toml::Value> {
        Some((*self).into())
    }
}

impl Setting for String {
    fn shape() -> String {
        "text".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        let text = given.text()?;
        if text.chars().any(char::is_control) { Err(CONTROL.into()) } else { Ok(text.to_owned()) }
    }

    fn write(&self) -> Option<toml::Value> {
        Some(self.as_str().into())
    }
}

impl Setting for Vec<String> {
    fn shape() -> String {
        "list of texts".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        let texts = given.texts()?;
        if texts.iter().any(|text| text.chars().any(char::is_control)) { Err(CONTROL.into()) } else { Ok(texts) }
    }

    fn write(&self) -> Option<toml::Value> {
        Some(self.clone().into())
    }
}

impl Setting for PathBuf {
    fn shape() -> String {
        "path".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        let text = given.text()?;
        if text.is_empty() || text.contains('\0') {
            return Err("must be a path".into());
        }
        Ok(Self::from(text))
    }

    fn write(&self) -> Option<toml::Value> {
        Some(self.to_string_lossy().into_owned().into())
    }

    fn expand(&mut self, data_dir: &Path) {
        *self = expand(self, data_dir);
    }
}

impl Setting for AeTitle {
    fn shape() -> String {
        "AE title".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        Self::parse(given.text()?).map_err(|error| error.to_string().into())
    }

    fn write(&self) -> Option<toml::Value> {
        Some(self.as_str().into())
    }
}

impl Setting for PeerName {
    fn shape() -> String {
        "name of a peer".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        Self::parse(given.text()?).map_err(|error| error.to_string().into())
    }

    fn write(&self) -> Option<toml::Value> {
        Some(self.as_str().into())
    }
}

/// `path` with the data directory in the place of `{data_dir}`.
pub(super) fn expand(path: &Path, data_dir: &Path) -> PathBuf {
    match path.to_str() {
        Some(text) if text.contains(DATA_DIR) => text.replace(DATA_DIR, &data_dir.to_string_lossy()).into(),
        _ => path.to_owned(),
    }
}

/// What stands for the data directory in paths.
const DATA_DIR: &str = "{data_dir}";
const CONTROL: &str = "must not hold control characters";
