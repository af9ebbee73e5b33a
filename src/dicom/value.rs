//! What a text may be in a value representation: length, characters, line breaks; and decimals as DS.
//! PS3.5 §6.2. Lengths count characters, not bytes.

use unicode_segmentation::UnicodeSegmentation;

use crate::base::Decimal;

/// The text value representations that the gateway fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextVr {
    /// Short string, 16 characters.
    Sh,
    /// Long string, 64 characters.
    Lo,
    /// Short text, 1024 characters, with line breaks.
    St,
    /// Unlimited text, with line breaks.
    Ut,
    /// Person name: 64 characters in each component group.
    Pn,
}

/// A text made to fit, and what had to be done for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitted {
    /// The text as it goes into the element.
    pub text: String,
    /// What of the text did not survive, lower case, without the text; `None` if a reader gets it back
    /// as it was.
    pub change: Option<&'static str>,
}

impl TextVr {
    /// Makes `text` fit. Line breaks become CR LF where they are allowed, and spaces elsewhere;
    /// backslashes separate values, so that they become slashes in the short forms; what is too long is
    /// cut between graphemes. The ends of the short forms are trimmed, since spaces there do not count.
    pub fn fit(self, text: &str) -> Fitted {
        match self {
            Self::Sh => fit_line(text, 16),
            Self::Lo => fit_line(text, 64),
            Self::St => fit_lines(text, Some(1024)),
            Self::Ut => fit_lines(text, None),
            Self::Pn => fit_name(text),
        }
    }
}

fn fit_line(text: &str, max: usize) -> Fitted {
    let trimmed = text.trim_matches(' ');
    let mut change = (trimmed.len() != text.len()).then_some(TRIMMED);
    let mut out = String::with_capacity(trimmed.len());
    for character in trimmed.chars() {
        out.push(match character {
            '\\' => '/',
            control if control.is_control() => ' ',
            other => other,
        });
    }
    if out != trimmed {
        change = Some(REPLACED);
        out = out.trim_matches(' ').to_owned();
    }
    if let Some(cut) = cut(&out, max) {
        change = Some(CUT);
        out = cut.trim_end_matches(' ').to_owned();
    }
    Fitted { text: out, change }
}

fn fit_lines(text: &str, max: Option<usize>) -> Fitted {
    let ended = text.trim_end_matches(' ');
    let mut change = (ended.len() != text.len()).then_some(TRIMMED);
    let mut out = String::with_capacity(ended.len() + 16);
    let mut rest = ended.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\r' => {
                rest.next_if_eq(&'\n');
                change = Some(REPLACED);
                out.push_str("\r\n");
            }
            '\n' => out.push_str("\r\n"),
            '\t' => out.push('\t'),
            control if control.is_control() => {
                change = Some(REPLACED);
                out.push(' ');
            }
            other => out.push(other),
        }
    }
    out.truncate(out.trim_end_matches(' ').len());
    if let Some(cut) = max.and_then(|max| cut(&out, max)) {
        change = Some(CUT);
        out = cut.trim_end_matches(' ').to_owned();
    }
    Fitted { text: out, change }
}

/// `text` is PN text: groups by `=`, components by `^`.
fn fit_name(text: &str) -> Fitted {
    let mut change = None;
    let mut groups: Vec<String> = Vec::new();
    for group in text.split('=') {
        let fitted = fit_line(group, 64);
        change = change.or(fitted.change);
        groups.push(fitted.text);
    }
    Fitted { text: groups.join("=").trim_end_matches('=').to_owned(), change }
}

/// The longest beginning of `text` that has at most `max` characters and ends between graphemes; `None`
/// if the whole text fits.
fn cut(text: &str, max: usize) -> Option<&str> {
    let limit = text.char_indices().nth(max)?.0;
    let end = text
        .grapheme_indices(true)
        .map(|(start, grapheme)| start + grapheme.len())
        .take_while(|end| *end <= limit)
        .last()
        .unwrap_or(0);
    // A single grapheme longer than the whole field has no better place to be cut than a character.
    let end = if end == 0 { limit } else { end };
    text.get(..end)
}

/// Text as people and FHIR read it: line breaks are `\n`, and other control characters than tab are
/// gone. The reverse of [`TextVr::fit`] for texts that fit.
pub fn from_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\r' => {
                rest.next_if_eq(&'\n');
                out.push('\n');
            }
            '\x0c' => out.push('\n'),
            '\n' | '\t' => out.push(character),
            control if control.is_control() => {}
            other => out.push(other),
        }
    }
    out
}

