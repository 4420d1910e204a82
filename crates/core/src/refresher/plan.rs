//! What the refresher means to do next, and what outcomes change about it.

use std::time::Duration;

use super::{
    Asked, Phase, Refresher, Seen,
    budget::Spacing,
    flight::Flight,
    holding::Holding,
    patience::told_to_wait,
    trouble::{Standing, Trouble},
    why::{Hold, Plan, Why},
};
use crate::{Failure, RefreshPolicy, Token};

/// The next exchange, seen from now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) wait: Duration,
    why: Why,
    held_by: Option<Hold>,
}

impl Refresher {
    /// Begins the next exchange if its time has come.
    pub(super) fn decide(&mut self) {
        let Some(start) = self.next_start().filter(|start| start.wait.is_zero()) else { return };
        self.budget.spend(self.timeline.steady(), start.why.kind(), self.spacing().pace);
        self.flight = Some(Flight::new(self.now(), start.why));
        self.exchanges += 1;
    }

    /// The exchange that begins next if nothing else happens.
    pub(super) fn next_start(&self) -> Option<Start> {
        if self.locked || self.flight.is_some() || !self.is_active() {
            return None;
        }
        let regular = self.regular().map(|(wait, why)| self.start(wait, why));
        let elective = self.elective().map(|why| self.start(Duration::ZERO, why));
        regular.into_iter().chain(elective).min_by_key(|start| start.wait)
    }

    /// The same, for onlookers.
    pub(super) fn plan(&self) -> Option<Plan> {
        self.next_start().map(|Start { wait, why, held_by }| Plan {
            at: self.now().after(wait),
            why,
            held_by,
        })
    }

    /// A caller needs a token now.
    pub(super) fn demand(&mut self) {
        self.demanded = true;
        self.hasten();
    }

    /// A caller needs more life than the token in hand has.
    pub(super) fn demand_more(&mut self) {
        self.ask(Asked::ForMoreLife);
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
        if let Some(told) = told_to_wait(failure, &mut self.jitter) {
            self.told_until = self.told_until.max(self.timeline.steady().after(told));
        }
    }

    /// An exchange failed.
    pub(super) fn note_failure(&mut self, failure: Failure) {
        let now = self.timeline.steady();
        let left = self.left().unwrap_or_default();
        self.trouble = Some(Trouble::after(self.trouble.take(), failure, now, left, &mut self.jitter));
        self.settle();
    }

    /// The profile in one word.
    pub(super) fn phase(&self) -> Phase {
        let alive = self.holding.is_some();
        match &self.trouble {
            _ if self.locked => Phase::Locked,
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

    /// How long until the profile itself needs an exchange, and why; `None` while it needs none.
    fn regular(&self) -> Option<(Duration, Why)> {
        if let Some(trouble) = &self.trouble {
            return Some((trouble.retry_at.since(self.timeline.steady()), why_again(trouble)));
        }
        let Some(held) = &self.holding else {
            let is_wanted = self.demanded || !self.is_fleeting();
            return is_wanted.then_some((Duration::ZERO, Why::NoToken));
        };
        if self.demanded {
            return Some((Duration::ZERO, Why::NearEnd));
        }
        (!self.is_fleeting()).then(|| (held.until_renewal(self.now()), Why::Renewal))
    }

    /// Why an elective exchange is wanted now. While renewal fails, its own next try serves the patient.
    fn elective(&self) -> Option<Why> {
        self.asked.filter(|how| how.is_urgent() || self.trouble.is_none()).map(Asked::why)
    }

    /// An exchange that is wanted after this wait, when it may begin.
    fn start(&self, wanted: Duration, why: Why) -> Start {
        let now = self.timeline.steady();
        let told = self.told_until.since(now);
        let budget = self.budget.opens(why.kind(), self.spacing()).since(now);
        let held_by = if wanted >= told.max(budget) {
            None
        } else if told >= budget {
            Some(Hold::Issuer)
        } else {
            Some(Hold::Budget)
        };
        Start { wait: wanted.max(told).max(budget), why, held_by }
    }

    /// Whether its tokens are too short to be renewed ahead.
    fn is_fleeting(&self) -> bool {
        self.life().is_some_and(RefreshPolicy::is_fleeting)
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

/// Why an exchange is tried again.
const fn why_again(trouble: &Trouble) -> Why {
    if trouble.is_of_vault() {
        return Why::Vault;
    }
    match trouble.standing {
        Standing::Trying => Why::Retry,
        Standing::Accused => Why::Confirmation,
        Standing::Parked { .. } => Why::Probe,
    }
}
