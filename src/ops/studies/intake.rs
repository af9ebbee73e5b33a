//! The file of an instance on its way to the blob store: held while it is short, then passed on piece by piece. It
//! becomes a blob only when its end was said.

use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::base::{Blake3, TenantId};
use crate::blob::{BlobError, BlobRef};
use crate::store::StoreError;

use super::super::{Error, Ops};

/// A file that is being written.
pub(super) struct Intake {
    ops: Ops,
    tenant: TenantId,
    /// Pieces that wait; none any more once the file is on its way.
    held: Vec<Bytes>,
    length: usize,
    running: Option<Running>,
}

struct Running {
    pieces: mpsc::Sender<Piece>,
    put: JoinHandle<Result<BlobRef, BlobError>>,
}

enum Piece {
    Bytes(Bytes),
    End,
}

/// Why a file cannot be written.
pub(super) enum IntakeError {
    /// There is no space left.
    Full,
    /// Anything else, which stops the sender.
    Error(Error),
}

impl From<BlobError> for IntakeError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Full => Self::Full,
            other => Self::Error(other.into()),
        }
    }
}

impl From<StoreError> for IntakeError {
    fn from(error: StoreError) -> Self {
        Self::Error(error.into())
    }
}

impl From<Error> for IntakeError {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// The file was given up.
#[derive(Debug, thiserror::Error)]
#[error("the instance was given up")]
struct GivenUp;

impl Intake {
    pub(super) fn new(ops: &Ops, tenant: &TenantId) -> Self {
        Self { ops: ops.clone(), tenant: tenant.clone(), held: Vec::new(), length: 0, running: None }
    }

    /// Takes the first piece, which is short.
    pub(super) fn begin(&mut self, bytes: Bytes) {
        self.length += bytes.len();
        self.held.push(bytes);
    }

    /// Takes the next piece.
    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<(), IntakeError> {
        if let Some(running) = &self.running {
            return if running.pieces.send(Piece::Bytes(bytes)).await.is_ok() { Ok(()) } else { self.failure().await };
        }
        self.length += bytes.len();
        self.held.push(bytes);
        if self.length > HELD_BYTES || self.held.len() > HELD_PIECES { self.start().await } else { Ok(()) }
    }

    /// The file, if it is whole and of at most `longest` bytes, with its address.
    pub(super) fn short(&mut self, longest: u64) -> Option<(BlobRef, Bytes)> {
        if self.running.is_some() || self.length as u64 > longest {
            return None;
        }
        let (mut hasher, mut file) = (blake3::Hasher::new(), Vec::with_capacity(self.length));
        for piece in self.held.drain(..) {
            hasher.update(&piece);
            file.extend_from_slice(&piece);
        }
        let blob = BlobRef { digest: Blake3::from_hasher(&hasher), size: self.length as u64 };
        Some((blob, file.into()))
    }

    /// The file is whole: makes it a blob.
    pub(super) async fn finish(mut self) -> Result<BlobRef, IntakeError> {
        let Some(running) = self.running.take() else {
            let key = self.ops.store().data_key(&self.tenant)?;
            let pieces = std::mem::take(&mut self.held);
            let content = stream::iter(pieces.into_iter().map(Ok::<_, GivenUp>));
            return Ok(self.ops.blobs().put(&self.tenant, &key, content).await?);
        };
        let _ended_anyway = running.pieces.send(Piece::End).await;
        drop(running.pieces);
        Ok(running.put.await.map_err(|error| Error::Fault(stopped(&error)))??)
    }

    async fn start(&mut self) -> Result<(), IntakeError> {
        let key = self.ops.store().data_key(&self.tenant)?;
        let (pieces, mut waiting) = mpsc::channel(WAITING_PIECES);
        let (blobs, tenant) = (self.ops.blobs().clone(), self.tenant.clone());
        let put = tokio::spawn(async move {
            let content = stream::poll_fn(move |context| {
                waiting.poll_recv(context).map(|piece| match piece {
                    Some(Piece::Bytes(bytes)) => Some(Ok(bytes)),
                    Some(Piece::End) => None,
                    None => Some(Err(GivenUp)),
                })
            });
            blobs.put(&tenant, &key, content).await
        });
        let running = self.running.insert(Running { pieces, put });
        for bytes in std::mem::take(&mut self.held) {
            if running.pieces.send(Piece::Bytes(bytes)).await.is_err() {
                return self.failure().await;
            }
        }
        Ok(())
    }

    /// Why the blob store does not take any more.
    async fn failure(&mut self) -> Result<(), IntakeError> {
        match self.running.take() {
            Some(running) => match running.put.await {
                Ok(Ok(_)) => Err(Error::Fault("a blob ended before its content".into()).into()),
                Ok(Err(error)) => Err(error.into()),
                Err(error) => Err(Error::Fault(stopped(&error)).into()),
            },
            None => Err(Error::Fault("a blob was not begun".into()).into()),
        }
    }
}

fn stopped(error: &tokio::task::JoinError) -> String {
    if error.is_panic() { "writing a blob panicked".into() } else { "writing a blob was cancelled".into() }
}

/// Bytes that are held before the file is begun; most instances of most studies are shorter.
const HELD_BYTES: usize = 1024 * 1024;
/// Pieces that are held, however short.
const HELD_PIECES: usize = 1024;
/// Pieces between the sender and the disk.
const WAITING_PIECES: usize = 8;
