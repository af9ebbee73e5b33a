//! Fragments as they come by, put together to frames. PS3.5 §A.4.
//!
//! A frame ends where the next one begins: at an entry of the Basic Offset Table, at each fragment where
//! the transfer syntax or an Extended Offset Table says so, else at a fragment that begins a codestream.

use dicom_core::Tag;

use super::super::pixel::{PixelEncoding, PixelError, PixelLimits};
use super::TranscodeError;
use super::header::{ElementHeader, ITEM, SEQUENCE_DELIMITER, Syntax};
use super::samples::FrameSink;

/// The value of an encapsulated pixel data element.
pub(super) struct Fragments {
    encoding: PixelEncoding,
    limits: PixelLimits,
    has_extended_offsets: bool,
    sink: FrameSink,
    stage: Stage,
    /// Offsets of the first items of frames; empty if nothing says them.
    starts: Vec<u64>,
    /// Bytes since the first item behind the offset table.
    offset: u64,
    frame: Vec<u8>,
    has_frame: bool,
}

enum Stage {
    Table,
    Item,
    Value { left: usize },
}

impl Fragments {
    pub(super) fn new(
        encoding: PixelEncoding,
        has_extended_offsets: bool,
        limits: PixelLimits,
        sink: FrameSink,
    ) -> Self {
        Self {
            encoding,
            limits,
            has_extended_offsets,
            sink,
            stage: Stage::Table,
            starts: Vec::new(),
            offset: 0,
            frame: Vec::new(),
            has_frame: false,
        }
    }

    pub(super) fn sink(&self) -> &FrameSink {
        &self.sink
    }

    /// Takes what it can of `bytes`, says how much that was, and whether the element has ended.
    pub(super) fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(usize, bool), TranscodeError> {
        match self.stage {
            Stage::Table => Ok((self.table(bytes)?, false)),
            Stage::Item => self.item(bytes, out),
            Stage::Value { left } => {
                let taken = left.min(bytes.len());
                self.frame.extend_from_slice(bytes.get(..taken).unwrap_or_default());
                self.stage = if taken == left { Stage::Item } else { Stage::Value { left: left - taken } };
                Ok((taken, false))
            }
        }
    }

    fn table(&mut self, bytes: &[u8]) -> Result<usize, TranscodeError> {
        let Some((length, header)) = item(bytes, ITEM, "no offset table")? else { return Ok(0) };
        let end = header.saturating_add(length);
        if length / 4 > self.limits.max_fragments {
            let max = u64::try_from(self.limits.max_fragments).unwrap_or(u64::MAX);
            return Err(TranscodeError::TooLarge { what: "fragments", max });
        }
        let Some(table) = bytes.get(header..end) else { return Ok(0) };
        let offsets: Vec<u64> =
            table.as_chunks::<4>().0.iter().map(|offset| u64::from(u32::from_le_bytes(*offset))).collect();
        let is_whole = u32::try_from(offsets.len()).ok() == Some(self.sink.image().number_of_frames);
        if is_whole && offsets.first() == Some(&0) && offsets.is_sorted_by(|one, next| one < next) {
            self.starts = offsets;
        }
        self.stage = Stage::Item;
        Ok(end)
    }

    fn item(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(usize, bool), TranscodeError> {
        let Some((length, header)) = item(bytes, ITEM, "no fragment where one has to be")? else {
            return Ok((0, false));
        };
        if bytes.first_chunk::<4>() == Some(&DELIMITER) {
            self.pass_on(out)?;
            self.sink.end(out)?;
            return Ok((header, true));
        }
        let Some(first) = bytes.get(header..header + length.min(4)) else { return Ok((0, false)) };
        if self.begins_frame(first) {
            self.pass_on(out)?;
        }
        self.has_frame = true;
        let size = u64::try_from(self.frame.len().saturating_add(length)).unwrap_or(u64::MAX);
        if size > self.limits.max_frame_bytes {
            return Err(PixelError::TooLarge { what: "bytes in a frame", max: self.limits.max_frame_bytes }.into());
        }
        self.offset += u64::try_from(header.saturating_add(length)).unwrap_or(u64::MAX);
        self.stage = Stage::Value { left: length };
        Ok((header, false))
    }

    fn begins_frame(&self, first: &[u8]) -> bool {
        if !self.has_frame || self.sink.image().number_of_frames == 1 {
            return false;
        }
        if !self.starts.is_empty() {
            return self.starts.binary_search(&self.offset).is_ok();
        }
        self.has_extended_offsets || self.encoding.begins_codestream(first)
    }

    fn pass_on(&mut self, out: &mut Vec<u8>) -> Result<(), TranscodeError> {
        if self.has_frame {
            self.sink.frame(&self.frame, out)?;
            self.frame.clear();
            self.has_frame = false;
        }
        Ok(())
    }
}

/// Length of an item and of its header; `None` if there are too few bytes. A delimiter has length 0.
fn item(bytes: &[u8], expected: Tag, what: &'static str) -> Result<Option<(usize, usize)>, TranscodeError> {
    let Some((element, header)) = ElementHeader::read(bytes, Syntax::EXPLICIT)? else { return Ok(None) };
    let structure = TranscodeError::Structure { what, offset: 0 };
    if element.tag == SEQUENCE_DELIMITER {
        return Ok(Some((0, header)));
    }
    let length = element.length.and_then(|length| usize::try_from(length).ok());
    if element.tag != expected {
        return Err(structure);
    }
    Ok(Some((length.ok_or(structure)?, header)))
}

/// The tag of the Sequence Delimitation Item, as it stands in the file.
const DELIMITER: [u8; 4] = [0xfe, 0xff, 0xdd, 0xe0];
