//! Where each frame of a stored instance lies. PS3.5 §A.4; tables of offsets: PS3.3 §C.7.6.3.1.8.
//!
//! The index asks for ranges of the file ([`FrameIndexer::wants`]) and is given them. It never asks for
//! the frames themselves: native frames follow from the description, and of fragments it reads the item
//! tags only, or nothing but the tables where they say enough.

use std::ops::Range;

use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::super::element::DataSet;
use super::place::{FrameIndex, Frames, ITEM, SEQUENCE_DELIMITER, item};
use super::{Image, PixelElement, PixelEncoding, PixelError, PixelLimits};

/// Finds the frames of an instance.
#[derive(Debug, Clone)]
pub struct FrameIndexer {
    image: Image,
    transfer_syntax_uid: String,
    encoding: PixelEncoding,
    limits: PixelLimits,
    extended: Option<Vec<Range<u64>>>,
    file_length: u64,
    /// Where the next bytes are wanted, and how many are needed at least.
    at: u64,
    need: u64,
    window: u64,
    state: State,
    /// Value of the first item behind the offset table.
    first_item: u64,
    starts: Vec<u64>,
    fragments: Vec<Fragment>,
    found: Option<Frames>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the header of the element.
    Element,
    /// At the item of the Basic Offset Table.
    Table,
    /// At an item or at the delimiter.
    Items,
    Done,
}

#[derive(Debug, Clone, Copy)]
struct Fragment {
    value: u64,
    length: u32,
    begins_codestream: bool,
}

impl FrameIndexer {
    /// An index of the frames of an instance whose pixel data element begins at `pixel_data_offset` of a
    /// file (or of a data set that was inflated) of `file_length` bytes. `data_set` is what stands in
    /// front of it: an Extended Offset Table is looked for there.
    pub fn new(
        image: &Image,
        transfer_syntax_uid: &str,
        data_set: &DataSet,
        pixel_data_offset: u64,
        file_length: u64,
        limits: PixelLimits,
    ) -> Result<Self, PixelError> {
        let encoding = PixelEncoding::of_transfer_syntax(transfer_syntax_uid)
            .ok_or(PixelError::Unsupported { what: "the transfer syntax" })?;
        Ok(Self {
            image: *image,
            transfer_syntax_uid: transfer_syntax_uid.to_owned(),
            encoding,
            limits,
            extended: extended_offsets(data_set, image.number_of_frames),
            file_length,
            at: pixel_data_offset,
            need: 12,
            window: SMALL_WINDOW,
            state: State::Element,
            first_item: 0,
            starts: Vec::new(),
            fragments: Vec::new(),
            found: None,
        })
    }

    /// The range of the file that is wanted next; `None` once the index is complete.
    pub fn wants(&self) -> Option<Range<u64>> {
        let end = self.at.saturating_add(self.need.max(self.window)).min(self.file_length);
        (self.state != State::Done).then_some(self.at..end)
    }

