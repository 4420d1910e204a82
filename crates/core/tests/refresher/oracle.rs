//! What is really true, and which promise was broken.

use std::time::Duration;

use airbyte_token_core::{Answer, Failure, Misdirection, Moment, Reason, Snapshot, Token, VaultTrouble};

use crate::fixture::{fingerprint, hours, mins, secs, transient};

/// More exchanges than any history here has room for.
const STORM: u32 = 3_000;

/// So little later on one clock than on the other says nothing.
const HAIR: Duration = Duration::from_millis(1);

/// What the refresher promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    NoDeadToken,
    NoLessLifeThanAsked,
    NoLiveTokenWithheld,
    OneInFlight,
    Floor,
    Budget,
    RetryAfter,
    Parking,
    Idleness,
    NextWake,
    NextTry,
    HonestAnswers,
}

/// An exchange that is really in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InFlight {
    begun: Duration,
    stale: bool,
    sped: bool,
}

/// The last token, as it really is.
#[derive(Clone, Copy, Debug)]
struct TrueToken {
    number: u64,
    dies: Duration,
    on_arrival: Duration,
    life: Duration,
    /// A clock leapt forward in its life, so it may look older than it is.
    sped: bool,
}

/// How the credentials really stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stand {
    #[default]
    Free,
    Accused,
    Parked,
    Unstored,
}

/// Sees the truth.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    /// The time that has really passed.
    pub(crate) truth: Duration,
    /// How far the boot clock ran forward, as the refresher was shown it.
    pub(crate) run: Duration,
    pub(crate) flight: Option<InFlight>,
    /// When exchanges that reached the issuer began, by `run`.
    pub(crate) begun: Vec<Duration>,
    last_attempt: Option<Duration>,
    attempts: u32,
    token: Option<TrueToken>,
    failing: bool,
    used: Option<Duration>,
    told_until: Duration,
    stand: Stand,
    suspects: u32,
    /// The last failure was an interception.
    intercepted: bool,
    parked_until: Duration,
    breaches: Vec<(Promise, String)>,
}

impl Oracle {
    /// What broke this promise.
    pub(crate) fn breaches_of(&self, promise: Promise) -> Vec<&str> {
        let broke = |breach: &&(Promise, String)| breach.0 == promise;
        self.breaches.iter().filter(broke).map(|breach| breach.1.as_str()).collect()
    }

    pub(crate) fn breach(&mut self, promise: Promise, what: impl Into<String>) {
        self.breaches.push((promise, what.into()));
    }

    /// How long the last token really lives.
    pub(crate) fn true_life_left(&self) -> Duration {
        self.token.map_or(Duration::ZERO, |token| token.dies.saturating_sub(self.truth))
    }

    pub(crate) fn used(&mut self) {
        self.used = Some(self.run);
    }

    pub(crate) fn begun(&mut self) {
        self.attempts += 1;
        assert!(self.attempts < STORM, "a storm: so many exchanges that a test would not end");
        self.check_begin();
        self.begun.push(self.run);
        self.last_attempt = Some(self.run);
        self.flight = Some(InFlight { begun: self.truth, stale: false, sped: false });
    }

    /// The exchange in flight brought this token. It may have been refused only if it seemed dead.
    pub(crate) fn landed(&mut self, number: u64, life: Duration, taken: bool) {
        let Some(flight) = self.flight.take() else { return };
        let dies = flight.begun + life;
        let on_arrival = dies.saturating_sub(self.truth);
        if !flight.sped && taken == on_arrival.is_zero() {
            self.breach(Promise::NoLiveTokenWithheld, format!("{on_arrival:?} left of {life:?} on arrival"));
        }
        self.failing = !taken;
        if taken {
            self.stand = Stand::Free;
            self.suspects = 0;
            self.intercepted = false;
            self.parked_until = Duration::ZERO;
            self.token = Some(TrueToken { number, dies, on_arrival, life, sped: flight.sped });
        } else if !flight.stale {
            self.judge(&transient());
        }
    }

    pub(crate) fn failed(&mut self, failure: &Failure) {
        let Some(flight) = self.flight.take() else { return };
        self.told_until = self.told_until.max(self.run + told(failure));
        if matches!(failure, Failure::Vault { .. } | Failure::Unreached { .. }) {
            self.begun.pop();
        }
        if !flight.stale {
            self.failing = true;
            self.judge(failure);
        }
    }

    pub(crate) fn refreshed(&mut self) {
        self.parked_until = Duration::ZERO;
        self.stand = match self.stand {
            Stand::Free | Stand::Unstored => Stand::Free,
            Stand::Accused | Stand::Parked => Stand::Accused,
        };
    }

    pub(crate) fn new_secret(&mut self) {
        self.failing = false;
        self.stand = Stand::Free;
        self.suspects = 0;
        self.intercepted = false;
        self.parked_until = Duration::ZERO;
        if let Some(flight) = &mut self.flight {
            flight.stale = true;
        }
    }

