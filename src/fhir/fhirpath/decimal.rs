//! Decimals of FHIRPath: exact, with the digits behind the point that they were written with. FHIRPath 2.0.0
//! §Decimal asks for 28 digits and 8 places; here are up to 38 digits.

use std::cmp::Ordering;
use std::fmt;

/// Places that a quotient is computed to, when it fits.
const QUOTIENT_SCALE: u32 = 20;
/// Most places that a number has.
const MAX_SCALE: u32 = 28;

/// A number: `mantissa / 10^scale`.
#[derive(Debug, Clone, Copy)]
pub struct Decimal {
    mantissa: i128,
    scale: u32,
}

impl Decimal {
    /// Reads what JSON or FHIRPath writes: `-1.50`, `1.5e3`. Places behind the 28th are cut off; `None` if it is
    /// no number, or too great.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i32 = exponent.parse().ok()?;
        let (is_negative, number) = match number.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, number.strip_prefix('+').unwrap_or(number)),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || (fraction.is_empty() && number.contains('.')) {
            return None;
        }
        let mut mantissa: i128 = 0;
        let mut scale: i32 = exponent.checked_neg()?;
        for byte in whole.bytes() {
            mantissa = mantissa.checked_mul(10)?.checked_add(digit(byte)?)?;
        }
        for byte in fraction.bytes() {
            let digit = digit(byte)?;
            if scale >= MAX_SCALE.cast_signed() {
                continue;
            }
            match mantissa.checked_mul(10).and_then(|shifted| shifted.checked_add(digit)) {
                Some(longer) => mantissa = longer,
                None => continue,
            }
            scale = scale.checked_add(1)?;
        }
        if is_negative {
            mantissa = -mantissa;
        }
        if scale < 0 {
            return Some(Self { mantissa: mantissa.checked_mul(power_of_ten(scale.unsigned_abs())?)?, scale: 0 });
        }
        Some(Self { mantissa, scale: scale.unsigned_abs() }.at_most(MAX_SCALE))
    }

    /// A whole number.
    pub fn from_integer(value: i64) -> Self {
        Self { mantissa: i128::from(value), scale: 0 }
    }

    /// The closest to a floating point number, with 15 significant digits; `None` if it is not finite or too great.
    pub fn from_float(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        Self::parse(&format!("{value:.14e}")).map(Self::stripped)
    }

    /// As a floating point number.
    pub fn to_float(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The whole number, if it is one that fits.
    pub fn to_integer(self) -> Option<i64> {
        let whole = self.stripped();
        (whole.scale == 0).then(|| i64::try_from(whole.mantissa).ok()).flatten()
    }

    /// Digits behind the point.
    pub fn scale(self) -> u32 {
        self.scale
    }

    /// All digits, those behind the point included, zeros in front not.
    pub fn digits(self) -> u32 {
        let count = self.mantissa.unsigned_abs().checked_ilog10().map_or(1, |power| power + 1);
        count.max(self.scale + 1)
    }

    /// Whether it is less than nothing.
    pub fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// Whether it is 0.
    pub fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// Without its sign.
    #[must_use]
    pub fn abs(self) -> Self {
        Self { mantissa: self.mantissa.saturating_abs(), ..self }
    }

    /// With the other sign.
    #[must_use]
    pub fn negate(self) -> Self {
        Self { mantissa: self.mantissa.saturating_neg(), ..self }
    }

    /// Sum; `None` if it is too great.
    pub fn plus(self, other: Self) -> Option<Self> {
        let (left, right, scale) = aligned(self, other)?;
        Some(Self { mantissa: left.checked_add(right)?, scale })
    }

    /// Difference; `None` if it is too great.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(other.negate())
    }

    /// Product; `None` if it is too great.
    pub fn times(self, other: Self) -> Option<Self> {
        let product = |left: Self, right: Self| {
            let mantissa = left.mantissa.checked_mul(right.mantissa)?;
            Some(Self { mantissa, scale: left.scale + right.scale })
        };
        let exact = product(self, other).or_else(|| product(self.stripped(), other.stripped()))?;
        Some(exact.at_most(MAX_SCALE))
    }

    /// Quotient; `None` by zero.
    pub fn divided_by(self, other: Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        let mut scale = QUOTIENT_SCALE;
        loop {
            let shift = scale + other.scale;
            let scaled = match shift.checked_sub(self.scale) {
                Some(up) => power_of_ten(up).and_then(|power| self.mantissa.checked_mul(power)),
                None => Some(rounded_quotient(self.mantissa, power_of_ten(self.scale - shift)?)),
            };
            match scaled {
                Some(scaled) => {
                    return Some(Self { mantissa: rounded_quotient(scaled, other.mantissa), scale }.stripped());
                }
                None if scale == 0 => return None,
                None => scale -= 1,
            }
        }
    }

    /// Quotient without its fraction; `None` by zero.
    pub fn whole_quotient(self, other: Self) -> Option<Self> {
        let (left, right, _) = aligned(self, other)?;
        Some(Self { mantissa: left.checked_div(right)?, scale: 0 })
    }

    /// What remains of a division; `None` by zero.
    pub fn remainder(self, other: Self) -> Option<Self> {
        let (left, right, scale) = aligned(self, other)?;
        Some(Self { mantissa: left.checked_rem(right)?, scale })
    }

    /// The whole number towards zero.
    #[must_use]
    pub fn truncated(self) -> Self {
        Self { mantissa: self.mantissa / self.unit(), scale: 0 }
    }

    /// The whole number below or at it.
    #[must_use]
    pub fn floor(self) -> Self {
        Self { mantissa: self.mantissa.div_euclid(self.unit()), scale: 0 }
    }

    /// The whole number above or at it.
    #[must_use]
    pub fn ceiling(self) -> Self {
        self.negate().floor().negate()
    }

    /// Rounded to so many places, half away from zero. Adds no places.
    #[must_use]
    pub fn rounded(self, places: u32) -> Self {
        let Some(cut) = self.scale.checked_sub(places) else { return self };
        // What is cut off by more places than a number can have is nothing.
        let mantissa = power_of_ten(cut).map_or(0, |power| rounded_quotient(self.mantissa, power));
        Self { mantissa, scale: places }
    }

    /// Cut or filled to so many places, towards lesser numbers if `down`, else towards greater ones.
    pub fn bounded(self, places: u32, down: bool) -> Option<Self> {
        if places >= self.scale {
            let mantissa = self.mantissa.checked_mul(power_of_ten(places - self.scale)?)?;
            return Some(Self { mantissa, scale: places });
        }
        let power = power_of_ten(self.scale - places)?;
        let mantissa = if down { self.mantissa.div_euclid(power) } else { -(-self.mantissa).div_euclid(power) };
        Some(Self { mantissa, scale: places })
    }

    /// Half of what the last digit stands for.
    #[must_use]
    pub fn half_unit(self) -> Self {
        Self { mantissa: 5, scale: self.scale + 1 }
    }

    /// Without zeros at the end of the fraction.
    #[must_use]
    pub fn stripped(mut self) -> Self {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }

    /// What is the same for equal numbers only.
    pub fn key(self) -> (i128, u32) {
        let stripped = self.stripped();
        (stripped.mantissa, stripped.scale)
    }

    fn at_most(self, scale: u32) -> Self {
        if self.scale > scale { self.rounded(scale) } else { self }
    }

    fn unit(self) -> i128 {
        power_of_ten(self.scale).unwrap_or(i128::MAX)
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let parts = |number: &Self| (number.mantissa / number.unit(), number.mantissa % number.unit());
        let ((left, left_rest), (right, right_rest)) = (parts(self), parts(other));
        let scale = self.scale.max(other.scale);
        // A fraction of `s` digits filled to 38 digits at most fits.
        let filled = |rest: i128, from: u32| rest.saturating_mul(power_of_ten(scale - from).unwrap_or(i128::MAX));
        left.cmp(&right).then_with(|| filled(left_rest, self.scale).cmp(&filled(right_rest, other.scale)))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return write!(f, "{}", self.mantissa);
        }
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let unit = self.unit().unsigned_abs();
        let digits = self.mantissa.unsigned_abs();
        let width = usize::try_from(self.scale).unwrap_or(0);
        write!(f, "{sign}{}.{:0width$}", digits / unit, digits % unit)
    }
}

