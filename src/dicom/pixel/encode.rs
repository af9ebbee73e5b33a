//! Plain samples as a codestream of another transfer syntax.

use super::codec::{jpeg, rle};
use super::render::color;
use super::{Image, Photometric, PixelEncoding, PixelError, SampleKind};

/// An encoded frame. It is filled up to an even length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedFrame {
    /// The codestream.
    pub bytes: Vec<u8>,
}

/// What an image is once it is encoded; an error where there is no encoder for it. PS3.5 §8.2.
pub fn encoded_image(image: &Image, encoding: PixelEncoding) -> Result<Image, PixelError> {
    let is_float = image.kind == SampleKind::Float;
    match (encoding, image.photometric) {
        _ if is_float => Err(PixelError::Unsupported { what: "compression of floats" }),
        (PixelEncoding::JpegLs, _) if !matches!(image.bits_allocated, 8 | 16) => {
            Err(PixelError::Unsupported { what: "JPEG-LS of the image" })
        }
        (PixelEncoding::Rle | PixelEncoding::JpegLs, Photometric::YbrFull422) => {
            Ok(Image { photometric: Photometric::YbrFull, is_planar: false, ..*image })
        }
        (PixelEncoding::Rle, _) if usize::from(image.samples_per_pixel) * image.sample_bytes() <= 15 => {
            Ok(Image { is_planar: false, ..*image })
        }
        (PixelEncoding::JpegLs, _) => Ok(Image { is_planar: false, ..*image }),
        // Samples of other depths or with signs would lose more than the process says it loses.
        (PixelEncoding::Jpeg, photometric)
            if image.bits_allocated == 8 && image.bits_stored == 8 && image.kind == SampleKind::Unsigned =>
        {
            match photometric {
                Photometric::Monochrome1 | Photometric::Monochrome2 => Ok(*image),
                Photometric::Rgb | Photometric::YbrFull | Photometric::YbrFull422 => {
                    Ok(Image { photometric: Photometric::YbrFull422, is_planar: false, ..*image })
                }
                _ => Err(PixelError::Unsupported { what: "JPEG baseline of the image" }),
            }
        }
        _ => Err(PixelError::Unsupported { what: "encoding of the image in the transfer syntax" }),
    }
}

/// Encodes a decoded frame; `quality` (1 to 100) is for JPEG.
pub fn encode(image: &Image, encoding: PixelEncoding, frame: &[u8], quality: u8) -> Result<EncodedFrame, PixelError> {
    encoded_image(image, encoding)?;
    let mut bytes = match encoding {
        PixelEncoding::Rle if image.photometric == Photometric::YbrFull422 => {
            let full = Image { photometric: Photometric::YbrFull, is_planar: false, ..*image };
            rle::encode(&full, &color::full_chrominance(image, frame))?
        }
        PixelEncoding::Rle => rle::encode(&Image { is_planar: false, ..*image }, &color::by_pixel(image, frame))?,
        PixelEncoding::JpegLs if image.photometric == Photometric::YbrFull422 => {
            let full = Image { photometric: Photometric::YbrFull, is_planar: false, ..*image };
            jpeg::ls::encode(&full, &color::full_chrominance(image, frame))?
        }
        PixelEncoding::JpegLs => jpeg::ls::encode(image, &color::by_pixel(image, frame))?,
        _ if image.samples_per_pixel == 3 => {
            let rgb = Image { photometric: Photometric::Rgb, is_planar: false, ..*image };
            let colours = color::rgb(image, frame).ok_or(PixelError::Truncated)?;
            jpeg::encode(&rgb, &colours, quality)?
        }
        _ => jpeg::encode(image, frame, quality)?,
    };
    if bytes.len() % 2 == 1 {
        bytes.push(0);
    }
    Ok(EncodedFrame { bytes })
}
