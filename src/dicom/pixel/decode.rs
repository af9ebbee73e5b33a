//! A stored frame as plain samples.

use super::codec::{self, deflated, jpeg, jpeg_xl, jpeg2000, rle};
use super::{Image, Photometric, PixelEncoding, PixelError, PixelLimits};

/// Plain samples, and what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedFrame {
    /// What the samples are: as [`decoded_image`] says.
    pub image: Image,
    /// Little endian samples, [`Image::frame_bytes`] long.
    pub bytes: Vec<u8>,
}

/// Whether frames of a transfer syntax can be decoded.
pub fn decodes(transfer_syntax_uid: &str) -> bool {
    match PixelEncoding::of_transfer_syntax(transfer_syntax_uid) {
        None => false,
        Some(PixelEncoding::Jpeg2000 | PixelEncoding::HighThroughputJpeg2000 | PixelEncoding::JpegXl) => {
            codec::is_registered(transfer_syntax_uid)
        }
        Some(encoding) => !encoding.is_video(),
    }
}

/// What an image is once it is decoded, without a look at its frames: codecs give pixel after pixel, and
/// RGB where the codestream holds transformed colours (PS3.5 §8.2.1, §8.2.4).
pub fn decoded_image(image: &Image, encoding: PixelEncoding, transfer_syntax_uid: &str) -> Image {
    if matches!(encoding, PixelEncoding::Native | PixelEncoding::NativeBigEndian | PixelEncoding::Deflated) {
        return *image;
    }
    let photometric = match (encoding, image.photometric) {
        // Each frame is as it would be natively.
        (PixelEncoding::EncapsulatedNative | PixelEncoding::DeflatedFrame, same) => {
            return Image { photometric: same, ..*image };
        }
        // The lossless processes have no colour transformation of their own.
        (PixelEncoding::Jpeg, Photometric::YbrFull | Photometric::YbrFull422)
            if is_lossless_jpeg(transfer_syntax_uid) =>
        {
            Photometric::YbrFull
        }
        (PixelEncoding::Jpeg | PixelEncoding::JpegXl, photometric) if photometric.samples() == 3 => Photometric::Rgb,
        (
            PixelEncoding::Jpeg2000 | PixelEncoding::HighThroughputJpeg2000,
            Photometric::YbrIct | Photometric::YbrRct,
        ) => Photometric::Rgb,
        // Codestreams hold all chrominances.
        (_, Photometric::YbrFull422) => Photometric::YbrFull,
        (_, same) => same,
    };
    Image { photometric, is_planar: false, ..*image }
}

/// Decodes a frame, given as [`super::FramePlace::frame`] yields it.
pub fn decode(
    image: &Image,
    transfer_syntax_uid: &str,
    frame: &[u8],
    limits: &PixelLimits,
) -> Result<DecodedFrame, PixelError> {
    let encoding = PixelEncoding::of_transfer_syntax(transfer_syntax_uid)
        .ok_or(PixelError::Unsupported { what: "the transfer syntax" })?;
    let decoded = decoded_image(image, encoding, transfer_syntax_uid);
    decoded.check(limits)?;
    let bytes = match encoding {
        PixelEncoding::Native
        | PixelEncoding::NativeBigEndian
        | PixelEncoding::Deflated
        | PixelEncoding::EncapsulatedNative => {
            let length = usize::try_from(decoded.frame_bytes()).or(Err(PixelError::Truncated))?;
            frame.get(..length).ok_or(PixelError::Truncated)?.to_vec()
        }
        PixelEncoding::DeflatedFrame => deflated::decode(&decoded, frame)?,
        PixelEncoding::Rle => rle::decode(&decoded, frame)?,
        PixelEncoding::Jpeg => {
            jpeg::decode(&decoded_source(&decoded, image), frame, is_lossless_jpeg(transfer_syntax_uid))?
        }
        PixelEncoding::Jpeg2000 | PixelEncoding::HighThroughputJpeg2000 => {
            jpeg2000::decode(transfer_syntax_uid, &decoded, frame)?
        }
        PixelEncoding::JpegXl => jpeg_xl::decode(transfer_syntax_uid, &decoded, frame)?,
        PixelEncoding::JpegLs => jpeg::ls::decode(&decoded, frame)?,
        PixelEncoding::Mpeg2 | PixelEncoding::Mpeg4 | PixelEncoding::Hevc => {
            return Err(PixelError::Unsupported { what: "decoding of video" });
        }
    };
    Ok(DecodedFrame { image: decoded, bytes })
}

/// The decoded image with the colours that the data set claims: a codestream without a word about its
/// colours is read by them. Their number of samples is that of the codestream.
fn decoded_source(decoded: &Image, image: &Image) -> Image {
    let photometric =
        if image.photometric == Photometric::YbrFull422 { Photometric::YbrFull } else { image.photometric };
    Image { photometric, ..*decoded }
}

/// Whether a transfer syntax of JPEG is of a lossless process. PS3.5 §A.4.1.
fn is_lossless_jpeg(transfer_syntax_uid: &str) -> bool {
    PixelEncoding::lossy_method(transfer_syntax_uid).is_none()
}
