//! Where a frame lies, and how it comes out of the bytes there.

use std::borrow::Cow;
use std::ops::Range;

use dicom_core::Tag;

use super::native::{cut_bits, little_endian};
use super::{Image, PixelElement, PixelEncoding, PixelError, PixelLimits};

/// The frames of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameIndex {
    image: Image,
    encoding: PixelEncoding,
    file_length: u64,
    frames: Frames,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frames {
    /// Frames follow each other; words of so many bytes are turned around.
    Native { element: PixelElement, word: usize },
    /// A frame is one range.
    Values(Vec<Range<u64>>),
    /// A frame is all items from its start to the next one's.
    Items { starts: Vec<u64>, end: u64 },
}

impl FrameIndex {
    pub(super) fn new(image: Image, encoding: PixelEncoding, file_length: u64, frames: Frames) -> Self {
        Self { image, encoding, file_length, frames }
    }

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

/// Tag and length of an item; fragments are little endian in every transfer syntax that has them.
pub(super) fn item(header: &[u8]) -> (Tag, u32) {
    let Some([g0, g1, e0, e1, a, b, c, d]) = header.first_chunk::<8>().copied() else { return (Tag(0, 0), 0) };
    (Tag(u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1])), u32::from_le_bytes([a, b, c, d]))
}

pub(super) const ITEM: Tag = Tag(0xfffe, 0xe000);
pub(super) const SEQUENCE_DELIMITER: Tag = Tag(0xfffe, 0xe0dd);
