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
    /// Sealed bytes on their way.
    sealed: Vec<u8>,
}

impl Writer {
    /// An object of `tenant` that is put aside in `staged`.
    pub(super) fn new(tenant: &TenantId, key: &NamedKey, staged: Staged) -> Result<Self, BlobError> {
        Ok(Self { sealer: Sealer::new(tenant, key)?, staged, sealed: Vec::new() })
    }

    /// Takes content.
    pub(super) fn write(&mut self, content: &[Bytes]) -> Result<(), BlobError> {
        for piece in content.iter().flat_map(|bytes| bytes.chunks(BATCH)) {
            self.sealer.write(piece, &mut self.sealed)?;
            self.staged.write(&self.sealed).map_err(BlobError::io)?;
            self.sealed.clear();
        }
        Ok(())
    }

    /// Ends the content.
    pub(super) fn finish(self) -> Result<(BlobRef, Staged), BlobError> {
        let Self { sealer, mut staged, mut sealed } = self;
        let blob = sealer.finish(&mut sealed)?;
        staged.write(&sealed).map_err(BlobError::io)?;
        Ok((blob, staged))
    }
}

/// Content that is sealed at once.
pub(super) const BATCH: usize = 1024 * 1024;
