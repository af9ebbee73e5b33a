//! Overlay planes. PS3.3 §C.9.2.

use dicom_core::Tag;
use dicom_core::value::{PrimitiveValue, Value};

use super::super::super::element::DataSet;
use super::super::Image;
use super::super::description::number;
use super::super::native::cut_bits;
use super::lookup::words;

/// The overlay plane of one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// Rows (60xx,0010).
    rows: u16,
    /// Columns (60xx,0011).
    columns: u16,
    /// Row and column of the image, counted from 0, where its first pixel lies.
    origin: (i64, i64),
    /// A bit for each pixel, the least significant first.
    bits: Vec<u8>,
}

impl Overlay {
    /// The overlays of a frame that have data of their own. Those in unused bits of pixels are retired.
    pub(super) fn all(data_set: &DataSet, frame: u64) -> Vec<Self> {
        (0x6000..=0x601e).step_by(2).filter_map(|group| Self::of(data_set, group, frame)).collect()
    }

    fn of(data_set: &DataSet, group: u16, frame: u64) -> Option<Self> {
        let number = |element| number(data_set, Tag(group, element));
        let rows = u16::try_from(number(0x0010)?).ok()?;
        let columns = u16::try_from(number(0x0011)?).ok()?;
        let origin = data_set.get(Tag(group, 0x0050)).and_then(|element| element.to_multi_int::<i64>().ok());
        let (top, left) = match origin.as_deref() {
            Some([top, left, ..]) => (*top - 1, *left - 1),
            _ => (0, 0),
        };
        let frames = u64::try_from(number(0x0015).unwrap_or(1)).ok()?.max(1);
        let first = u64::try_from(number(0x0051).unwrap_or(1)).ok()?.max(1);
        // One plane without frames is for all frames of the image.
        let index = if frames == 1 { 0 } else { frame.checked_sub(first).filter(|index| *index < frames)? };
        let size = u64::from(rows) * u64::from(columns);
        let data = bytes(data_set, Tag(group, 0x3000))?;
        let bits = cut_bits(&data, size.checked_mul(index)?, size)?.into_owned();
        Some(Self { rows, columns, origin: (top, left), bits })
    }

    /// Draws the plane in white over grey or RGB pixels of the image.
    pub(super) fn draw(&self, image: &Image, samples: u8, pixels: &mut [u8]) {
        let (top, left) = self.origin;
        let width = usize::from(image.columns);
        let set = self.bits.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
        let all = usize::from(self.rows) * usize::from(self.columns);
        for (index, _) in set.take(all).enumerate().filter(|(_, is_set)| *is_set) {
            let columns = usize::from(self.columns);
            let (row, column) = (index / columns, index % columns);
            let row = i64::try_from(row).ok().and_then(|row| usize::try_from(row + top).ok());
            let column = i64::try_from(column).ok().and_then(|column| usize::try_from(column + left).ok());
            let (Some(row), Some(column)) = (row, column) else { continue };
            if row < usize::from(image.rows) && column < width {
                let at = (row * width + column) * usize::from(samples);
                pixels.iter_mut().skip(at).take(usize::from(samples)).for_each(|sample| *sample = u8::MAX);
            }
        }
    }
}

/// The value of an element of VR OB or OW as it stands in a little endian file.
fn bytes(set: &DataSet, tag: Tag) -> Option<Vec<u8>> {
    match set.get(tag)?.value() {
        Value::Primitive(PrimitiveValue::U8(bytes)) => Some(bytes.to_vec()),
        _ => Some(words(set, tag)?.into_iter().flat_map(u16::to_le_bytes).collect()),
    }
}
