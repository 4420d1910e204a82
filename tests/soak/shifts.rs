//! How far the daemon's clocks were moved from the machine's, and when.

use crate::clock::Seconds;

/// One move. It took effect somewhere between `before` and `after`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shift {
    pub(crate) before: Seconds,
    pub(crate) after: Seconds,
    /// How far the boot clock was moved: never back.
    pub(crate) boot: Seconds,
    /// How far the wall clock was moved.
    pub(crate) wall: Seconds,
}

/// All moves so far, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shifts(Vec<Shift>);

impl Shifts {
    pub(crate) fn add(&mut self, shift: Shift) {
        self.0.push(shift);
    }

    /// What the daemon's boot clock showed then, but for a constant.
    pub(crate) fn boot(&self, at: Seconds) -> Seconds {
        at + self.0.iter().filter(|shift| shift.after <= at).map(|shift| shift.boot).sum::<Seconds>()
    }

    /// How far ahead of its boot clock the daemon's wall clock is, but for a constant.
    pub(crate) fn wall_ahead(&self) -> Seconds {
        self.0.iter().map(|shift| shift.wall - shift.boot).sum()
    }

    /// How old something from then is at least, by whichever of the daemon's clocks says more. It may be from up to
    /// `doubt` earlier.
    pub(crate) fn least_age(&self, from: Seconds, doubt: Seconds, at: Seconds) -> Seconds {
        let surely = |shift: &&Shift| shift.before >= from && shift.after <= at;
        let perhaps = |shift: &&Shift| shift.after >= from - doubt && shift.before <= at;
        let boot: Seconds = self.0.iter().filter(surely).map(|shift| shift.boot).sum();
        let ahead: Seconds = self.0.iter().filter(surely).map(|shift| shift.wall.max(0.0)).sum();
        let back: Seconds = self.0.iter().filter(perhaps).map(|shift| shift.wall.min(0.0)).sum();
        at - from + boot.max(ahead + back)
    }

    /// How much of a life that was seen at `from` the daemon's clocks have taken until `at`, at most: a clock that was
    /// turned back gives nothing back.
    pub(crate) fn most_spent(&self, from: Seconds, at: Seconds) -> Seconds {
        let perhaps = |shift: &&Shift| shift.after >= from && shift.before <= at;
        let boot: Seconds = self.0.iter().filter(perhaps).map(|shift| shift.boot).sum();
        let wall: Seconds = self.0.iter().filter(perhaps).map(|shift| shift.wall.max(0.0)).sum();
        at - from + boot.max(wall)
    }

    /// How long somebody waited, on the boot clock, who waits for an instant so much later than `from` and then for as
    /// long as it takes: what the machine slept beyond that instant is no waiting.
    pub(crate) fn waited(&self, from: Seconds, until: Seconds, instant: Seconds) -> Seconds {
        let (mut waited, mut here) = (0.0, from);
        for shift in self.0.iter().filter(|shift| shift.after > from && shift.after <= until) {
            waited += shift.after - here;
            waited += shift.boot.min((instant - waited).max(0.0));
            here = shift.after;
        }
        waited + until - here
    }

    /// The first instant at which the boot clock had run so long since `from`; none if it has not yet by `at`.
    pub(crate) fn reached(&self, from: Seconds, length: Seconds, at: Seconds) -> Option<Seconds> {
        let mut left = length;
        let mut here = from;
        for shift in self.0.iter().filter(|shift| shift.after > from && shift.after <= at) {
            if shift.after - here >= left {
                break;
            }
            left -= shift.after - here + shift.boot;
            here = shift.after;
            if left <= 0.0 {
                return Some(here);
            }
        }
        let then = here + left;
        (then <= at).then_some(then)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A suspend of an hour at 100, and the wall clock set back two hours at 200.
    fn shifts() -> Shifts {
        let shift = |at, boot, wall| Shift { before: at, after: at + 0.1, boot, wall };
        Shifts(vec![shift(100.0, 3600.0, 3600.0), shift(200.0, 0.0, -7200.0)])
    }

    fn near(left: Seconds, right: Seconds) -> bool {
        (left - right).abs() < 1e-6
    }

    #[test]
    fn a_suspend_counts_once_it_has_surely_happened() {
        let shifts = shifts();
        assert!(near(shifts.boot(100.05), 100.05) && near(shifts.boot(101.0), 3701.0));
        assert!(near(shifts.least_age(90.0, 0.0, 100.05), 10.05));
        assert!(near(shifts.least_age(90.0, 0.0, 101.0), 3611.0));
        assert!(near(shifts.most_spent(90.0, 100.0), 3610.0));
    }

    #[test]
    fn a_clock_turned_back_takes_no_age_and_gives_no_life() {
        let shifts = shifts();
        assert!(near(shifts.least_age(190.0, 0.0, 210.0), 20.0));
        assert!(near(shifts.most_spent(190.0, 210.0), 20.0));
        assert!(near(shifts.wall_ahead(), -7200.0));
    }

    #[test]
    fn the_boot_clock_gets_there_in_a_leap_or_by_waiting() {
        let shifts = shifts();
        assert_eq!(shifts.reached(95.0, 3.0, 300.0), Some(98.0));
        assert_eq!(shifts.reached(95.0, 600.0, 300.0), Some(100.1));
        assert_eq!(shifts.reached(95.0, 3615.1, 300.0).map(f64::round), Some(110.0));
        assert_eq!(shifts.reached(95.0, 3615.1, 105.0), None);
    }

    #[test]
    fn sleeping_beyond_the_instant_that_is_waited_for_is_no_waiting() {
        let shifts = shifts();
        assert!(near(shifts.waited(95.1, 110.1, 0.0), 15.0));
        assert!(near(shifts.waited(95.1, 110.1, 300.0), 310.0));
        assert!(near(shifts.waited(95.1, 110.1, 9000.0), 3615.0));
        assert!(near(shifts.waited(95.1, 99.1, 300.0), 4.0));
    }
}
