//! When a call to a FHIR server is made again, and how long it waits before that.

use std::time::Duration;

use crate::base::Retry;

use super::FhirError;

/// How patient a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Attempts in all.
    pub attempts: u32,
    /// Wait after the first attempt; it doubles with each.
    pub first_wait: Duration,
    /// Longest wait. A server that asks for more is not waited for: the error says when to come again.
    pub longest_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { attempts: 4, first_wait: Duration::from_millis(500), longest_wait: Duration::from_secs(30) }
    }
}

/// What a second call would do if the first one was done after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twice {
    /// Nothing more.
    Harmless,
    /// Something a second time: it is called again only if the server says that it did nothing.
    Harmful,
}

impl Patience {
    /// The wait before the next attempt after `attempt` (from 0) failed, if there is to be one.
    pub(super) fn wait(self, attempt: u32, error: &FhirError, twice: Twice) -> Option<Duration> {
        if attempt.saturating_add(1) >= self.attempts || (twice == Twice::Harmful && !error.is_undone()) {
            return None;
        }
        match error.retry() {
            Retry::Never => None,
            Retry::Backoff => Some(Retry::backoff(attempt, self.first_wait, self.longest_wait, rand::random::<f64>())),
            Retry::After(wait) => (wait <= self.longest_wait).then_some(wait),
        }
    }
}
