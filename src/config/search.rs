//! `[search]`: FHIR search.

use super::section::section;
use super::setting::{Given, Refusal, Setting};

section! {
    /// FHIR search.
    Search {
        /// Zone of dates and times in a search that name none, as an offset from UTC: `?date=2024-05-10` asks for that day there. It is the same in summer and in winter; clients that need more write the zone. Dates without a time in resources, as of birth, are days of the calendar and have no zone.
        zone: Offset = Offset::default();
    }
}

/// An offset from UTC: `Z`, `+01:00`, `-05:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offset {
    seconds: i32,
}

impl Offset {
    /// Seconds east of UTC.
    pub fn seconds(self) -> i32 {
        self.seconds
    }

    fn parse(text: &str) -> Option<Self> {
        if text == "Z" {
            return Some(Self::default());
        }
        let (sign, rest) = text.split_at_checked(1)?;
        let (hours, minutes) = rest.split_once(':')?;
        let number = |text: &str, below: i32| {
            let shaped = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<i32>().ok().filter(|number| shaped && *number < below)
        };
        let seconds = number(hours, 15)? * 3600 + number(minutes, 60)? * 60;
        match sign {
            "+" => Some(Self { seconds }),
            "-" => Some(Self { seconds: -seconds }),
            _ => None,
        }
    }
}

impl Setting for Offset {
    fn shape() -> String {
        "offset".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        given.text().ok().and_then(Self::parse).ok_or("must be Z or an offset as \"+01:00\"".into())
    }

    fn write(&self) -> Option<toml::Value> {
        if self.seconds == 0 {
            return Some("Z".into());
        }
        let (sign, minutes) = (if self.seconds < 0 { '-' } else { '+' }, self.seconds.abs() / 60);
        Some(format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_written_as_in_a_date() {
        for (text, seconds) in [("Z", 0), ("+01:00", 3600), ("-05:30", -19_800), ("+14:00", 50_400)] {
            let offset = Offset::parse(text).expect("valid");
            assert_eq!(offset.seconds(), seconds);
            assert_eq!(offset.write(), Some(text.into()));
        }
        for bad in ["", "01:00", "+1:00", "+01:60", "+15:00", "Europe/Berlin", "+0100", "+-1:00"] {
            assert_eq!(Offset::parse(bad), None, "{bad}");
        }
    }
}