fn digit(byte: u8) -> Option<i128> {
    byte.is_ascii_digit().then(|| i128::from(byte - b'0'))
}

fn power_of_ten(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

/// Both with the places of the one that has more.
fn aligned(left: Decimal, right: Decimal) -> Option<(i128, i128, u32)> {
    let scale = left.scale.max(right.scale);
    let fill = |number: Decimal| number.mantissa.checked_mul(power_of_ten(scale - number.scale)?);
    Some((fill(left)?, fill(right)?, scale))
}

/// Half away from zero; `divisor` is not 0.
fn rounded_quotient(dividend: i128, divisor: i128) -> i128 {
    let whole = dividend / divisor;
    let rest = dividend % divisor;
    if rest.unsigned_abs() >= divisor.unsigned_abs() - rest.unsigned_abs() && rest != 0 {
        whole + if (dividend < 0) == (divisor < 0) { 1 } else { -1 }
    } else {
        whole
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn the_text_is_kept() {
        for text in ["0", "1.50", "-0.001", "12345678901234567890.123456789", "-7"] {
            assert_eq!(decimal(text).to_string(), text);
        }
        assert_eq!(decimal("1.5e3").to_string(), "1500");
        assert_eq!(decimal("15E-3").to_string(), "0.015");
        for bad in ["", "-", ".5", "1.", "1e", "1e99999", "a", "1.a", "99999999999999999999999999999999999999999"] {
            assert!(Decimal::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn arithmetic_is_exact() {
        assert_eq!(decimal("1.8").minus(decimal("1.2")), Some(decimal("0.6")));
        assert_eq!(decimal("1.2").times(decimal("1.8")), Some(decimal("2.16")));
        assert_eq!(decimal("1").divided_by(decimal("8")).map(|q| q.to_string()), Some("0.125".to_owned()));
        assert_eq!(decimal("2").divided_by(decimal("3")).map(|q| q.rounded(4).to_string()), Some("0.6667".to_owned()));
        assert_eq!(decimal("2.2").remainder(decimal("1.8")), Some(decimal("0.4")));
        assert_eq!(decimal("1").divided_by(decimal("0.0")), None);
        assert_eq!(decimal("-2.1").floor(), decimal("-3"));
        assert_eq!(decimal("-1.1").ceiling(), decimal("-1"));
        assert!(decimal("1e37") > decimal("0.0000000000000000000000000001"));
    }

    proptest! {
        #[test]
        fn no_number_makes_it_panic(
            left in "-?[0-9]{1,40}(\\.[0-9]{1,40})?([eE]-?[0-9]{1,3})?",
            right in "-?[0-9]{1,40}(\\.[0-9]{1,40})?",
            places in 0_u32..60,
        ) {
            if let (Some(left), Some(right)) = (Decimal::parse(&left), Decimal::parse(&right)) {
                let _ = (left.plus(right), left.minus(right), left.times(right), left.divided_by(right));
                let _ = (left.whole_quotient(right), left.remainder(right), left.floor(), left.ceiling());
                let _ = (left.rounded(places), left.bounded(places, true), left.bounded(places, false), left.digits());
                let _ = left.cmp(&right);
                prop_assert_eq!(Decimal::parse(&left.to_string()), Some(left));
            }
        }
    }
}
