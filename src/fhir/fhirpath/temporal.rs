//! Dates, times and both, as precise as they were written: `@2014`, `@2014-05T`, `@T10:30`. FHIRPath 2.0.0
//! §Date, §Time, §DateTime, §Date/Time Arithmetic.

use std::cmp::Ordering;
use std::fmt;

use time::{Date, Month};

use crate::base::Timestamp;

use super::decimal::Decimal;
use super::quantity::Calendar;

/// Which of the three types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A day, month or year.
    Date,
    /// A point of time, or less precise.
    DateTime,
    /// A time of day.
    Time,
}

/// The last part that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// `2014`
    Year,
    /// `2014-05`
    Month,
    /// `2014-05-10`
    Day,
    /// `T10`
    Hour,
    /// `T10:30`
    Minute,
    /// `T10:30:05`
    Second,
    /// `T10:30:05.123`
    Fraction,
}

/// A date, a time, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Temporal {
    pub(super) kind: Kind,
    pub(super) precision: Precision,
    pub(super) year: i32,
    pub(super) month: u8,
    pub(super) day: u8,
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) second: u8,
    pub(super) nanos: u32,
    /// Digits of the fraction of a second.
    pub(super) fraction_digits: u8,
    /// Minutes east of UTC.
    pub(super) offset: Option<i16>,
}

const START: Temporal = Temporal {
    kind: Kind::Date,
    precision: Precision::Year,
    year: 1,
    month: 1,
    day: 1,
    hour: 0,
    minute: 0,
    second: 0,
    nanos: 0,
    fraction_digits: 0,
    offset: None,
};

impl Temporal {
    /// A date: `2014`, `2014-05`, `2014-05-10`.
    pub fn date(text: &str) -> Option<Self> {
        let (read, rest) = Self::read_date(text)?;
        rest.is_empty().then_some(read)
    }

    /// A date with a time perhaps: `2014`, `2014-05-10T`, `2014-05-10T10:30:00+02:00`.
    pub fn date_time(text: &str) -> Option<Self> {
        let (mut read, rest) = Self::read_date(text)?;
        read.kind = Kind::DateTime;
        let Some(clock) = rest.strip_prefix('T') else { return rest.is_empty().then_some(read) };
        if clock.is_empty() {
            return Some(read);
        }
        if read.precision != Precision::Day {
            return None;
        }
        let zone_at = clock.find(['Z', '+', '-']).unwrap_or(clock.len());
        let (clock, zone) = clock.split_at_checked(zone_at)?;
        read.read_clock(clock)?;
        read.offset = match zone {
            "" => None,
            "Z" => Some(0),
            _ => Some(zone_offset(zone)?),
        };
        Some(read)
    }

    /// A time of day: `10`, `10:30`, `10:30:05.123`.
    pub fn time(text: &str) -> Option<Self> {
        let mut read = Self { kind: Kind::Time, ..START };
        read.read_clock(text)?;
        Some(read)
    }

    /// An instant with milliseconds, in UTC.
    pub fn instant(at: Timestamp) -> Option<Self> {
        Self::date_time(&at.to_fhir())
    }

    /// Which of the three types it has.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The date of an instant.
    pub(super) fn to_date(self) -> Self {
        Self {
            kind: Kind::Date,
            precision: self.precision.min(Precision::Day),
            year: self.year,
            month: self.month,
            day: self.day,
            ..START
        }
    }

    /// The time of day of an instant.
    pub(super) fn to_time(self) -> Self {
        Self { kind: Kind::Time, year: START.year, month: START.month, day: START.day, offset: None, ..self }
    }

    fn read_date(text: &str) -> Option<(Self, &str)> {
        let (year, rest) = number(text, 4)?;
        let mut read = Self { year: i32::try_from(year).ok().filter(|year| *year > 0)?, ..START };
        let Some(after) = rest.strip_prefix('-') else { return Some((read, rest)) };
        let (month, rest) = number(after, 2)?;
        read.month = u8::try_from(month).ok().filter(|month| (1..=12).contains(month))?;
        read.precision = Precision::Month;
        let Some(after) = rest.strip_prefix('-') else { return Some((read, rest)) };
        let (day, rest) = number(after, 2)?;
        read.day = u8::try_from(day).ok()?;
        read.precision = Precision::Day;
        read.calendar_date()?;
        Some((read, rest))
    }

