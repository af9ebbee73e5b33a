//! Settings with their secrets: towards the sealed column of the database, and back from a form that
//! shows `***`.

use serde_json::Value;
use zeroize::Zeroize;

use crate::base::Secret;

use super::{Auth, PeerSettings};

impl PeerSettings {
    /// The settings as JSON with every secret in it, to be sealed with a data key and stored. It is the
    /// one form that keeps secrets; nothing else may be done with it.
    pub fn to_sealed_json(&self) -> Secret {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        for (pointer, secret) in self.secrets() {
            if let Some(place) = value.pointer_mut(pointer) {
                *place = Value::String(secret.expose().to_owned());
            }
        }
        let text = Secret::new(value.to_string());
        for (pointer, _) in self.secrets() {
            if let Some(Value::String(plain)) = value.pointer_mut(pointer) {
                plain.zeroize();
            }
        }
        text
    }

    /// Settings from what [`PeerSettings::to_sealed_json`] wrote, after it was opened. The error says
    /// where the text is wrong, and nothing of the text.
    pub fn from_sealed_json(json: &[u8]) -> Result<Self, UnreadableSettings> {
        serde_json::from_slice(json).map_err(|error| UnreadableSettings { line: error.line(), column: error.column() })
    }

    /// These settings with each secret that is still the placeholder `***` taken from `former`: what an
    /// administrator gets back from a form in which secrets are not shown.
    #[must_use]
    pub fn with_secrets_of(mut self, former: &Self) -> Self {
        let kept: Vec<_> = former.secrets().into_iter().map(|(at, secret)| (at, secret.clone())).collect();
        for (at, secret) in self.secrets_mut() {
            if secret.expose() == PLACEHOLDER
                && let Some((_, former)) = kept.iter().find(|(other, _)| *other == at)
            {
                *secret = former.clone();
            }
        }
        self
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        let mut secrets = match &self.auth {
            Auth::None => Vec::new(),
            Auth::Basic { password, .. } => vec![(AUTH_PASSWORD, password)],
            Auth::Bearer { token } => vec![(AUTH_TOKEN, token)],
            Auth::ClientCredentials { client_secret, private_key_pem, .. } => {
                let secret = client_secret.as_ref().map(|secret| (AUTH_CLIENT_SECRET, secret));
                let key = private_key_pem.as_ref().map(|key| (AUTH_PRIVATE_KEY, key));
                secret.into_iter().chain(key).collect()
            }
        };
        secrets.extend(self.tls.iter().filter_map(|tls| Some((TLS_CLIENT_KEY, tls.client_key_pem.as_ref()?))));
        secrets
    }

    fn secrets_mut(&mut self) -> Vec<(&'static str, &mut Secret)> {
        let mut secrets = match &mut self.auth {
            Auth::None => Vec::new(),
            Auth::Basic { password, .. } => vec![(AUTH_PASSWORD, password)],
            Auth::Bearer { token } => vec![(AUTH_TOKEN, token)],
            Auth::ClientCredentials { client_secret, private_key_pem, .. } => {
                let secret = client_secret.as_mut().map(|secret| (AUTH_CLIENT_SECRET, secret));
                let key = private_key_pem.as_mut().map(|key| (AUTH_PRIVATE_KEY, key));
                secret.into_iter().chain(key).collect()
            }
        };
        secrets.extend(self.tls.iter_mut().filter_map(|tls| Some((TLS_CLIENT_KEY, tls.client_key_pem.as_mut()?))));
        secrets
    }
}

/// Stored settings cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("peer settings are not readable at line {line}, column {column}")]
pub struct UnreadableSettings {
    /// Line of the text, from 1.
    pub line: usize,
    /// Column of the line, from 1.
    pub column: usize,
}

const AUTH_PASSWORD: &str = "/auth/password";
const AUTH_TOKEN: &str = "/auth/token";
const AUTH_CLIENT_SECRET: &str = "/auth/client_secret";
const AUTH_PRIVATE_KEY: &str = "/auth/private_key_pem";
const TLS_CLIENT_KEY: &str = "/tls/client_key_pem";
/// What a secret looks like where it is not shown.
pub(super) const PLACEHOLDER: &str = "***";
