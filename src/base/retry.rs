//! What a failure says about trying again.

use std::time::Duration;

/// Whether the same attempt may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It will fail again.
    Never,
    /// It may succeed; wait longer each time.
    Backoff,
    /// It may succeed, but not before this much time has passed.
    After(Duration),
}

impl Retry {
    /// The wait before attempt `attempt + 1`: `base · 2^attempt` up to `cap`, and up to half of it off
    /// by `jitter` (0 to 1), so that many that failed together do not come back together.
    pub fn backoff(attempt: u32, base: Duration, cap: Duration, jitter: f64) -> Duration {
        let doubled = base.saturating_mul(1_u32.checked_shl(attempt.min(30)).unwrap_or(u32::MAX));
        doubled.min(cap).mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_cap() {
        let wait = |attempt| Retry::backoff(attempt, Duration::from_secs(5), Duration::from_hours(1), 0.0);
        assert_eq!(wait(0), Duration::from_secs(5));
        assert_eq!(wait(3), Duration::from_secs(40));
        assert_eq!(wait(60), Duration::from_hours(1));
        assert_eq!(Retry::backoff(1, Duration::from_secs(5), Duration::from_hours(1), 1.0), Duration::from_secs(5));
    }
}
