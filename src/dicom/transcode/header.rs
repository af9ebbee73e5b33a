//! Headers of elements and items, read and written. PS3.5 §7.1 and §7.5.

use dicom_core::dictionary::VirtualVr;
use dicom_core::{DataDictionary as _, Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

use super::TranscodeError;

/// How headers and numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Syntax {
    /// VRs are left out.
    pub(super) is_implicit: bool,
    pub(super) is_big_endian: bool,
}

impl Syntax {
    pub(super) const EXPLICIT: Self = Self { is_implicit: false, is_big_endian: false };
    pub(super) const IMPLICIT: Self = Self { is_implicit: true, is_big_endian: false };

    fn short(self, bytes: [u8; 2]) -> u16 {
        if self.is_big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    fn long(self, bytes: [u8; 4]) -> u32 {
        if self.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
}

/// Tag, VR and length of an element, an item or a delimiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ElementHeader {
    pub(super) tag: Tag,
    /// UN where the syntax leaves it out.
    pub(super) vr: VR,
    /// `None` is the undefined length.
    pub(super) length: Option<u32>,
}

impl ElementHeader {
    /// Reads the header that `bytes` begin with, and says how long it is; `None` if there are too few.
    pub(super) fn read(bytes: &[u8], syntax: Syntax) -> Result<Option<(Self, usize)>, TranscodeError> {
        let Some([g0, g1, e0, e1, v0, v1, l0, l1]) = bytes.first_chunk::<8>().copied() else { return Ok(None) };
        let tag = Tag(syntax.short([g0, g1]), syntax.short([e0, e1]));
        let defined = |length: u32| (length != u32::MAX).then_some(length);
        if syntax.is_implicit || tag.group() == 0xfffe {
            let length = defined(syntax.long([v0, v1, l0, l1]));
            return Ok(Some((Self { tag, vr: VR::UN, length }, 8)));
        }
        if !v0.is_ascii_uppercase() || !v1.is_ascii_uppercase() {
            return Err(TranscodeError::Structure { what: "an element without a VR", offset: 0 });
        }
        // PS3.5 §6.2.2: a VR that we do not know has the long form and is UN to us.
        let vr = VR::from_binary([v0, v1]).unwrap_or(VR::UN);
        if has_short_length(vr) {
            return Ok(Some((Self { tag, vr, length: Some(u32::from(syntax.short([l0, l1]))) }, 8)));
        }
        let Some(length) = bytes.get(8..).and_then(|rest| rest.first_chunk::<4>()) else { return Ok(None) };
        Ok(Some((Self { tag, vr, length: defined(syntax.long(*length)) }, 12)))
    }
}

/// Writes the header of an element of a value of `length` bytes, little endian. What is too long for the
/// short form of its VR is UN (PS3.5 §6.2.2).
pub(super) fn begin(out: &mut Vec<u8>, syntax: Syntax, tag: Tag, vr: VR, length: Option<u32>) {
    put_tag(out, tag);
    let length = length.unwrap_or(u32::MAX);
    if !syntax.is_implicit && tag.group() != 0xfffe {
        let short = u16::try_from(length).ok();
        let vr = if has_short_length(vr) && short.is_none() { VR::UN } else { vr };
        out.extend_from_slice(&vr.to_bytes());
        if let (true, Some(length)) = (has_short_length(vr), short) {
            out.extend_from_slice(&length.to_le_bytes());
            return;
        }
        out.extend_from_slice(&[0; 2]);
    }
    out.extend_from_slice(&length.to_le_bytes());
}

/// Writes a whole element; the value is filled up to an even length.
pub(super) fn element(out: &mut Vec<u8>, syntax: Syntax, tag: Tag, vr: VR, value: &[u8]) -> Result<(), TranscodeError> {
    let too_long = TranscodeError::Unsupported { what: "a value of more than 4 GiB" };
    let length = u32::try_from(value.len().next_multiple_of(2)).ok().filter(|length| *length < u32::MAX);
    begin(out, syntax, tag, vr, Some(length.ok_or(too_long)?));
    out.extend_from_slice(value);
    if value.len() % 2 == 1 {
        out.push(padding(vr));
    }
    Ok(())
}

fn put_tag(out: &mut Vec<u8>, tag: Tag) {
    out.extend_from_slice(&tag.group().to_le_bytes());
    out.extend_from_slice(&tag.element().to_le_bytes());
}

/// What a value is filled up with. PS3.5 §6.2.
pub(super) fn padding(vr: VR) -> u8 {
    if word(vr) > 1 || matches!(vr, VR::UI | VR::OB | VR::UN) { 0 } else { b' ' }
}

/// Bytes of the words that change places between the byte orders. PS3.5 §7.3.
pub(super) fn word(vr: VR) -> usize {
    match vr {
        VR::AT | VR::OW | VR::SS | VR::US => 2,
        VR::FL | VR::OF | VR::OL | VR::SL | VR::UL => 4,
        VR::FD | VR::OD | VR::OV | VR::SV | VR::UV => 8,
        _ => 1,
    }
}

/// The VR of an element whose syntax leaves it out. PS3.6 Table 6-1; PS3.5 §A.1.
pub(super) fn implied_vr(tag: Tag, is_signed: bool) -> VR {
    if tag.group() % 2 == 1 && (0x0010..=0x00ff).contains(&tag.element()) {
        return VR::LO;
    }
    match StandardDataDictionary.by_tag(tag).map(|entry| entry.vr) {
        Some(VirtualVr::Exact(vr)) => vr,
        Some(VirtualVr::Xs) => {
            if is_signed {
                VR::SS
            } else {
                VR::US
            }
        }
        Some(other) => other.relaxed(),
        None => VR::UN,
    }
}

/// Whether the VR has a length of two bytes in explicit encodings. PS3.5 Table 7.1-2.
fn has_short_length(vr: VR) -> bool {
    !matches!(
        vr,
        VR::OB
            | VR::OD
            | VR::OF
            | VR::OL
            | VR::OV
            | VR::OW
            | VR::SQ
            | VR::SV
            | VR::UC
            | VR::UN
            | VR::UR
            | VR::UT
            | VR::UV
    )
}

pub(super) const ITEM: Tag = Tag(0xfffe, 0xe000);
pub(super) const ITEM_DELIMITER: Tag = Tag(0xfffe, 0xe00d);
pub(super) const SEQUENCE_DELIMITER: Tag = Tag(0xfffe, 0xe0dd);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_every_form_are_read() {
        let read = |bytes: &[u8], syntax| ElementHeader::read(bytes, syntax).unwrap();
        let tag = Tag(0x0028, 0x0010);
        let short = ElementHeader { tag, vr: VR::US, length: Some(2) };
        assert_eq!(read(b"\x28\0\x10\0US\x02\0", Syntax::EXPLICIT), Some((short, 8)));
        let big = Syntax { is_implicit: false, is_big_endian: true };
        assert_eq!(read(b"\0\x28\0\x10US\0\x02", big), Some((short, 8)));
        let implicit = ElementHeader { tag, vr: VR::UN, length: Some(2) };
        assert_eq!(read(b"\x28\0\x10\0\x02\0\0\0", Syntax::IMPLICIT), Some((implicit, 8)));
        let long = ElementHeader { tag, vr: VR::SQ, length: None };
        assert_eq!(read(b"\x28\0\x10\0SQ\0\0\xff\xff\xff\xff", Syntax::EXPLICIT), Some((long, 12)));
        assert_eq!(read(b"\x28\0\x10\0SQ\0\0\xff", Syntax::EXPLICIT), None);
        assert!(ElementHeader::read(b"\x28\0\x10\0\x01\x02\0\0", Syntax::EXPLICIT).is_err());
    }

    #[test]
    fn a_value_too_long_for_its_vr_is_written_as_unknown() {
        let mut out = Vec::new();
        begin(&mut out, Syntax::EXPLICIT, Tag(0x0028, 0x3006), VR::US, Some(131_072));
        assert_eq!(out, b"\x28\0\x06\x30UN\0\0\0\0\x02\0");
    }
}
