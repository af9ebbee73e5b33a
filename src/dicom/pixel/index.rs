//! Where each frame of a stored instance lies. PS3.5 §A.4; tables of offsets: PS3.3 §C.7.6.3.1.8.
//!
//! The index asks for ranges of the file ([`FrameIndexer::wants`]) and is given them. It never asks for
//! the frames themselves: native frames follow from the description, and of fragments it reads the item
//! tags only, or nothing but the tables where they say enough.

use std::borrow::Cow;
use std::ops::Range;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::super::element::DataSet;
use super::native::{cut_bits, little_endian};
use super::{Image, PixelEncoding, PixelError, PixelLimits};

/// The element that holds the pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PixelElement {
    /// Pixel Data, Float Pixel Data or Double Float Pixel Data.
    pub tag: Tag,
    /// VR; OW where the transfer syntax leaves it out.
    pub vr: VR,
    /// First byte of the value within the file.
    pub value_offset: u64,
    /// Length of the value; `None` is the undefined length of fragments.
    pub length: Option<u64>,
}

impl PixelElement {
    /// Reads the header that stands at `offset` of the file. `bytes` begin there; 12 are enough.
    pub fn read(transfer_syntax_uid: &str, bytes: &[u8], offset: u64) -> Result<Self, PixelError> {
        let no_pixels = PixelError::Structure { what: "no pixel data", offset };
        let is_big = transfer_syntax_uid == BIG_ENDIAN;
        let short = |at: usize| {
            let word = bytes.get(at..)?.first_chunk::<2>()?;
            Some(if is_big { u16::from_be_bytes(*word) } else { u16::from_le_bytes(*word) })
        };
        let long = |at: usize| {
            let word = bytes.get(at..)?.first_chunk::<4>()?;
            Some(if is_big { u32::from_be_bytes(*word) } else { u32::from_le_bytes(*word) })
        };
        let (group, number) = (short(0).ok_or(PixelError::Truncated)?, short(2).ok_or(PixelError::Truncated)?);
        let tag = Tag(group, number);
        if ![tags::PIXEL_DATA, tags::FLOAT_PIXEL_DATA, tags::DOUBLE_FLOAT_PIXEL_DATA].contains(&tag) {
            return Err(no_pixels);
        }
        let (vr, length, header) = if transfer_syntax_uid == IMPLICIT {
            (VR::OW, long(4), 8)
        } else {
            let code = bytes.get(4..6).and_then(|code| code.first_chunk::<2>()).ok_or(PixelError::Truncated)?;
            let vr = VR::from_binary(*code).ok_or(no_pixels)?;
            (vr, long(8), 12)
        };
        let length = length.ok_or(PixelError::Truncated)?;
        let length = (length != u32::MAX).then_some(u64::from(length));
        Ok(Self { tag, vr, value_offset: offset + header, length })
    }

    /// Bytes of the words that change places between the byte orders.
    fn word(&self) -> usize {
        match self.vr {
            VR::OW => 2,
            VR::OF | VR::OL => 4,
            VR::OD | VR::OV => 8,
            _ => 1,
        }
    }
}

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
        Ok(FrameIndex { image: self.image, encoding: self.encoding, file_length: self.file_length, frames })
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

/// The frames of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameIndex {
    image: Image,
    encoding: PixelEncoding,
    file_length: u64,
    frames: Frames,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Frames {
    /// Frames follow each other; words of so many bytes are turned around.
    Native { element: PixelElement, word: usize },
    /// A frame is one range.
    Values(Vec<Range<u64>>),
    /// A frame is all items from its start to the next one's.
    Items { starts: Vec<u64>, end: u64 },
}

impl FrameIndex {
    /// What the image is like.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// How its frames are encoded.
    pub fn encoding(&self) -> PixelEncoding {
        self.encoding
    }

    /// Where the whole value of native pixel data lies, without regard to frames; `None` for fragments.
    pub fn native_value(&self) -> Option<Range<u64>> {
        let Frames::Native { element, .. } = &self.frames else { return None };
        let end = element.value_offset.saturating_add(element.length?).min(self.file_length);
        Some(element.value_offset..end)
    }

    /// Where a frame lies; `number` counts from 1. The frames of a video are one stream: number 1 is all of
    /// it.
    pub fn frame(&self, number: u64) -> Result<FramePlace, PixelError> {
        let frames = if self.encoding.is_video() { 1 } else { self.image.number_of_frames };
        let absent = PixelError::NoSuchFrame { number, frames };
        if number == 0 || number > u64::from(frames) {
            return Err(absent);
        }
        let index = usize::try_from(number - 1).or(Err(absent.clone()))?;
        match &self.frames {
            Frames::Values(values) => {
                let range = values.get(index).cloned().ok_or(absent)?;
                Ok(FramePlace { range, form: Form::Whole })
            }
            Frames::Items { starts, end } => {
                let start = starts.get(index).copied().ok_or(absent)?;
                let end = starts.get(index + 1).copied().unwrap_or(*end);
                Ok(FramePlace { range: start..end, form: Form::Items })
            }
            Frames::Native { element, word } => {
                let length = element.length.unwrap_or_default();
                native_place(&self.image, element.value_offset, length, *word, number - 1, self.file_length)
            }
        }
    }
}