    /// Takes the bytes of the range that was wanted.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), PixelError> {
        let Some(asked) = self.wants() else { return Ok(()) };
        if u64::try_from(bytes.len()).ok() != asked.end.checked_sub(asked.start) {
            return Err(PixelError::Truncated);
        }
        let window = Window { from: asked.start, bytes };
        let mut items = 0;
        loop {
            let is_understood = match self.state {
                State::Element => self.element(&window)?,
                State::Table => self.table(&window)?,
                State::Items => self.item(&window)?,
                State::Done => return Ok(()),
            };
            if !is_understood {
                break;
            }
            items += 1;
        }
        // Many items in a window are small ones, so that larger windows save questions.
        self.window = if items > 8 { (self.window * 4).min(LARGE_WINDOW) } else { SMALL_WINDOW };
        let is_there = self.at.checked_add(self.need).is_some_and(|end| end <= self.file_length);
        if is_there { Ok(()) } else { Err(PixelError::Truncated) }
    }

    /// The index, once nothing more is wanted.
    pub fn finish(self) -> Result<FrameIndex, PixelError> {
        let frames = self.found.ok_or(PixelError::Truncated)?;
        Ok(FrameIndex::new(self.image, self.encoding, self.file_length, frames))
    }

    fn element(&mut self, window: &Window<'_>) -> Result<bool, PixelError> {
        let Some(header) = window.get(self.at, self.need) else { return Ok(false) };
        let element = PixelElement::read(&self.transfer_syntax_uid, header, self.at)?;
        let structure = |what| PixelError::Structure { what, offset: self.at };
        if element.length.is_some() {
            if self.encoding.is_encapsulated() {
                return Err(structure("pixel data without fragments in an encapsulated transfer syntax"));
            }
            let word = if self.encoding == PixelEncoding::NativeBigEndian { element.word() } else { 1 };
            self.done(Frames::Native { element, word });
            return Ok(true);
        }
        if !self.encoding.is_encapsulated() {
            return Err(structure("fragments in a transfer syntax of native pixel data"));
        }
        self.at = element.value_offset;
        self.need = 8;
        self.state = State::Table;
        Ok(true)
    }

    fn table(&mut self, window: &Window<'_>) -> Result<bool, PixelError> {
        let Some(header) = window.get(self.at, 8) else { return Ok(false) };
        let (tag, length) = item(header);
        if tag != ITEM {
            return Err(PixelError::Structure { what: "no item where the offset table has to be", offset: self.at });
        }
        let frames = u64::from(self.image.number_of_frames);
        let is_used = self.extended.is_none() && frames > 1 && u64::from(length) == frames * 4;
        if is_used {
            self.need = 8 + u64::from(length);
            let Some(table) = window.get(self.at, self.need) else { return Ok(false) };
            let table = table.get(8..).unwrap_or_default();
            self.first_item = self.at + self.need;
            self.starts = starts(table, self.first_item, self.file_length).unwrap_or_default();
        } else {
            self.first_item = self.at + 8 + u64::from(length);
        }
        if let Some(ranges) = self.extended.take() {
            let placed = ranges.into_iter().map(|range| {
                let start = range.start.checked_add(self.first_item + 8)?;
                let end = range.end.checked_add(self.first_item + 8)?;
                (end <= self.file_length).then_some(start..end)
            });
            if let Some(values) = placed.collect::<Option<Vec<_>>>() {
                self.done(Frames::Values(values));
                return Ok(true);
            }
        }
        self.at = self.starts.last().copied().unwrap_or(self.first_item);
        self.need = 8;
        self.state = State::Items;
        Ok(true)
    }

    fn item(&mut self, window: &Window<'_>) -> Result<bool, PixelError> {
        if self.at == self.file_length {
            // Some writers leave the delimiter away.
            self.group()?;
            return Ok(true);
        }
        let Some(header) = window.get(self.at, 8) else {
            self.need = 8;
            return Ok(false);
        };
        let (tag, length) = item(header);
        let structure = |what| PixelError::Structure { what, offset: self.at };
        match tag {
            SEQUENCE_DELIMITER => {
                self.group()?;
                return Ok(true);
            }
            ITEM if length != u32::MAX => {}
            _ => return Err(structure("no fragment where one has to be")),
        }
        let looked_at = u64::from(length.min(4));
        let Some(first) = window.get(self.at + 8, looked_at) else {
            self.need = 8 + looked_at;
            return Ok(false);
        };
        if self.fragments.len() >= self.limits.max_fragments {
            let max = u64::try_from(self.limits.max_fragments).unwrap_or(u64::MAX);
            return Err(PixelError::TooLarge { what: "fragments", max });
        }
        let value = self.at + 8;
        let next = value + u64::from(length);
        if next > self.file_length {
            return Err(PixelError::Truncated);
        }
        self.fragments.push(Fragment { value, length, begins_codestream: self.encoding.begins_codestream(first) });
        self.at = next;
        self.need = 0;
        Ok(true)
    }

    /// Gives the fragments that were found to the frames.
    fn group(&mut self) -> Result<(), PixelError> {
        let structure = |what| PixelError::Structure { what, offset: self.first_item };
        let end = self.fragments.last().map(|last| last.value + u64::from(last.length));
        let end = end.ok_or_else(|| structure("no fragments"))?;
        let frames = usize::try_from(self.image.number_of_frames).unwrap_or(usize::MAX);
        let value = |fragment: &Fragment| fragment.value..fragment.value + u64::from(fragment.length);
        let found = if self.encoding.is_video() {
            Frames::Items { starts: vec![self.first_item], end }
        } else if !self.starts.is_empty() {
            Frames::Items { starts: std::mem::take(&mut self.starts), end }
        } else if self.fragments.len() == frames {
            Frames::Values(self.fragments.iter().map(value).collect())
        } else if frames == 1 {
            Frames::Items { starts: vec![self.first_item], end }
        } else {
            let begins = self.fragments.iter().filter(|fragment| fragment.begins_codestream);
            let starts: Vec<u64> = begins.map(|fragment| fragment.value - 8).collect();
            if starts.len() != frames || starts.first() != Some(&self.first_item) {
                return Err(structure("fragments that cannot be told to be frames"));
            }
            Frames::Items { starts, end }
        };
        self.done(found);
        Ok(())
    }

    fn done(&mut self, frames: Frames) {
        self.found = Some(frames);
        self.state = State::Done;
    }
}

