//! Rate limits by address and by principal: token buckets (GCRA) that fill up again with time.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

/// How many requests go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// In the long run, each second.
    pub per_second: NonZeroU32,
    /// At once, after a pause.
    pub burst: NonZeroU32,
}

impl Rate {
    /// So many each second, so many at once; at least one of each.
    pub fn new(per_second: u32, burst: u32) -> Self {
        let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self { per_second: at_least_one(per_second), burst: at_least_one(burst) }
    }
}

/// Buckets of one kind, each with a key of its own.
pub(super) struct Buckets<K: Clone + Eq + Hash> {
    limiter: RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock>,
    clock: DefaultClock,
    checks: AtomicU32,
}

impl<K: Clone + Eq + Hash> Buckets<K> {
    pub(super) fn new(rate: Rate) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self { limiter: RateLimiter::keyed(quota), clock: DefaultClock::default(), checks: AtomicU32::new(0) }
    }

    /// Takes one request from the bucket of `key`; the time to wait if there is none in it.
    pub(super) fn take(&self, key: &K) -> Result<(), Duration> {
        // Full buckets say no more than absent ones; without this an attacker's keys would stay for ever.
        if self.checks.fetch_add(1, Ordering::Relaxed) % CHECKS_BETWEEN_SWEEPS == CHECKS_BETWEEN_SWEEPS - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.check_key(key).map_err(|early| early.wait_time_from(self.clock.now()))
    }
}

/// The key of an address: IPv4 as it is, IPv6 by its /64, which is what one household has.
pub(super) fn address_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// How often buckets that are full again are let go.
const CHECKS_BETWEEN_SWEEPS: u32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_for_its_key_alone_and_says_how_long_to_wait() {
        let buckets = Buckets::new(Rate::new(1, 2));
        assert_eq!(buckets.take(&"a"), Ok(()));
        assert_eq!(buckets.take(&"a"), Ok(()));
        let wait = buckets.take(&"a").expect_err("empty");
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
        assert_eq!(buckets.take(&"b"), Ok(()));
    }

    #[test]
    fn full_buckets_are_let_go() {
        let buckets = Buckets::new(Rate::new(u32::MAX, u32::MAX));
        for key in 0..CHECKS_BETWEEN_SWEEPS * 2 {
            let _ = buckets.take(&key);
        }
        assert!(buckets.limiter.len() <= CHECKS_BETWEEN_SWEEPS as usize + 1);
    }

    #[test]
    fn addresses_of_one_household_share_a_key() {
        let key = |text: &str| address_key(text.parse().expect("an address"));
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}
