//! Chance, from a seed: the same seed gives the same waits, so that tests can repeat what they saw.

use std::time::Duration;

/// A splitmix64 generator (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014). Spreads
/// waits; guards nothing.
#[derive(Clone, Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Anything from nothing to `most`, each as likely.
    pub(super) fn up_to(&mut self, most: Duration) -> Duration {
        let share = u128::from(self.next());
        let nanos = most.as_nanos().saturating_mul(share) >> u64::BITS;
        u64::try_from(nanos).map_or(most, Duration::from_nanos)
    }

    /// Anything from `least` to `most`, each as likely.
    pub(super) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        least.saturating_add(self.up_to(most.saturating_sub(least)))
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        let mut jitter = Jitter::new(1_234_567);
        let published = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([jitter.next(), jitter.next(), jitter.next()], published);
    }

    #[test]
    fn waits_spread_over_the_whole_range_and_never_beyond() {
        let most = Duration::from_secs(30);
        let mut jitter = Jitter::new(7);
        let rolls: Vec<_> = (0..1000).map(|_| jitter.up_to(most)).collect();
        assert!(rolls.iter().all(|roll| *roll < most));
        for tenth in 0..10 {
            let within = most / 10 * tenth..most / 10 * (tenth + 1);
            let share = rolls.iter().filter(|roll| within.contains(roll)).count();
            assert!((60..=140).contains(&share), "{share} of 1000 in {within:?}");
        }
    }
}
