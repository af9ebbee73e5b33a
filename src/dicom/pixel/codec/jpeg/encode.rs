//! The baseline process by the registered codec.

use dicom_encoding::TransferSyntaxIndex as _;
use dicom_encoding::adapters::EncodeOptions;
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;

use super::super::super::{Image, PixelError};
use super::super::guarded;
use super::super::object::FrameObject;

/// Encodes a frame of 8 bits, grey or RGB, in a quality of 1 to 100. RGB becomes Y, Cb, Cr with
/// chrominances of fewer pixels.
pub(in super::super::super) fn encode(image: &Image, frame: &[u8], quality: u8) -> Result<Vec<u8>, PixelError> {
    let unsupported = PixelError::Unsupported { what: "JPEG baseline of the image" };
    let is_whole = u64::try_from(frame.len()).ok() == Some(image.frame_bytes());
    if image.bits_allocated != 8 || image.bits_stored != 8 || image.is_planar || !is_whole {
        return Err(unsupported);
    }
    let syntax = TransferSyntaxRegistry.get(BASELINE).ok_or(unsupported.clone())?;
    let writer = syntax.pixel_data_writer().ok_or(unsupported.clone())?;
    let object = FrameObject { image, transfer_syntax_uid: BASELINE, bytes: frame, is_encapsulated: false };
    let mut options = EncodeOptions::new();
    options.quality = Some(quality.clamp(1, 100));
    let mut out = Vec::with_capacity(frame.len() / 8);
    let encoded = guarded(|| writer.encode_frame(&object, 0, options, &mut out))?;
    encoded.map(|_changes| out).or(Err(unsupported))
}

const BASELINE: &str = "1.2.840.10008.1.2.4.50";
