//! The formats of the primitive types. R4 datatypes.html#primitive. The regular expressions given there are
//! scanners here, so that no input makes them slow. Beyond them dates must be in the calendar and integers
//! within their range, as the text of that page demands.

use time::{Date, Month};

use crate::fhir::Json;

/// The primitive types of R4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of R4 datatypes.html#primitive")]
pub enum Primitive {
    Base64Binary,
    Boolean,
    Canonical,
    Code,
    Date,
    DateTime,
    Decimal,
    Id,
    Instant,
    Integer,
    Markdown,
    Oid,
    PositiveInt,
    String,
    Time,
    UnsignedInt,
    Uri,
    Url,
    Uuid,
    Xhtml,
}

impl Primitive {
    /// The primitive with this name in R4.
    pub fn of_type(name: &str) -> Option<Self> {
        Some(match name {
            "base64Binary" => Self::Base64Binary,
            "boolean" => Self::Boolean,
            "canonical" => Self::Canonical,
            "code" => Self::Code,
            "date" => Self::Date,
            "dateTime" => Self::DateTime,
            "decimal" => Self::Decimal,
            "id" => Self::Id,
            "instant" => Self::Instant,
            "integer" => Self::Integer,
            "markdown" => Self::Markdown,
            "oid" => Self::Oid,
            "positiveInt" => Self::PositiveInt,
            "string" => Self::String,
            "time" => Self::Time,
            "unsignedInt" => Self::UnsignedInt,
            "uri" => Self::Uri,
            "url" => Self::Url,
            "uuid" => Self::Uuid,
            "xhtml" => Self::Xhtml,
            _ => return None,
        })
    }

    /// Whether a JSON value is of the kind that this type has: boolean, number or string.
    /// R4 json.html#primitive.
    pub fn takes(self, value: &Json) -> bool {
        match self {
            Self::Boolean => matches!(value, Json::Bool(_)),
            Self::Decimal | Self::Integer | Self::PositiveInt | Self::UnsignedInt => matches!(value, Json::Number(_)),
            _ => matches!(value, Json::String(_)),
        }
    }

    /// Whether the text of a value, as JSON writes a number or as the string holds it, has the format of
    /// this type. An empty text has none. What is in an `xhtml` is for [`super::narrative`] to say.
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Self::Boolean => matches!(text, "true" | "false"),
            Self::Integer => is_integer(text) && text.parse::<i32>().is_ok(),
            Self::UnsignedInt => is_integer(text) && text.parse::<i32>().is_ok_and(|value| value >= 0),
            Self::PositiveInt => is_integer(text) && text.parse::<i32>().is_ok_and(|value| value > 0),
            Self::Decimal => is_decimal(text),
            Self::Base64Binary => is_base64(text),
            Self::Instant => is_instant(text),
            Self::Date => date(text).is_some_and(|(_, rest)| rest.is_empty()),
            Self::DateTime => is_date_time(text),
            Self::Time => time_of_day(text).is_some_and(str::is_empty),
            Self::Code => is_code(text),
            Self::Oid => is_oid(text),
            Self::Uuid => is_uuid(text),
            Self::Id => is_id(text),
            Self::Uri | Self::Url | Self::Canonical => !text.is_empty() && !text.contains(char::is_whitespace),
            Self::String | Self::Markdown | Self::Xhtml => is_text(text),
        }
    }

    /// Greatest length in bytes. R4 datatypes.html#string.
    pub fn max_bytes(self) -> Option<usize> {
        matches!(self, Self::String | Self::Markdown).then_some(1024 * 1024)
    }
}

/// No control characters but tab and line ends. R4 datatypes.html#string.
fn is_text(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte >= 0x20 || matches!(byte, b'\t' | b'\n' | b'\r'))
}

/// `-?(0|[1-9][0-9]*)`; JSON has no plus sign.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    text == "0" || (is_digits(digits) && !digits.starts_with('0'))
}

/// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    is_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && is_digits(fraction)
        && is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
}