    fn read_clock(&mut self, text: &str) -> Option<()> {
        let (hour, rest) = number(text, 2)?;
        self.hour = u8::try_from(hour).ok().filter(|hour| *hour < 24)?;
        self.precision = Precision::Hour;
        if rest.is_empty() {
            return Some(());
        }
        let (minute, rest) = number(rest.strip_prefix(':')?, 2)?;
        self.minute = u8::try_from(minute).ok().filter(|minute| *minute < 60)?;
        self.precision = Precision::Minute;
        if rest.is_empty() {
            return Some(());
        }
        let (second, rest) = number(rest.strip_prefix(':')?, 2)?;
        // A leap second is read as the last second before it.
        self.second = u8::try_from(second).ok().filter(|second| *second <= 60)?.min(59);
        self.precision = Precision::Second;
        if rest.is_empty() {
            return Some(());
        }
        let fraction = rest.strip_prefix('.')?;
        if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let kept = fraction.get(..9).unwrap_or(fraction);
        let shift = u32::try_from(9 - kept.len()).ok()?;
        self.nanos = kept.parse::<u32>().ok()?.checked_mul(10_u32.pow(shift))?;
        self.fraction_digits = u8::try_from(kept.len()).ok()?;
        self.precision = Precision::Fraction;
        Some(())
    }

    fn calendar_date(&self) -> Option<Date> {
        Date::from_calendar_date(self.year, Month::try_from(self.month).ok()?, self.day).ok()
    }

