//! How often the issuer may be asked, whatever clients and clocks do.
//!
//! Ten exchanges a minute and sixty an hour. Spent carelessly, sixty an hour would be sixty in ten minutes of an
//! outage and then fifty minutes of silence, with the issuer long back. So the hour is paced: an exchange that keeps
//! its distance from the one before (the *pace*, 100 s for most tokens) is always allowed, and only one that comes
//! sooner (a *sprint*) draws on what the pace leaves over. Whatever happened before, the next renewal is never
//! further away than the pace.
//!
//! What clients can cause beyond plain need (see [`Kind::Elective`]) may use half of each budget; the renewals keep
//! the other half.

use std::{collections::VecDeque, time::Duration};

use super::timeline::Steady;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const A_MINUTE: usize = 10;
/// The most exchanges in an hour.
pub(super) const AN_HOUR: usize = 60;

/// For whose sake an exchange is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The profile needs a token: there is none, it nears its end, or its renewal failed and is tried again.
    Regular,
    /// Somebody asked for a new one although the old one lives: more life, an early renewal, a report of a 401.
    Elective,
}

/// How far apart exchanges are to be, for tokens as they live now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spacing {
    /// Never nearer than this.
    pub(super) floor: Duration,
    /// This far apart is always allowed.
    pub(super) pace: Duration,
}

/// An exchange that was begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Past {
    pub(super) at: Steady,
    pub(super) kind: Kind,
    sprint: bool,
}

/// The exchanges of the last hour.
#[derive(Clone, Debug, Default)]
pub(super) struct Budget {
    past: VecDeque<Past>,
    last_attempt: Option<Steady>,
}

impl Budget {
    /// When the next exchange of this kind may begin.
    pub(super) fn opens(&self, kind: Kind, spacing: Spacing) -> Steady {
        let floor = self.last_attempt.map_or(Steady::LONG_AGO, |last| last.after(spacing.floor));
        let total =
            self.falls_below(A_MINUTE, MINUTE, |_| true).max(self.falls_below(AN_HOUR, HOUR, |_| true));
        floor.max(total).max(self.share_opens(kind)).max(self.sprint_opens(kind, spacing.pace))
    }

    /// Counts an exchange that begins now.
    pub(super) fn spend(&mut self, at: Steady, kind: Kind, pace: Duration) {
        let sprint = self.past.back().is_some_and(|last| at.since(last.at) < pace);
        self.past.push_back(Past { at, kind, sprint });
        self.last_attempt = Some(at);
        self.past.retain(|past| at.since(past.at) < HOUR);
    }

    /// Takes the last one back: it never reached the issuer. The floor still counts from it.
    pub(super) fn refund(&mut self) {
        self.past.pop_back();
    }

    /// The exchanges of the last hour, oldest first.
    pub(super) fn past(&self) -> impl Iterator<Item = &Past> {
        self.past.iter()
    }

    /// What elective exchanges must leave to the others.
    fn share_opens(&self, kind: Kind) -> Steady {
        let elective = |past: &Past| past.kind == Kind::Elective;
        match kind {
            Kind::Regular => Steady::LONG_AGO,
            Kind::Elective => self.falls_below(A_MINUTE / 2, MINUTE, elective).max(self.falls_below(
                AN_HOUR / 2,
                HOUR,
                elective,
            )),
        }
    }

    /// When the next one is far enough from the last, or there is a sprint to spare.
    fn sprint_opens(&self, kind: Kind, pace: Duration) -> Steady {
        let Some(last) = self.past.back() else { return Steady::LONG_AGO };
        let paced = last.at.after(pace);
        let spare = match kind {
            Kind::Regular => sprints(pace),
            Kind::Elective => sprints(pace) / 2,
        };
        if spare == 0 { paced } else { paced.min(self.falls_below(spare, HOUR, |past| past.sprint)) }
    }

    /// When fewer than `limit` of the exchanges that match have begun within the last `window`. `limit` is not zero.
    fn falls_below(&self, limit: usize, window: Duration, matches: impl Fn(&Past) -> bool) -> Steady {
        let mut newest_first = self.past.iter().rev().filter(|past| matches(past));
        newest_first.nth(limit - 1).map_or(Steady::LONG_AGO, |past| past.at.after(window))
    }
}

/// How many sprints an hour the pace leaves over.
fn sprints(pace: Duration) -> usize {
    let paced = HOUR.as_millis().div_ceil(pace.as_millis().max(1));
    usize::try_from(paced).map_or(0, |paced| AN_HOUR.saturating_sub(paced))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACING: Spacing = Spacing { floor: Duration::from_secs(1), pace: Duration::from_secs(100) };
    const START: Steady = Steady::LONG_AGO.after(Duration::from_secs(7_200));

    /// Begins an exchange as often as it may within this time, and says how long each waited for the one before.
    fn gaps(kind: Kind, at_least: Duration, within: Duration) -> Vec<Duration> {
        let mut budget = Budget::default();
        let mut gaps = Vec::new();
        let mut at = START;
        while at < START.after(within) {
            budget.spend(at, kind, SPACING.pace);
            let next = budget.opens(kind, SPACING).max(at.after(at_least));
            gaps.push(next.since(at));
            at = next;
        }
        gaps
    }

    fn quick(gaps: &[Duration]) -> usize {
        gaps.iter().take_while(|gap| **gap < SPACING.pace).count()
    }

    #[test]
    fn twenty_four_sprints_an_hour_and_then_the_pace() {
        let gaps = gaps(Kind::Regular, Duration::from_secs(10), Duration::from_secs(3_000));
        assert_eq!(quick(&gaps), 24);
        assert!(gaps[24..].iter().all(|gap| *gap == SPACING.pace), "{gaps:?}");
    }

    #[test]
    fn half_as_many_sprints_for_what_clients_ask() {
        let gaps = gaps(Kind::Elective, Duration::from_secs(13), Duration::from_secs(1_000));
        assert_eq!(quick(&gaps), 12);
    }

    #[test]
    fn sprints_come_back_after_an_hour() {
        let mut budget = Budget::default();
        for nth in 0..25 {
            budget.spend(START.after(Duration::from_secs(10 * nth)), Kind::Regular, SPACING.pace);
        }
        let first_sprint = START.after(Duration::from_secs(10));
        let late = START.after(Duration::from_secs(3_605));
        budget.spend(late, Kind::Regular, SPACING.pace);
        assert_eq!(budget.opens(Kind::Regular, SPACING), first_sprint.after(HOUR), "before the pace would");
    }

    #[test]
    fn the_pace_leaves_the_rest_of_the_hour_to_sprints() {
        let left = [100, 84, 72, 60, 1].map(|pace| sprints(Duration::from_secs(pace)));
        assert_eq!(left, [24, 17, 10, 0, 0]);
    }

    #[test]
    fn without_sprints_there_is_only_the_pace() {
        let minute = Spacing { pace: MINUTE, ..SPACING };
        let mut budget = Budget::default();
        budget.spend(START, Kind::Regular, MINUTE);
        assert_eq!(budget.opens(Kind::Regular, minute), START.after(MINUTE));
    }
}
