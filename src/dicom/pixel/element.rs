//! The header of the element that holds the pixels. PS3.5 §7.1.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::PixelError;

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
    pub(super) fn word(&self) -> usize {
        match self.vr {
            VR::OW => 2,
            VR::OF | VR::OL => 4,
            VR::OD | VR::OV => 8,
            _ => 1,
        }
    }
}

const IMPLICIT: &str = "1.2.840.10008.1.2";
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_every_syntax_are_read() {
        let read = |uid: &str, bytes: &[u8]| PixelElement::read(uid, bytes, 100);
        let explicit = read("1.2.840.10008.1.2.1", b"\xe0\x7f\x10\0OW\0\0\x10\0\0\0").unwrap();
        assert_eq!((explicit.vr, explicit.value_offset, explicit.length), (VR::OW, 112, Some(16)));
        let implicit = read(IMPLICIT, b"\xe0\x7f\x10\0\x10\0\0\0\0\0\0\0").unwrap();
        assert_eq!((implicit.vr, implicit.value_offset, implicit.length), (VR::OW, 108, Some(16)));
        let big = read(BIG_ENDIAN, b"\x7f\xe0\0\x10OB\0\0\0\0\0\x10").unwrap();
        assert_eq!((big.vr, big.word(), big.length), (VR::OB, 1, Some(16)));
        let fragments = read("1.2.840.10008.1.2.5", b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff").unwrap();
        assert_eq!(fragments.length, None);
        assert_eq!(read(IMPLICIT, b"\xe0\x7f"), Err(PixelError::Truncated));
        assert!(read(IMPLICIT, b"\x10\0\x10\0\x10\0\0\0").is_err());
    }
}