    /// Which is earlier; `None` if one is not precise enough to say, or only one has a zone and it matters.
    /// FHIRPath 2.0.0 §Comparison.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        let (left, right) = match (self.offset, other.offset) {
            (Some(_), Some(_)) => (self.in_utc()?, other.in_utc()?),
            (None, None) => (*self, *other),
            _ if self.precision >= Precision::Hour && other.precision >= Precision::Hour => {
                // Zones reach from -12:00 to +14:00.
                let (left, right) = (self.in_utc()?, other.in_utc()?);
                let apart = left.nanos_since_start()? - right.nanos_since_start()?;
                return (apart.unsigned_abs() > 14 * 3_600_000_000_000).then(|| apart.cmp(&0));
            }
            _ => (*self, *other),
        };
        let (left_precision, right_precision) = (left.precision, right.precision);
        let common = left_precision.min(right_precision);
        let pairs = [
            (Precision::Year, left.year, right.year),
            (Precision::Month, i32::from(left.month), i32::from(right.month)),
            (Precision::Day, i32::from(left.day), i32::from(right.day)),
            (Precision::Hour, i32::from(left.hour), i32::from(right.hour)),
            (Precision::Minute, i32::from(left.minute), i32::from(right.minute)),
            (Precision::Second, i32::from(left.second), i32::from(right.second)),
        ];
        for (precision, left, right) in pairs {
            if precision > common {
                return (left_precision == right_precision).then_some(Ordering::Equal);
            }
            if left != right {
                return Some(left.cmp(&right));
            }
        }
        // Seconds and their fractions are one precision.
        Some(left.nanos.cmp(&right.nanos))
    }

    fn in_utc(self) -> Option<Self> {
        match self.offset {
            None | Some(0) => Some(self),
            Some(offset) => {
                let moved = self.shifted(-i128::from(offset) * 60_000_000_000)?;
                Some(Self { offset: Some(0), ..moved })
            }
        }
    }

    fn nanos_since_start(&self) -> Option<i128> {
        let days = if self.kind == Kind::Time { 0 } else { i128::from(self.calendar_date()?.to_julian_day()) };
        let seconds = i128::from(self.hour) * 3600 + i128::from(self.minute) * 60 + i128::from(self.second);
        Some((days * 86_400 + seconds) * 1_000_000_000 + i128::from(self.nanos))
    }

    /// Moved by nanoseconds; a time of day goes round. Precision stays.
    fn shifted(self, nanos: i128) -> Option<Self> {
        const DAY: i128 = 86_400_000_000_000;
        let all = self.nanos_since_start()?.checked_add(nanos)?;
        let (days, rest) = (all.div_euclid(DAY), all.rem_euclid(DAY));
        let mut moved = self;
        if self.kind != Kind::Time {
            let date = Date::from_julian_day(i32::try_from(days).ok()?).ok().filter(|date| date.year() > 0)?;
            (moved.year, moved.month, moved.day) = (date.year(), u8::from(date.month()), date.day());
        }
        let seconds = rest / 1_000_000_000;
        moved.hour = u8::try_from(seconds / 3600).ok()?;
        moved.minute = u8::try_from(seconds / 60 % 60).ok()?;
        moved.second = u8::try_from(seconds % 60).ok()?;
        moved.nanos = u32::try_from(rest % 1_000_000_000).ok()?;
        Some(moved)
    }

    /// Moved by an amount of a calendar unit; `None` if that is out of the calendar. Fractions count for seconds
    /// and milliseconds only, and an amount finer than what is known is taken in whole units of what is known.
    pub(super) fn plus(self, amount: Decimal, unit: Calendar) -> Option<Self> {
        let whole = amount.truncated().to_integer()?;
        let (months, nanos) = match unit {
            Calendar::Year => (whole.checked_mul(12)?, 0),
            Calendar::Month => (whole, 0),
            Calendar::Week => (0, i128::from(whole) * 7 * 86_400_000_000_000),
            Calendar::Day => (0, i128::from(whole) * 86_400_000_000_000),
            Calendar::Hour => (0, i128::from(whole) * 3_600_000_000_000),
            Calendar::Minute => (0, i128::from(whole) * 60_000_000_000),
            Calendar::Second => (0, nanoseconds(amount, 9)?),
            Calendar::Millisecond => (0, nanoseconds(amount, 6)?),
        };
        if self.kind == Kind::Time {
            return if months == 0 { self.shifted(nanos) } else { None };
        }
        // The days of a year and a month when only those are known.
        let days = i64::try_from(nanos / 86_400_000_000_000).ok()?;
        match self.precision {
            Precision::Year if months == 0 => self.plus_months(days / 365 * 12),
            Precision::Year => self.plus_months(months / 12 * 12),
            Precision::Month if months == 0 => self.plus_months(days / 30),
            Precision::Day if months == 0 => self.shifted(i128::from(days) * 86_400_000_000_000),
            Precision::Hour => self.plus_months(months)?.shifted(nanos / 3_600_000_000_000 * 3_600_000_000_000),
            Precision::Minute => self.plus_months(months)?.shifted(nanos / 60_000_000_000 * 60_000_000_000),
            _ => {
                let mut moved = self.plus_months(months)?.shifted(nanos)?;
                if moved.nanos != 0 && moved.precision == Precision::Second {
                    (moved.precision, moved.fraction_digits) = (Precision::Fraction, 3);
                }
                Some(moved)
            }
        }
    }

    /// The day is the last of the month if the month is shorter.
    fn plus_months(self, months: i64) -> Option<Self> {
        let all = i64::from(self.year).checked_mul(12)?.checked_add(i64::from(self.month) - 1)?.checked_add(months)?;
        let year = i32::try_from(all.div_euclid(12)).ok().filter(|year| (1..=9999).contains(year))?;
        let month = u8::try_from(all.rem_euclid(12) + 1).ok()?;
        let last = Month::try_from(month).ok()?.length(year);
        Some(Self { year, month, day: self.day.min(last), ..self })
    }

    /// The first or last moment that this may stand for, given to a number of digits; see
    /// [`Self::precision_digits`]. `None` if there is no such precision.
    pub(super) fn boundary(self, digits: i64, is_low: bool) -> Option<Self> {
        let precision = match (self.kind, digits) {
            (Kind::Date | Kind::DateTime, 4) => Precision::Year,
            (Kind::Date | Kind::DateTime, 6) => Precision::Month,
            (Kind::Date | Kind::DateTime, 8) => Precision::Day,
            (Kind::DateTime, 10) | (Kind::Time, 2) => Precision::Hour,
            (Kind::DateTime, 12) | (Kind::Time, 4) => Precision::Minute,
            (Kind::DateTime, 14) | (Kind::Time, 6) => Precision::Second,
            (Kind::DateTime, 17) | (Kind::Time, 9) => Precision::Fraction,
            _ => return None,
        };
        let mut out = self;
        let fill = |least: u8, most: u8| if is_low { least } else { most };
        if self.precision < Precision::Month {
            out.month = fill(1, 12);
        }
        if self.precision < Precision::Day && self.kind != Kind::Time {
            out.day = fill(1, Month::try_from(out.month).ok()?.length(out.year));
        }
        if self.precision < Precision::Hour {
            out.hour = fill(0, 23);
        }
        if self.precision < Precision::Minute {
            out.minute = fill(0, 59);
        }
        if self.precision < Precision::Second {
            out.second = fill(0, 59);
        }
        if self.precision < Precision::Fraction {
            out.nanos = if is_low { 0 } else { 999_000_000 };
        }
        out.precision = precision;
        out.fraction_digits = if precision == Precision::Fraction { 3 } else { 0 };
        if out.kind == Kind::DateTime && precision >= Precision::Hour && out.offset.is_none() {
            out.offset = Some(if is_low { 14 * 60 } else { -12 * 60 });
        }
        Some(out)
    }

    /// How many digits say how precise it is: 4 for a year, 17 for milliseconds; 9 for those of a time of day.
    pub(super) fn precision_digits(&self) -> i64 {
        let digits = match self.precision {
            Precision::Year => 4,
            Precision::Month => 6,
            Precision::Day => 8,
            Precision::Hour => 10,
            Precision::Minute => 12,
            Precision::Second => 14,
            Precision::Fraction => 14 + i64::from(self.fraction_digits),
        };
        if self.kind == Kind::Time { digits - 8 } else { digits }
    }
}

