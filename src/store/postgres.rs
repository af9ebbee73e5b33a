//! Connecting to PostgreSQL without a system library.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel_async::AsyncPgConnection;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::runtime::Handle;
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::base::Secret;

use super::StoreError;
use super::db::PgConnection;

/// Connects, encrypted if there is an authority to check the server's certificate against. Blocks: it is
/// called on a thread that may block. What goes over the connection is moved by the runtime `home`, which has
/// to live as long as the connection does: a worker of the HTTP server has one of its own, which may end.
pub(super) fn connect(
    home: &Handle,
    url: &Secret,
    ca: Option<&[u8]>,
    limit: Option<Duration>,
) -> Result<PgConnection, StoreError> {
    let (config, tls) = parse(url, ca)?;
    let connection = home.block_on(async {
        let connected = match tls {
            Some(tls) => {
                let (client, connection) = config.connect(tls).await.map_err(unavailable)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
            None => {
                let (client, connection) = config.connect(NoTls).await.map_err(unavailable)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
        };
        connected.map_err(unavailable)
    })?;
    // The wrapper waits with the runtime that it is made in.
    let _entered = home.enter();
    let mut connection = PgConnection::from(connection);
    if let Some(limit) = limit {
        connection.batch_execute(&format!("set statement_timeout = {}", limit.as_millis()))?;
    }
    Ok(connection)
}

/// What a URL says, and how the connection is encrypted if it is.
pub(super) fn parse(
    url: &Secret,
    ca: Option<&[u8]>,
) -> Result<(tokio_postgres::Config, Option<MakeRustlsConnect>), StoreError> {
    let mut config: tokio_postgres::Config = url.expose().parse().map_err(unavailable)?;
    // A server that is gone without a word must not hold a thread for as long as TCP would.
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(SILENCE);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    if config.get_keepalives_idle() == TWO_HOURS {
        config.keepalives_idle(SILENCE);
    }
    match ca {
        Some(pem) => {
            config.ssl_mode(SslMode::Require);
            Ok((config, Some(MakeRustlsConnect::new(tls_config(pem)?))))
        }
        None if config.get_ssl_mode() == SslMode::Require => {
            Err(StoreError::Unavailable("sslmode=require needs database.ca_file".into()))
        }
        None => Ok((config, None)),
    }
}

fn tls_config(pem: &[u8]) -> Result<rustls::ClientConfig, StoreError> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.map_err(unavailable)?).map_err(unavailable)?;
    }
    if roots.is_empty() {
        return Err(StoreError::Unavailable("database.ca_file holds no certificate".into()));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unavailable)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

pub(super) fn unavailable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// How long a server may not answer to TCP, unless its URL says otherwise (`connect_timeout`,
/// `tcp_user_timeout`, `keepalives_idle`).
const SILENCE: Duration = Duration::from_secs(30);
/// What `keepalives_idle` is if nothing is said of it.
const TWO_HOURS: Duration = Duration::from_hours(2);
