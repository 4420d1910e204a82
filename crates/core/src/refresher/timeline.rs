//! Time as the refresher lived it.

use std::time::Duration;

use crate::Moment;

/// A point on a clock that only runs forward: the boot clock, without its steps back.
///
/// Whatever must not happen too often is judged by it, so that no clock that is turned can open the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Steady(Duration);

impl Steady {
    /// Where a refresher begins: two hours in, so that the last hour of an earlier run fits in before it.
    const START: Self = Self(Duration::from_secs(7_200));
    /// Before anything that could matter.
    pub(super) const LONG_AGO: Self = Self(Duration::ZERO);

    pub(super) const fn after(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }

    pub(super) const fn before(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(earlier))
    }

    /// How long from `earlier` to here; zero if it is not earlier.
    pub(super) const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// The last `now`, and how much time has passed.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    now: Moment,
    steady: Steady,
}

impl Timeline {
    pub(super) const fn new(now: Moment) -> Self {
        Self { now, steady: Steady::START }
    }

    pub(super) const fn now(&self) -> Moment {
        self.now
    }

    pub(super) const fn steady(&self) -> Steady {
        self.steady
    }

    /// Moves to `now`. When a clock was turned back, says which moment it was turned back from.
    pub(super) fn advance(&mut self, now: Moment) -> Option<Moment> {
        let before = std::mem::replace(&mut self.now, now);
        let ran = now.since_boot().saturating_sub(before.since_boot());
        self.steady = self.steady.after(ran);
        let turned_back = now.since_boot() < before.since_boot() || now.since_epoch() < before.since_epoch();
        turned_back.then_some(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(boot: u64, wall: u64) -> Moment {
        Moment::new(Duration::from_secs(boot), Duration::from_secs(wall))
    }

    #[test]
    fn only_the_boot_clock_running_forward_counts() {
        let mut timeline = Timeline::new(at(100, 1000));
        let passed = |timeline: &Timeline| timeline.steady().since(Steady::START).as_secs();
        assert_eq!(timeline.advance(at(110, 5000)), None);
        assert_eq!(passed(&timeline), 10);
        assert_eq!(timeline.advance(at(50, 5000)), Some(at(110, 5000)));
        assert_eq!(passed(&timeline), 10);
        assert_eq!(timeline.advance(at(55, 4999)), Some(at(50, 5000)));
        assert_eq!(passed(&timeline), 15);
        assert_eq!(timeline.advance(at(55, 4999)), None, "standing still is not turning back");
        assert_eq!(timeline.now(), at(55, 4999));
    }
}