impl fmt::Display for Temporal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind != Kind::Time {
            write!(f, "{:04}", self.year)?;
            if self.precision >= Precision::Month {
                write!(f, "-{:02}", self.month)?;
            }
            if self.precision >= Precision::Day {
                write!(f, "-{:02}", self.day)?;
            }
            if self.precision >= Precision::Hour {
                f.write_str("T")?;
            }
        }
        if self.precision >= Precision::Hour {
            write!(f, "{:02}", self.hour)?;
        }
        if self.precision >= Precision::Minute {
            write!(f, ":{:02}", self.minute)?;
        }
        if self.precision >= Precision::Second {
            write!(f, ":{:02}", self.second)?;
        }
        if self.precision >= Precision::Fraction {
            let digits = format!("{:09}", self.nanos);
            write!(f, ".{}", digits.get(..usize::from(self.fraction_digits)).unwrap_or(&digits))?;
        }
        match self.offset {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(offset) => {
                let sign = if offset < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60)
            }
        }
    }
}

fn nanoseconds(amount: Decimal, power: u32) -> Option<i128> {
    let nanos = amount.times(Decimal::from_integer(10_i64.pow(power)))?;
    nanos.truncated().to_integer().map(i128::from)
}

fn zone_offset(zone: &str) -> Option<i16> {
    let (hours, rest) = number(zone.get(1..)?, 2)?;
    let (minutes, "") = number(rest.strip_prefix(':')?, 2)? else { return None };
    let offset = i16::try_from(hours * 60 + minutes).ok().filter(|offset| *offset <= 14 * 60 && minutes < 60)?;
    Some(if zone.starts_with('-') { -offset } else { offset })
}

fn number(text: &str, length: usize) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(length)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten().map(|value| (value, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moment(text: &str) -> Temporal {
        Temporal::date_time(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn the_text_is_kept() {
        for text in ["2014", "2014-05", "2014-05-10", "2014-05-10T10", "2014-05-10T10:30:00.120-05:30"] {
            assert_eq!(moment(text).to_string(), text);
        }
        for bad in ["", "14", "2014-13", "2023-02-29", "2014-05T10:00", "2014-05-10T10:30:00+15:00", "2014-05-10Tx"] {
            assert_eq!(Temporal::date_time(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_compared() {
        let compare = |left, right| moment(left).compare(&moment(right));
        assert_eq!(compare("2018", "2018-03"), None);
        assert_eq!(compare("2018", "2019-03"), Some(Ordering::Less));
        assert_eq!(compare("2018-01-01T10:00:00Z", "2018-01-01T12:00:00+02:00"), Some(Ordering::Equal));
        assert_eq!(compare("2018-01-01T10:00:00Z", "2018-01-01T12:00:00"), None);
        assert_eq!(compare("2018-01-01T10:00:00Z", "2018-01-03T12:00:00"), Some(Ordering::Less));
        assert_eq!(compare("2018-01-01T10:00:00", "2018-01-01T10:00:00.0"), Some(Ordering::Equal));
    }

    #[test]
    fn the_calendar_is_counted() {
        let one = Decimal::from_integer(1);
        let moved = |text, unit| moment(text).plus(one, unit).map(|at| at.to_string());
        assert_eq!(moved("2024-01-31", Calendar::Month), Some("2024-02-29".to_owned()));
        assert_eq!(moved("2024-02-29", Calendar::Year), Some("2025-02-28".to_owned()));
        assert_eq!(moved("2024-12-31", Calendar::Day), Some("2025-01-01".to_owned()));
        assert_eq!(moved("2024", Calendar::Month), Some("2024".to_owned()));
        assert_eq!(moved("9999-12-31", Calendar::Day), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9]{4}(-[0-9]{2}){0,2}(T[0-9:.]{0,18}[Z+-]?[0-9:]{0,5})?|\\PC*", by in any::<i64>()) {
            for read in [Temporal::date(&text), Temporal::date_time(&text), Temporal::time(&text)].into_iter().flatten() {
                for unit in [Calendar::Year, Calendar::Month, Calendar::Day, Calendar::Millisecond] {
                    let _ = read.plus(Decimal::from_integer(by), unit);
                }
                for digits in [4, 8, 9, 17] {
                    let _ = read.boundary(digits, true).map(|at| at.to_string());
                    let _ = read.boundary(digits, false).map(|at| at.to_string());
                }
                let _ = read.compare(&read);
                let _ = read.to_string();
            }
        }
    }
}