/// A number as a DS value. PS3.5 §6.2: at most 16 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecimalString {
    /// At most 16 characters.
    pub text: String,
    /// Whether the text is the number's own, digit for digit.
    pub is_exact: bool,
}

impl DecimalString {
    /// The number itself if it is short enough, else the nearest with as many digits as there is room
    /// for, with an exponent where that keeps more of them.
    pub fn of(value: &Decimal) -> Self {
        if value.as_str().len() <= DS_BYTES {
            return Self { text: value.as_str().to_owned(), is_exact: true };
        }
        Self { text: rounded(value.as_str()), is_exact: false }
    }
}

/// A DS value as a plain decimal: exponents are written out, a plus sign, leading zeros and bare points
/// are put right. `None` if it is no number or has more digits than [`Decimal`] keeps.
pub fn decimal_of_ds(text: &str) -> Option<Decimal> {
    let text = text.trim_matches(' ');
    if let Some(plain) = Decimal::parse(text) {
        return Some(plain);
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok().filter(|power| power.abs() <= 64)?),
        None => (text, 0),
    };
    let negative = mantissa.starts_with('-');
    let digits = mantissa.trim_start_matches(['-', '+']);
    if mantissa.len() - digits.len() > 1 {
        return None;
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !numeric(whole) || !numeric(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let all = format!("{whole}{fraction}");
    let point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let (whole, fraction) = match usize::try_from(point) {
        Ok(point) if point >= all.len() => (format!("{all:0<point$}"), String::new()),
        Ok(point) => (all.get(..point)?.to_owned(), all.get(point..)?.to_owned()),
        Err(_) => (String::new(), format!("{}{all}", "0".repeat(usize::try_from(-point).ok()?))),
    };
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        trimmed => trimmed,
    };
    let is_zero = whole == "0" && fraction.bytes().all(|byte| byte == b'0');
    let sign = if negative && !is_zero { "-" } else { "" };
    let plain = if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
    Decimal::parse(&plain)
}

/// `text` is a plain decimal of more than 16 characters.
fn rounded(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let room = DS_BYTES - sign.len();
    // Significant digits and the power of ten of the first of them.
    let all = format!("{whole}{fraction}");
    let leading = all.bytes().take_while(|byte| *byte == b'0').count();
    let significant = all.get(leading..).unwrap_or_default();
    if significant.is_empty() {
        return "0".to_owned();
    }
    let power = signed(whole.len()) - 1 - signed(leading);
    if whole.len() <= room && power > -4 {
        // Fixed point: the point takes one place unless nothing follows it.
        let places = room.saturating_sub(whole.len() + 1);
        let (whole, fraction) = round_fixed(whole, fraction, places);
        let out = if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
        if out.len() <= DS_BYTES {
            return out;
        }
    }
    let exponent_room = 1 + power.to_string().len().max((power + 1).to_string().len());
    let keep = room.saturating_sub(exponent_room + 1).max(1);
    let (mantissa, carried) = round_digits(significant, keep);
    let power = power + i32::from(carried);
    let first = mantissa.get(..1).unwrap_or("0");
    let rest = mantissa.get(1..).unwrap_or_default().trim_end_matches('0');
    if rest.is_empty() { format!("{sign}{first}E{power}") } else { format!("{sign}{first}.{rest}E{power}") }
}

