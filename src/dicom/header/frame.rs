//! What lies open above the place that is read, and which values are kept.

use dicom_core::{DataDictionary as _, Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};

use super::{Element, Item};

/// What lies open.
pub(super) enum Open {
    /// A sequence that gathers items.
    Sequence { tag: Tag, vr: VR, end: Option<u64>, limit: u64, items: Vec<Item>, before: Mode },
    /// An item; what was gathered around it waits here.
    Item { end: Option<u64>, limit: u64, around: Level },
    /// Pixel data as fragments.
    Fragments { limit: u64 },
}

/// How elements are written where the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mode {
    pub(super) is_implicit: bool,
    pub(super) is_big_endian: bool,
}

/// The elements of a data set or item so far.
#[derive(Debug, Default)]
pub(super) struct Level {
    pub(super) elements: Vec<Element>,
    /// Which of the character sets holds here.
    pub(super) charset: u32,
    /// Whether pixels are signed here: (0028,0103).
    pub(super) is_signed: bool,
    /// Whether an element came out of its order.
    pub(super) is_unordered: bool,
}

impl Level {
    /// An item in here, which holds to what is said here until it says something else.
    pub(super) fn inside(&self) -> Self {
        Self { elements: Vec::new(), charset: self.charset, is_signed: self.is_signed, is_unordered: false }
    }

    /// The elements in their order, each tag once: the first one counts.
    pub(super) fn ordered(mut self) -> Vec<Element> {
        if self.is_unordered {
            self.elements.sort_by_key(|element| element.tag);
            self.elements.dedup_by_key(|element| element.tag);
        }
        self.elements
    }
}

/// The VR of a tag where the data set does not say it. PS3.6 Table 6-1; PS3.5 §A.1.
pub(super) fn implied_vr(tag: Tag, is_signed: bool) -> VR {
    use dicom_core::dictionary::VirtualVr;
    if tag.group() % 2 == 1 && (0x0010..=0x00ff).contains(&tag.element()) {
        return VR::LO;
    }
    let Some(entry) = StandardDataDictionary.by_tag(tag) else { return VR::UN };
    match entry.vr {
        VirtualVr::Xs if is_signed => VR::SS,
        other => other.relaxed(),
    }
}

/// Whether a value is passed over, and only its place noted. PS3.18 §F.2.6 says which VRs may be.
pub(super) fn is_bulk(tag: Tag, vr: VR, length: u64) -> bool {
    if length == 0 {
        return false;
    }
    match vr {
        VR::OB | VR::OW | VR::OF | VR::OD | VR::OL | VR::OV | VR::UN => length > BINARY_BYTES || is_always_bulk(tag),
        _ => length > OTHER_BYTES || is_pixel_data(tag),
    }
}

fn is_always_bulk(tag: Tag) -> bool {
    is_pixel_data(tag)
        || tag == tags::WAVEFORM_DATA
        || tag == tags::ENCAPSULATED_DOCUMENT
        || tag.group() == 0x0066
        || (tag.group() & 0xff00 == 0x6000 && tag.element() == 0x3000)
}

/// (7FE0,0008), (7FE0,0009), (7FE0,0010). PS3.3 §C.7.6.3.
pub(super) fn is_pixel_data(tag: Tag) -> bool {
    tag.group() == 0x7fe0 && matches!(tag.element(), 0x0008..=0x0010)
}

/// Longest binary value that is kept.
const BINARY_BYTES: u64 = 1024;
/// Longest other value that is kept.
const OTHER_BYTES: u64 = 64 * 1024;
