//! What a transcoder can be asked for.

use super::super::pixel::{PixelEncoding, PixelLimits, decodes};

/// The transfer syntaxes that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetSyntax {
    /// 1.2.840.10008.1.2, for DIMSE peers only (PS3.18 §8.7.3 forbids it).
    ImplicitVrLittleEndian,
    /// 1.2.840.10008.1.2.1.
    ExplicitVrLittleEndian,
    /// 1.2.840.10008.1.2.5.
    RleLossless,
    /// 1.2.840.10008.1.2.4.80.
    JpegLsLossless,
    /// 1.2.840.10008.1.2.4.50, for images of 8 bits that no lossy process has changed yet.
    JpegBaseline {
        /// 1 to 100, the best.
        quality: u8,
    },
}

impl TargetSyntax {
    /// From a transfer syntax UID; JPEG in a quality of 90.
    pub fn of_uid(uid: &str) -> Option<Self> {
        [
            Self::ImplicitVrLittleEndian,
            Self::ExplicitVrLittleEndian,
            Self::RleLossless,
            Self::JpegLsLossless,
            Self::JpegBaseline { quality: DEFAULT_QUALITY },
        ]
        .into_iter()
        .find(|target| target.uid() == uid)
    }

    /// Transfer syntax UID.
    pub fn uid(self) -> &'static str {
        match self {
            Self::ImplicitVrLittleEndian => "1.2.840.10008.1.2",
            Self::ExplicitVrLittleEndian => "1.2.840.10008.1.2.1",
            Self::RleLossless => "1.2.840.10008.1.2.5",
            Self::JpegLsLossless => "1.2.840.10008.1.2.4.80",
            Self::JpegBaseline { .. } => "1.2.840.10008.1.2.4.50",
        }
    }

    /// How frames are encoded; `None` is natively.
    pub(super) fn encoding(self) -> Option<PixelEncoding> {
        match self {
            Self::ImplicitVrLittleEndian | Self::ExplicitVrLittleEndian => None,
            Self::RleLossless => Some(PixelEncoding::Rle),
            Self::JpegLsLossless => Some(PixelEncoding::JpegLs),
            Self::JpegBaseline { .. } => Some(PixelEncoding::Jpeg),
        }
    }
}

/// Whether instances of a transfer syntax can be had in another. An instance may still refuse: one without
/// a codec for its kind of image, or a damaged one.
pub fn transcodes(from_uid: &str, to: TargetSyntax) -> bool {
    let is_lossy_twice =
        matches!(to, TargetSyntax::JpegBaseline { .. }) && PixelEncoding::lossy_method(from_uid).is_some();
    decodes(from_uid) && !is_lossy_twice
}

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetForm {
    /// A file with preamble and file meta information. PS3.10 §7.1.
    Part10,
    /// The data set alone, as a C-STORE brings it.
    DataSet,
}

/// Limits on an instance that is converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TranscodeLimits {
    /// Limits on a frame.
    pub pixels: PixelLimits,
    /// Greatest number of sequences within sequences.
    pub max_depth: usize,
    /// Greatest size of what is held back until the first frame is decoded.
    pub max_held_bytes: usize,
    /// Greatest size of a data set once it is inflated.
    pub max_inflated_bytes: u64,
}

impl Default for TranscodeLimits {
    /// Frames as [`PixelLimits`], 512 levels, 64 MiB in front of the pixels, 4 GiB inflated.
    fn default() -> Self {
        Self { pixels: PixelLimits::default(), max_depth: 512, max_held_bytes: 64 << 20, max_inflated_bytes: 4 << 30 }
    }
}

/// Losses of this quality are not seen.
const DEFAULT_QUALITY: u8 = 90;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_converted_is_what_can_be_decoded() {
        let explicit = TargetSyntax::ExplicitVrLittleEndian;
        assert!(transcodes("1.2.840.10008.1.2.2", explicit));
        assert!(transcodes("1.2.840.10008.1.2.4.90", explicit));
        assert!(transcodes("1.2.840.10008.1.2.4.80", explicit));
        assert!(!transcodes("1.2.840.10008.1.2.4.102", explicit));
        assert!(!transcodes("1.2.3", explicit));
    }

    #[test]
    fn what_lost_detail_once_does_not_lose_it_again() {
        let jpeg = TargetSyntax::JpegBaseline { quality: 90 };
        assert!(!transcodes("1.2.840.10008.1.2.4.91", jpeg));
        assert!(transcodes("1.2.840.10008.1.2.4.70", jpeg));
        assert!(transcodes("1.2.840.10008.1.2.4.50", TargetSyntax::RleLossless));
    }
}