/// RFC 4648 §4, with white space anywhere between the characters.
fn is_base64(text: &str) -> bool {
    let mut letters = 0_usize;
    let mut padding = 0_usize;
    for byte in text.bytes() {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {}
            b'=' => padding += 1,
            b'+' | b'/' if padding == 0 => letters += 1,
            _ if padding == 0 && byte.is_ascii_alphanumeric() => letters += 1,
            _ => return false,
        }
    }
    letters > 0 && padding <= 2 && (letters + padding).is_multiple_of(4)
}

/// `[^\s]+(\s[^\s]+)*`: no white space at the ends, and never two in a row.
fn is_code(text: &str) -> bool {
    is_text(text) && text.split(char::is_whitespace).all(|word| !word.is_empty())
}

/// `urn:oid:[0-2](\.(0|[1-9][0-9]*))+`
fn is_oid(text: &str) -> bool {
    let Some((root, arcs)) = text.strip_prefix("urn:oid:").and_then(|oid| oid.split_once('.')) else { return false };
    matches!(root, "0" | "1" | "2")
        && arcs.split('.').all(|arc| is_digits(arc) && (arc == "0" || !arc.starts_with('0')))
}

/// `urn:uuid:` and five groups of small hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    let Some(uuid) = text.strip_prefix("urn:uuid:") else { return false };
    let is_hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let lengths = [8, 4, 4, 4, 12];
    uuid.split('-').count() == lengths.len()
        && uuid.split('-').zip(lengths).all(|(part, length)| part.len() == length && is_hex(part))
}

/// `[A-Za-z0-9\-\.]{1,64}`
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

fn is_date_time(text: &str) -> bool {
    match date(text) {
        Some((_, "")) => true,
        Some((Precision::Day, rest)) => rest.strip_prefix('T').and_then(time_of_day).is_some_and(is_zone),
        _ => false,
    }
}

fn is_instant(text: &str) -> bool {
    match date(text) {
        Some((Precision::Day, rest)) => rest.strip_prefix('T').and_then(time_of_day).is_some_and(is_zone),
        _ => false,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Precision {
    Year,
    Month,
    Day,
}

/// Reads a date of any precision at the start: how precise it is, and what follows it.
fn date(text: &str) -> Option<(Precision, &str)> {
    let (year, rest) = number(text, 4)?;
    if year == 0 {
        return None;
    }
    let Some(after_year) = rest.strip_prefix('-') else { return Some((Precision::Year, rest)) };
    let (month, rest) = number(after_year, 2)?;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let Some(after_month) = rest.strip_prefix('-') else { return Some((Precision::Month, rest)) };
    let (day, rest) = number(after_month, 2)?;
    Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    Some((Precision::Day, rest))
}

/// Reads `hh:mm:ss` with perhaps a fraction at the start: what follows it. A leap second is one.
fn time_of_day(text: &str) -> Option<&str> {
    let (hour, rest) = number(text, 2)?;
    let (minute, rest) = number(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = number(rest.strip_prefix(':')?, 2)?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let Some(fraction) = rest.strip_prefix('.') else { return Some(rest) };
    let after = fraction.trim_start_matches(|letter: char| letter.is_ascii_digit());
    (after.len() < fraction.len()).then_some(after)
}

/// `Z`, or an offset of up to 14 hours.
fn is_zone(text: &str) -> bool {
    if text == "Z" {
        return true;
    }
    let Some((hours, rest)) = text.strip_prefix(['+', '-']).and_then(|zone| number(zone, 2)) else { return false };
    let Some((minutes, "")) = rest.strip_prefix(':').and_then(|zone| number(zone, 2)) else { return false };
    (hours < 14 && minutes < 60) || (hours == 14 && minutes == 0)
}

/// Reads exactly `length` digits.
fn number(text: &str, length: usize) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(length)?;
    is_digits(digits).then(|| digits.parse().ok()).flatten().map(|value| (value, rest))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
