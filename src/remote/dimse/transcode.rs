//! Data sets in the transfer syntax that the peer accepts: Explicit VR Little Endian into Implicit VR
//! Little Endian, and the deflated form into both. Values are copied byte for byte, whatever their
//! character set; only headers and the lengths of sequences change. Compressed pixel data and big
//! endian data sets are not converted.

use std::io::Read;

use bytes::Bytes;
use dicom_encoding::TransferSyntax;
use dicom_encoding::transfer_syntax::{Codec, TransferSyntaxIndex};
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;

use crate::dicom::dimse::{DEFLATED_LE, EXPLICIT_LE, IMPLICIT_LE};

/// Why a data set cannot be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TranscodeError {
    /// An element is cut off or has no VR.
    #[error("data set is malformed at byte {0}")]
    Malformed(usize),
    /// Sequences are nested deeper than we follow.
    #[error("data set is nested too deeply")]
    Depth,
    /// Pixel data in fragments has no uncompressed form without a decoder.
    #[error("data set holds compressed pixel data")]
    Compressed,
    /// A value has an odd length, so that no peer need take the data set.
    #[error("data set has an odd length")]
    Odd,
    /// The deflated data set is damaged or too long.
    #[error("deflated data set cannot be inflated")]
    Inflate,
}

/// Whether [`data_set`] can turn `from` into `to`.
pub(super) fn can_convert(from: &str, to: &str) -> bool {
    from == to || matches!((from, to), (EXPLICIT_LE | DEFLATED_LE, IMPLICIT_LE) | (DEFLATED_LE, EXPLICIT_LE))
}

/// `data_set`, encoded in `from`, in the transfer syntax `to`. [`can_convert`] says which there are. The
/// result has an even length (PS3.8 §E.2); a deflated one gets the byte that PS3.5 §A.5 pads it with.
pub(super) fn data_set(data_set: Bytes, from: &str, to: &str) -> Result<Bytes, TranscodeError> {
    let plain = match (from, to) {
        (DEFLATED_LE, DEFLATED_LE) if !data_set.len().is_multiple_of(2) => [data_set.as_ref(), &[0]].concat().into(),
        (DEFLATED_LE, DEFLATED_LE) => data_set,
        (DEFLATED_LE, _) => inflate(&data_set)?,
        _ => data_set,
    };
    let converted = if to == IMPLICIT_LE && from != IMPLICIT_LE { implicit(&plain)?.into() } else { plain };
    if converted.len().is_multiple_of(2) { Ok(converted) } else { Err(TranscodeError::Odd) }
}

/// The inflated form of a deflated data set.
fn inflate(data_set: &[u8]) -> Result<Bytes, TranscodeError> {
    let Some(Codec::Dataset(Some(adapter))) = TransferSyntaxRegistry.get(DEFLATED_LE).map(TransferSyntax::codec) else {
        return Err(TranscodeError::Inflate);
    };
    let mut out = Vec::new();
    let read = adapter.adapt_reader(Box::new(data_set)).take(MAX_INFLATED_BYTES + 1).read_to_end(&mut out);
    let within = u64::try_from(out.len()).is_ok_and(|length| length <= MAX_INFLATED_BYTES);
    if read.is_ok() && within { Ok(out.into()) } else { Err(TranscodeError::Inflate) }
}

/// An Explicit VR Little Endian data set in Implicit VR Little Endian. PS3.5 §7.1.
fn implicit(data_set: &[u8]) -> Result<Vec<u8>, TranscodeError> {
    let mut reader = Reader { bytes: data_set, at: 0, end: data_set.len() };
    let mut out = Vec::with_capacity(data_set.len());
    elements(&mut reader, &mut out, Ends::AtEnd, 0)?;
    Ok(out)
}

/// Where a list of elements or items ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// With the bytes of the reader.
    AtEnd,
    /// With a delimitation item.
    AtDelimiter,
}

/// Copies elements with implicit headers. An item delimiter is consumed and written by the caller.
fn elements(reader: &mut Reader<'_>, out: &mut Vec<u8>, ends: Ends, depth: usize) -> Result<(), TranscodeError> {
    while reader.at < reader.end {
        let start = reader.at;
        let tag = reader.tag()?;
        if tag == ITEM_DELIMITER && ends == Ends::AtDelimiter {
            return reader.zero_length();
        }
        let vr = reader.array::<2>()?;
        if !vr.iter().all(u8::is_ascii_uppercase) || tag.0 == 0xFFFE {
            return Err(TranscodeError::Malformed(start));
        }
        let length = if LONG_VRS.contains(&&vr) {
            reader.array::<2>()?;
            reader.length()?
        } else {
            u32::from(u16::from_le_bytes(reader.array()?))
        };
        match (&vr, length) {
            (b"SQ", UNDEFINED) => {
                header(out, tag, UNDEFINED);
                items(reader, out, Ends::AtDelimiter, depth + 1)?;
                header(out, SEQUENCE_DELIMITER, 0);
            }
            (b"SQ", _) => {
                let mut within = reader.part(length)?;
                let mut value = Vec::with_capacity(within.end - within.at);
                items(&mut within, &mut value, Ends::AtEnd, depth + 1)?;
                sized(out, tag, &value);
            }
            // Undefined length makes an implicit sequence of UN (PS3.5 §6.2.2 note 2).
            (b"UN", UNDEFINED) => {
                let value_at = reader.at;
                skip_implicit_items(reader, depth + 1)?;
                header(out, tag, UNDEFINED);
                out.extend_from_slice(reader.bytes.get(value_at..reader.at).unwrap_or_default());
            }
            (_, UNDEFINED) => return Err(TranscodeError::Compressed),
            _ => sized(out, tag, reader.value(length)?),
        }
    }
    if ends == Ends::AtEnd { Ok(()) } else { Err(TranscodeError::Malformed(reader.at)) }
}

