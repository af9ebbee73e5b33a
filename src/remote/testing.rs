//! An HTTP server in the same process for the tests of the clients: it answers each request as a
//! function says, and keeps what it was sent.

use std::sync::{Arc, LazyLock, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use crate::base::{Clock, FixedClock, PeerName, Secret, Timestamp};
use crate::dicom::sample_study;

use super::instance::Instance;
use super::peer::{PeerKind, PeerSettings};
use super::tls::TlsSettings;

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// An answer to send.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

/// A running server.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) url: Url,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Reply {
    pub(super) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub(super) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, body.to_string()).with("Content-Type", "application/json")
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Server {
    /// Serves until the test ends.
    pub(super) async fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with("http", None, answer).await
    }

    /// Serves with TLS until the test ends.
    pub(super) async fn start_tls(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with("https", Some(tls_acceptor()), answer).await
    }

    async fn start_with(
        scheme: &str,
        tls: Option<tokio_rustls::TlsAcceptor>,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let url = Url::parse(&format!("{scheme}://127.0.0.1:{port}/base")).expect("a URL");
        let server = Self { url, requests: Arc::default() };
        let (requests, answer) = (server.requests.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (requests, answer, tls) = (requests.clone(), answer.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(socket, &requests, answer.as_ref()).await,
                        Some(acceptor) => {
                            if let Ok(socket) = acceptor.accept(socket).await {
                                serve(socket, &requests, answer.as_ref()).await;
                            }
                        }
                    }
                });
            }
        });
        server
    }

    /// What came so far.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("not poisoned").clone()
    }

    /// Settings of a peer of `kind` at this server.
    pub(super) fn settings(&self, kind: PeerKind) -> PeerSettings {
        PeerSettings::http(PeerName::parse("peer").expect("valid"), kind, self.url.clone())
    }
}

/// A clock that stands at 2026-02-03T04:05:06Z.
pub(super) fn clock() -> Arc<dyn Clock> {
    Arc::new(FixedClock::at(Timestamp::parse("2026-02-03T04:05:06Z").expect("valid")))
}

async fn serve(
    mut socket: impl AsyncRead + AsyncWrite + Unpin,
    requests: &Mutex<Vec<Request>>,
    answer: &(impl Fn(&Request) -> Reply + Sync),
) {
    while let Some(request) = read(&mut socket).await {
        requests.lock().expect("not poisoned").push(request.clone());
        let sent = socket.write_all(&encode(&answer(&request))).await;
        if sent.is_err() || socket.flush().await.is_err() {
            return;
        }
    }
}

/// The first slices of the sample study.
pub(super) fn slices(count: usize) -> Vec<Instance> {
    static FILES: LazyLock<Vec<Instance>> = LazyLock::new(|| {
        sample_study::files().into_iter().map(|file| Instance::parse(file.into()).expect("an instance")).collect()
    });
    FILES.iter().take(count).cloned().collect()
}

/// A TLS server for `localhost` and `127.0.0.1` that wants a certificate of the same authority from its
/// clients.
pub(super) fn tls_acceptor() -> tokio_rustls::TlsAcceptor {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let certificate = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate(CA)).expect("an authority");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .expect("a verifier");
    let key = PrivateKeyDer::from_pem_slice(SERVER_KEY.as_bytes()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate(SERVER)], key)
        .expect("certificate and key");
    tokio_rustls::TlsAcceptor::from(Arc::new(config))
}

/// What [`tls_acceptor`] accepts.
pub(super) fn tls_settings() -> TlsSettings {
    TlsSettings {
        ca_pem: Some(CA.to_owned()),
        client_certificate_pem: Some(CLIENT.to_owned()),
        client_key_pem: Some(Secret::new(CLIENT_KEY)),
        ..TlsSettings::default()
    }
}

pub(super) const CA: &str = include_str!("../../fixtures/tls/ca.pem");
const SERVER: &str = include_str!("../../fixtures/tls/server.pem");
const SERVER_KEY: &str = include_str!("../../fixtures/tls/server-key.pem");
pub(super) const CLIENT: &str = include_str!("../../fixtures/tls/client.pem");
pub(super) const CLIENT_KEY: &str = include_str!("../../fixtures/tls/client-key.pem");

async fn read(socket: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).expect("text");
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect();
    let mut request = Request { method, target, headers, body: Vec::new() };
    assert_eq!(request.header("transfer-encoding"), None, "bodies have a length");
    let length = request.header("content-length").map_or(0, |length| length.parse().expect("a number"));
    request.body = vec![0; length];
    socket.read_exact(&mut request.body).await.ok()?;
    Some(request)
}

fn encode(reply: &Reply) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Status\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    if !reply.headers.iter().any(|(name, _)| *name == "Content-Length") && reply.status != 204 {
        head.extend(["Content-Length: ", &reply.body.len().to_string(), "\r\n"]);
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&reply.body);
    bytes
}
