//! Writes sealed objects: content comes in, is sealed and put aside piece by piece, and gets its name at
//! the end.

use bytes::Bytes;

use super::seal::Sealer;
use super::stage::Staged;
use super::{BlobError, BlobRef};
use crate::base::{NamedKey, TenantId};

/// An object that is being written. It works on the thread that calls it, which should be one that may
/// block.
pub(super) struct Writer {
    sealer: Sealer,
    staged: Staged,
}

impl Writer {
    /// An object of `tenant` that is put aside in `staged`.
    pub(super) fn new(tenant: &TenantId, key: &NamedKey, staged: Staged) -> Result<Self, BlobError> {
        Ok(Self { sealer: Sealer::new(tenant, key)?, staged })
    }

    /// Takes content.
    pub(super) fn write(&mut self, content: &[Bytes]) -> Result<(), BlobError> {
        for piece in content.iter().flat_map(|bytes| bytes.chunks(WRITE)) {
            self.sealer.write(piece)?;
            if self.sealer.sealed().len() >= WRITE {
                self.staged.write(self.sealer.sealed()).map_err(BlobError::io)?;
                self.sealer.forget();
            }
        }
        Ok(())
    }

    /// Ends the content.
    pub(super) fn finish(self) -> Result<(BlobRef, Staged), BlobError> {
        let Self { sealer, mut staged } = self;
        let (blob, sealed) = sealer.finish()?;
        staged.write(&sealed).map_err(BlobError::io)?;
        Ok((blob, staged))
    }
}

/// Sealed bytes that are written at once, at least; little enough to be still in the caches.
const WRITE: usize = 256 * 1024;
/// Content that is sealed at once.
pub(super) const BATCH: usize = 1024 * 1024;