/// Copies the items of a sequence. A sequence delimiter is consumed and written by the caller.
fn items(reader: &mut Reader<'_>, out: &mut Vec<u8>, ends: Ends, depth: usize) -> Result<(), TranscodeError> {
    if depth > MAX_DEPTH {
        return Err(TranscodeError::Depth);
    }
    while reader.at < reader.end {
        let start = reader.at;
        let tag = reader.tag()?;
        if tag == SEQUENCE_DELIMITER && ends == Ends::AtDelimiter {
            return reader.zero_length();
        }
        if tag != ITEM {
            return Err(TranscodeError::Malformed(start));
        }
        match reader.length()? {
            UNDEFINED => {
                header(out, ITEM, UNDEFINED);
                elements(reader, out, Ends::AtDelimiter, depth)?;
                header(out, ITEM_DELIMITER, 0);
            }
            length => {
                let mut within = reader.part(length)?;
                let mut value = Vec::with_capacity(within.end - within.at);
                elements(&mut within, &mut value, Ends::AtEnd, depth)?;
                sized(out, ITEM, &value);
            }
        }
    }
    if ends == Ends::AtEnd { Ok(()) } else { Err(TranscodeError::Malformed(reader.at)) }
}

/// Passes over the items of a sequence in Implicit VR up to and with its delimiter.
fn skip_implicit_items(reader: &mut Reader<'_>, depth: usize) -> Result<(), TranscodeError> {
    if depth > MAX_DEPTH {
        return Err(TranscodeError::Depth);
    }
    loop {
        let start = reader.at;
        match (reader.tag()?, reader.length()?) {
            (SEQUENCE_DELIMITER, 0) => return Ok(()),
            (ITEM, UNDEFINED) => skip_implicit_elements(reader, depth)?,
            (ITEM, length) => {
                reader.value(length)?;
            }
            _ => return Err(TranscodeError::Malformed(start)),
        }
    }
}

/// Passes over the elements of an item in Implicit VR up to and with its delimiter.
fn skip_implicit_elements(reader: &mut Reader<'_>, depth: usize) -> Result<(), TranscodeError> {
    loop {
        match (reader.tag()?, reader.length()?) {
            (ITEM_DELIMITER, 0) => return Ok(()),
            (_, UNDEFINED) => skip_implicit_items(reader, depth + 1)?,
            (_, length) => {
                reader.value(length)?;
            }
        }
    }
}

fn header(out: &mut Vec<u8>, tag: (u16, u16), length: u32) {
    out.extend_from_slice(&tag.0.to_le_bytes());
    out.extend_from_slice(&tag.1.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
}

/// Writes an element or item with its value. Values only get shorter, so the length still fits.
fn sized(out: &mut Vec<u8>, tag: (u16, u16), value: &[u8]) {
    header(out, tag, u32::try_from(value.len()).unwrap_or(UNDEFINED));
    out.extend_from_slice(value);
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, length: u32) -> Result<&'a [u8], TranscodeError> {
        let malformed = TranscodeError::Malformed(self.at);
        let length = usize::try_from(length).map_err(|_overflow| malformed)?;
        let end = self.at.checked_add(length).filter(|end| *end <= self.end).ok_or(malformed)?;
        let value = self.bytes.get(self.at..end).ok_or(malformed)?;
        self.at = end;
        Ok(value)
    }

    /// A reader of the next `length` bytes, which this one passes over.
    fn part(&mut self, length: u32) -> Result<Self, TranscodeError> {
        let at = self.at;
        self.value(length)?;
        Ok(Self { bytes: self.bytes, at, end: self.at })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], TranscodeError> {
        let malformed = TranscodeError::Malformed(self.at);
        let length = u32::try_from(N).map_err(|_overflow| malformed)?;
        self.value(length)?.try_into().map_err(|_length| malformed)
    }

    fn tag(&mut self) -> Result<(u16, u16), TranscodeError> {
        Ok((u16::from_le_bytes(self.array()?), u16::from_le_bytes(self.array()?)))
    }

    fn length(&mut self) -> Result<u32, TranscodeError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn zero_length(&mut self) -> Result<(), TranscodeError> {
        let malformed = TranscodeError::Malformed(self.at);
        if self.length()? == 0 { Ok(()) } else { Err(malformed) }
    }
}

const ITEM: (u16, u16) = (0xFFFE, 0xE000);
const ITEM_DELIMITER: (u16, u16) = (0xFFFE, 0xE00D);
const SEQUENCE_DELIMITER: (u16, u16) = (0xFFFE, 0xE0DD);
const UNDEFINED: u32 = u32::MAX;
/// The VRs with two reserved bytes and a length of 32 bits. PS3.5 table 7.1-1.
const LONG_VRS: [&[u8; 2]; 13] =
    [b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"];
/// Depth of sequences beyond which a data set is refused; real content trees stay far below it.
const MAX_DEPTH: usize = 64;
/// Greatest length of an inflated data set.
const MAX_INFLATED_BYTES: u64 = 512 << 20;

#[cfg(test)]
mod tests;
