//! TLS towards peers: which certificates are trusted and which one we show (PS3.15 §B.12, BCP 195).
//! rustls with its default suites: TLS 1.2 and 1.3, forward secrecy, authenticated encryption only.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::base::{ProblemCode, Problems, Retry, Secret};

/// The TLS settings of a peer. Each PEM text is given as a file or in place, not both.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// File with the certificates of the authorities that the peer's certificate must come from.
    #[serde(alias = "caFile", skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The same in place.
    #[serde(alias = "caPem", skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
    /// File with our certificate and the ones between it and its authority.
    #[serde(alias = "clientCertificateFile", skip_serializing_if = "Option::is_none")]
    pub client_certificate_file: Option<PathBuf>,
    /// The same in place.
    #[serde(alias = "clientCertificatePem", skip_serializing_if = "Option::is_none")]
    pub client_certificate_pem: Option<String>,
    /// File with the private key of our certificate.
    #[serde(alias = "clientKeyFile", skip_serializing_if = "Option::is_none")]
    pub client_key_file: Option<PathBuf>,
    /// The same in place.
    #[serde(alias = "clientKeyPem", skip_serializing_if = "Option::is_none")]
    pub client_key_pem: Option<Secret>,
    /// The name that the peer's certificate must bear, where it is not the host that we connect to.
    #[serde(alias = "serverName", skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
}

/// Why certificates or keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("tls.{field} cannot be read: {kind}")]
    Read {
        /// Which setting.
        field: &'static str,
        /// What the system said.
        kind: std::io::ErrorKind,
    },
    /// A PEM text holds nothing of the wanted kind.
    #[error("tls.{field} holds no usable {wanted}")]
    Empty {
        /// Which setting.
        field: &'static str,
        /// What was looked for.
        wanted: &'static str,
    },
    /// Certificate and key do not fit each other, or a certificate is not usable.
    #[error("certificates are not usable: {0}")]
    Unusable(String),
    /// The system has no trusted authorities and none were given.
    #[error("no trusted authorities: set tls.ca_file")]
    NoAuthorities,
}

impl TlsError {
    /// Files may be put right at any time, so the next attempt may succeed.
    pub fn retry(&self) -> Retry {
        Retry::Backoff
    }
}

impl TlsSettings {
    /// Adds what is wrong with these settings to `problems`; `at` is their path.
    pub(super) fn check(&self, at: &str, problems: &mut Problems) {
        let both = [
            (self.ca_file.is_some() && self.ca_pem.is_some(), "ca_pem"),
            (self.client_certificate_file.is_some() && self.client_certificate_pem.is_some(), "client_certificate_pem"),
            (self.client_key_file.is_some() && self.client_key_pem.is_some(), "client_key_pem"),
        ];
        for (_, field) in both.into_iter().filter(|(both, _)| *both) {
            problems.add(format!("{at}.{field}"), ProblemCode::Invariant, "is given in place and as a file");
        }
        let has_certificate = self.client_certificate_file.is_some() || self.client_certificate_pem.is_some();
        let has_key = self.client_key_file.is_some() || self.client_key_pem.is_some();
        if has_certificate != has_key {
            problems.add(at, ProblemCode::Invariant, "client certificate and client key come together");
        }
        if self.server_name.as_deref().is_some_and(|name| server_name(name).is_none()) {
            problems.add(format!("{at}.server_name"), ProblemCode::Value, "is not a host name or IP address");
        }
    }

    /// Whether the trusted authorities are named.
    pub(super) fn has_authorities(&self) -> bool {
        self.ca_file.is_some() || self.ca_pem.is_some()
    }

    /// Our certificates and key in one PEM text, if they are given.
    pub(super) async fn client_pem(&self) -> Result<Option<Secret>, TlsError> {
        let chain = self.client_certificate().await?;
        let key = self.client_key().await?;
        Ok(chain.zip(key).map(|(chain, key)| Secret::new(format!("{}\n{}", chain.expose(), key.expose()))))
    }

