//! What can go wrong with blobs.

use std::io;

use crate::base::{Blake3, KeyId, Retry, SealError};

/// Why a blob could not be written or read. Messages name no path, bucket or host.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob in this tenant.
    #[error("no blob {0}")]
    NotFound(Blake3),
    /// What is stored is not what was written: cut off, changed, exchanged or sealed for someone else.
    #[error("blob {0} is damaged")]
    Damaged(Blake3),
    /// The blob was sealed by a key that the tenant does not have any more.
    #[error("blob {digest} was sealed by key {key}, which is not at hand")]
    UnknownKey {
        /// The blob.
        digest: Blake3,
        /// The key.
        key: KeyId,
    },
    /// The blob is of a form that this version does not know.
    #[error("blob {0} has a form that this version does not know")]
    UnknownForm(Blake3),
    /// The range begins behind the end, or ends before it begins.
    #[error("range outside of the {size} bytes of blob {digest}")]
    Range {
        /// The blob.
        digest: Blake3,
        /// Its size in bytes.
        size: u64,
    },
    /// The blob is larger than the caller can take.
    #[error("blob {digest} has {size} bytes, more than {limit}")]
    TooLarge {
        /// The blob.
        digest: Blake3,
        /// Its size in bytes.
        size: u64,
        /// What the caller can take.
        limit: u64,
    },
    /// The stream of bytes to be written broke off. Nothing was written.
    #[error("input broke off")]
    Input(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no space left.
    #[error("blob store is full")]
    Full,
    /// The store does not answer as it should.
    #[error("blob store unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The settings do not make a store.
    #[error("blob store cannot be set up")]
    Settings(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The cipher refused.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl BlobError {
    /// Whether the same attempt may succeed later.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Full | Self::Unavailable(_) => Retry::Backoff,
            _ => Retry::Never,
        }
    }

    /// An error of the file system that is not about a certain blob.
    pub(super) fn io(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Unavailable(Box::new(error)),
        }
    }

    /// An error of the object store about a blob.
    pub(super) fn store(digest: Blake3, error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound(digest),
            other => Self::Unavailable(Box::new(other)),
        }
    }

    /// A task that did not come back.
    pub(super) fn task(error: tokio::task::JoinError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}
