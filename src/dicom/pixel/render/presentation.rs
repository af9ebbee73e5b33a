//! How a data set wants its stored values shown: modality and VOI transformations of a frame, palette,
//! overlays. PS3.3 §C.11.1, §C.11.2, §C.11.6; per frame §C.7.6.16.2.9 and §C.7.6.16.2.10.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::super::super::element::{self, DataSet};
use super::super::{Image, Photometric, PixelError, SampleKind};
use super::lookup::LookupTable;
use super::overlay::Overlay;
use super::palette::Palette;
use super::window::{VoiFunction, Window};

/// The transformations of one frame.
#[derive(Debug, Clone)]
pub struct Presentation {
    pub(super) modality: Modality,
    /// The first window of the data set.
    pub(super) window: Option<Window>,
    /// The first table of the VOI LUT Sequence.
    pub(super) table: Option<LookupTable>,
    /// Whether the greatest value is black.
    pub(super) is_inverse: bool,
    /// Stored values that are no part of the image. §C.7.5.1.1.2.
    pub(super) padding: Option<(i64, i64)>,
    palette: Option<Result<Palette, PixelError>>,
    overlays: Vec<Overlay>,
}

/// From stored values to those of the modality.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Modality {
    Rescale { slope: f64, intercept: f64 },
    Table(LookupTable),
}

impl Modality {
    pub(super) fn value(&self, stored: f64) -> f64 {
        match self {
            Self::Rescale { slope, intercept } => stored * slope + intercept,
            Self::Table(table) => f64::from(table.entry(stored)),
        }
    }

    pub(super) fn is_identity(&self) -> bool {
        *self == Self::Rescale { slope: 1.0, intercept: 0.0 }
    }
}

impl Presentation {
    /// The transformations of a frame, counted from 1, from a data set read up to pixel data. What is
    /// damaged is as if it were absent, but for the palette, without which there are no colours.
    pub fn of(data_set: &DataSet, image: &Image, frame: u64) -> Self {
        let is_signed = image.kind == SampleKind::Signed;
        let transformation = group(data_set, frame, tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE);
        let rescale = transformation.unwrap_or(data_set);
        let slope = decimal(rescale, tags::RESCALE_SLOPE).filter(|slope| *slope != 0.0);
        let intercept = decimal(rescale, tags::RESCALE_INTERCEPT);
        let table = element::first_item(data_set, tags::MODALITY_LUT_SEQUENCE);
        let modality = match table.and_then(|item| LookupTable::of_item(item, is_signed)) {
            Some(table) => Modality::Table(table),
            None => Modality::Rescale { slope: slope.unwrap_or(1.0), intercept: intercept.unwrap_or(0.0) },
        };
        // Rescaled values of unsigned pixels may be negative, and then the tables of VOI begin there.
        let is_signed_behind = match &modality {
            Modality::Rescale { intercept, .. } => is_signed || *intercept < 0.0,
            Modality::Table(_) => false,
        };
        let voi = group(data_set, frame, tags::FRAME_VOILUT_SEQUENCE).unwrap_or(data_set);
        let voi_table = element::first_item(voi, tags::VOILUT_SEQUENCE);
        Self {
            modality,
            window: window(voi),
            table: voi_table.and_then(|item| LookupTable::of_item(item, is_signed_behind)),
            is_inverse: image.photometric == Photometric::Monochrome1
                || element::text(data_set, tags::PRESENTATION_LUT_SHAPE).as_deref() == Some("INVERSE"),
            padding: padding(data_set, is_signed),
            palette: (image.photometric == Photometric::PaletteColor).then(|| Palette::of(data_set, image)),
            overlays: Overlay::all(data_set, frame),
        }
    }

    /// The window that the data set proposes.
    pub fn window(&self) -> Option<Window> {
        self.window
    }

    /// The overlays of the frame.
    pub fn overlays(&self) -> &[Overlay] {
        &self.overlays
    }

    pub(super) fn palette(&self) -> Result<&Palette, PixelError> {
        match &self.palette {
            Some(Ok(palette)) => Ok(palette),
            Some(Err(error)) => Err(error.clone()),
            None => Err(PixelError::Missing(tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR)),
        }
    }
}

/// The item of a functional group macro for a frame: that of the frame, or the shared one.
fn group(data_set: &DataSet, frame: u64, tag: Tag) -> Option<&DataSet> {
    let index = usize::try_from(frame.checked_sub(1)?).ok()?;
    let of_frame = element::items(data_set, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).get(index);
    let of_frame = of_frame.and_then(|item| element::first_item(item, tag));
    of_frame.or_else(|| {
        let shared = element::first_item(data_set, tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE)?;
        element::first_item(shared, tag)
    })
}

fn window(set: &DataSet) -> Option<Window> {
    let function = element::text(set, tags::VOILUT_FUNCTION).and_then(|term| VoiFunction::of_term(&term));
    let (center, width) = (decimal(set, tags::WINDOW_CENTER)?, decimal(set, tags::WINDOW_WIDTH)?);
    Window::new(center, width, function.unwrap_or_default())
}

/// The first number of a DS.
fn decimal(set: &DataSet, tag: Tag) -> Option<f64> {
    let text = element::text(set, tag)?;
    let number: f64 = text.split('\\').next()?.trim().parse().ok()?;
    number.is_finite().then_some(number)
}

fn padding(set: &DataSet, is_signed: bool) -> Option<(i64, i64)> {
    let value = |tag| {
        let word = *super::lookup::words(set, tag)?.first()?;
        Some(if is_signed { i64::from(word.cast_signed()) } else { i64::from(word) })
    };
    let one = value(tags::PIXEL_PADDING_VALUE)?;
    let other = value(tags::PIXEL_PADDING_RANGE_LIMIT).unwrap_or(one);
    Some((one.min(other), one.max(other)))
}