    pub(crate) fn leapt(&mut self, forward: bool) {
        if let Some(token) = &mut self.token {
            token.sped |= forward;
        }
        if let Some(flight) = &mut self.flight {
            flight.sped |= forward;
        }
    }

    pub(crate) fn restarted(&mut self) {
        self.flight = None;
        self.token = None;
        self.used = None;
        // What is remembered may be off by as much as two clocks are that are read one after the other.
        self.begun.iter_mut().for_each(|at| *at = at.saturating_sub(HAIR));
        self.last_attempt = self.begun.last().copied();
        self.told_until = self.told_until.saturating_sub(HAIR);
        self.parked_until = self.parked_until.saturating_sub(HAIR);
    }

    pub(crate) fn check_wake(&mut self, wake: Option<Moment>, now: Moment) {
        let Some(at) = wake else { return };
        if at.since_boot() <= now.since_boot() || at.since_epoch() <= now.since_epoch() {
            self.breach(Promise::NextWake, format!("{at:?} at {now:?}"));
        }
    }

    pub(crate) fn check_snapshot(&mut self, snapshot: &Snapshot, now: Moment) {
        if let Some(token) = &snapshot.token {
            self.check_token(token, now);
        }
        self.check_next_try(snapshot, now);
        let left = self.true_life_left();
        if self.is_plainly_alive() {
            let seen = snapshot.token.as_ref().map(|token| token.remaining(now));
            if seen != Some(left) {
                self.breach(Promise::NoLiveTokenWithheld, format!("{seen:?} instead of {left:?}"));
            }
        }
    }

    pub(crate) fn check_answer(&mut self, answer: &Answer, now: Moment, min_ttl: Duration, hard: Duration) {
        match answer {
            Answer::Token(token) => {
                self.check_token(token, now);
                if token.remaining(now) < min_ttl {
                    self.breach(Promise::NoLessLifeThanAsked, format!("{token:?} for {min_ttl:?}"));
                }
            }
            Answer::Pending => self.check_pending(min_ttl, hard),
            Answer::Failed { reason, retry_at, alive } => {
                self.check_refusal(reason, *retry_at, now, min_ttl);
                match alive {
                    Some(token) => self.check_token(token, now),
                    None if self.is_plainly_alive() => {
                        self.breach(Promise::NoLiveTokenWithheld, format!("{reason:?} hides it"));
                    }
                    None => {}
                }
            }
        }
    }

    /// A profile that is in use and has no token is never forgotten, but for tokens that are fetched on demand only.
    fn check_next_try(&mut self, snapshot: &Snapshot, now: Moment) {
        let in_use = self.used.is_some_and(|used| self.run - used < hours(8));
        let fleeting = self.token.is_some_and(|token| token.life <= secs(10));
        if self.flight.is_some() || snapshot.token.is_some() || !in_use || fleeting {
            return;
        }
        let next = snapshot.refresh_at.or(snapshot.retry_at);
        if next.is_none_or(|at| at.left(now) > hours(1)) {
            self.breach(Promise::NextTry, format!("{next:?} at {now:?}, {:?}", snapshot.phase));
        }
    }

    fn is_plainly_alive(&self) -> bool {
        self.token.is_some_and(|token| !token.sped) && !self.true_life_left().is_zero()
    }

    fn check_token(&mut self, token: &Token, now: Moment) {
        let left = self.true_life_left();
        let real = self.token.is_some_and(|held| fingerprint(held.number) == token.fingerprint());
        if !real || left.is_zero() || token.remaining(now) > left || !token.is_alive(now) {
            self.breach(Promise::NoDeadToken, format!("{token:?} has {left:?} at {now:?}"));
        }
    }

    fn check_pending(&mut self, min_ttl: Duration, hard: Duration) {
        if self.flight.is_none() {
            self.breach(Promise::HonestAnswers, "pending, but nothing is in flight");
        }
        let left = self.true_life_left();
        if self.is_plainly_alive() && left >= min_ttl && (left >= hard || self.failing) {
            self.breach(Promise::NoLiveTokenWithheld, format!("pending with {left:?} left of {min_ttl:?}"));
        }
    }

    fn check_refusal(&mut self, reason: &Reason, retry_at: Option<Moment>, now: Moment, min_ttl: Duration) {
        let left = self.true_life_left();
        if self.is_plainly_alive() && left >= min_ttl {
            self.breach(Promise::NoLiveTokenWithheld, format!("{reason:?} with {left:?} of {min_ttl:?}"));
        }
        let longest = match reason {
            Reason::MinTtl { longest } => Some(*longest),
            Reason::Failure(_) | Reason::Paced | Reason::Locked => None,
        };
        let hopeless = longest.is_some_and(|longest| {
            longest < min_ttl && self.token.is_none_or(|token| longest <= token.on_arrival)
        });
        let dated = retry_at.is_some_and(|at| !at.is_reached(now));
        if (longest.is_some() && !hopeless) || dated == longest.is_some() || self.flight_refutes(reason) {
            self.breach(Promise::HonestAnswers, format!("{reason:?}, retry at {retry_at:?}"));
        }
    }

