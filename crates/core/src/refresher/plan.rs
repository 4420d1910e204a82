//! What the refresher means to do next, and what outcomes change about it.

use std::time::Duration;

use super::{
    Asked, Phase, Refresher, Seen,
    budget::{Kind, Spacing},
    flight::Flight,
    holding::Holding,
    trouble::{Trouble, told_to_wait},
};
use crate::{Failure, RefreshPolicy, Token};

impl Refresher {
    /// Begins the next exchange if its time has come.
    pub(super) fn decide(&mut self) {
        let Some((Duration::ZERO, kind)) = self.next_start() else { return };
        self.budget.spend(self.timeline.steady(), kind, self.spacing().pace);
        self.flight = Some(Flight::new(self.now()));
        self.exchanges += 1;
    }

    /// How long until the next exchange begins if nothing else happens, and for whose sake.
    pub(super) fn next_start(&self) -> Option<(Duration, Kind)> {
        if self.flight.is_some() || !self.is_active() {
            return None;
        }
        let start = |wait: Duration, kind: Kind| (wait.max(self.closed_for(kind)), kind);
        let regular = self.regular_wait().map(|wait| start(wait, Kind::Regular));
        let elective = self.is_elective_wanted().then(|| start(Duration::ZERO, Kind::Elective));
        regular.into_iter().chain(elective).min_by_key(|(wait, _)| *wait)
    }

    /// A caller needs a token now.
    pub(super) fn demand(&mut self) {
        self.demanded = true;
        self.hasten();
    }

    /// A caller needs more life than the token in hand has.
    pub(super) fn demand_more(&mut self) {
        self.ask(Asked::Patiently);
        self.hasten();
    }

    /// Somebody wants a new token although the old one is good. What was asked for urgently stays urgent.
    pub(super) fn ask(&mut self, how: Asked) {
        self.asked = self.asked.max(Some(how));
    }

    /// A token came.
    pub(super) fn hold(&mut self, token: Token) {
        let token = self.with_no_second_life(token);
        let seen = Seen { life: token.lifetime(), on_arrival: token.remaining(self.now()) };
        let lead = self.lead(seen);
        self.holding = Some(Holding::new(token, lead));
        self.seen = Some(seen);
        self.trouble = None;
        self.settle();
    }

    /// How long before its end the renewal of such a token begins: rolled anew with each call.
    pub(super) fn lead(&mut self, seen: Seen) -> Duration {
        let early = self.jitter.up_to(self.policy.jitter(seen.life));
        (self.policy.soft_window(seen.life) + early).min(seen.on_arrival / 2)
    }

    /// The issuer may have asked for patience, whatever else its answer was worth.
    pub(super) fn heed(&mut self, failure: &Failure) {
        if let Some(told) = told_to_wait(failure) {
            self.told_until = self.told_until.max(self.timeline.steady().after(told));
        }
    }

    /// An exchange failed.
    pub(super) fn note_failure(&mut self, failure: Failure) {
        let now = self.timeline.steady();
        self.trouble = Some(Trouble::after(self.trouble.take(), failure, now, &mut self.jitter));
        self.settle();
    }

    /// The profile in one word.
    pub(super) fn phase(&self) -> Phase {
        let alive = self.holding.is_some();
        match &self.trouble {
            Some(trouble) if trouble.is_of_vault() => Phase::VaultTrouble,
            Some(trouble) if trouble.is_parked() => Phase::Blocked,
            Some(_) if alive => Phase::Degraded,
            Some(_) => Phase::Expired,
            None if self.flight.is_some() => Phase::Refreshing,
            None if alive => Phase::Fresh,
            None if self.next_start().is_some() => Phase::Expired,
            None => Phase::Idle,
        }
    }

    /// An outcome answers everybody who waited for one.
    fn settle(&mut self) {
        self.demanded = false;
        self.asked = None;
    }

    /// An issuer that hands out the same token again has not made it live longer.
    fn with_no_second_life(&self, token: Token) -> Token {
        let same = self.holding.as_ref().filter(|held| held.token().fingerprint() == token.fingerprint());
        match same.map(|held| held.token().remaining(self.now())) {
            Some(left) => token.ending(self.now().after(left.min(token.remaining(self.now())))),
            None => token,
        }
    }

    fn hasten(&mut self) {
        let now = self.timeline.steady();
        if let Some(trouble) = &mut self.trouble {
            trouble.hasten(now);
        }
    }

    /// How long until the profile itself needs an exchange; `None` while it needs none.
    fn regular_wait(&self) -> Option<Duration> {
        if let Some(trouble) = &self.trouble {
            return Some(trouble.retry_at.since(self.timeline.steady()));
        }
        if self.demanded {
            return Some(Duration::ZERO);
        }
        if self.life().is_some_and(RefreshPolicy::is_fleeting) {
            return None;
        }
        Some(self.holding.as_ref().map_or(Duration::ZERO, |held| held.until_renewal(self.now())))
    }

    /// Whether an elective exchange is wanted now. While renewal fails, its own next try serves the patient.
    fn is_elective_wanted(&self) -> bool {
        self.asked.is_some_and(|how| match how {
            Asked::Urgently => true,
            Asked::Patiently => self.trouble.is_none(),
        })
    }

    /// How long floor, budget and what the issuer asked for forbid an exchange of this kind.
    fn closed_for(&self, kind: Kind) -> Duration {
        self.budget.opens(kind, self.spacing()).max(self.told_until).since(self.timeline.steady())
    }

    fn is_active(&self) -> bool {
        let idle_after = self.policy.idle_after();
        self.used.is_some_and(|used| self.timeline.steady().since(used) < idle_after)
    }

    fn spacing(&self) -> Spacing {
        let life = self.life();
        Spacing { floor: RefreshPolicy::floor(life), pace: self.policy.pace(life) }
    }
}