    async fn client_certificate(&self) -> Result<Option<Secret>, TlsError> {
        let (file, in_place) = (self.client_certificate_file.as_ref(), self.client_certificate_pem.as_deref());
        text("client_certificate_file", file, in_place).await
    }

    async fn client_key(&self) -> Result<Option<Secret>, TlsError> {
        let in_place = self.client_key_pem.as_ref().map(Secret::expose);
        text("client_key_file", self.client_key_file.as_ref(), in_place).await
    }

    /// The client's side of TLS by these settings. Without named authorities the ones of the system are
    /// not looked at: a peer that is met without them is not verified, so that is an error.
    pub(super) async fn client_config(&self) -> Result<ClientConfig, TlsError> {
        let mut roots = RootCertStore::empty();
        let authorities =
            text("ca_file", self.ca_file.as_ref(), self.ca_pem.as_deref()).await?.ok_or(TlsError::NoAuthorities)?;
        for certificate in certificates("ca_file", &authorities)? {
            roots.add(certificate).map_err(|error| TlsError::Unusable(error.to_string()))?;
        }
        let builder = builder().with_root_certificates(roots);
        let chain = self.client_certificate().await?;
        let key = self.client_key().await?;
        match (chain, key) {
            (Some(chain), Some(key)) => {
                let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
                    .map_err(|_detail| TlsError::Empty { field: "client_key_file", wanted: "private key" })?;
                builder
                    .with_client_auth_cert(certificates("client_certificate_file", &chain)?, key)
                    .map_err(|error| TlsError::Unusable(error.to_string()))
            }
            _ => Ok(builder.with_no_client_auth()),
        }
    }
}

/// A client's side of TLS that trusts nobody, for connections that must not use TLS.
pub(super) fn trusting_nobody() -> ClientConfig {
    builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
}

/// The name as TLS verifies it.
pub(super) fn server_name(host: &str) -> Option<rustls::pki_types::ServerName<'static>> {
    rustls::pki_types::ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).ok()
}

#[expect(clippy::expect_used, reason = "the provider that is named here has the versions that are named here")]
fn builder() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("aws-lc-rs has suites for TLS 1.2 and 1.3")
}

/// The PEM text of a setting, if it is given. It may be a key, so it is kept as a secret.
async fn text(field: &'static str, file: Option<&PathBuf>, in_place: Option<&str>) -> Result<Option<Secret>, TlsError> {
    match (file, in_place) {
        (Some(path), _) => {
            let text = tokio::fs::read_to_string(path);
            text.await.map(|text| Some(Secret::new(text))).map_err(|error| TlsError::Read { field, kind: error.kind() })
        }
        (None, Some(text)) => Ok(Some(Secret::new(text))),
        (None, None) => Ok(None),
    }
}

fn certificates(field: &'static str, pem: &Secret) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let empty = TlsError::Empty { field, wanted: "certificate" };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.expose().as_bytes()).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or(empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_contradict_themselves_are_named() {
        let settings = TlsSettings {
            ca_file: Some("a".into()),
            ca_pem: Some("b".into()),
            client_key_file: Some("k".into()),
            server_name: Some("not a name".into()),
            ..TlsSettings::default()
        };
        let mut problems = Problems::new();
        settings.check("tls", &mut problems);
        let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["tls.ca_pem", "tls", "tls.server_name"]);
    }

    #[tokio::test]
    async fn a_file_without_certificate_is_named_without_its_content() {
        let settings = TlsSettings { ca_pem: Some("secret text".into()), ..TlsSettings::default() };
        let error = settings.client_config().await.expect_err("no certificate");
        assert_eq!(error.to_string(), "tls.ca_file holds no usable certificate");
        let settings = TlsSettings { ca_file: Some("/does/not/exist".into()), ..TlsSettings::default() };
        let error = settings.client_config().await.expect_err("no file");
        assert!(matches!(error, TlsError::Read { field: "ca_file", kind: std::io::ErrorKind::NotFound }));
        assert_eq!(TlsSettings::default().client_config().await.expect_err("none"), TlsError::NoAuthorities);
    }
}
