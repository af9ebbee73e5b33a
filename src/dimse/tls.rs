//! The server's side of TLS: BCP 195 (RFC 9325) with TLS 1.2 and 1.3, forward secrecy and authenticated
//! encryption only, on a port of its own. PS3.15 §B.12.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::TlsListener;

/// Why certificates or keys of the listener cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsUnusable {
    /// A file cannot be read, or holds nothing of the kind.
    #[error("{} holds no usable {wanted}: {detail}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
        /// Why it does not.
        detail: String,
    },
    /// Certificate and key do not fit each other, or cannot be used.
    #[error("certificate and key cannot be used: {0}")]
    Config(String),
}

/// The acceptor of a listener.
pub(super) fn acceptor(settings: &TlsListener) -> Result<tokio_rustls::TlsAcceptor, TlsUnusable> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let unusable = |detail: &dyn std::fmt::Display| TlsUnusable::Config(detail.to_string());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?;
    let builder = match &settings.client_ca_file {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| unusable(&error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if settings.client_may_be_unknown { verifier.allow_unauthenticated() } else { verifier };
            builder.with_client_cert_verifier(verifier.build().map_err(|error| unusable(&error))?)
        }
    };
    let chain = certificates(&settings.certificate_file)?;
    let key = PrivateKeyDer::from_pem_file(&settings.key_file).map_err(|error| TlsUnusable::File {
        path: settings.key_file.clone(),
        wanted: "private key",
        detail: error.to_string(),
    })?;
    let config = builder.with_single_cert(chain, key).map_err(|error| unusable(&error))?;
    Ok(Arc::new(config).into())
}

/// The cipher suites that are offered, most wanted first.
pub(super) fn suites() -> Vec<String> {
    let suites = rustls::crypto::aws_lc_rs::default_provider().cipher_suites;
    suites.iter().map(|suite| format!("{:?}", suite.suite())).collect()
}

fn certificates(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, TlsUnusable> {
    let unusable = |detail: String| TlsUnusable::File { path: path.clone(), wanted: "certificate", detail };
    let found = CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?;
    let found: Result<Vec<_>, _> = found.collect();
    let found = found.map_err(|error| unusable(error.to_string()))?;
    if found.is_empty() { Err(unusable("there is none".to_owned())) } else { Ok(found) }
}
