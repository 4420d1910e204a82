//! Points in time, read from two clocks at once. Nothing here reads a clock: `now` is always an argument.

use std::time::Duration;

/// A point in time as two clocks saw it: one that counts since boot, suspend included (`CLOCK_BOOTTIME`), and the
/// wall clock (`CLOCK_REALTIME`).
///
/// Neither is enough alone. The boot clock may stand still while a virtual machine is paused; the wall clock leaps
/// when somebody sets it. So whatever must not outlive its time (a token) is judged by whichever clock says sooner,
/// and whatever must not happen too often (an exchange) is judged by the boot clock, which nobody can turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    since_boot: Duration,
    since_epoch: Duration,
}

impl Moment {
    /// A moment from the two readings: time since boot, suspend included, and time since the Unix epoch.
    #[must_use]
    pub const fn new(since_boot: Duration, since_epoch: Duration) -> Self {
        Self { since_boot, since_epoch }
    }

    /// Time since boot, suspend included.
    #[must_use]
    pub const fn since_boot(self) -> Duration {
        self.since_boot
    }

    /// Time since the Unix epoch, as the wall clock had it.
    #[must_use]
    pub const fn since_epoch(self) -> Duration {
        self.since_epoch
    }

    /// The moment `later` after this one on both clocks.
    #[must_use]
    pub const fn after(self, later: Duration) -> Self {
        Self::new(self.since_boot.saturating_add(later), self.since_epoch.saturating_add(later))
    }

    /// How long since an earlier moment by whichever clock says longer; zero if both say that it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let wall = self.since_epoch.saturating_sub(earlier.since_epoch);
        self.since_boot.saturating_sub(earlier.since_boot).max(wall)
    }

    /// Whether either clock says that this deadline has come.
    #[must_use]
    pub fn is_reached(self, now: Self) -> bool {
        self.left(now).is_zero()
    }

    /// How long until this deadline by whichever clock says sooner; zero once it has come.
    #[must_use]
    pub fn left(self, now: Self) -> Duration {
        let wall = self.since_epoch.saturating_sub(now.since_epoch);
        self.rest(now).min(wall)
    }

    /// How long until this moment by the boot clock alone; zero once it has come.
    #[must_use]
    pub const fn rest(self, now: Self) -> Duration {
        self.since_boot.saturating_sub(now.since_boot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Moment = Moment::new(Duration::from_secs(100), Duration::from_secs(1_000_000));
    const MINUTE: Duration = Duration::from_secs(60);

    fn shifted(boot: i64, wall: i64) -> Moment {
        let at = |base: Duration, by: i64| {
            Duration::from_secs(base.as_secs().checked_add_signed(by).expect("in range"))
        };
        Moment::new(at(NOON.since_boot, boot), at(NOON.since_epoch, wall))
    }

    #[test]
    fn a_deadline_is_reached_when_either_clock_says_so() {
        let deadline = NOON.after(MINUTE);
        assert!(!deadline.is_reached(NOON));
        assert!(!deadline.is_reached(shifted(59, 59)));
        assert!(deadline.is_reached(shifted(60, 0)), "the wall clock was set back");
        assert!(deadline.is_reached(shifted(0, 60)), "the boot clock stood still");
    }

    #[test]
    fn what_is_left_is_the_lesser_of_the_two_clocks() {
        let deadline = NOON.after(MINUTE);
        assert_eq!(deadline.left(shifted(10, 20)), Duration::from_secs(40));
        assert_eq!(deadline.left(shifted(20, -50)), Duration::from_secs(40));
    }

    #[test]
    fn a_rest_heeds_only_the_boot_clock() {
        let deadline = NOON.after(MINUTE);
        assert_eq!(deadline.rest(shifted(10, 5000)), Duration::from_secs(50));
        assert_eq!(deadline.rest(shifted(70, 0)), Duration::ZERO);
    }

    #[test]
    fn an_age_is_the_greater_of_the_two_clocks() {
        assert_eq!(shifted(10, 20).since(NOON), Duration::from_secs(20));
        assert_eq!(shifted(30, -50).since(NOON), Duration::from_secs(30));
        assert_eq!(shifted(-5, -1).since(NOON), Duration::ZERO);
    }

    #[test]
    fn the_end_of_time_is_not_overflowed() {
        assert_eq!(NOON.after(Duration::MAX).rest(NOON), Duration::MAX - NOON.since_boot);
    }
}