struct Window<'a> {
    from: u64,
    bytes: &'a [u8],
}

impl<'a> Window<'a> {
    fn get(&self, at: u64, length: u64) -> Option<&'a [u8]> {
        let from = usize::try_from(at.checked_sub(self.from)?).ok()?;
        let end = from.checked_add(usize::try_from(length).ok()?)?;
        self.bytes.get(from..end)
    }
}

/// The places of the first items of frames, if the Basic Offset Table can be right.
fn starts(table: &[u8], first_item: u64, file_length: u64) -> Option<Vec<u64>> {
    let offsets = table.as_chunks::<4>().0.iter().map(|offset| u64::from(u32::from_le_bytes(*offset)));
    let starts: Vec<u64> = offsets.map(|offset| first_item + offset).collect();
    let begins = starts.first() == Some(&first_item);
    let ascends = starts.is_sorted_by(|one, next| one < next);
    let ends = starts.last().is_some_and(|last| *last < file_length);
    (begins && ascends && ends).then_some(starts)
}

/// The Extended Offset Table (7FE0,0001) and its lengths (7FE0,0002), if they are those of all frames.
fn extended_offsets(data_set: &DataSet, frames: u32) -> Option<Vec<Range<u64>>> {
    let values = |tag| -> Option<Vec<u64>> {
        let element = data_set.get(tag)?;
        if let Ok(numbers) = element.to_multi_int::<u64>()
            && element.vr() == VR::OV
            && u32::try_from(numbers.len()).ok() == Some(frames)
        {
            return Some(numbers);
        }
        let bytes = element.to_bytes().ok()?;
        let (chunks, rest) = bytes.as_chunks::<8>();
        rest.is_empty().then(|| chunks.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect())
    };
    let (offsets, lengths) = (values(tags::EXTENDED_OFFSET_TABLE)?, values(tags::EXTENDED_OFFSET_TABLE_LENGTHS)?);
    let is_whole = u32::try_from(offsets.len()).ok() == Some(frames) && offsets.len() == lengths.len();
    let ranges = offsets.into_iter().zip(lengths).map(|(offset, length)| Some(offset..offset.checked_add(length)?));
    is_whole.then(|| ranges.collect()).flatten()
}

/// Read at once where the next item tag is far away.
const SMALL_WINDOW: u64 = 4 << 10;
/// Read at once where item tags lie close together.
const LARGE_WINDOW: u64 = 256 << 10;
