//! Frames as pictures: stored values through the modality, VOI and presentation transformations to what
//! a screen shows. PS3.3 §C.11, PS3.4 §N.2, PS3.18 §8.3.5.
//!
//! A decoded frame and the [`Presentation`] of its data set come in; a [`Picture`] of 8 bits goes out, and
//! from it a JPEG, PNG or GIF file.

pub(in crate::dicom) mod color;
mod file;
mod grey;
mod lookup;
mod overlay;
mod palette;
mod presentation;
mod viewport;
mod window;

pub use file::{PictureFile, animate};
pub use overlay::Overlay;
pub use presentation::Presentation;
pub use viewport::{SourceRegion, Viewport};
pub use window::{VoiFunction, Window};

use super::{DecodedFrame, Photometric, PixelError};

/// What is asked of a rendering. PS3.18 §8.3.5.1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RenderRequest {
    /// VOI window; that of the data set where none is asked for.
    pub window: Option<Window>,
    /// Part of the image, and size of the picture; the whole image in its own size where absent.
    pub viewport: Option<Viewport>,
    /// Whether the overlays of the data set are drawn.
    pub with_overlays: bool,
}

/// A picture for a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Samples of a pixel: 1 (grey, 0 is black) or 3 (RGB).
    pub samples: u8,
    /// Samples pixel by pixel, 8 bits each.
    pub bytes: Vec<u8>,
}

/// Renders a frame.
pub fn render(
    frame: &DecodedFrame,
    presentation: &Presentation,
    request: &RenderRequest,
) -> Result<Picture, PixelError> {
    let image = &frame.image;
    let bytes = frame.bytes.as_slice();
    let is_whole = u64::try_from(bytes.len()).is_ok_and(|length| length >= image.frame_bytes());
    if !is_whole {
        return Err(PixelError::Truncated);
    }
    let (samples, mut shown) = match image.photometric {
        Photometric::Monochrome1 | Photometric::Monochrome2 => (1, grey::shown(image, bytes, presentation, request)?),
        Photometric::PaletteColor => (3, presentation.palette()?.shown(image, bytes)?),
        _ => (3, color::rgb(image, bytes).ok_or(NO_COLOUR)?.into_owned()),
    };
    if request.with_overlays {
        for overlay in presentation.overlays() {
            overlay.draw(image, samples, &mut shown);
        }
    }
    let picture = Picture { width: image.columns.into(), height: image.rows.into(), samples, bytes: shown };
    match &request.viewport {
        Some(viewport) => viewport.show(picture),
        None => Ok(picture),
    }
}

const NO_COLOUR: PixelError = PixelError::Unsupported { what: "rendering of the colours" };

#[cfg(test)]
mod tests;
