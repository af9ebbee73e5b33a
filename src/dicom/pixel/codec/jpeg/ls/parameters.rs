//! The coding parameters of a scan, and what follows from them. §C.2.4.1.

use super::super::super::super::PixelError;
use super::damaged;

/// Parameters that the codestream itself sets; zero stands for the default. §C.2.4.1.1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Presets {
    max_value: i32,
    thresholds: [i32; 3],
    reset: i32,
}

impl Presets {
    /// From the body of an LSE segment.
    pub(super) fn parse(body: &[u8]) -> Result<Self, PixelError> {
        let (kind, rest) = body.split_first().ok_or_else(damaged)?;
        if *kind != PRESETS {
            return Err(PixelError::Unsupported { what: "a mapping table or size extension in JPEG-LS" });
        }
        let words = rest.first_chunk::<10>().ok_or_else(damaged)?.as_chunks::<2>().0;
        let mut words = words.iter().map(|word| i32::from(u16::from_be_bytes(*word)));
        let mut next = || words.next().unwrap_or_default();
        Ok(Self { max_value: next(), thresholds: [next(), next(), next()], reset: next() })
    }
}

/// What a scan is decoded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameters {
    /// MAXVAL: the greatest sample.
    pub(super) max_value: i32,
    /// NEAR: how far a sample may be from what it was.
    pub(super) near: i32,
    /// 2 NEAR + 1: what an error is counted in.
    pub(super) step: i32,
    /// T1, T2, T3.
    pub(super) thresholds: [i32; 3],
    /// RESET: when contexts are halved.
    pub(super) reset: i32,
    /// RANGE: how many errors there are.
    pub(super) range: i32,
    /// qbpp: bits of an error.
    pub(super) error_bits: u32,
    /// LIMIT: bits of the longest code.
    pub(super) limit: u32,
}

impl Parameters {
    pub(super) fn new(precision: u8, near: u8, presets: Presets) -> Result<Self, PixelError> {
        if !(2..=16).contains(&precision) {
            return Err(PixelError::codestream("has samples of a width that there is not"));
        }
        let greatest = (1 << precision) - 1;
        let max_value = if presets.max_value == 0 { greatest } else { presets.max_value };
        let near = i32::from(near);
        if max_value > greatest || near > 255.min(max_value / 2) {
            return Err(damaged());
        }
        let mut thresholds = default_thresholds(max_value, near);
        for (threshold, preset) in thresholds.iter_mut().zip(presets.thresholds) {
            if preset != 0 {
                *threshold = preset;
            }
        }
        let reset = if presets.reset == 0 { DEFAULT_RESET } else { presets.reset };
        let [t1, t2, t3] = thresholds;
        if !(near < t1 && t1 <= t2 && t2 <= t3 && t3 <= max_value) || reset < 3 || reset > 255.max(max_value) {
            return Err(damaged());
        }
        let step = 2 * near + 1;
        let range = (max_value + 2 * near) / step + 1;
        let sample_bits = bits_of(max_value + 1).max(2);
        let limit = 2 * (sample_bits + sample_bits.max(8));
        Ok(Self { max_value, near, step, thresholds, reset, range, error_bits: bits_of(range), limit })
    }
}

/// §C.2.4.1.1.1.
fn default_thresholds(max_value: i32, near: i32) -> [i32; 3] {
    let within = |value: i32, least: i32| if value > max_value || value < least { least } else { value };
    let [first, second, third] = if max_value >= 128 {
        let factor = (max_value.min(4095) + 128) / 256;
        [factor + 2 + 3 * near, 4 * factor + 3 + 5 * near, 17 * factor + 4 + 7 * near]
    } else {
        let factor = 256 / (max_value + 1);
        [(3 / factor + 3 * near).max(2), (7 / factor + 5 * near).max(3), (21 / factor + 7 * near).max(4)]
    };
    let first = within(first, near + 1);
    let second = within(second, first);
    [first, second, within(third, second)]
}

/// Bits for as many values.
fn bits_of(count: i32) -> u32 {
    32 - (count - 1).leading_zeros()
}

/// The kind of an LSE segment with coding parameters.
const PRESETS: u8 = 1;
const DEFAULT_RESET: i32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_standard() {
        let eight = Parameters::new(8, 0, Presets::default()).unwrap();
        assert_eq!((eight.thresholds, eight.range, eight.error_bits, eight.limit), ([3, 7, 21], 256, 8, 32));
        let twelve = Parameters::new(12, 0, Presets::default()).unwrap();
        assert_eq!(twelve.thresholds, [18, 67, 276]);
        let near = Parameters::new(8, 3, Presets::default()).unwrap();
        assert_eq!((near.thresholds, near.range, near.error_bits), ([12, 22, 42], 38, 6));
        assert_eq!(Parameters::new(2, 0, Presets::default()).unwrap().thresholds, [2, 3, 3]);
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        assert!(Parameters::new(1, 0, Presets::default()).is_err());
        assert!(Parameters::new(17, 0, Presets::default()).is_err());
        assert!(Parameters::new(8, 128, Presets::default()).is_err());
        for presets in [
            Presets { max_value: 256, ..Presets::default() },
            Presets { thresholds: [9, 5, 20], ..Presets::default() },
            Presets { reset: 2, ..Presets::default() },
        ] {
            assert!(Parameters::new(8, 0, presets).is_err(), "{presets:?}");
        }
        assert!(Presets::parse(&[2, 1, 1, 0]).is_err_and(|error| error.is_unsupported()));
        assert!(Presets::parse(&[1, 0]).is_err());
    }
}
