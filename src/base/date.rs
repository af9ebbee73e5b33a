//! Calendar dates and times of day that keep the text they came with.

use std::fmt;

/// A whole calendar date, `YYYY-MM-DD`. Partial dates are refused: DICOM DA (PS3.5 §6.2) has none.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date(Box<str>);

impl Date {
    /// Parses `YYYY-MM-DD`; the day must exist in the Gregorian calendar.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let shaped = bytes.len() == 10 && bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
        if !shaped {
            return None;
        }
        exists(text.get(0..4)?, text.get(5..7)?, text.get(8..10)?).then(|| Self(text.into()))
    }

    /// Parses a DICOM DA, `YYYYMMDD`. PS3.5 §6.2.
    pub fn parse_da(text: &str) -> Option<Self> {
        let text = text.trim_end();
        if text.len() != 8 || !text.is_ascii() {
            return None;
        }
        Self::parse(&format!("{}-{}-{}", text.get(0..4)?, text.get(4..6)?, text.get(6..8)?))
    }

    /// `YYYY-MM-DD`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A DICOM DA, `YYYYMMDD`.
    pub fn to_da(&self) -> String {
        self.0.replace('-', "")
    }
}

fn exists(year: &str, month: &str, day: &str) -> bool {
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u16>().ok()).flatten();
    let (Some(year), Some(month), Some(day)) = (number(year), number(month), number(day)) else {
        return false;
    };
    let Some(month) = u8::try_from(month).ok().and_then(|month| time::Month::try_from(month).ok()) else {
        return false;
    };
    u8::try_from(day).is_ok_and(|day| year > 0 && time::Date::from_calendar_date(i32::from(year), month, day).is_ok())
}

/// A time of day, `HH:MM:SS` with up to six decimals of a second, without zone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimeOfDay(Box<str>);

impl TimeOfDay {
    /// Parses `HH:MM:SS[.ffffff]`. Second 60 is refused: FHIR time (R4 datatypes.html#time) allows it
    /// for leap seconds only, and DICOM TM peers differ.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        if let Some(fraction) = fraction {
            let plain = (1..=6).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
            if !plain {
                return None;
            }
        }
        let bytes = whole.as_bytes();
        if bytes.len() != 8 || bytes.get(2) != Some(&b':') || bytes.get(5) != Some(&b':') {
            return None;
        }
        let within = |from: usize, limit: u8| {
            whole
                .get(from..from + 2)
                .filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|part| part.parse::<u8>().ok())
                .is_some_and(|value| value < limit)
        };
        (within(0, 24) && within(3, 60) && within(6, 60)).then(|| Self(text.into()))
    }

    /// Parses a DICOM TM, `HH[MM[SS[.ffffff]]]`; missing parts count as zero. PS3.5 §6.2.
    pub fn parse_tm(text: &str) -> Option<Self> {
        let text = text.trim_end();
        if !text.is_ascii() {
            return None;
        }
        let (whole, fraction) = text.split_once('.').map_or((text, ""), |(whole, fraction)| (whole, fraction));
        let padded = match whole.len() {
            2 | 4 | 6 => format!("{whole:0<6}"),
            _ => return None,
        };
        let mut out = format!("{}:{}:{}", padded.get(0..2)?, padded.get(2..4)?, padded.get(4..6)?);
        if !fraction.is_empty() {
            out.push('.');
            out.push_str(fraction);
        }
        Self::parse(&out)
    }

    /// `HH:MM:SS[.ffffff]`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A DICOM TM, `HHMMSS[.ffffff]`.
    pub fn to_tm(&self) -> String {
        self.0.replace(':', "")
    }
}

macro_rules! shown_as_text {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )*};
}

shown_as_text!(Date, TimeOfDay);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_must_exist() {
        assert_eq!(Date::parse("2024-02-29").map(|date| date.to_da()), Some("20240229".to_owned()));
        assert_eq!(Date::parse_da("20240229").map(|date| date.to_string()), Some("2024-02-29".to_owned()));
        for bad in
            ["2023-02-29", "2024-13-01", "2024-00-10", "2024-1-1", "0000-01-01", "2024", "+024-01-01", "２０２４-01-01"]
        {
            assert_eq!(Date::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_keep_their_precision() {
        assert_eq!(TimeOfDay::parse("08:05:09.120").map(|time| time.to_tm()), Some("080509.120".to_owned()));
        assert_eq!(TimeOfDay::parse_tm("0805").map(|time| time.to_string()), Some("08:05:00".to_owned()));
        for bad in ["24:00:00", "08:60:00", "08:05", "08:05:60", "08:05:09.", "08:05:09.1234567"] {
            assert_eq!(TimeOfDay::parse(bad), None, "{bad}");
        }
    }
}
