//! Headers of elements and items, as three encodings have them. PS3.5 §7.1.2, §7.1.3, §7.5.

use dicom_core::dictionary::{DataDictionary as _, VirtualVr};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

/// How elements are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Implicit VR Little Endian.
    Implicit,
    /// Explicit VR Little Endian.
    Explicit,
    /// Explicit VR Big Endian.
    BigEndian,
}

/// A header that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) tag: (u16, u16),
    /// As it stood there, or as the dictionary says.
    pub(super) vr: [u8; 2],
    /// `None` is the undefined length.
    pub(super) length: Option<u32>,
}

/// What is missing of a header.
pub(super) enum Need {
    /// Nothing: it is whole.
    Nothing,
    /// At least so many bytes.
    More(usize),
    /// It is no header.
    Bad,
}

impl Encoding {
    /// What `bytes` lack to be a header.
    pub(super) fn need(self, bytes: &[u8]) -> Need {
        let Some(start) = bytes.get(..6) else { return Need::More(6 - bytes.len()) };
        let &[a, b, _, _, c, d] = start else { return Need::Bad };
        let whole = if self == Self::Implicit || self.number([a, b]) == 0xFFFE {
            8
        } else if !c.is_ascii_uppercase() || !d.is_ascii_uppercase() {
            return Need::Bad;
        } else if is_long([c, d]) {
            12
        } else {
            8
        };
        if bytes.len() < whole { Need::More(whole - bytes.len()) } else { Need::Nothing }
    }

    /// Reads a whole header.
    pub(super) fn read(self, bytes: &[u8], is_signed: bool) -> Option<Header> {
        let (group, rest) = bytes.split_first_chunk::<2>()?;
        let (element, rest) = rest.split_first_chunk::<2>()?;
        let tag = (self.number(*group), self.number(*element));
        if self == Self::Implicit || tag.0 == 0xFFFE {
            let length = defined(self.length(*rest.first_chunk::<4>()?));
            return Some(Header { tag, vr: vr_of(tag, length, is_signed), length });
        }
        let (vr, rest) = rest.split_first_chunk::<2>()?;
        let length = if is_long(*vr) {
            defined(self.length(*rest.get(2..)?.first_chunk::<4>()?))
        } else {
            Some(u32::from(self.number(*rest.first_chunk::<2>()?)))
        };
        Some(Header { tag, vr: *vr, length })
    }

    fn number(self, bytes: [u8; 2]) -> u16 {
        if self == Self::BigEndian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    fn length(self, bytes: [u8; 4]) -> u32 {
        if self == Self::BigEndian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
}

impl Header {
    /// Whether items follow.
    pub(super) fn is_sequence(&self) -> bool {
        self.vr == *b"SQ" || (self.vr == *b"UN" && self.length.is_none())
    }

    /// Writes the header of a value, whose odd length is made even.
    pub(super) fn write(&self, explicit: bool, out: &mut Vec<u8>) {
        let length = self.length.unwrap_or_default();
        let length = length.saturating_add(length % 2);
        self.tag(out);
        if !explicit {
            return out.extend_from_slice(&length.to_le_bytes());
        }
        match u16::try_from(length) {
            Ok(length) if !is_long(self.vr) => {
                out.extend_from_slice(&self.vr);
                out.extend_from_slice(&length.to_le_bytes());
            }
            // A value that is too long for its VR is of unknown VR (PS3.5 §6.2.2, note 5).
            fits => {
                out.extend_from_slice(if fits.is_err() && !is_long(self.vr) { b"UN" } else { &self.vr });
                out.extend_from_slice(&[0; 2]);
                out.extend_from_slice(&length.to_le_bytes());
            }
        }
    }

    /// Writes the header of a sequence of undefined length.
    pub(super) fn write_sequence(&self, explicit: bool, out: &mut Vec<u8>) {
        self.tag(out);
        if explicit {
            out.extend_from_slice(b"SQ\0\0");
        }
        out.extend_from_slice(&u32::MAX.to_le_bytes());
    }

    fn tag(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.tag.0.to_le_bytes());
        out.extend_from_slice(&self.tag.1.to_le_bytes());
    }

    /// Bytes of one number in the value; 1 where it holds none.
    pub(super) fn width(&self) -> usize {
        match &self.vr {
            b"US" | b"SS" | b"OW" | b"AT" => 2,
            b"UL" | b"SL" | b"FL" | b"OF" | b"OL" => 4,
            b"FD" | b"OD" | b"OV" | b"SV" | b"UV" => 8,
            _ => 1,
        }
    }

    /// The byte that a value is padded with. PS3.5 §6.2.
    pub(super) fn padding(&self) -> u8 {
        match &self.vr {
            b"AE" | b"AS" | b"CS" | b"DA" | b"DS" | b"DT" | b"IS" | b"LO" | b"LT" | b"PN" | b"SH" | b"ST" | b"TM"
            | b"UC" | b"UR" | b"UT" => b' ',
            _ => 0,
        }
    }
}

/// The VR of an element that does not say it. PS3.5 §A.1.
fn vr_of(tag: (u16, u16), length: Option<u32>, is_signed: bool) -> [u8; 2] {
    match tag {
        (_, 0) => return *b"UL",
        (group, 0x0010..=0x00FF) if group % 2 == 1 => return *b"LO",
        _ => {}
    }
    let known = StandardDataDictionary.by_tag(Tag(tag.0, tag.1)).filter(|_| tag.0.is_multiple_of(2));
    let vr = match known.map(|entry| entry.vr) {
        Some(VirtualVr::Xs) if is_signed => VR::SS,
        Some(vr) => vr.relaxed(),
        None => VR::UN,
    };
    // An element that is said to have no end has items, but for pixel data.
    let has_items = length.is_none() && tag != (0x7FE0, 0x0010);
    if has_items { *b"SQ" } else { vr.to_bytes() }
}

/// Whether the length of the VR has 32 bits. PS3.5 table 7.1-1.
fn is_long(vr: [u8; 2]) -> bool {
    matches!(&vr, b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV")
}

fn defined(length: u32) -> Option<u32> {
    (length != u32::MAX).then_some(length)
}
