//! The sockets: connections come in, each gets a task of its own. When the gateway stops, nothing new is
//! taken, associations end at the next pause, and what has not ended in time is broken off.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ops::Ops;

use super::DimseSettings;
use super::limits::Limits;
use super::serve::{Shared, serve};
use super::tls::{TlsUnusable, acceptor};
use super::wire::Stream;

/// A listener at work.
pub struct DimseServer {
    addresses: Vec<SocketAddr>,
    tasks: TaskTracker,
    /// No more is begun.
    stopping: CancellationToken,
    /// What is under way is broken off.
    breaking: CancellationToken,
}

/// Why the listener does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It cannot listen there.
    #[error("cannot listen at {address} for DICOM: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// Certificates or keys cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsUnusable),
}

/// Starts to listen, plain and with TLS as the settings say. Needs a tokio runtime.
pub fn start(settings: DimseSettings, ops: Ops) -> Result<DimseServer, StartError> {
    let tls = settings.tls.as_ref().map(|tls| Ok::<_, TlsUnusable>((tls.listen, acceptor(tls)?))).transpose()?;
    let mut sockets = Vec::new();
    if let Some(address) = settings.listen {
        sockets.push((bind(address)?, None));
    }
    if let Some((address, acceptor)) = tls {
        sockets.push((bind(address)?, Some(acceptor)));
    }
    let addresses = sockets.iter().filter_map(|(socket, _)| socket.local_addr().ok()).collect();
    let (stopping, breaking, tasks) = (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());
    let connections = Arc::new(Semaphore::new(settings.associations.saturating_mul(4).saturating_add(1_024)));
    let limits = Limits::new(settings.associations, settings.associations_per_caller);
    let shared = Arc::new(Shared { settings, ops, limits, stopping: stopping.clone() });
    for (socket, acceptor) in sockets {
        let accepting = Accepting {
            socket,
            acceptor,
            shared: Arc::clone(&shared),
            connections: Arc::clone(&connections),
            tasks: tasks.clone(),
            breaking: breaking.clone(),
        };
        tasks.spawn(accepting.run());
    }
    Ok(DimseServer { addresses, tasks, stopping, breaking })
}

fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    let bound = std::net::TcpListener::bind(address).and_then(|socket| {
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket)
    });
    bound.map_err(|error| StartError::Listen { address, error })
}

impl StartError {
    /// Whether somebody else listens there.
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Listen { error, .. } if error.kind() == io::ErrorKind::AddrInUse)
    }
}

impl DimseServer {
    /// Where it listens: plain first, then with TLS.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Takes no more, waits at most `grace` for associations to end, and breaks off the rest.
    pub async fn stop(self, grace: Duration) {
        self.stopping.cancel();
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_err() {
            tracing::warn!(associations = self.tasks.len(), "associations are broken off");
            self.breaking.cancel();
            self.tasks.wait().await;
        }
    }
}

/// One socket that is listened at.
struct Accepting {
    socket: TcpListener,
    acceptor: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    /// Connections there may be, those that wait for an association included.
    connections: Arc<Semaphore>,
    tasks: TaskTracker,
    breaking: CancellationToken,
}

impl Accepting {
    async fn run(self) {
        loop {
            let accepted = tokio::select! {
                () = self.shared.stopping.cancelled() => return,
                accepted = self.socket.accept() => accepted,
            };
            match accepted {
                Ok((socket, from)) => self.take(socket, from),
                Err(error) => {
                    // Too many open files, or a connection that was gone at once: the next one may do.
                    tracing::warn!(%error, "a connection cannot be taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn take(&self, socket: TcpStream, from: SocketAddr) {
        // Whoever opens more connections than there are rejections to give is not even answered.
        let Ok(connection) = Arc::clone(&self.connections).try_acquire_owned() else { return };
        let (shared, acceptor, breaking) = (Arc::clone(&self.shared), self.acceptor.clone(), self.breaking.clone());
        self.tasks.spawn(async move {
            let serving = async {
                if let Some(stream) = secured(socket, acceptor, shared.settings.artim).await {
                    serve(shared, stream, from).await;
                }
            };
            tokio::select! {
                () = serving => {}
                () = breaking.cancelled() => {}
            }
            drop(connection);
        });
    }
}

/// The connection, within TLS where that is spoken.
async fn secured(socket: TcpStream, acceptor: Option<TlsAcceptor>, limit: Duration) -> Option<Stream> {
    // An answer ends in a short unit; holding it back until the peer acknowledges costs 40 ms each.
    if socket.set_nodelay(true).is_err() {
        return None;
    }
    let Some(acceptor) = acceptor else { return Some(Stream::Plain(socket)) };
    match tokio::time::timeout(limit, acceptor.accept(socket)).await {
        Ok(Ok(stream)) => Some(Stream::Tls(Box::new(stream))),
        Ok(Err(error)) => {
            tracing::info!(%error, "a TLS handshake failed");
            None
        }
        Err(_elapsed) => None,
    }
}
