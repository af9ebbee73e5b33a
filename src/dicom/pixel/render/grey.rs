//! Grey images. Up to 16 bits each stored value is looked up in a table that is made once for the frame;
//! wider and floating ones are computed.

use super::super::{Image, PixelError, SampleKind};
use super::presentation::Presentation;
use super::window::Window;
use super::{RenderRequest, lookup::LookupTable};

/// The grey values of a frame: 0 is black.
pub(super) fn shown(
    image: &Image,
    frame: &[u8],
    presentation: &Presentation,
    request: &RenderRequest,
) -> Result<Vec<u8>, PixelError> {
    let samples = Samples::new(image);
    let transformation = match (request.window, presentation.window, &presentation.table) {
        (Some(window), ..) | (None, Some(window), _) => Voi::Window(window),
        (None, None, Some(table)) => Voi::Table(table),
        (None, None, None) => samples.range(image, frame, presentation),
    };
    let grey = |stored: f64| {
        let brightness = transformation.brightness(presentation.modality.value(stored));
        let brightness = if presentation.is_inverse { 1.0 - brightness } else { brightness };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
        let grey = (brightness * 255.0).round() as u8;
        grey
    };
    let pixels = usize::try_from(image.pixels()).or(Err(PixelError::Truncated))?;
    let table =
        || -> Vec<u8> { (0..1_u32 << image.bits_stored).map(|word| grey(samples.signed(u64::from(word)))).collect() };
    let of = |table: &[u8], index: u16| table.get(usize::from(index)).copied().unwrap_or_default();
    let shown: Vec<u8> = match image.bits_allocated {
        1 => {
            let (black, white) = (grey(0.0), grey(1.0));
            let bits = frame.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
            bits.map(|bit| if bit == 1 { white } else { black }).take(pixels).collect()
        }
        8 => {
            let table = table();
            frame
                .iter()
                .take(pixels)
                .map(|byte| of(&table, (u16::from(*byte) >> samples.shift) & samples.mask))
                .collect()
        }
        16 => {
            let table = table();
            let words = frame.as_chunks::<2>().0.iter().take(pixels).map(|word| u16::from_le_bytes(*word));
            words.map(|word| of(&table, (word >> samples.shift) & samples.mask)).collect()
        }
        _ => samples.wide(frame).take(pixels).map(grey).collect(),
    };
    Ok(shown)
}

/// From values of the modality to brightness.
enum Voi<'a> {
    Window(Window),
    Table(&'a LookupTable),
    /// From black to white.
    Range(f64, f64),
}

impl Voi<'_> {
    fn brightness(&self, value: f64) -> f64 {
        match self {
            Self::Window(window) => window.brightness(value),
            Self::Table(table) => table.brightness(value),
            // A frame of one value has no brightness of its own.
            Self::Range(low, high) if high <= low => 0.5,
            Self::Range(low, high) => {
                let brightness = (value - low) / (high - low);
                if brightness.is_nan() { 0.0 } else { brightness.clamp(0.0, 1.0) }
            }
        }
    }
}

/// How stored values stand in the words of a frame.
#[derive(Clone, Copy)]
struct Samples {
    kind: SampleKind,
    bytes: usize,
    bits: u16,
    /// Bits below the stored ones.
    shift: u16,
    /// The stored bits, where they are at most 16.
    mask: u16,
}

impl Samples {
    fn new(image: &Image) -> Self {
        let shift = image.high_bit + 1 - image.bits_stored;
        let mask = u16::try_from((1_u64 << image.bits_stored.min(16)) - 1).unwrap_or(u16::MAX);
        Self { kind: image.kind, bytes: image.sample_bytes(), bits: image.bits_stored, shift, mask }
    }

    /// The number that the stored bits are.
    #[expect(clippy::cast_precision_loss, reason = "64 bits lose what no screen shows")]
    fn signed(&self, stored: u64) -> f64 {
        if self.kind == SampleKind::Signed {
            let free = 64 - u32::from(self.bits);
            ((stored << free).cast_signed() >> free) as f64
        } else {
            stored as f64
        }
    }

    /// The values of words wider than 16 bits.
    fn wide(self, frame: &[u8]) -> impl Iterator<Item = f64> + '_ {
        frame.chunks_exact(self.bytes.max(1)).map(move |word| {
            let mut bytes = [0; 8];
            bytes.iter_mut().zip(word).for_each(|(place, byte)| *place = *byte);
            match (self.kind, word.first_chunk::<4>()) {
                (SampleKind::Float, Some(word)) if self.bytes == 4 => f64::from(f32::from_le_bytes(*word)),
                (SampleKind::Float, _) => f64::from_le_bytes(bytes),
                _ => {
                    let stored = u64::from_le_bytes(bytes) >> self.shift;
                    let free = 64 - u32::from(self.bits);
                    self.signed(stored << free >> free)
                }
            }
        })
    }

    /// What the darkest and the brightest value are where the data set does not say: for samples of up to
    /// 8 bits all that they can be, else the least and greatest that are there, without padding.
    fn range(&self, image: &Image, frame: &[u8], presentation: &Presentation) -> Voi<'static> {
        let is_plain =
            image.bits_stored <= 8 && self.kind == SampleKind::Unsigned && presentation.modality.is_identity();
        if is_plain {
            return Voi::Range(0.0, f64::from((1_u32 << image.bits_stored) - 1));
        }
        let (least, greatest) = match image.bits_allocated {
            8 => self.extremes(frame.iter().map(|byte| u16::from(*byte)), presentation),
            16 => self.extremes(frame.as_chunks::<2>().0.iter().map(|word| u16::from_le_bytes(*word)), presentation),
            _ => self
                .wide(frame)
                .filter(|value| value.is_finite())
                .fold(NOTHING, |(least, greatest), value| (f64::min(least, value), f64::max(greatest, value))),
        };
        if least > greatest {
            return Voi::Range(0.0, 1.0);
        }
        let (one, other) = (presentation.modality.value(least), presentation.modality.value(greatest));
        Voi::Range(one.min(other), one.max(other))
    }

    fn extremes(&self, words: impl Iterator<Item = u16>, presentation: &Presentation) -> (f64, f64) {
        let free = 16 - self.bits.min(16);
        let value = |word: u16| {
            let stored = (word >> self.shift) & self.mask;
            if self.kind == SampleKind::Signed {
                i32::from((stored << free).cast_signed() >> free)
            } else {
                i32::from(stored)
            }
        };
        let is_padding =
            |value: i32| presentation.padding.is_some_and(|(from, until)| (from..=until).contains(&i64::from(value)));
        let values = words.map(value).filter(|value| !is_padding(*value));
        let (least, greatest) =
            values.fold((i32::MAX, i32::MIN), |(least, greatest), value| (least.min(value), greatest.max(value)));
        if least > greatest { NOTHING } else { (f64::from(least), f64::from(greatest)) }
    }
}

const NOTHING: (f64, f64) = (f64::INFINITY, f64::NEG_INFINITY);
