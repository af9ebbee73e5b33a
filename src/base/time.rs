//! Instants and the clock that they come from.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The instant as a calendar value in UTC.
    pub fn to_utc(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// From a calendar value; parts below a microsecond are cut.
    pub fn from_utc(value: OffsetDateTime) -> Self {
        Self(i64::try_from(value.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX))
    }

    /// A FHIR instant with milliseconds, `2026-02-03T04:05:06.789Z`. R4 datatypes.html#instant.
    pub fn to_fhir(self) -> String {
        let utc = self.to_utc();
        let (year, month, day) = utc.to_calendar_date();
        let (hour, minute, second, milli) = utc.to_hms_milli();
        format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z", u8::from(month))
    }

    /// A DICOM DT in UTC with microseconds, `20260203040506.789000+0000`. PS3.5 §6.2.
    pub fn to_dicom_dt(self) -> String {
        format!("{}{}+0000", self.to_dicom_da(), self.to_dicom_tm())
    }

    /// A DICOM DA in UTC, `20260203`. PS3.5 §6.2.
    pub fn to_dicom_da(self) -> String {
        let (year, month, day) = self.to_utc().to_calendar_date();
        format!("{year:04}{:02}{day:02}", u8::from(month))
    }

    /// A DICOM TM in UTC with microseconds, `040506.789000`. PS3.5 §6.2.
    pub fn to_dicom_tm(self) -> String {
        let (hour, minute, second, micro) = self.to_utc().to_hms_micro();
        format!("{hour:02}{minute:02}{second:02}.{micro:06}")
    }

    /// Parses an RFC 3339 date and time with offset, as a FHIR instant is.
    pub fn parse(text: &str) -> Option<Self> {
        OffsetDateTime::parse(text, &Rfc3339).ok().map(Self::from_utc)
    }

    /// This instant and `seconds` more.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// This instant cut to whole milliseconds, the precision that leaves in FHIR.
    #[must_use]
    pub fn to_millis(self) -> Self {
        Self(self.0 - self.0.rem_euclid(1000))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_fhir())
    }
}

/// Where the present comes from; tests fix it.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The machine's clock, which never goes back within a process.
#[derive(Debug, Default)]
pub struct SystemClock {
    last: AtomicI64,
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine for the time")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::from_utc(OffsetDateTime::now_utc()).0;
        let last = self.last.fetch_max(now, Ordering::Relaxed);
        Timestamp(now.max(last))
    }
}

/// A clock that stands until it is moved.
#[derive(Debug)]
pub struct FixedClock {
    now: AtomicI64,
}

impl FixedClock {
    /// Stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { now: AtomicI64::new(now.0) }
    }

    /// Moves forward by `seconds`.
    pub fn advance_seconds(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_in_every_form() {
        let instant = Timestamp::parse("2026-02-03T05:05:06.789+01:00").expect("valid");
        assert_eq!(instant.to_fhir(), "2026-02-03T04:05:06.789Z");
        assert_eq!(instant.to_dicom_dt(), "20260203040506.789000+0000");
        assert_eq!(Timestamp::parse(&instant.to_fhir()), Some(instant));
    }
}
