//! Dates and times of FHIR as the ranges of instants that they stand for. R4 search.html#date.

use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

use crate::base::Timestamp;

/// A range of instants: from `from`, which belongs to it, up to `until`, which does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First instant.
    pub from: Timestamp,
    /// First instant behind the range.
    pub until: Timestamp,
}

impl Range {
    /// What a FHIR date, dateTime or instant stands for: `2024` the whole year, `2024-05-10T10:00:00Z`
    /// one second, `…:00.5Z` a tenth of one. What has no zone counts as UTC. `None` if it is none of
    /// them.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let mut parts = date.split('-');
        let year = digits(parts.next()?, 4)?;
        let month = parts.next().map(|part| digits(part, 2)).map_or(Some(None), |month| month.map(Some))?;
        let day = parts.next().map(|part| digits(part, 2)).map_or(Some(None), |day| day.map(Some))?;
        if parts.next().is_some() {
            return None;
        }
        match (month, day, time) {
            (None, None, None) => Some(Self { from: midnight(year, 1, 1)?, until: midnight(year + 1, 1, 1)? }),
            (Some(month), None, None) => {
                let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
                Some(Self { from: midnight(year, month, 1)?, until: midnight(next.0, next.1, 1)? })
            }
            (Some(month), Some(day), None) => {
                let from = midnight(year, month, day)?;
                Some(Self { from, until: from.plus_seconds(86_400) })
            }
            (Some(month), Some(day), Some(time)) => within_day(calendar(year, month, day)?, time),
            _ => None,
        }
    }

    /// From the start of one range to the end of another; an absent end is open.
    pub fn span(start: Option<Self>, end: Option<Self>) -> Self {
        Self {
            from: start.map_or(Timestamp(i64::MIN), |range| range.from),
            until: end.map_or(Timestamp(i64::MAX), |range| range.until),
        }
    }
}

fn within_day(date: Date, text: &str) -> Option<Range> {
    let zone_at = text.find(['Z', '+', '-']).unwrap_or(text.len());
    let (clock, zone) = text.split_at_checked(zone_at)?;
    let offset = offset(zone)?;
    let (whole, fraction) = match clock.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (clock, None),
    };
    let mut parts = whole.split(':');
    let hour = u8::try_from(digits(parts.next()?, 2)?).ok()?;
    let minute = u8::try_from(digits(parts.next()?, 2)?).ok()?;
    let second = parts.next().map(|part| digits(part, 2)).map_or(Some(None), |second| second.map(Some))?;
    if parts.next().is_some() || (fraction.is_some() && second.is_none()) {
        return None;
    }
    // A leap second has no place of its own in UTC as computers count it.
    let second_shown = u8::try_from(second.unwrap_or(0).min(59)).ok()?;
    if second.is_some_and(|second| second > 60) {
        return None;
    }
    let time = Time::from_hms(hour, minute, second_shown).ok()?;
    let start = OffsetDateTime::new_in_offset(date, time, offset);
    let from = Timestamp::from_utc(start);
    let (from, width) = match (fraction, second) {
        (Some(fraction), _) => {
            let (micros, width) = micros(fraction)?;
            (Timestamp(from.0.checked_add(micros)?), width)
        }
        (None, Some(_)) => (from, 1_000_000),
        (None, None) => (from, 60_000_000),
    };
    Some(Range { from, until: Timestamp(from.0.checked_add(width)?) })
}

/// Microseconds of a decimal fraction of a second, and how many its last digit stands for.
fn micros(fraction: &str) -> Option<(i64, i64)> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kept = fraction.get(..6).unwrap_or(fraction);
    let scale = 10_i64.checked_pow(u32::try_from(6 - kept.len()).ok()?)?;
    Some((kept.parse::<i64>().ok()? * scale, scale))
}

fn offset(zone: &str) -> Option<UtcOffset> {
    if zone.is_empty() || zone == "Z" {
        return Some(UtcOffset::UTC);
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let hours = i8::try_from(digits(hours, 2)?).ok().filter(|hours| *hours <= 14)?;
    let minutes = i8::try_from(digits(minutes, 2)?).ok().filter(|minutes| *minutes < 60)?;
    let sign = if sign == "-" { -1 } else { 1 };
    UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()
}

fn midnight(year: i32, month: i32, day: i32) -> Option<Timestamp> {
    // The year after 9999 is where the last range ends.
    if year == 10_000 {
        return Some(midnight(9999, 12, 31)?.plus_seconds(86_400));
    }
    Some(Timestamp::from_utc(OffsetDateTime::new_utc(calendar(year, month, day)?, Time::MIDNIGHT)))
}

fn calendar(year: i32, month: i32, day: i32) -> Option<Date> {
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok().filter(|_| year > 0)
}

fn digits(text: &str, count: usize) -> Option<i32> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> Option<(String, String)> {
        Range::parse(text).map(|range| (range.from.to_fhir(), range.until.to_fhir()))
    }

    #[test]
    fn precision_makes_the_range() {
        let cases = [
            ("2024", "2024-01-01T00:00:00.000Z", "2025-01-01T00:00:00.000Z"),
            ("2024-12", "2024-12-01T00:00:00.000Z", "2025-01-01T00:00:00.000Z"),
            ("2024-02-29", "2024-02-29T00:00:00.000Z", "2024-03-01T00:00:00.000Z"),
            ("2024-05-10T10:00Z", "2024-05-10T10:00:00.000Z", "2024-05-10T10:01:00.000Z"),
            ("2024-05-10T10:00:00+02:00", "2024-05-10T08:00:00.000Z", "2024-05-10T08:00:01.000Z"),
            ("2024-05-10T23:30:00-05:30", "2024-05-11T05:00:00.000Z", "2024-05-11T05:00:01.000Z"),
            ("2024-05-10T10:00:00.25Z", "2024-05-10T10:00:00.250Z", "2024-05-10T10:00:00.260Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z", "2017-01-01T00:00:00.000Z"),
        ];
        for (text, from, until) in cases {
            assert_eq!(shown(text), Some((from.to_owned(), until.to_owned())), "{text}");
        }
        assert!(Range::parse("9999").is_some());
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for bad in [
            "",
            "24",
            "2024-13",
            "2024-00",
            "2023-02-29",
            "2024-1",
            "2024-01-01T",
            "2024-01-01T10",
            "2024-01-01T25:00:00Z",
            "2024-01-01T10:00:61Z",
            "2024-01-01T10:00:00.Z",
            "2024-01-01T10:00.5Z",
            "2024-01-01T10:00:00+15:00",
            "2024-01-01T10:00:00+0200",
            "0000",
            "2024T10:00:00Z",
            "2024-01-01-01",
            "٢٠٢٤",
        ] {
            assert_eq!(shown(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9TZ:+.-]{0,40}|\\PC*") {
            if let Some(range) = Range::parse(&text) {
                prop_assert!(range.from < range.until);
            }
        }
    }
}
