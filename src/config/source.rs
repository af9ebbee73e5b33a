//! Where settings come from, as values: whoever loads a configuration has read them already.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;

/// All sources of a configuration, the weakest first.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file, if there is one.
    pub file: Option<FileText>,
    /// The environment.
    pub environment: Environment,
    /// Overrides of the command line, `key=value`; of two for the same key the later one counts.
    pub flags: Vec<String>,
    /// Whether the log goes to a terminal; the default of `log.format` depends on it.
    pub terminal: bool,
}

/// A configuration file that was read.
#[derive(Debug, Clone)]
pub struct FileText {
    /// Its name in messages.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// The variables of the environment.
#[derive(Clone, Default)]
pub struct Environment {
    texts: BTreeMap<String, String>,
    /// Names whose values are not Unicode text.
    garbled: BTreeSet<String>,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        std::env::vars_os().collect()
    }

    /// The value of a variable, if it is set and is Unicode text.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// The variables with their values, by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Names of variables whose values are not Unicode text.
    pub(super) fn garbled(&self) -> impl Iterator<Item = &str> {
        self.garbled.iter().map(String::as_str)
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => environment.texts.insert(name, value).is_none(),
                Err(_not_unicode) => environment.garbled.insert(name),
            };
        }
        environment
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Environment {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(variables: I) -> Self {
        variables.into_iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect()
    }
}

impl fmt::Debug for Environment {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.texts.keys()).finish()
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A line of the file, counted from 1.
    File {
        /// Name of the file.
        name: String,
        /// Line.
        line: usize,
    },
    /// A variable of the environment.
    Environment(String),
    /// An override on the command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { name, line } => write!(f, "{name}:{line}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag => f.write_str("command line"),
        }
    }
}
