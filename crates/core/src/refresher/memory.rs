//! What a refresher leaves to its successor, so that a restart does not open the flood gates.

use std::time::Duration;

use super::{
    Standing,
    budget::{AN_HOUR, Budget, Kind, Past},
    patience::{Climb, LONGEST_TOLD},
    timeline::{Steady, Timeline},
    trouble::Trouble,
};
use crate::Failure;

/// What outlives a restart: plain data without secrets. All times are whole seconds since the Unix epoch, by the wall
/// clock, rounded up.
///
/// Taking one over is safe whatever it says: no wait is longer than it could have been when it was written, however
/// the wall clock leapt in between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Why renewal failed.
    pub trouble: Option<PastTrouble>,
    /// Until when the issuer asked to be left alone.
    pub told_until: Option<u64>,
    /// The exchanges of the last hour, oldest first.
    pub exchanges: Vec<PastExchange>,
}

/// Why renewal failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastTrouble {
    /// What callers are told.
    pub failure: Failure,
    /// How the credentials stand.
    pub standing: Standing,
    /// How many rungs of the ladder of retries were left behind.
    pub rungs: u32,
    /// How many suspect answers there have been in a row.
    pub suspects: u32,
    /// When to try again.
    pub retry_at: u64,
}

/// An exchange that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastExchange {
    /// When it began.
    pub at: u64,
    /// Whether it was for a client's sake only, the old token being good.
    pub elective: bool,
}

/// The two clocks are read one after the other. So little says nothing, and must not be rounded up to a whole second: a
/// memory that is handed on over and over would put everything off for ever.
const HAIR: Duration = Duration::from_millis(1);

/// Translates between the times of this run and the wall clock, as of one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Almanac {
    wall: Duration,
    steady: Steady,
}

impl Almanac {
    pub(super) const fn new(timeline: &Timeline) -> Self {
        Self { wall: timeline.now().since_epoch(), steady: timeline.steady() }
    }

    pub(super) fn note_trouble(self, trouble: &Trouble) -> PastTrouble {
        let Trouble { failure, standing, climb: Climb(rungs), suspects, retry_at } = trouble.clone();
        PastTrouble { failure, standing, rungs, suspects, retry_at: self.on_the_wall(retry_at) }
    }

    pub(super) fn note_told(self, until: Steady) -> Option<u64> {
        (until > self.steady).then(|| self.on_the_wall(until))
    }

    pub(super) fn note_exchange(self, past: &Past) -> PastExchange {
        PastExchange { at: self.on_the_wall(past.at), elective: past.kind == Kind::Elective }
    }

    pub(super) fn trouble(self, past: PastTrouble) -> Trouble {
        let PastTrouble { failure, standing, rungs, suspects, retry_at } = past;
        let retry_at = self.to_come(retry_at, standing.longest_wait());
        Trouble { failure, standing, climb: Climb(rungs), suspects, retry_at }
    }

    pub(super) fn told(self, until: u64) -> Steady {
        self.to_come(until, LONGEST_TOLD)
    }

    /// The exchanges as this run's budget counts them: the last of them, no more than it can tell apart. One from the
    /// future of the wall clock counts as made now.
    pub(super) fn budget(self, past: &[PastExchange], pace: Duration) -> Budget {
        let mut budget = Budget::default();
        for exchange in past.iter().skip(past.len().saturating_sub(AN_HOUR)) {
            let age = self.wall.saturating_sub(Duration::from_secs(exchange.at));
            let kind = if exchange.elective { Kind::Elective } else { Kind::Regular };
            budget.spend(self.steady.before(age), kind, pace);
        }
        budget
    }

    fn on_the_wall(self, at: Steady) -> u64 {
        let wall = (self.wall + at.since(self.steady)).saturating_sub(self.steady.since(at) + HAIR);
        wall.as_secs() + u64::from(wall.subsec_nanos() > 0)
    }

    fn to_come(self, wall: u64, bound: Duration) -> Steady {
        self.steady.after(Duration::from_secs(wall).saturating_sub(self.wall).min(bound))
    }
}
