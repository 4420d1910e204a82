//! From when nothing stands in a profile's way any more until somebody got a fresh token: how long, and whether that is
//! as soon as the policy says.
//!
//! The time is that of the daemon's boot clock, by which it plans. A leap that goes past the hour is no lateness: from
//! when the boot clock has reached it, the daemon has a few real seconds.

use std::collections::HashMap;

use airbyte_token_local::ProfileState;

use crate::{
    clock::Seconds,
    facts::Facts,
    oracle::{Answer, Breach, Kind, Outcome},
};

/// What renewal may wait for at most where nobody has said otherwise: the hundred seconds that keep exchanges apart once
/// an hour's are nearly spent. The longest step between two tries is shorter.
const PACE: Seconds = 100.0;
/// The longest that an exchange takes which began before all was well and fails: it is cut off after ten seconds.
const ATTEMPT: Seconds = 10.0;
/// The longest that Airbyte's `Retry-After` is heeded.
const LONGEST_TOLD: Seconds = 15.0 * 60.0;
/// The longest between two probes with credentials that were refused.
const LONGEST_PROBE: Seconds = 60.0 * 60.0;
/// What a busy machine may add, in real seconds.
const BUSY: Seconds = 10.0;

/// What stood in the way, as far as it decides how long recovery may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// Tried again soon.
    Retry,
    /// Airbyte asked for patience.
    Told,
    /// Airbyte refused, or was not Airbyte: probes.
    Parked,
}

/// One that was completed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recovery {
    pub(crate) lane: Lane,
    /// How long it took on the daemon's boot clock, without what the machine slept beyond the next try.
    pub(crate) waited: Seconds,
    /// How long the machine was awake meanwhile.
    pub(crate) awake: Seconds,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    healed: Seconds,
    lane: Lane,
    /// When the daemon meant to try again, seen from then.
    told: Seconds,
    /// How long it may take on the boot clock.
    allowed: Seconds,
}

#[derive(Debug, Default)]
pub(crate) struct Recoveries {
    pending: HashMap<usize, Pending>,
    pub(crate) done: Vec<Recovery>,
}

impl Lane {
    pub(crate) const ALL: [Self; 3] = [Self::Retry, Self::Told, Self::Parked];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Retry => "tried again soon",
            Self::Told => "Airbyte asked for patience",
            Self::Parked => "refused or misdirected",
        }
    }

    /// How long the next try may be away at most.
    pub(crate) fn longest(self) -> Seconds {
        match self {
            Self::Retry => PACE,
            Self::Told => LONGEST_TOLD,
            Self::Parked => LONGEST_PROBE,
        }
    }

    /// None where nothing is to be recovered from.
    const fn of(state: ProfileState) -> Option<Self> {
        match state {
            ProfileState::Idle | ProfileState::Fresh | ProfileState::ClockSuspect => None,
            ProfileState::Throttled => Some(Self::Told),
            ProfileState::Rejected
            | ProfileState::Misdirected
            | ProfileState::NoSecret
            | ProfileState::LogInAgain
            | ProfileState::VaultDamaged => Some(Self::Parked),
            ProfileState::Renewing
            | ProfileState::Degraded
            | ProfileState::Expired
            | ProfileState::Locked
            | ProfileState::KeyringLocked
            | ProfileState::KeyringMissing
            | ProfileState::KeyringDenied
            | ProfileState::VaultSlow
            | ProfileState::VaultUnreadable => Some(Self::Retry),
        }
    }
}

impl Recoveries {
    /// Nothing stands in the profile's way from now on; the daemon says this of it, and when it will try again.
    pub(crate) fn healed(&mut self, profile: usize, at: Seconds, state: ProfileState, retry_in: Option<u64>) {
        let Some(lane) = Lane::of(state) else { return };
        let told = retry_in.unwrap_or(0) as Seconds;
        // A `Retry-After` holds up what would else be tried again soon.
        let lane = if lane == Lane::Retry && told > PACE { Lane::Told } else { lane };
        let allowed = if retry_in.is_some() { told.max(PACE) } else { lane.longest() } + ATTEMPT;
        self.pending.insert(profile, Pending { healed: at, lane, told, allowed });
    }

    /// Something stands in its way again.
    pub(crate) fn relapsed(&mut self, profile: usize) {
        self.pending.remove(&profile);
    }

    /// The daemon was started anew: what it remembers may hold it up as long again.
    pub(crate) fn restarted(&mut self, at: Seconds, facts: &Facts) {
        for pending in self.pending.values_mut() {
            let so_far = facts.shifts.boot(at) - facts.shifts.boot(pending.healed);
            pending.allowed = so_far + pending.lane.longest() + ATTEMPT;
        }
    }

