//! A deflated data set, inflated piece by piece. PS3.5 §A.5.

use flate2::{Decompress, FlushDecompress, Status};

use super::TranscodeError;

/// Inflates what it is given, up to a limit.
pub(super) struct Inflater {
    stream: Decompress,
    piece: Vec<u8>,
    max_bytes: u64,
    has_ended: bool,
}

impl Inflater {
    pub(super) fn new(max_bytes: u64) -> Self {
        Self { stream: Decompress::new(false), piece: Vec::with_capacity(PIECE), max_bytes, has_ended: false }
    }

    /// Takes the next deflated bytes and passes on what they inflate to. What follows the end of the stream
    /// is padding.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        mut pass: impl FnMut(&[u8]) -> Result<(), TranscodeError>,
    ) -> Result<(), TranscodeError> {
        let mut rest = bytes;
        while !self.has_ended {
            self.piece.clear();
            let before = self.stream.total_in();
            let status = self.stream.decompress_vec(rest, &mut self.piece, FlushDecompress::None);
            let status = status.or(Err(TranscodeError::Inflate))?;
            let taken = usize::try_from(self.stream.total_in() - before).unwrap_or(usize::MAX);
            rest = rest.get(taken..).unwrap_or_default();
            if self.stream.total_out() > self.max_bytes {
                return Err(TranscodeError::TooLarge { what: "bytes inflated", max: self.max_bytes });
            }
            pass(&self.piece)?;
            self.has_ended = status == Status::StreamEnd;
            if rest.is_empty() && self.piece.len() < self.piece.capacity() {
                break;
            }
            if taken == 0 && self.piece.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Whether the stream is whole.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }
}

/// Inflated at once.
const PIECE: usize = 64 << 10;
