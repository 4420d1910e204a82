//! What happened to a profile of late, for people who want to know why. In memory only, bounded, and without any secret
//! or token: fingerprints, reasons and times.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use airbyte_token_core::{Failure, Fingerprint, Issued, Moment, Token, refresher::Why};
use airbyte_token_local::ErrorCode;

use super::code_of;

/// How many events are kept of each profile; the oldest go first.
pub const MOST_EVENTS: usize = 50;
/// How far the two clocks may drift apart unnoticed: a leap is more.
const DRIFT: Duration = Duration::from_secs(2);

/// What happened to one profile. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct History(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Event>,
    tally: Tally,
    skew: Option<Skew>,
    seen: Option<Moment>,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: Moment,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What {
    /// The profile is served from now on.
    Started {
        /// What an earlier run left.
        remembered: Option<Failure>,
    },
    /// The profile or its secret was changed.
    Changed,
    /// Somebody logged in, which one exchange proved: it brought this token, for so long.
    LoggedIn(Fingerprint, Duration),
    /// Somebody locked the daemon: what was under way is given up.
    Locked,
    /// Somebody unlocked it.
    Unlocked,
    /// The wall clock was moved by so many seconds.
    ClockSet(i64),
    /// An exchange began.
    Exchange {
        /// For what reason.
        why: Why,
        /// What came of it, and how long that took.
        outcome: Option<(Duration, Outcome)>,
    },
}

/// What came of an exchange.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A token.
    Token(Fingerprint, Duration),
    /// None.
    Failed(Failure),
}

impl Outcome {
    /// What is kept of an exchange's result.
    #[must_use]
    pub fn of(result: &Result<Issued, Failure>) -> Self {
        match result {
            Ok(issued) => Self::Token(issued.fingerprint, issued.lifetime),
            Err(failure) => Self::Failed(failure.clone()),
        }
    }
}

/// How many exchanges have ended in which way, of all since the daemon began to serve the profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// With a token.
    pub tokens: u64,
    /// Without one, by code; a code that is missing has not occurred.
    pub failures: HashMap<ErrorCode, u64>,
}

impl Tally {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Token(..) => self.tokens += 1,
            Outcome::Failed(failure) => *self.failures.entry(code_of(failure)).or_default() += 1,
        }
    }
}

/// What the server's `Date` said about this machine's clock.
#[derive(Clone, Copy, Debug)]
struct Skew {
    /// The server's time, less this machine's time since boot: both run on while the wall clock may be set.
    server_less_boot: i128,
}

impl Skew {
    fn new(now: Moment, server: Duration) -> Self {
        Self { server_less_boot: millis(server) - millis(now.since_boot()) }
    }

    /// The wall clock moved by so much alone. Either somebody set it, or a virtual machine stood still and its boot clock
    /// with it, while the server's clock ran on: what makes the clock right is believed, until the server says more.
    fn after_leap(self, moved: i128, now: Moment) -> Self {
        let paused = Self { server_less_boot: self.server_less_boot + moved };
        let is_likelier = moved > 0 && paused.seconds(now).unsigned_abs() < self.seconds(now).unsigned_abs();
        if is_likelier { paused } else { self }
    }

    fn seconds(self, now: Moment) -> i64 {
        let ahead = millis(now.since_epoch()) - (self.server_less_boot + millis(now.since_boot()));
        i64::try_from(ahead / 1000).unwrap_or(i64::MAX)
    }
}

fn millis(time: Duration) -> i128 {
    i128::try_from(time.as_millis()).unwrap_or(i128::MAX)
}

impl History {
    /// Adds what happened now.
    pub fn add(&self, at: Moment, what: What) {
        let mut kept = self.kept();
        kept.seen = Some(at);
        if kept.events.len() == MOST_EVENTS {
            kept.events.pop_front();
        }
        kept.events.push_back(Event { at, what });
    }

    /// Somebody logged in; the one exchange that proved the pair brought this token.
    pub fn log_in(&self, at: Moment, token: &Token) {
        self.add(at, What::LoggedIn(token.fingerprint(), token.lifetime()));
        self.kept().tally.tokens += 1;
    }

    /// The exchange that began last has ended.
    pub fn end_exchange(&self, now: Moment, with: Outcome) {
        let mut kept = self.kept();
        kept.seen = Some(now);
        kept.tally.count(&with);
        for event in kept.events.iter_mut().rev() {
            if let What::Exchange { outcome: outcome @ None, .. } = &mut event.what {
                *outcome = Some((now.rest(event.at), with));
                return;
            }
        }
    }

    /// The clocks were looked at. Where the wall clock moved and the boot clock did not move along, that is an event.
    pub fn note_time(&self, now: Moment) {
        let before = self.kept().seen.replace(now);
        let Some(before) = before else { return };
        let ran = millis(now.since_boot()) - millis(before.since_boot());
        let moved = millis(now.since_epoch()) - millis(before.since_epoch()) - ran;
        if moved.unsigned_abs() > DRIFT.as_millis() {
            let mut kept = self.kept();
            kept.skew = kept.skew.map(|skew| skew.after_leap(moved, now));
            drop(kept);
            // The clocks are read a moment apart: what was set by an hour seems a moment less.
            let seconds = i64::try_from((moved + 500 * moved.signum()) / 1000).unwrap_or(i64::MAX);
            self.add(now, What::ClockSet(seconds));
        }
    }

