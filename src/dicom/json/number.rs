//! Numbers as JSON has them.

use std::fmt::Write as _;

/// An IS or DS value as a number, digit for digit, if JSON has numbers of that form; otherwise as a string. PS3.18
/// Table F.2.3-1 allows both.
pub(super) fn decimal(text: &str, out: &mut String) {
    if is_json_number(text) && text.parse::<f64>().is_ok_and(f64::is_finite) {
        out.push_str(text);
    } else {
        super::write::string(text, out);
    }
}

/// RFC 8259 §6.
fn is_json_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

/// A float; what JSON has no number for is a string.
pub(super) fn float(value: f64, shortest: &str, out: &mut String) {
    if value.is_finite() {
        out.push_str(shortest);
    } else if value.is_nan() {
        out.push_str("\"NaN\"");
    } else {
        out.push_str(if value > 0.0 { "\"inf\"" } else { "\"-inf\"" });
    }
}

/// An integer; as a string where readers that count in doubles would change it.
pub(super) fn long(value: i128, out: &mut String) {
    let is_safe = value.unsigned_abs() <= 1 << 53;
    let _never_fails = if is_safe { write!(out, "{value}") } else { write!(out, "\"{value}\"") };
}
