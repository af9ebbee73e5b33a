//! A small deterministic generator of numbers: SplitMix64 (Steele, Lea and Flood, 2014). Samples must be
//! the same on every machine and in every version, which no crate promises.

/// The generator's state.
#[derive(Debug, Clone)]
pub(super) struct Rng(u64);

impl Rng {
    /// A stream of its own for each seed and index.
    pub(super) fn new(seed: u64, index: u32) -> Self {
        let mut rng = Self(seed ^ u64::from(index).wrapping_mul(0xd1b5_4a32_d192_ed03));
        rng.next();
        rng
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `from` to `to`, both included.
    pub(super) fn between(&mut self, from: u32, to: u32) -> u32 {
        let span = u64::from(to.saturating_sub(from)) + 1;
        // The modulo bias of a 64-bit draw over at most 2^32 values does not matter to samples.
        let offset = u32::try_from(self.next() % span).unwrap_or_default();
        from.saturating_add(offset)
    }

    /// True in `percent` of a hundred draws.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of the items.
    #[expect(clippy::expect_used, reason = "the tables of phrases are constants and none is empty")]
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let last = u32::try_from(items.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let index = usize::try_from(self.between(0, last)).unwrap_or_default();
        items.get(index).expect("an index below the length of a table that is not empty")
    }

    /// One of the phrases.
    pub(super) fn phrase(&mut self, phrases: &[&'static str]) -> &'static str {
        self.pick::<&str>(phrases)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        // First outputs for state 1234567, as the reference code prints them.
        let mut rng = Rng(1_234_567);
        let numbers: Vec<u64> = (0..3).map(|_| rng.next()).collect();
        assert_eq!(numbers, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn draws_stay_within_their_bounds() {
        let mut rng = Rng::new(1, 2);
        assert!((0..1000).all(|_| (3..=7).contains(&rng.between(3, 7))));
        assert_eq!(rng.between(5, 5), 5);
        assert_eq!(*rng.pick(&[9]), 9);
    }
}
