//! Viewports: which part of an image is shown, and how large. PS3.18 §8.3.5.1.3.

use image::imageops::{self, FilterType};
use image::{GenericImageView as _, ImageBuffer, Luma, Pixel, Rgb};

use super::super::PixelError;
use super::Picture;

/// The size of a picture, and the part of the image in it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Viewport {
    /// Greatest width of the picture in pixels; that of the source where absent.
    pub width: Option<u32>,
    /// Greatest height of the picture in pixels; that of the source where absent.
    pub height: Option<u32>,
    /// The part of the image; all of it where absent.
    pub source: Option<SourceRegion>,
}

/// A part of an image in its pixels. A negative width or height flips the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SourceRegion {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width; up to the right edge of the image where absent.
    pub width: Option<f64>,
    /// Height; up to the lower edge of the image where absent.
    pub height: Option<f64>,
}

impl Viewport {
    /// The picture in the viewport: as large as fits, with its proportions kept.
    pub(super) fn show(&self, picture: Picture) -> Result<Picture, PixelError> {
        let part = self.part(&picture).ok_or(PixelError::Unsupported { what: "a region outside the image" })?;
        let (width, height) = self.size(&part);
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(PixelError::TooLarge { what: "pixels in a viewport", max: MAX_PIXELS });
        }
        let Picture { width: full_width, height: full_height, samples, bytes } = picture;
        let bytes = if samples == 1 {
            let pixels = ImageBuffer::<Luma<u8>, _>::from_raw(full_width, full_height, bytes);
            fitted(&pixels.ok_or(PixelError::Truncated)?, &part, width, height)
        } else {
            let pixels = ImageBuffer::<Rgb<u8>, _>::from_raw(full_width, full_height, bytes);
            fitted(&pixels.ok_or(PixelError::Truncated)?, &part, width, height)
        };
        Ok(Picture { width, height, samples, bytes })
    }

    /// The part in whole pixels; `None` if nothing of it is in the image.
    fn part(&self, picture: &Picture) -> Option<Part> {
        let (full_width, full_height) = (f64::from(picture.width), f64::from(picture.height));
        let source = self.source.unwrap_or(SourceRegion { x: 0.0, y: 0.0, width: None, height: None });
        let side = |from: f64, length: Option<f64>, full: f64| {
            let length = length.unwrap_or(full - from);
            let (first, last) = (from.round().max(0.0), (from + length.abs()).round().min(full));
            (last > first && length != 0.0).then_some((whole(first), whole(last - first), length < 0.0))
        };
        let (x, width, is_mirrored) = side(source.x, source.width, full_width)?;
        let (y, height, is_upside_down) = side(source.y, source.height, full_height)?;
        Some(Part { x, y, width, height, is_mirrored, is_upside_down })
    }

    fn size(&self, part: &Part) -> (u32, u32) {
        let (width, height) = (f64::from(part.width), f64::from(part.height));
        let scale = match (self.width, self.height) {
            (None, None) => return (part.width, part.height),
            (Some(most), None) => f64::from(most) / width,
            (None, Some(most)) => f64::from(most) / height,
            (Some(wide), Some(high)) => (f64::from(wide) / width).min(f64::from(high) / height),
        };
        (whole((width * scale).round()).max(1), whole((height * scale).round()).max(1))
    }
}

struct Part {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
    is_mirrored: bool,
    is_upside_down: bool,
}

fn fitted<P>(pixels: &ImageBuffer<P, Vec<u8>>, part: &Part, width: u32, height: u32) -> Vec<u8>
where
    P: Pixel<Subpixel = u8> + 'static,
{
    let view = pixels.view(part.x, part.y, part.width, part.height);
    let mut shown = if (width, height) == (part.width, part.height) {
        view.to_image()
    } else if width * 2 <= part.width && height * 2 <= part.height {
        // Means of whole blocks: as good as a filter at this ratio, and several times as fast.
        imageops::thumbnail(&*view, width, height)
    } else {
        imageops::resize(&*view, width, height, FilterType::Triangle)
    };
    if part.is_mirrored {
        imageops::flip_horizontal_in_place(&mut shown);
    }
    if part.is_upside_down {
        imageops::flip_vertical_in_place(&mut shown);
    }
    shown.into_raw()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; sides are not negative")]
fn whole(side: f64) -> u32 {
    side as u32
}

/// More pixels than any screen has.
const MAX_PIXELS: u64 = 64_000_000;
