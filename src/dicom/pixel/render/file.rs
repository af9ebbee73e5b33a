//! Pictures as files: JPEG, PNG, GIF.

use image::codecs::gif::{GifEncoder, Repeat};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{Delay, ExtendedColorType, Frame, ImageEncoder as _, RgbaImage};

use super::super::codec::jpeg;
use super::super::{Image, Photometric, PixelError, SampleKind};
use super::Picture;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureFile {
    /// `image/jpeg`, baseline; quality 1 to 100.
    Jpeg {
        /// 100 is the best.
        quality: u8,
    },
    /// `image/png`.
    Png,
    /// `image/gif` of a single frame; see [`animate`] for more.
    Gif,
}

impl PictureFile {
    /// Media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg { .. } => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
        }
    }

    /// The picture as a file of this form.
    pub fn write(self, picture: &Picture) -> Result<Vec<u8>, PixelError> {
        match self {
            Self::Jpeg { quality } => jpeg::encode(&as_image(picture)?, &picture.bytes, quality),
            Self::Png => {
                let colours = if picture.samples == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
                let mut out = Vec::with_capacity(picture.bytes.len() / 2);
                let encoder = PngEncoder::new_with_quality(&mut out, CompressionType::Fast, FilterType::Sub);
                let written = encoder.write_image(&picture.bytes, picture.width, picture.height, colours);
                written.map(|()| out).or(Err(PixelError::Unsupported { what: "PNG of the picture" }))
            }
            Self::Gif => animate([Ok::<_, PixelError>(picture.clone())], 100),
        }
    }
}

/// A GIF of several pictures, which repeats for ever. Grey and up to 256 colours a frame are kept as they
/// are. The pictures are taken one after the other.
pub fn animate<E>(pictures: impl IntoIterator<Item = Result<Picture, E>>, frame_ms: u32) -> Result<Vec<u8>, E>
where
    E: From<PixelError>,
{
    let unsupported = PixelError::Unsupported { what: "GIF of the picture" };
    let mut out = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut out, GIF_SPEED);
    encoder.set_repeat(Repeat::Infinite).or(Err(E::from(unsupported.clone())))?;
    for picture in pictures {
        let picture = picture?;
        let mut pixels = Vec::with_capacity(picture.bytes.len() / usize::from(picture.samples.max(1)) * 4);
        if picture.samples == 1 {
            for grey in &picture.bytes {
                pixels.extend_from_slice(&[*grey, *grey, *grey, 255]);
            }
        } else {
            for [r, g, b] in picture.bytes.as_chunks::<3>().0 {
                pixels.extend_from_slice(&[*r, *g, *b, 255]);
            }
        }
        let pixels = RgbaImage::from_raw(picture.width, picture.height, pixels);
        let pixels = pixels.ok_or(E::from(unsupported.clone()))?;
        let frame = Frame::from_parts(pixels, 0, 0, Delay::from_numer_denom_ms(frame_ms, 1));
        encoder.encode_frame(frame).or(Err(E::from(unsupported.clone())))?;
    }
    drop(encoder);
    Ok(out)
}

fn as_image(picture: &Picture) -> Result<Image, PixelError> {
    let side =
        |pixels: u32| u16::try_from(pixels).or(Err(PixelError::Unsupported { what: "JPEG of so large a picture" }));
    Ok(Image {
        rows: side(picture.height)?,
        columns: side(picture.width)?,
        samples_per_pixel: picture.samples.into(),
        photometric: if picture.samples == 1 { Photometric::Monochrome2 } else { Photometric::Rgb },
        is_planar: false,
        bits_allocated: 8,
        bits_stored: 8,
        high_bit: 7,
        kind: SampleKind::Unsigned,
        number_of_frames: 1,
    })
}

/// Between 1, the best and slowest choice of colours, and 30. Grey needs no choice.
const GIF_SPEED: i32 = 10;