fn signed(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Rounds to `places` digits after the point, halves away from zero.
fn round_fixed(whole: &str, fraction: &str, places: usize) -> (String, String) {
    let keep = whole.len() + places.min(fraction.len());
    let all = format!("{whole}{fraction}");
    let (digits, carried) = round_digits(&all, keep);
    let whole_length = whole.len() + usize::from(carried);
    let digits = if carried { format!("{digits}0") } else { digits };
    let fraction = digits.get(whole_length..).unwrap_or_default();
    let fraction: String = fraction.chars().take(places).collect();
    (digits.get(..whole_length).unwrap_or_default().to_owned(), fraction)
}

/// The first `keep` digits, rounded by the next one. The flag says that a digit was added in front; the
/// number of digits stays the same then, at one power of ten more.
fn round_digits(digits: &str, keep: usize) -> (String, bool) {
    let mut kept: Vec<u8> = digits.bytes().take(keep).collect();
    let mut up = digits.as_bytes().get(keep).is_some_and(|next| *next >= b'5');
    for digit in kept.iter_mut().rev() {
        if !up {
            break;
        }
        up = *digit == b'9';
        *digit = if up { b'0' } else { *digit + 1 };
    }
    if up {
        kept.insert(0, b'1');
        kept.truncate(keep.max(1));
    }
    (kept.into_iter().map(char::from).collect(), up)
}

/// Longest DS value.
const DS_BYTES: usize = 16;

const TRIMMED: &str = "spaces at its ends are not kept";
const REPLACED: &str = "characters that DICOM does not allow there are replaced";
const CUT: &str = "is cut to the length that DICOM allows";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_made_to_fit() {
        let fit = |vr: TextVr, text: &str| {
            let fitted = vr.fit(text);
            (fitted.text, fitted.change)
        };
        assert_eq!(fit(TextVr::Sh, "ACC-1"), ("ACC-1".into(), None));
        assert_eq!(fit(TextVr::Sh, " a\\b\n"), ("a/b".into(), Some(REPLACED)));
        assert_eq!(fit(TextVr::Sh, "12345678901234567"), ("1234567890123456".into(), Some(CUT)));
        assert_eq!(fit(TextVr::Ut, "a\nb\tc\u{7}"), ("a\r\nb\tc".into(), Some(REPLACED)));
        assert_eq!(fit(TextVr::Ut, "a\\b "), ("a\\b".into(), Some(TRIMMED)));
        assert_eq!(fit(TextVr::Pn, "Doe^Jane=山田^太郎="), ("Doe^Jane=山田^太郎".into(), None));
        // 16 characters fall into the middle of a family emoji (7 characters, one grapheme).
        let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466}";
        assert_eq!(fit(TextVr::Sh, &family.repeat(3)).0, family.repeat(2));
    }

    #[test]
    fn long_decimals_are_rounded_into_sixteen_characters() {
        let ds = |text: &str| DecimalString::of(&Decimal::parse(text).expect("valid")).text;
        assert_eq!(ds("1.50"), "1.50");
        assert_eq!(ds("8.2000000000000000001"), "8.20000000000000");
        assert_eq!(ds("-8.99999999999999999999"), "-9.0000000000000");
        assert_eq!(ds("99999999999999999999"), "1E20");
        assert_eq!(ds("12345678901234567890"), "1.23456789012E19");
        assert_eq!(ds("0.000000000000000000123456789"), "1.23456789E-19");
        assert_eq!(ds("0.00000000000000000000"), "0");
        assert_eq!(ds("9999999999999999.9"), "1E16");
        assert!(!DecimalString::of(&Decimal::parse("0.00000000000000000000").expect("valid")).is_exact);
    }

    #[test]
    fn ds_values_become_plain_decimals() {
        let plain = |text: &str| decimal_of_ds(text).map(|value| value.to_string());
        for (ds, expected) in [
            (" 1.50 ", "1.50"),
            ("+3", "3"),
            ("007.0", "7.0"),
            ("3.", "3"),
            (".5", "0.5"),
            ("-0.0", "0.0"),
            ("1.25E2", "125"),
            ("1.25e-3", "0.00125"),
            ("-1E1", "-10"),
            ("1.23456789E-19", "0.000000000000000000123456789"),
        ] {
            assert_eq!(plain(ds).as_deref(), Some(expected), "{ds}");
        }
        for bad in ["", ".", "abc", "1E99", "--1", "1e", "NaN", "1,5", "1 2"] {
            assert_eq!(plain(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_ds_is_short_and_near(text in "-?[1-9][0-9]{0,24}(\\.[0-9]{1,14})?|0\\.[0-9]{1,38}") {
            if let Some(value) = Decimal::parse(&text) {
                let ds = DecimalString::of(&value);
                prop_assert!(ds.text.len() <= DS_BYTES, "{}", ds.text);
                let near = ds.text.parse::<f64>().expect("a number");
                prop_assert!((near - value.to_f64()).abs() <= value.to_f64().abs() * 1e-8, "{text} {}", ds.text);
                if ds.is_exact {
                    prop_assert_eq!(&ds.text, &text);
                }
            }
        }

        #[test]
        fn fitting_never_fails_and_holds_its_limits(text in "\\PC{0,80}|[\\x00-\\x7f]{0,80}") {
            for (vr, max) in [(TextVr::Sh, 16), (TextVr::Lo, 64), (TextVr::St, 1024)] {
                let fitted = vr.fit(&text);
                prop_assert!(fitted.text.chars().count() <= max);
                if fitted.change.is_none() {
                    prop_assert_eq!(from_lines(&fitted.text), text.clone());
                }
            }
        }

        #[test]
        fn any_text_is_read_as_a_number_or_refused(text in "[-+.0-9eE ]{0,20}") {
            let _ = decimal_of_ds(&text);
        }
    }
}
