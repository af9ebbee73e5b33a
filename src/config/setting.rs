//! What a setting is: a typed value that can be read from a source, shown, and described.

use std::borrow::Cow;
use std::path::Path;

use toml::de::{DeArray, DeValue};

/// A value as a source gives it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given<'a> {
    /// A value of the file.
    Toml(&'a DeValue<'a>),
    /// The text of an environment variable.
    Environment(&'a str),
    /// The text behind `key=` on the command line.
    Flag(&'a str),
}

/// What a setting wants instead, as the end of a sentence: `must be an integer`. It never repeats the
/// value, which may be a secret.
pub(super) type Refusal = Cow<'static, str>;

/// A type that a setting can have.
pub(super) trait Setting: Sized {
    /// The type in words, for the reference.
    fn shape() -> String;

    /// Reads and checks a value.
    fn read(given: &Given<'_>) -> Result<Self, Refusal>;

    /// The value as `config show` shows it, `None` if there is none. Secrets show as `***`.
    fn write(&self) -> Option<toml::Value>;

    /// How great the value is, for settings that have bounds.
    fn magnitude(&self) -> Option<u64> {
        None
    }

    /// Puts the data directory where the value says `{data_dir}`.
    fn expand(&mut self, _data_dir: &Path) {}

    /// Whether the value must not be shown, nor stand in a file.
    fn is_secret() -> bool {
        false
    }
}

/// A setting of some type in a section: [`Setting`] behind a reference.
pub(super) trait Slot {
    fn shape(&self) -> String;
    fn put(&mut self, given: &Given<'_>, within: Option<Bounds>) -> Result<(), Refusal>;
    fn write(&self) -> Option<toml::Value>;
    fn expand(&mut self, data_dir: &Path);
    fn is_secret(&self) -> bool;
}

/// The least and the greatest value, as they would be written.
pub(super) type Bounds = (&'static str, &'static str);

/// A setting with what is known of it.
pub(super) struct Entry<'a> {
    /// Full key, `http.listen`.
    pub(super) key: String,
    /// What its section is about.
    pub(super) about: &'static str,
    /// What it is for.
    pub(super) doc: &'static str,
    /// The default in words, where it depends on something else.
    pub(super) shown: Option<&'static str>,
    /// Bounds, if it has any.
    pub(super) within: Option<Bounds>,
    /// The value.
    pub(super) slot: &'a mut dyn Slot,
}

impl<T: Setting> Slot for T {
    fn shape(&self) -> String {
        T::shape()
    }

    fn put(&mut self, given: &Given<'_>, within: Option<Bounds>) -> Result<(), Refusal> {
        let value = T::read(given)?;
        if let (Some((low, high)), Some(magnitude)) = (within, value.magnitude()) {
            let bound = |text| T::read(&Given::Environment(text)).ok().and_then(|value| value.magnitude());
            if bound(low).is_some_and(|low| magnitude < low) || bound(high).is_some_and(|high| magnitude > high) {
                return Err(format!("must be from {low} to {high}").into());
            }
        }
        *self = value;
        Ok(())
    }

    fn write(&self) -> Option<toml::Value> {
        T::write(self)
    }

    fn expand(&mut self, data_dir: &Path) {
        T::expand(self, data_dir);
    }

    fn is_secret(&self) -> bool {
        T::is_secret()
    }
}

impl<'a> Given<'a> {
    /// The text of an environment variable or flag.
    pub(super) fn loose(&self) -> Option<&'a str> {
        match *self {
            Self::Toml(_) => None,
            Self::Environment(text) | Self::Flag(text) => Some(text),
        }
    }

    /// A text.
    pub(super) fn text(&self) -> Result<&'a str, Refusal> {
        match *self {
            Self::Toml(DeValue::String(text)) => Ok(text),
            Self::Toml(_) => Err("must be a text in quotation marks".into()),
            Self::Environment(text) | Self::Flag(text) => Ok(text),
        }
    }

    /// An integer that is not negative.
    pub(super) fn integer(&self) -> Result<u64, Refusal> {
        let value = match *self {
            Self::Toml(DeValue::Integer(integer)) => u64::from_str_radix(integer.as_str(), integer.radix()).ok(),
            Self::Toml(_) => None,
            Self::Environment(text) | Self::Flag(text) => text.trim().parse().ok(),
        };
        value.ok_or("must be an integer, not negative".into())
    }

    /// A truth value.
    pub(super) fn truth(&self) -> Result<bool, Refusal> {
        match *self {
            Self::Toml(DeValue::Boolean(value)) => Ok(*value),
            Self::Environment("true") | Self::Flag("true") => Ok(true),
            Self::Environment("false") | Self::Flag("false") => Ok(false),
            _ => Err("must be true or false".into()),
        }
    }

    /// A list of texts. Environment and flags write it as TOML (`["a", "b"]`) or with commas (`a,b`).
    pub(super) fn texts(&self) -> Result<Vec<String>, Refusal> {
        match self {
            Self::Toml(DeValue::Array(items)) => texts_of(items),
            Self::Toml(_) => Err(LIST.into()),
            Self::Environment(text) | Self::Flag(text) if text.trim_start().starts_with('[') => {
                match DeValue::parse(text.trim()).map(toml::Spanned::into_inner) {
                    Ok(DeValue::Array(items)) => texts_of(&items),
                    _ => Err(LIST.into()),
                }
            }
            Self::Environment(text) | Self::Flag(text) => {
                Ok(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
            }
        }
    }
}

fn texts_of(items: &DeArray<'_>) -> Result<Vec<String>, Refusal> {
    items
        .iter()
        .map(|item| match item.get_ref() {
            DeValue::String(text) => Ok(text.clone().into_owned()),
            _ => Err(LIST.into()),
        })
        .collect()
}

const LIST: &str = "must be a list of texts";
