//! Values and units of quantities.

use crate::base::Decimal;
use crate::report::codes::systems;

use super::trace::Element;

/// A number as a plain decimal: an exponent is written out, digit by digit.
pub(super) fn plain_decimal(number: &str) -> Option<Decimal> {
    let (mantissa, exponent) = number
        .split_once(['e', 'E'])
        .map_or((number, 0), |(mantissa, exponent)| (mantissa, exponent.parse::<i32>().unwrap_or(i32::MAX)));
    if exponent == 0 {
        return Decimal::parse(mantissa);
    }
    if exponent.unsigned_abs() > LARGEST_EXPONENT {
        return None;
    }
    let (sign, digits) = mantissa.strip_prefix('-').map_or(("", mantissa), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let (whole, fraction) = match usize::try_from(point) {
        Ok(point) if point >= all.len() => (format!("{all:0<point$}"), String::new()),
        Ok(point) => (all.get(..point)?.to_owned(), all.get(point..)?.to_owned()),
        Err(_negative) => {
            let zeros = usize::try_from(point.unsigned_abs()).ok()?;
            (String::new(), format!("{}{all}", "0".repeat(zeros)))
        }
    };
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let text = if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
    Decimal::parse(&text)
}

const LARGEST_EXPONENT: u32 = 40;

/// A unit of UCUM: the code, or the unit's name where the system is not said and the name is one.
pub(super) fn ucum_unit<'a>(quantity: Element<'_, 'a>) -> Option<&'a str> {
    let unit = match (quantity.peek("system"), quantity.peek("code"), quantity.peek("unit")) {
        (Some(systems::UCUM), Some(code), _) => code,
        (None, None, Some(unit)) => unit,
        (None, None, None) => return Some("1"),
        _ => return None,
    };
    (unit.bytes().all(|byte| byte.is_ascii_graphic()) && ucum::validate(unit).is_ok()).then_some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_written_out() {
        let cases = [
            ("1.50", Some("1.50")),
            ("1e3", Some("1000")),
            ("1.50e1", Some("15.0")),
            ("1.50E+2", Some("150")),
            ("-2.5e-3", Some("-0.0025")),
            ("12e-1", Some("1.2")),
            ("0.5e1", Some("5")),
            ("1e99", None),
            ("1e999999999999", None),
            ("-0", None),
        ];
        for (number, decimal) in cases {
            assert_eq!(plain_decimal(number).as_ref().map(Decimal::as_str), decimal, "{number}");
        }
    }
}
