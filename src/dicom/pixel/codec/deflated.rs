//! Deflated Image Frame Compression. PS3.5 §A.4.13.

use std::io::Read as _;

use flate2::read::DeflateDecoder;

use super::super::{Image, PixelError};
use super::{exactly, frame_length};

/// Inflates a frame, and no more than a frame.
pub(in super::super) fn decode(image: &Image, codestream: &[u8]) -> Result<Vec<u8>, PixelError> {
    let length = frame_length(image)?;
    // Frames may be filled up to an even length before they are deflated.
    let most = image.frame_bytes() + 2;
    let mut out = Vec::with_capacity(length.min(codestream.len().saturating_mul(1032)));
    let read = DeflateDecoder::new(codestream).take(most).read_to_end(&mut out);
    read.map_err(|_damage| PixelError::codestream("cannot be inflated"))?;
    if out.len() == length + 1 {
        out.truncate(length);
    }
    exactly(image, out)
}
