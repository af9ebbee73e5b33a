//! What an image is like, from the attributes of its data set. PS3.3 §C.7.6.3 and §C.7.6.6.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::super::element::{self, DataSet};
use super::{Photometric, PixelError, PixelLimits};

/// How the bits of a sample are a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleKind {
    /// Pixel Representation (0028,0103) 0.
    Unsigned,
    /// Two's complement: Pixel Representation 1.
    Signed,
    /// IEEE 754: Float (7FE0,0008) or Double Float (7FE0,0009) Pixel Data.
    Float,
}

/// The Image Pixel Description of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    /// Rows (0028,0010).
    pub rows: u16,
    /// Columns (0028,0011).
    pub columns: u16,
    /// Samples per Pixel (0028,0002): 1 or 3.
    pub samples_per_pixel: u16,
    /// Photometric Interpretation (0028,0004).
    pub photometric: Photometric,
    /// Whether the samples of a frame lie plane by plane: Planar Configuration (0028,0006) 1.
    pub is_planar: bool,
    /// Bits Allocated (0028,0100): 1, 8, 16, 32 or 64.
    pub bits_allocated: u16,
    /// Bits Stored (0028,0101).
    pub bits_stored: u16,
    /// High Bit (0028,0102).
    pub high_bit: u16,
    /// Pixel Representation (0028,0103), or that the samples are floats.
    pub kind: SampleKind,
    /// Number of Frames (0028,0008); 1 where it is absent.
    pub number_of_frames: u32,
}

impl Image {
    /// Reads the description from a data set that was read up to pixel data.
    ///
    /// Bits Stored and High Bit follow from Bits Allocated where they are absent or contradict it. Where
    /// 32 or 64 bits are allocated and none are said to be stored, the samples are floats (§C.7.6.24).
    pub fn of(data_set: &DataSet) -> Result<Self, PixelError> {
        let rows = size(data_set, tags::ROWS)?;
        let columns = size(data_set, tags::COLUMNS)?;
        let term = element::text(data_set, tags::PHOTOMETRIC_INTERPRETATION);
        let term = term.ok_or(PixelError::Missing(tags::PHOTOMETRIC_INTERPRETATION))?;
        let photometric =
            Photometric::of_term(&term).ok_or(PixelError::Unsupported { what: "the photometric interpretation" })?;
        let samples_per_pixel = number(data_set, tags::SAMPLES_PER_PIXEL).unwrap_or(i64::from(photometric.samples()));
        if samples_per_pixel != i64::from(photometric.samples()) {
            return Err(PixelError::Value(tags::SAMPLES_PER_PIXEL));
        }
        let allocated = number(data_set, tags::BITS_ALLOCATED).ok_or(PixelError::Missing(tags::BITS_ALLOCATED))?;
        let bits_allocated = match allocated {
            1 | 8 | 16 | 32 | 64 => u16::try_from(allocated).unwrap_or_default(),
            _ => return Err(PixelError::Value(tags::BITS_ALLOCATED)),
        };
        if bits_allocated == 1 && photometric.samples() != 1 {
            return Err(PixelError::Value(tags::BITS_ALLOCATED));
        }
        let stored = number(data_set, tags::BITS_STORED);
        let kind = if stored.is_none() && matches!(bits_allocated, 32 | 64) {
            SampleKind::Float
        } else if number(data_set, tags::PIXEL_REPRESENTATION) == Some(1) {
            SampleKind::Signed
        } else {
            SampleKind::Unsigned
        };
        let within = |bits: i64| u16::try_from(bits).ok().filter(|bits| (1..=bits_allocated).contains(bits));
        let bits_stored = stored.and_then(within).unwrap_or(bits_allocated);
        let high_bit = number(data_set, tags::HIGH_BIT)
            .and_then(|bit| u16::try_from(bit).ok())
            .filter(|bit| (bits_stored - 1..bits_allocated).contains(bit))
            .unwrap_or(bits_stored - 1);
        let frames = number(data_set, tags::NUMBER_OF_FRAMES).unwrap_or(1).max(1);
        Ok(Self {
            rows,
            columns,
            samples_per_pixel: photometric.samples(),
            photometric,
            is_planar: photometric.samples() > 1 && number(data_set, tags::PLANAR_CONFIGURATION) == Some(1),
            bits_allocated,
            bits_stored,
            high_bit,
            kind,
            number_of_frames: u32::try_from(frames).or(Err(PixelError::Value(tags::NUMBER_OF_FRAMES)))?,
        })
    }

