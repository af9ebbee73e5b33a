//! Connections that hold on without doing anything. The framework's own timer covers the head of the
//! first request of a connection; it stops at the first byte of the next one, so that a client could send
//! one request and then a byte of the second every minute, or never read its answer. Here a sweep closes
//! such connections.

use std::any::Any;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Extensions;
use actix_web::web::Bytes;

/// All connections of a server.
#[derive(Debug)]
pub(super) struct Watch {
    start: Instant,
    connections: Mutex<Vec<Weak<Connection>>>,
    patience: Patience,
}

/// How long a connection may rest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Between the end of one answer and the whole head of the next request.
    pub(super) waiting: Duration,
    /// Between two pieces of an answer that the client takes, and for the client to go when it is told.
    pub(super) stalled: Duration,
}

/// One connection: a second handle of its socket, and since when it is in which phase.
#[derive(Debug)]
pub(super) struct Connection {
    watch: Arc<Watch>,
    socket: TcpStream,
    phase: AtomicU8,
    since_ms: AtomicU64,
}

/// Between two requests, or in the head of the next.
const WAITING: u8 = 0;
/// A request is being worked on; other limits hold there.
const SERVING: u8 = 1;
/// An answer is being sent.
const SENDING: u8 = 2;
/// No more is read from it.
const CLOSING: u8 = 3;

impl Watch {
    pub(super) fn new(patience: Patience) -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), connections: Mutex::new(Vec::new()), patience })
    }

    /// Takes a new connection in; what the framework calls when one is accepted.
    pub(super) fn enter(self: &Arc<Self>, io: &dyn Any, data: &mut Extensions) {
        let Some(stream) = io.downcast_ref::<tokio::net::TcpStream>() else {
            return;
        };
        let Ok(handle) = stream.as_fd().try_clone_to_owned() else {
            return;
        };
        let connection = Arc::new(Connection {
            watch: Arc::clone(self),
            socket: TcpStream::from(handle),
            phase: AtomicU8::new(WAITING),
            since_ms: AtomicU64::new(self.now_ms()),
        });
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&connection));
        data.insert(connection);
    }

    /// Closes connections that have rested for too long, and forgets those that are gone.
    pub(super) fn sweep(&self) {
        let now = self.now_ms();
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|connection| {
            let Some(connection) = connection.upgrade() else {
                return false;
            };
            connection.judge(now, &self.patience);
            true
        });
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Connection {
    /// A request has come whole and is being worked on.
    pub(super) fn begin(&self) {
        self.enter(SERVING);
    }

    /// `body`, watched while it is sent; the connection waits again when it is gone.
    pub(super) fn send(self: Arc<Self>, body: BoxBody) -> Watched {
        self.enter(SENDING);
        Watched { connection: self, body, rest: Bytes::new() }
    }

    fn enter(&self, phase: u8) {
        self.since_ms.store(self.watch.now_ms(), Ordering::Relaxed);
        self.phase.store(phase, Ordering::Release);
    }

    fn judge(&self, now: u64, patience: &Patience) {
        let phase = self.phase.load(Ordering::Acquire);
        let rested = Duration::from_millis(now.saturating_sub(self.since_ms.load(Ordering::Relaxed)));
        match phase {
            // The read half alone: what is still on its way out arrives.
            WAITING if rested > patience.waiting => {
                self.enter(CLOSING);
                let _ = self.socket.shutdown(Shutdown::Read);
            }
            SENDING | CLOSING if rested > patience.stalled => {
                tracing::debug!(phase, "connection stalled");
                let _ = self.socket.shutdown(Shutdown::Both);
            }
            _ => {}
        }
    }
}

/// A body in pieces, each of which shows that the client still takes what it gets.
pub(super) struct Watched {
    connection: Arc<Connection>,
    body: BoxBody,
    rest: Bytes,
}

impl MessageBody for Watched {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_next(context) {
                Poll::Ready(Some(Ok(bytes))) => self.rest = bytes,
                // It is for us to go on, not for the client.
                Poll::Pending => {
                    self.connection.enter(SERVING);
                    return Poll::Pending;
                }
                end @ Poll::Ready(_) => return end,
            }
        }
        self.connection.enter(SENDING);
        let piece = self.rest.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(self.rest.split_to(piece))))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.connection.enter(WAITING);
    }
}

/// A piece is what may lie in our own buffer while the client takes nothing.
const PIECE_BYTES: usize = 64 * 1024;