fn native_place(
    image: &Image,
    value: u64,
    length: u64,
    word: usize,
    index: u64,
    file_length: u64,
) -> Result<FramePlace, PixelError> {
    let bits = image.frame_bits();
    let first = bits.checked_mul(index).ok_or(PixelError::Truncated)?;
    let end = first.checked_add(bits).ok_or(PixelError::Truncated)?.div_ceil(8);
    if end > length || value.checked_add(end).is_none_or(|end| end > file_length) {
        return Err(PixelError::Truncated);
    }
    let unit = u64::try_from(word).unwrap_or(1).max(1);
    let from = first / 8 / unit * unit;
    let until = end.next_multiple_of(unit).min(length).min(file_length - value);
    let form = if word <= 1 && first.is_multiple_of(8) && bits.is_multiple_of(8) {
        Form::Whole
    } else {
        Form::Samples { word, skip: first - from * 8, bits }
    };
    Ok(FramePlace { range: value + from..value + until, form })
}

/// Where a frame lies in the file, and how it comes out of the bytes there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FramePlace {
    /// The bytes to read. They are in one piece, whatever fragments the frame has.
    pub range: Range<u64>,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The bytes are the frame.
    Whole,
    /// The bytes are items, whose values are the frame.
    Items,
    /// Words are turned, then bits are cut out.
    Samples { word: usize, skip: u64, bits: u64 },
}

impl FramePlace {
    /// Holds the size of the frame to the limit, before it is read.
    pub fn check(&self, limits: &PixelLimits) -> Result<(), PixelError> {
        if self.range.end.saturating_sub(self.range.start) > limits.max_frame_bytes {
            return Err(PixelError::TooLarge { what: "bytes in a frame", max: limits.max_frame_bytes });
        }
        Ok(())
    }

    /// The frame as it is stored, out of the bytes of [`Self::range`]: fragments without their item tags;
    /// native samples in little endian, a frame of single bits beginning with a byte.
    pub fn frame<'a>(&self, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, PixelError> {
        match self.form {
            Form::Whole => Ok(Cow::Borrowed(bytes)),
            Form::Items => self.without_items(bytes),
            Form::Samples { word, skip, bits } if word > 1 => {
                let mut turned = bytes.to_vec();
                little_endian(&mut turned, word);
                let cut = cut_bits(&turned, skip, bits).ok_or(PixelError::Truncated)?;
                Ok(Cow::Owned(cut.into_owned()))
            }
            Form::Samples { skip, bits, .. } => cut_bits(bytes, skip, bits).ok_or(PixelError::Truncated),
        }
    }

    fn without_items<'a>(&self, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, PixelError> {
        let mut rest = bytes;
        let mut out = Cow::Borrowed(&[][..]);
        while !rest.is_empty() {
            let header = rest.get(..8).ok_or(PixelError::Truncated)?;
            let (tag, length) = item(header);
            let passed = u64::try_from(bytes.len() - rest.len()).unwrap_or(u64::MAX);
            if tag == SEQUENCE_DELIMITER {
                break;
            }
            if tag != ITEM {
                let offset = self.range.start.saturating_add(passed);
                return Err(PixelError::Structure { what: "no fragment where one has to be", offset });
            }
            let end = usize::try_from(length).ok().and_then(|length| length.checked_add(8));
            let value = end.and_then(|end| rest.get(8..end)).ok_or(PixelError::Truncated)?;
            rest = end.and_then(|end| rest.get(end..)).unwrap_or_default();
            if out.is_empty() {
                out = Cow::Borrowed(value);
            } else {
                out.to_mut().extend_from_slice(value);
            }
        }
        Ok(out)
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

/// Tag and length of an item; fragments are little endian in every transfer syntax that has them.
fn item(header: &[u8]) -> (Tag, u32) {
    let Some([g0, g1, e0, e1, a, b, c, d]) = header.first_chunk::<8>().copied() else { return (Tag(0, 0), 0) };
    (Tag(u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1])), u32::from_le_bytes([a, b, c, d]))
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

const IMPLICIT: &str = "1.2.840.10008.1.2";
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const ITEM: Tag = Tag(0xfffe, 0xe000);
const SEQUENCE_DELIMITER: Tag = Tag(0xfffe, 0xe0dd);
/// Read at once where the next item tag is far away.
const SMALL_WINDOW: u64 = 4 << 10;
/// Read at once where item tags lie close together.
const LARGE_WINDOW: u64 = 256 << 10;

#[cfg(test)]
mod tests;
