//! Decimal numbers that keep their text.

use std::fmt;

/// A decimal as it was written: `12.50` stays `12.50`. R4 datatypes.html#decimal without exponent.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Decimal(Box<str>);

impl Decimal {
    /// Parses `-?(0|[1-9][0-9]*)(\.[0-9]+)?`, at most 40 characters. Exponents, `NaN`, `Infinity`, a
    /// leading plus and leading zeros are refused. `-0` is refused: no twin can keep its sign.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let numeric = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let whole_fits = numeric(whole) && (whole == "0" || !whole.starts_with('0'));
        let fraction_fits = fraction.is_none_or(numeric);
        let is_zero = digits.bytes().all(|byte| byte == b'0' || byte == b'.');
        let signed_zero = text.starts_with('-') && is_zero;
        (whole_fits && fraction_fits && !signed_zero && text.len() <= MAX_LENGTH).then(|| Self(text.into()))
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest binary floating point number.
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decimal({})", self.0)
    }
}

/// Longest text that is taken.
const MAX_LENGTH: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_kept() {
        for good in ["0", "1.50", "-12.003", "0.0", "1000000000000000000000.1"] {
            assert_eq!(Decimal::parse(good).as_ref().map(Decimal::as_str), Some(good));
        }
        for bad in ["", "-", "+1", "01", "1.", ".5", "1e3", "NaN", "-0", "-0.00", "1,5", " 1", "٣"] {
            assert_eq!(Decimal::parse(bad), None, "{bad}");
        }
    }
}
