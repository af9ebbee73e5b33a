//! One frame as the registered codecs want to see it.

use std::borrow::Cow;

use dicom_core::value::C;
use dicom_encoding::adapters::{PixelDataObject, RawPixelData};

use super::super::Image;

/// A single frame of an image.
pub(super) struct FrameObject<'a> {
    pub(super) image: &'a Image,
    pub(super) transfer_syntax_uid: &'a str,
    pub(super) bytes: &'a [u8],
    /// Whether the bytes are a codestream and no samples.
    pub(super) is_encapsulated: bool,
}

impl PixelDataObject for FrameObject<'_> {
    fn transfer_syntax_uid(&self) -> &str {
        self.transfer_syntax_uid
    }

    fn rows(&self) -> Option<u16> {
        Some(self.image.rows)
    }

    fn cols(&self) -> Option<u16> {
        Some(self.image.columns)
    }

    fn samples_per_pixel(&self) -> Option<u16> {
        Some(self.image.samples_per_pixel)
    }

    fn bits_allocated(&self) -> Option<u16> {
        Some(self.image.bits_allocated)
    }

    fn bits_stored(&self) -> Option<u16> {
        Some(self.image.bits_stored)
    }

    fn photometric_interpretation(&self) -> Option<&str> {
        Some(self.image.photometric.term())
    }

    fn number_of_frames(&self) -> Option<u32> {
        Some(1)
    }

    fn number_of_fragments(&self) -> Option<u32> {
        self.is_encapsulated.then_some(1)
    }

    fn fragment(&self, fragment: usize) -> Option<Cow<'_, [u8]>> {
        (fragment == 0).then_some(Cow::Borrowed(self.bytes))
    }

    fn offset_table(&self) -> Option<Cow<'_, [u32]>> {
        None
    }

    fn raw_pixel_data(&self) -> Option<RawPixelData> {
        Some(RawPixelData { fragments: C::from_vec(vec![self.bytes.to_vec()]), offset_table: C::new() })
    }
}