    /// The server said what time it is.
    pub fn note_server_time(&self, now: Moment, server: Duration) {
        self.kept().skew = Some(Skew::new(now, server));
    }

    /// By how many seconds this machine's clock is ahead of the server's, to a second; none, if no answer told.
    #[must_use]
    pub fn clock_skew(&self, now: Moment) -> Option<i64> {
        self.kept().skew.map(|skew| skew.seconds(now))
    }

    /// What happened, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.kept().events.iter().cloned().collect()
    }

    /// How the exchanges ended.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.kept().tally.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use airbyte_token_core::Detail;

    use super::*;

    const fn at(boot: u64, wall: u64) -> Moment {
        Moment::new(Duration::from_secs(boot), Duration::from_secs(wall))
    }

    #[test]
    fn the_last_fifty_events_are_kept() {
        let history = History::default();
        for second in 0..60 {
            history.add(at(second, second), What::Changed);
        }
        let events = history.events();
        assert_eq!(events.len(), MOST_EVENTS);
        assert_eq!(events[0].at, at(10, 10), "the oldest went first");
    }

    #[test]
    fn an_exchange_ends_where_it_began() {
        let history = History::default();
        history.add(at(100, 100), What::Exchange { why: Why::NoToken, outcome: None });
        history.add(at(101, 101), What::Changed);
        let token = Outcome::Token(Fingerprint::from_sha256([7; 32]), Duration::from_secs(900));
        history.end_exchange(at(103, 103), token);
        let What::Exchange { outcome: Some((took, Outcome::Token(_, life))), .. } = &history.events()[0].what
        else {
            panic!("it has ended: {history:?}");
        };
        assert_eq!((took.as_secs(), life.as_secs()), (3, 900));
    }

    #[test]
    fn every_exchange_is_counted_by_how_it_ended_however_long_ago() {
        let history = History::default();
        let detail = Detail::new("made up");
        let ends = [
            Outcome::Token(Fingerprint::from_sha256([7; 32]), Duration::from_secs(900)),
            Outcome::Failed(Failure::Rejected { detail: detail.clone() }),
            Outcome::Failed(Failure::Suspect { detail: detail.clone() }),
            Outcome::Failed(Failure::Transient { retry_after: None, detail }),
        ];
        for second in 0..200 {
            history.add(at(second, second), What::Exchange { why: Why::Retry, outcome: None });
            history.end_exchange(at(second, second), ends[second as usize % 4].clone());
        }
        let failures = [(ErrorCode::Rejected, 50), (ErrorCode::UpstreamUnavailable, 100)];
        assert_eq!(history.tally(), Tally { tokens: 50, failures: failures.into() });
    }

    #[test]
    fn a_clock_that_is_set_is_an_event_and_time_that_passes_is_none() {
        let history = History::default();
        let moved_to = |now| {
            history.note_time(now);
            history.events().last().and_then(|event| match event.what {
                What::ClockSet(seconds) => Some(seconds),
                What::Started { .. } | What::Changed | What::Locked | What::Unlocked => None,
                What::LoggedIn(..) | What::Exchange { .. } => None,
            })
        };
        assert_eq!(moved_to(at(100, 1000)), None, "there is nothing to compare with");
        assert_eq!(moved_to(at(30_000, 30_900)), None, "a suspend moves both");
        assert_eq!(moved_to(at(30_001, 27_301)), Some(-3_600));
        assert_eq!(moved_to(at(30_002, 30_902)), Some(3_600));
        let back = Moment::new(Duration::from_millis(30_002_999), Duration::from_secs(27_303));
        assert_eq!(moved_to(back), Some(-3_600), "the clocks were read a moment apart");
        assert_eq!(history.events().len(), 3);
    }

    #[test]
    fn a_machine_that_stood_still_is_not_suspected_of_a_wrong_clock() {
        let history = History::default();
        history.note_time(at(100, 1_000));
        history.note_server_time(at(100, 1_000), Duration::from_secs(1_000));
        history.note_time(at(101, 1_401));
        assert_eq!(history.clock_skew(at(101, 1_401)), Some(0), "a pause of 400 s");
        history.note_server_time(at(102, 1_402), Duration::from_secs(2_002));
        history.note_time(at(103, 2_003));
        assert_eq!(history.clock_skew(at(103, 2_003)), Some(0), "it was set right");
        history.note_time(at(104, 1_404));
        assert_eq!(history.clock_skew(at(104, 1_404)), Some(-600), "no pause turns a clock back");
    }

    #[test]
    fn a_skew_goes_away_when_the_clock_is_set_right() {
        let history = History::default();
        assert_eq!(history.clock_skew(at(100, 1_000)), None);
        history.note_server_time(at(100, 1_000), Duration::from_secs(1_600));
        assert_eq!(history.clock_skew(at(150, 1_050)), Some(-600));
        assert_eq!(history.clock_skew(at(160, 1_660)), Some(0));
    }
}