    fn flight_refutes(&self, reason: &Reason) -> bool {
        self.flight.is_some() && !matches!(reason, Reason::MinTtl { .. })
    }

    fn check_begin(&mut self) {
        let run = self.run;
        if self.flight.is_some() {
            self.breach(Promise::OneInFlight, "two exchanges at once");
        }
        let floor = self.token.filter(|token| token.life <= secs(10)).map_or(secs(1), |_| secs(5));
        if self.last_attempt.is_some_and(|last| run - last < floor) {
            self.breach(Promise::Floor, format!("{:?} then {run:?}", self.last_attempt));
        }
        let within = |window: Duration| self.begun.iter().rev().take_while(|at| run - **at < window).count();
        if within(mins(1)) >= 10 || within(hours(1)) >= 60 {
            self.breach(Promise::Budget, format!("{} and {}", within(mins(1)), within(hours(1))));
        }
        if run < self.told_until {
            self.breach(Promise::RetryAfter, format!("at {run:?} before {:?}", self.told_until));
        }
        if run < self.parked_until {
            self.breach(Promise::Parking, format!("at {run:?} before {:?}", self.parked_until));
        }
        if self.used.is_none_or(|used| run - used >= hours(8)) {
            self.breach(Promise::Idleness, format!("at {run:?}, used {:?}", self.used));
        }
    }

    /// When, after this failure, the next exchange may come at the earliest, and what it makes of the credentials.
    fn judge(&mut self, failure: &Failure) {
        let refused = match failure {
            Failure::Rejected { .. } | Failure::Misdirected { by: Misdirection::Address, .. } => true,
            Failure::Misdirected { by: Misdirection::Interception, .. } => false,
            Failure::Suspect { .. } => {
                self.suspects += 1;
                self.suspects >= 3
            }
            Failure::Transient { .. } | Failure::Unreached { .. } | Failure::Untrusted { .. } => false,
            Failure::Throttled { .. } | Failure::Vault { .. } => false,
        };
        match failure {
            Failure::Transient { .. }
            | Failure::Rejected { .. }
            | Failure::Misdirected { by: Misdirection::Address, .. } => self.suspects = 0,
            Failure::Unreached { .. }
            | Failure::Untrusted { .. }
            | Failure::Suspect { .. }
            | Failure::Throttled { .. }
            | Failure::Misdirected { by: Misdirection::Interception, .. }
            | Failure::Vault { .. } => {}
        }
        let unstored = matches!(
            failure,
            Failure::Vault {
                trouble: VaultTrouble::Empty | VaultTrouble::OtherOrigin | VaultTrouble::Damaged,
                ..
            }
        );
        self.stand = match self.stand {
            _ if unstored => Stand::Unstored,
            Stand::Free | Stand::Unstored if refused && self.suspects >= 3 => Stand::Parked,
            Stand::Free | Stand::Unstored if refused => Stand::Accused,
            Stand::Free | Stand::Unstored => Stand::Free,
            Stand::Accused if refused => Stand::Parked,
            Stand::Accused | Stand::Parked => self.stand,
        };
        let is_untrusted = matches!(failure, Failure::Untrusted { .. });
        let again = std::mem::replace(&mut self.intercepted, is_interception(failure));
        self.parked_until = match self.stand {
            Stand::Free | Stand::Accused if is_untrusted => self.run + secs(60),
            Stand::Free if self.intercepted && !again => self.run + secs(5),
            Stand::Free | Stand::Accused if self.intercepted => self.run + secs(60),
            Stand::Free => Duration::ZERO,
            Stand::Accused if refused => self.run + secs(5),
            Stand::Accused => Duration::ZERO,
            Stand::Parked | Stand::Unstored => self.run + mins(5),
        };
    }
}

fn is_interception(failure: &Failure) -> bool {
    matches!(failure, Failure::Misdirected { by: Misdirection::Interception, .. })
}

/// The patience that an issuer asks for, as it is believed.
fn told(failure: &Failure) -> Duration {
    match failure {
        Failure::Transient { retry_after: None, .. } => Duration::ZERO,
        Failure::Throttled { retry_after: None, .. } => secs(30),
        Failure::Transient { retry_after: Some(told), .. }
        | Failure::Throttled { retry_after: Some(told), .. } => (*told).clamp(secs(1), mins(15)),
        Failure::Unreached { .. }
        | Failure::Untrusted { .. }
        | Failure::Suspect { .. }
        | Failure::Rejected { .. }
        | Failure::Misdirected { .. }
        | Failure::Vault { .. } => Duration::ZERO,
    }
}
