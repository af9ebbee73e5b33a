//! Deflated data sets, PS3.5 §A.5: inflated piece by piece, as far as a limit goes.

use flate2::{Decompress, FlushDecompress, Status};

use super::HeaderError;

/// A deflated data set on its way.
pub(super) struct Inflater {
    state: Decompress,
    out: Vec<u8>,
    has_ended: bool,
    /// Bytes behind the end.
    behind: usize,
}

impl Inflater {
    pub(super) fn new() -> Self {
        Self { state: Decompress::new(false), out: vec![0; PIECE], has_ended: false, behind: 0 }
    }

    /// Inflates `bytes` and gives what comes of them to `take`, a piece at a time. What follows the end may only be
    /// padding, or the end of a gzip stream.
    pub(super) fn write(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(&[u8]) -> Result<(), HeaderError>,
    ) -> Result<(), HeaderError> {
        while !self.has_ended {
            let (read_before, made_before) = (self.state.total_in(), self.state.total_out());
            let status = self
                .state
                .decompress(bytes, &mut self.out, FlushDecompress::None)
                .map_err(|_error| HeaderError::Inflate)?;
            let read = usize::try_from(self.state.total_in() - read_before).unwrap_or(usize::MAX);
            let made = usize::try_from(self.state.total_out() - made_before).unwrap_or(usize::MAX);
            bytes = bytes.get(read..).unwrap_or_default();
            take(self.out.get(..made).unwrap_or_default())?;
            self.has_ended = status == Status::StreamEnd;
            if !self.has_ended && bytes.is_empty() && made < self.out.len() {
                return Ok(());
            }
            if !self.has_ended && read == 0 && made == 0 {
                return if bytes.is_empty() { Ok(()) } else { Err(HeaderError::Inflate) };
            }
        }
        self.behind = self.behind.saturating_add(bytes.len());
        let is_filling = self.behind <= GZIP_END || bytes.iter().all(|byte| *byte == 0);
        if is_filling { Ok(()) } else { Err(HeaderError::Inflate) }
    }

    /// Whether the end was there.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }
}

const PIECE: usize = 32 * 1024;
/// Checksum and size, which writers leave behind the data set that make gzip and cut off its head.
const GZIP_END: usize = 8;