    /// Pixels of a frame.
    pub fn pixels(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.columns)
    }

    /// Bits of a native frame. Those of YBR_FULL_422 have two samples a pixel (PS3.3 §C.7.6.3.1.2).
    pub fn frame_bits(&self) -> u64 {
        let samples = if self.photometric == Photometric::YbrFull422 { 2 } else { u64::from(self.samples_per_pixel) };
        self.pixels() * samples * u64::from(self.bits_allocated)
    }

    /// Bytes of a native frame on its own; one of single bits is filled up to whole bytes.
    pub fn frame_bytes(&self) -> u64 {
        self.frame_bits().div_ceil(8)
    }

    /// Bytes of the native pixel data of all frames. Frames of single bits follow each other without a
    /// gap (PS3.5 §8.1.1).
    pub fn native_bytes(&self) -> u64 {
        self.frame_bits().saturating_mul(u64::from(self.number_of_frames)).div_ceil(8)
    }

    /// Bytes of a sample; 1 for single bits.
    pub fn sample_bytes(&self) -> usize {
        usize::from(self.bits_allocated.div_ceil(8))
    }

    /// Holds a frame to the limits.
    pub fn check(&self, limits: &PixelLimits) -> Result<(), PixelError> {
        if self.pixels() > limits.max_pixels {
            return Err(PixelError::TooLarge { what: "pixels", max: limits.max_pixels });
        }
        if self.frame_bytes() > limits.max_frame_bytes {
            return Err(PixelError::TooLarge { what: "bytes in a frame", max: limits.max_frame_bytes });
        }
        Ok(())
    }
}

/// The first number of an element, as text or in binary.
pub(super) fn number(data_set: &DataSet, tag: Tag) -> Option<i64> {
    let element = data_set.get(tag)?;
    match element.to_int::<i64>() {
        Ok(number) => Some(number),
        Err(_) => element::text(data_set, tag)?.split('\\').next()?.trim().parse().ok(),
    }
}

fn size(data_set: &DataSet, tag: Tag) -> Result<u16, PixelError> {
    let number = number(data_set, tag).ok_or(PixelError::Missing(tag))?;
    u16::try_from(number).ok().filter(|number| *number > 0).ok_or(PixelError::Value(tag))
}

#[cfg(test)]
mod tests {
    use dicom_core::VR;

    use super::super::super::element::{put_text, put_value};
    use super::*;

    pub(in super::super) fn described(photometric: &str, bits: u16, rows: u16, columns: u16) -> DataSet {
        let mut set = DataSet::new_empty();
        put_value(&mut set, tags::ROWS, VR::US, rows);
        put_value(&mut set, tags::COLUMNS, VR::US, columns);
        put_value(&mut set, tags::BITS_ALLOCATED, VR::US, bits);
        put_value(&mut set, tags::BITS_STORED, VR::US, bits);
        put_text(&mut set, tags::PHOTOMETRIC_INTERPRETATION, VR::CS, photometric);
        set
    }

    #[test]
    fn frames_of_half_chrominance_have_two_samples_a_pixel() {
        let image = Image::of(&described("YBR_FULL_422", 8, 4, 6)).unwrap();
        assert_eq!((image.samples_per_pixel, image.frame_bytes()), (3, 48));
    }

    #[test]
    fn single_bits_are_packed_across_frames() {
        let mut set = described("MONOCHROME2", 1, 3, 3);
        put_text(&mut set, tags::NUMBER_OF_FRAMES, VR::IS, "3");
        let image = Image::of(&set).unwrap();
        assert_eq!((image.frame_bits(), image.frame_bytes(), image.native_bytes()), (9, 2, 4));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(Image::of(&DataSet::new_empty()), Err(PixelError::Missing(tags::ROWS)));
        assert_eq!(Image::of(&described("RGB", 12, 1, 1)), Err(PixelError::Value(tags::BITS_ALLOCATED)));
        assert_eq!(Image::of(&described("RGB", 8, 0, 1)), Err(PixelError::Value(tags::ROWS)));
        assert!(Image::of(&described("HSV", 8, 1, 1)).is_err_and(|error| error.is_unsupported()));
        let huge = Image::of(&described("RGB", 16, 65535, 65535)).unwrap();
        assert!(matches!(huge.check(&PixelLimits::default()), Err(PixelError::TooLarge { .. })));
    }

    #[test]
    fn contradicting_bits_follow_from_what_is_allocated() {
        let mut set = described("MONOCHROME2", 16, 2, 2);
        put_value(&mut set, tags::BITS_STORED, VR::US, 40_u16);
        put_value(&mut set, tags::HIGH_BIT, VR::US, 99_u16);
        let image = Image::of(&set).unwrap();
        assert_eq!((image.bits_stored, image.high_bit), (16, 15));
    }
}
