//! The codecs. Each takes one frame's codestream and gives exactly [`Image::frame_bytes`] of native
//! samples, pixel by pixel, or an error. Those that are not ours run behind a check of the codestream's
//! own header and behind a barrier for panics.

pub(super) mod deflated;
pub(super) mod jpeg;
pub(super) mod jpeg2000;
pub(super) mod jpeg_xl;
mod object;
pub(super) mod rle;

use std::panic::{AssertUnwindSafe, catch_unwind};

use dicom_encoding::TransferSyntaxIndex as _;
use dicom_encoding::adapters::DecodeError;
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;

use self::object::FrameObject;
use super::{Image, PixelError};

/// Decodes a frame with the registered codec of a transfer syntax. The caller has compared the
/// codestream's header with the image, so that no codec allocates for another size.
fn registered(uid: &str, image: &Image, codestream: &[u8]) -> Result<Vec<u8>, PixelError> {
    let no_codec = PixelError::Unsupported { what: "decoding of the transfer syntax" };
    let syntax = TransferSyntaxRegistry.get(uid).ok_or(no_codec.clone())?;
    let reader = syntax.pixel_data_reader().ok_or(no_codec)?;
    let object = FrameObject { image, transfer_syntax_uid: uid, bytes: codestream, is_encapsulated: true };
    let mut out = Vec::new();
    match guarded(|| reader.decode_frame(&object, 0, &mut out))? {
        Ok(()) => exactly(image, out),
        Err(DecodeError::Allocate { .. }) => Err(PixelError::Unsupported { what: "a frame so much compressed" }),
        Err(_) => Err(PixelError::codestream("is damaged")),
    }
}

/// Whether this build has a registered decoder for a transfer syntax.
pub(super) fn is_registered(uid: &str) -> bool {
    TransferSyntaxRegistry.get(uid).is_some_and(|syntax| syntax.pixel_data_reader().is_some())
}

/// Runs foreign code; a panic in it is an error of the codestream.
fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, PixelError> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_panic| PixelError::codestream("is damaged"))
}

/// A frame of the size that the image has.
fn exactly(image: &Image, bytes: Vec<u8>) -> Result<Vec<u8>, PixelError> {
    let is_whole = u64::try_from(bytes.len()).ok() == Some(image.frame_bytes());
    if is_whole { Ok(bytes) } else { Err(PixelError::codestream("is not the image that is described")) }
}

/// The size of a frame as memory.
fn frame_length(image: &Image) -> Result<usize, PixelError> {
    let max = u64::try_from(usize::MAX).unwrap_or(u64::MAX);
    usize::try_from(image.frame_bytes()).or(Err(PixelError::TooLarge { what: "bytes in a frame", max }))
}

/// Spreads the sign of samples of `bits` over those that are allocated, 8 or 16.
fn extend_sign(bytes: &mut [u8], allocated: u16, bits: u16) {
    let shift = allocated - bits;
    if allocated == 8 {
        for byte in bytes {
            *byte = ((byte.cast_signed() << shift) >> shift).cast_unsigned();
        }
    } else {
        for word in bytes.as_chunks_mut::<2>().0 {
            *word = ((i16::from_le_bytes(*word) << shift) >> shift).to_le_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_go_up_from_the_highest_bit_of_the_codestream() {
        let mut bytes = [0xff, 0x0f, 0x01, 0x00];
        extend_sign(&mut bytes, 16, 12);
        assert_eq!(bytes, [0xff, 0xff, 0x01, 0x00]);
        let mut bytes = [0x0f, 0x07];
        extend_sign(&mut bytes, 8, 4);
        assert_eq!(bytes, [0xff, 0x07]);
    }
}
