//! Secrets that are given in the environment.

use crate::base::Secret;
use crate::config::setting::{Given, Refusal, Setting};

/// A secret from the environment, or from the file that a setting beside it names. It cannot stand in
/// the configuration file, which is read by many, nor on the command line, which every user of the
/// machine can see.
#[derive(Debug, Clone, Default)]
pub struct EnvironmentSecret(pub(in crate::config) Option<Secret>);

impl EnvironmentSecret {
    /// The secret, if there is one.
    pub fn get(&self) -> Option<&Secret> {
        self.0.as_ref()
    }
}

impl Setting for EnvironmentSecret {
    fn shape() -> String {
        "secret, environment only".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        match given {
            Given::Environment("") => Ok(Self(None)),
            Given::Environment(text) => Ok(Self(Some(Secret::new(*text)))),
            Given::Toml(_) | Given::Flag(_) => {
                Err("is a secret: give it in the environment, or name a file with the key that ends in _file".into())
            }
        }
    }

    fn write(&self) -> Option<toml::Value> {
        self.0.as_ref().map(|_| "***".into())
    }

    fn is_secret() -> bool {
        true
    }
}
