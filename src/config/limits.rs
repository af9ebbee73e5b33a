//! `[limits]`: how much one caller may ask for.

use std::num::NonZeroU32;

use super::section::section;
use super::setting::{Given, Refusal, Setting};

section! {
    /// How much one caller may ask for. Past it requests are answered with 429 and `Retry-After`.
    Limits {
        /// Export sessions of one tenant that may be unfinished at the same time.
        concurrent_exports: u32 = 1000, within "1", "1000000";
        /// Entries of one batch or transaction Bundle; more are answered with 413.
        bundle_entries: u32 = 10000, within "1", "1000000";
    }
    sections {
        /// Requests of one OAuth client. One that copies everything, or a viewer that opens a study, asks as fast as it is
        /// answered: the limit is for what runs wild.
        client: Quota = Quota { requests_per_second: Rate::per_second(50_000), burst: 100_000 };
        /// Requests of one user.
        user: Quota = Quota { requests_per_second: Rate::per_second(50_000), burst: 100_000 };
        /// Requests from one address.
        address: Quota = Quota { requests_per_second: Rate::per_second(50_000), burst: 100_000 };
    }
}

section! {
    /// Requests of one kind of caller.
    Quota {
        /// Requests a second in the long run.
        requests_per_second: Rate = Rate::Off, within "1", "1000000";
        /// Requests that may come at once after a pause.
        burst: u32 = 1, within "1", "1000000";
    }
}

/// A number of requests a second, or no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// There is no limit.
    Off,
    /// So many in the long run.
    PerSecond(NonZeroU32),
}

impl Rate {
    /// So many a second; none is no limit.
    pub fn per_second(count: u32) -> Self {
        NonZeroU32::new(count).map_or(Self::Off, Self::PerSecond)
    }
}

impl Quota {
    /// The quota as `governor` counts it, `None` where there is no limit.
    pub fn to_governor(&self) -> Option<governor::Quota> {
        let Rate::PerSecond(rate) = self.requests_per_second else { return None };
        let quota = governor::Quota::per_second(rate);
        Some(NonZeroU32::new(self.burst).map_or(quota, |burst| quota.allow_burst(burst)))
    }
}

impl Setting for Rate {
    fn shape() -> String {
        "integer, or `off`".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        if given.text().is_ok_and(|text| text == "off") {
            return Ok(Self::Off);
        }
        let count = given.integer().ok().and_then(|count| u32::try_from(count).ok()).and_then(NonZeroU32::new);
        count.map(Self::PerSecond).ok_or("must be an integer greater than 0, or \"off\"".into())
    }

    fn write(&self) -> Option<toml::Value> {
        Some(match self {
            Self::Off => "off".into(),
            Self::PerSecond(count) => i64::from(count.get()).into(),
        })
    }

    fn magnitude(&self) -> Option<u64> {
        match self {
            Self::Off => None,
            Self::PerSecond(count) => Some(u64::from(count.get())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_becomes_one_of_governor() {
        let quota = Quota { requests_per_second: Rate::per_second(10), burst: 50 };
        let made = quota.to_governor().expect("is limited");
        assert_eq!(made.burst_size().get(), 50);
        assert_eq!(made.replenish_interval(), std::time::Duration::from_millis(100));
        assert!(Quota::default().to_governor().is_none());
    }
}
