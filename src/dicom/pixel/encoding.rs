//! How a transfer syntax encodes pixel data. PS3.5 Annex A.

/// The encoding of Pixel Data (7FE0,0010) in a transfer syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelEncoding {
    /// Samples as they are, little endian.
    Native,
    /// Samples as they are, with the words swapped (retired). PS3.5 2016b §7.3.
    NativeBigEndian,
    /// Samples as they are in a data set that is deflated as a whole. §A.5.
    Deflated,
    /// Samples as they are, a fragment for each frame. §A.4.11.
    EncapsulatedNative,
    /// ISO/IEC 10918-1: baseline, extended and lossless processes. §A.4.1.
    Jpeg,
    /// ISO/IEC 14495-1. §A.4.3.
    JpegLs,
    /// ISO/IEC 15444-1 and -2. §A.4.4.
    Jpeg2000,
    /// ISO/IEC 15444-15. §A.4.4.
    HighThroughputJpeg2000,
    /// ISO/IEC 18181. §A.4.12.
    JpegXl,
    /// Byte planes, packed by runs. §A.4.2 and Annex G.
    Rle,
    /// Each frame deflated. §A.4.13.
    DeflatedFrame,
    /// MPEG-2. §A.4.5.
    Mpeg2,
    /// MPEG-4 AVC/H.264. §A.4.6.
    Mpeg4,
    /// HEVC/H.265. §A.4.7.
    Hevc,
}

impl PixelEncoding {
    /// From a transfer syntax UID; `None` if the gateway does not know it, or it has no pixel data inside
    /// (JPIP).
    pub fn of_transfer_syntax(uid: &str) -> Option<Self> {
        let known = match uid.strip_prefix("1.2.840.10008.1.2")? {
            "" | ".1" => Self::Native,
            ".2" => Self::NativeBigEndian,
            ".1.99" => Self::Deflated,
            ".1.98" => Self::EncapsulatedNative,
            ".5" => Self::Rle,
            ".8.1" => Self::DeflatedFrame,
            // 52 to 56 and 58 to 66 are retired; what they have in common with the others is decoded.
            ".4.50" | ".4.51" | ".4.52" | ".4.53" | ".4.54" | ".4.55" | ".4.56" | ".4.57" | ".4.58" | ".4.59"
            | ".4.60" | ".4.61" | ".4.62" | ".4.63" | ".4.64" | ".4.65" | ".4.66" | ".4.70" => Self::Jpeg,
            ".4.80" | ".4.81" => Self::JpegLs,
            ".4.90" | ".4.91" | ".4.92" | ".4.93" => Self::Jpeg2000,
            ".4.201" | ".4.202" | ".4.203" => Self::HighThroughputJpeg2000,
            ".4.110" | ".4.111" | ".4.112" => Self::JpegXl,
            ".4.100" | ".4.100.1" | ".4.101" | ".4.101.1" => Self::Mpeg2,
            ".4.102" | ".4.102.1" | ".4.103" | ".4.103.1" | ".4.104" | ".4.104.1" | ".4.105" | ".4.105.1"
            | ".4.106" | ".4.106.1" => Self::Mpeg4,
            ".4.107" | ".4.108" => Self::Hevc,
            _ => return None,
        };
        Some(known)
    }

    /// Whether the pixel data of an image lies in fragments.
    pub fn is_encapsulated(self) -> bool {
        !matches!(self, Self::Native | Self::NativeBigEndian | Self::Deflated)
    }

    /// Whether the frames are one stream that is not cut.
    pub fn is_video(self) -> bool {
        matches!(self, Self::Mpeg2 | Self::Mpeg4 | Self::Hevc)
    }

    /// Media type of a frame as it is stored. PS3.18 §8.7.3.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Native | Self::NativeBigEndian | Self::Deflated | Self::EncapsulatedNative | Self::DeflatedFrame => {
                "application/octet-stream"
            }
            Self::Jpeg => "image/jpeg",
            Self::JpegLs => "image/jls",
            Self::Jpeg2000 => "image/jp2",
            Self::HighThroughputJpeg2000 => "image/jphc",
            Self::JpegXl => "image/jxl",
            Self::Rle => "image/dicom-rle",
            Self::Mpeg2 => "video/mpeg",
            Self::Mpeg4 => "video/mp4",
            Self::Hevc => "video/H265",
        }
    }

    /// Whether a fragment that begins like this begins a codestream. Only formats with a signature can be
    /// told so; of the others each fragment is a frame.
    pub(in super::super) fn begins_codestream(self, bytes: &[u8]) -> bool {
        match self {
            Self::Jpeg | Self::JpegLs => bytes.starts_with(b"\xff\xd8\xff"),
            Self::Jpeg2000 | Self::HighThroughputJpeg2000 => {
                bytes.starts_with(b"\xff\x4f\xff\x51") || bytes.starts_with(b"\x00\x00\x00\x0c")
            }
            Self::JpegXl => bytes.starts_with(b"\xff\x0a") || bytes.starts_with(b"\x00\x00\x00\x0c"),
            _ => true,
        }
    }

    /// The ISO standard of a transfer syntax that loses detail, as Lossy Image Compression Method
    /// (0028,2114) names it; `None` for a lossless one. PS3.3 §C.7.6.1.1.5.1.
    pub fn lossy_method(transfer_syntax_uid: &str) -> Option<&'static str> {
        match transfer_syntax_uid.strip_prefix("1.2.840.10008.1.2.4.")? {
            "50" | "51" | "52" | "53" | "54" | "55" | "56" | "59" | "60" | "61" | "62" | "63" | "64" => {
                Some("ISO_10918_1")
            }
            "81" => Some("ISO_14495_1"),
            "91" | "93" => Some("ISO_15444_1"),
            "203" => Some("ISO_15444_15"),
            "112" => Some("ISO_18181_1"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfer_syntaxes_have_their_encoding() {
        let of = PixelEncoding::of_transfer_syntax;
        assert_eq!(of("1.2.840.10008.1.2"), Some(PixelEncoding::Native));
        assert_eq!(of("1.2.840.10008.1.2.4.203"), Some(PixelEncoding::HighThroughputJpeg2000));
        assert_eq!(of("1.2.840.10008.1.2.4.94"), None);
        assert_eq!(of("1.2.3"), None);
        assert!(PixelEncoding::Rle.is_encapsulated());
        assert!(!PixelEncoding::Deflated.is_encapsulated());
    }

    #[test]
    fn only_lossy_syntaxes_name_a_method() {
        assert_eq!(PixelEncoding::lossy_method("1.2.840.10008.1.2.4.50"), Some("ISO_10918_1"));
        assert_eq!(PixelEncoding::lossy_method("1.2.840.10008.1.2.4.70"), None);
        assert_eq!(PixelEncoding::lossy_method("1.2.840.10008.1.2"), None);
    }
}