    /// Sees who got a fresh token by `now`, and who should have.
    pub(crate) fn observe(&mut self, answers: &[Answer], facts: &Facts, now: Seconds) -> Vec<Breach> {
        let mut breaches = Vec::new();
        self.pending.retain(|profile, pending| {
            let fresh = answers.iter().filter(|answer| is_fresh(answer, *profile, pending, facts));
            let first = fresh.map(|answer| answer.span.until).min_by(Seconds::total_cmp);
            let ended = first.unwrap_or(now);
            let due = facts.shifts.reached(pending.healed, pending.allowed, ended);
            if due.is_some_and(|due| ended > due + BUSY) {
                breaches.push(late(*profile, pending, facts, ended));
                return false;
            }
            let Some(first) = first else { return true };
            let waited = facts.shifts.waited(pending.healed, first, pending.told);
            self.done.push(Recovery { lane: pending.lane, waited, awake: first - pending.healed });
            false
        });
        breaches
    }
}

fn is_fresh(answer: &Answer, profile: usize, pending: &Pending, facts: &Facts) -> bool {
    let Outcome::Token(token, _) = &answer.outcome else { return false };
    answer.profile == profile && facts.ledger.get(*token).is_some_and(|issue| issue.by >= pending.healed)
}

fn late(profile: usize, pending: &Pending, facts: &Facts, at: Seconds) -> Breach {
    let boot = facts.shifts.boot(at) - facts.shifts.boot(pending.healed);
    let awake = at - pending.healed;
    let what = format!(
        "{}: no fresh token {boot:.1} s after all was well ({awake:.1} s awake), {:.1} s are allowed",
        pending.lane.name(),
        pending.allowed
    );
    Breach { kind: Kind::Recovery, profile, at, what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::Span,
        ledger::{Issue, TokenId},
        shifts::Shift,
    };

    fn facts(issued: Seconds) -> Facts {
        let mut facts = Facts::default();
        let issue = Issue { profile: 0, by: issued, dies: issued + 60.0, life: 60.0 };
        facts.ledger.add(TokenId::of("a"), issue);
        facts
    }

    fn served(at: Seconds) -> Answer {
        let outcome = Outcome::Token(TokenId::of("a"), Some(59));
        Answer { profile: 0, span: Span { from: at - 0.1, until: at }, min_ttl: 0.0, wait: 10.0, outcome }
    }

    fn healed(state: ProfileState, retry_in: Option<u64>) -> Recoveries {
        let mut recoveries = Recoveries::default();
        recoveries.healed(0, 100.0, state, retry_in);
        recoveries
    }

    #[test]
    fn a_fresh_token_ends_a_recovery_and_an_old_one_does_not() {
        let mut recoveries = healed(ProfileState::Expired, Some(4));
        assert!(recoveries.observe(&[served(101.0)], &facts(99.0), 102.0).is_empty());
        assert!(recoveries.done.is_empty());
        assert!(recoveries.observe(&[served(104.0)], &facts(103.0), 105.0).is_empty());
        assert_eq!(recoveries.done.len(), 1);
        assert!((recoveries.done[0].waited - 4.0).abs() < 1e-6);
    }

    #[test]
    fn a_recovery_that_takes_longer_than_the_policy_says_is_seen() {
        let mut recoveries = healed(ProfileState::Expired, Some(4));
        assert!(recoveries.observe(&[], &facts(99.0), 219.0).is_empty());
        let breaches = recoveries.observe(&[], &facts(99.0), 221.0);
        assert_eq!(breaches.iter().map(|breach| breach.kind).collect::<Vec<_>>(), [Kind::Recovery]);
    }

    #[test]
    fn a_leap_past_the_hour_is_no_lateness_and_dawdling_after_it_is() {
        let mut facts = facts(99.0);
        facts.shifts.add(Shift { before: 101.0, after: 101.0, boot: 7200.0, wall: 7200.0 });
        let mut recoveries = healed(ProfileState::Rejected, Some(300));
        assert!(recoveries.observe(&[], &facts, 111.0).is_empty());
        assert_eq!(recoveries.observe(&[], &facts, 112.0).len(), 1);
    }

    #[test]
    fn where_nothing_was_wrong_nothing_is_measured() {
        assert!(healed(ProfileState::Fresh, None).pending.is_empty());
        let mut recoveries = healed(ProfileState::Expired, None);
        recoveries.relapsed(0);
        assert!(recoveries.pending.is_empty());
    }
}
