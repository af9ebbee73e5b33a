//! Pixel data of stored instances: what an image is like, where each of its frames lies in the file,
//! and how a frame becomes plain samples or a picture. PS3.3 §C.7.6.3, PS3.5 §8 and Annex A.
//!
//! In come the data set up to pixel data and ranges of the file that [`FrameIndexer`] asks for; out come
//! frames. Nothing here does input or output, and no frame but the wanted one is looked at.

mod codec;
mod decode;
mod description;
mod element;
mod encode;
mod encoding;
mod error;
mod index;
mod native;
mod photometric;
mod place;
pub mod render;

pub use decode::{DecodedFrame, decode, decoded_image, decodes};
pub use description::{Image, SampleKind};
pub use element::PixelElement;
pub use encode::{EncodedFrame, encode, encoded_image};
pub use encoding::PixelEncoding;
pub use error::PixelError;
pub use index::FrameIndexer;
pub use native::{join_bits, little_endian};
pub use photometric::Photometric;
pub use place::{FrameIndex, FramePlace};

/// Limits on one frame. They are looked at before anything is allocated for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelLimits {
    /// Greatest number of pixels of a frame.
    pub max_pixels: u64,
    /// Greatest size of a frame in bytes, decoded or encoded.
    pub max_frame_bytes: u64,
    /// Greatest number of fragments of an instance.
    pub max_fragments: usize,
}

impl Default for PixelLimits {
    /// 100 million pixels and 256 MiB: a mammogram has 25 million, a tile of a slide far fewer.
    fn default() -> Self {
        Self { max_pixels: 100_000_000, max_frame_bytes: 256 << 20, max_fragments: 1 << 20 }
    }
}

#[cfg(test)]
pub(in crate::dicom) mod tests;
