//! Palettes. PS3.3 §C.7.6.3.1.5, §C.7.6.3.1.6; segmented ones §C.7.9.2.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::super::super::element::DataSet;
use super::super::{Image, PixelError, SampleKind};
use super::lookup::{Descriptor, words};

/// The colours of stored values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Palette {
    first: i32,
    colours: Vec<[u8; 3]>,
}

impl Palette {
    /// The palette of a data set; an error if it is not whole.
    pub(super) fn of(set: &DataSet, image: &Image) -> Result<Self, PixelError> {
        let is_signed = image.kind == SampleKind::Signed;
        let [red, green, blue] = CHANNELS.map(|channel| channel.read(set, is_signed));
        let (descriptor, red) = red?;
        let ((_, green), (_, blue)) = (green?, blue?);
        let colours = red.into_iter().zip(green).zip(blue).map(|((red, green), blue)| [red, green, blue]).collect();
        Ok(Self { first: descriptor.first, colours })
    }

    /// A frame in its colours.
    pub(super) fn shown(&self, image: &Image, frame: &[u8]) -> Result<Vec<u8>, PixelError> {
        let last = self.colours.len().saturating_sub(1);
        let colour = |value: i32| {
            let index = usize::try_from(value - self.first).unwrap_or_default().min(last);
            self.colours.get(index).copied().unwrap_or_default()
        };
        let shift = image.high_bit + 1 - image.bits_stored;
        let mask = u16::try_from((1_u32 << image.bits_stored.min(16)) - 1).unwrap_or(u16::MAX);
        let by_value = |word: u16| {
            let word = (word >> shift) & mask;
            if image.kind == SampleKind::Signed {
                let free = 16 - image.bits_stored.min(16);
                i32::from((word << free).cast_signed() >> free)
            } else {
                i32::from(word)
            }
        };
        match image.bits_allocated {
            8 => {
                let table: Vec<[u8; 3]> = (0..=255).map(|byte| colour(by_value(byte))).collect();
                let shown = frame.iter().map(|byte| table.get(usize::from(*byte)).copied().unwrap_or_default());
                Ok(shown.flatten().collect())
            }
            16 => {
                let words = frame.as_chunks::<2>().0.iter().map(|word| u16::from_le_bytes(*word));
                Ok(words.flat_map(|word| colour(by_value(word))).collect())
            }
            _ => Err(PixelError::Value(tags::BITS_ALLOCATED)),
        }
    }
}

struct Channel {
    descriptor: Tag,
    data: Tag,
    segments: Tag,
}

const CHANNELS: [Channel; 3] = [
    Channel {
        descriptor: tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        data: tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        segments: tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    },
    Channel {
        descriptor: tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        data: tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        segments: tags::SEGMENTED_GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    },
    Channel {
        descriptor: tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        data: tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        segments: tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    },
];

impl Channel {
    fn read(&self, set: &DataSet, is_signed: bool) -> Result<(Descriptor, Vec<u8>), PixelError> {
        let descriptor = Descriptor::of(set, self.descriptor, is_signed);
        let descriptor = descriptor.ok_or(PixelError::Missing(self.descriptor))?;
        let entries = match words(set, self.data) {
            Some(words) => descriptor.entries(words).ok_or(PixelError::Value(self.data))?,
            None => {
                let segments = words(set, self.segments).ok_or(PixelError::Missing(self.data))?;
                let entries = expand(&segments, descriptor.count).ok_or(PixelError::Value(self.segments))?;
                descriptor.entries(entries).ok_or(PixelError::Value(self.segments))?
            }
        };
        // Some writers put 8 bits into entries that they say have 16.
        let is_wide = descriptor.bits > 8 && entries.iter().any(|entry| *entry > 255);
        let eight = |entry: u16| {
            let [low, high] = entry.to_le_bytes();
            if is_wide { high } else { low }
        };
        Ok((descriptor, entries.into_iter().map(eight).collect()))
    }
}

/// Expands segments: discrete values, lines, and references to segments before. §C.7.9.2.
fn expand(segments: &[u16], count: usize) -> Option<Vec<u16>> {
    let mut out = Vec::with_capacity(count);
    expand_into(segments, usize::MAX, segments, count, &mut out)?;
    Some(out)
}

fn expand_into(segments: &[u16], most: usize, all: &[u16], count: usize, out: &mut Vec<u16>) -> Option<()> {
    let mut rest = segments;
    let mut taken = 0;
    while let ([kind, length, behind @ ..], true) = (rest, taken < most && out.len() < count) {
        let length = usize::from(*length);
        rest = match kind {
            0 => {
                let (values, behind) = behind.split_at_checked(length)?;
                out.extend_from_slice(values);
                behind
            }
            1 => {
                let (end, behind) = behind.split_first()?;
                let start = f64::from(*out.last()?);
                for step in 1..=length {
                    #[expect(clippy::cast_precision_loss, reason = "at most 65535")]
                    let part = step as f64 / length as f64;
                    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two words")]
                    out.push((start + (f64::from(*end) - start) * part).round() as u16);
                }
                behind
            }
            // References are to segments that are none themselves, so this ends.
            2 if most == usize::MAX => {
                let ([low, high], behind) = behind.split_first_chunk::<2>()?;
                let offset = usize::try_from(u32::from(*low) | u32::from(*high) << 16).ok()?;
                expand_into(all.get(offset / 2..)?, length, all, count, out)?;
                behind
            }
            _ => return None,
        };
        taken += 1;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_values_lines_and_repetitions() {
        // Discrete 1, 2; a line of four to 10; the first segment again.
        let segments = [0, 2, 1, 2, 1, 4, 10, 2, 1, 0, 0];
        assert_eq!(expand(&segments, 8).unwrap(), [1, 2, 4, 6, 8, 10, 1, 2]);
        assert_eq!(expand(&[2, 1, 0, 0], 8), None);
        assert_eq!(expand(&[1, 3, 9], 8), None);
    }
}
