//! When to renew, when to wait, and what to tell callers meanwhile: a state machine without clock, network or task.
//!
//! Whoever drives it tells it what happened (`handle_*`, [`Refresher::request`], [`Refresher::refresh`]), always with
//! the time; then does what [`Refresher::poll_command`] says, and calls [`Refresher::handle_timeout`] no later than
//! [`Refresher::poll_timeout`]. Two kinds of time are kept apart: the life of a token is judged by whichever clock
//! says sooner, and waiting (back-off, floor, budget, idleness) by the boot clock as far as it ran forward.

mod budget;
mod flight;
mod holding;
mod jitter;
mod lock;
mod memory;
mod patience;
mod plan;
mod timeline;
mod trouble;
mod view;
mod why;

pub use memory::{Memory, PastExchange, PastTrouble};
pub use trouble::Standing;
pub use view::{Answer, Command, Phase, Reason, Snapshot};
pub use why::{Hold, Plan, Underway, UnknownReason, Why};

use std::{sync::Arc, time::Duration};

use crate::{Detail, Failure, Fingerprint, Issued, Moment, RefreshPolicy};
use budget::Budget;
use flight::Flight;
use holding::Holding;
use jitter::Jitter;
use memory::Almanac;
use timeline::{Steady, Timeline};
use trouble::Trouble;

/// The least wait that [`Refresher::poll_timeout`] asks for: what a timer can tell from nothing.
const TICK: Duration = Duration::from_millis(1);

/// Keeps one profile's token alive. See the [crate]'s documentation for what it promises.
#[derive(Debug)]
pub struct Refresher {
    policy: RefreshPolicy,
    jitter: Jitter,
    timeline: Timeline,
    holding: Option<Holding>,
    flight: Option<Flight>,
    trouble: Option<Trouble>,
    budget: Budget,
    /// The issuer asked to be left alone until then.
    told_until: Steady,
    /// What the last token taught about its issuer.
    seen: Option<Seen>,
    /// When somebody last wanted a token.
    used: Option<Steady>,
    /// A caller needs a token now: there is none, or it is in its hard window.
    demanded: bool,
    /// Somebody wants a new token although the old one is good.
    asked: Option<Asked>,
    locked: bool,
    exchanges: u64,
}

/// What a token taught about its issuer.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// How long it was issued for.
    life: Duration,
    /// How much of that was left when it came.
    on_arrival: Duration,
}

/// How somebody wants a new token although the old one is good; the most pressing last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    /// A client wishes for more life: that waits like any other exchange.
    ForMoreLife,
    /// A client reports a 401: so does that.
    ByReport,
    /// A person: parking and back-off are skipped, what the issuer asked for is not.
    Urgently,
}

impl Asked {
    const fn is_urgent(self) -> bool {
        match self {
            Self::ForMoreLife | Self::ByReport => false,
            Self::Urgently => true,
        }
    }

    const fn why(self) -> Why {
        match self {
            Self::ForMoreLife => Why::MoreLife,
            Self::ByReport => Why::Reported,
            Self::Urgently => Why::Asked,
        }
    }
}

impl Refresher {
    /// A refresher that has no token yet and does nothing until it is asked. The seed decides what chance decides.
    #[must_use]
    pub fn new(policy: RefreshPolicy, jitter_seed: u64, now: Moment) -> Self {
        Self {
            policy,
            jitter: Jitter::new(jitter_seed),
            timeline: Timeline::new(now),
            holding: None,
            flight: None,
            trouble: None,
            budget: Budget::default(),
            told_until: Steady::LONG_AGO,
            seen: None,
            used: None,
            demanded: false,
            asked: None,
            locked: false,
            exchanges: 0,
        }
    }

    /// A caller wants a token with at least `min_ttl` left. The answer holds for `now`.
    pub fn request(&mut self, now: Moment, min_ttl: Duration) -> Answer {
        self.handle_used(now);
        if self.locked {
            return self.fail(Reason::Locked, None);
        }
        if let Some(longest) = self.seen.map(|seen| seen.on_arrival).filter(|longest| min_ttl > *longest) {
            return self.fail(Reason::MinTtl { longest }, None);
        }
        match self.left() {
            None => self.demand(),
            Some(left) if left < min_ttl => self.demand_more(),
            Some(left) if self.is_worth_waiting(left) => self.demand(),
            Some(_) => {}
        }
        self.decide();
        self.answer(min_ttl)
    }

    /// A person wants a new token, even though credentials were refused or a back-off runs: one exchange, as soon as
    /// floor, budget and `Retry-After` allow. Nobody is heard while it is locked.
    pub fn refresh(&mut self, now: Moment) {
        self.handle_used(now);
        if self.locked {
            return;
        }
        if let Some(trouble) = &mut self.trouble {
            trouble.unpark();
        }
        self.ask(Asked::Urgently);
        self.decide();
    }

    /// The exchange brought a token. One that nobody commanded is taken too; its life then counts from `now`. None is
    /// taken while it is locked.
    pub fn handle_issued(&mut self, now: Moment, issued: Issued) {
        self.observe(now);
        if self.locked {
            return;
        }
        let flight = self.flight.take().unwrap_or_else(|| Flight::new(now, Why::Asked));
        let token = flight.land(issued);
        if token.is_alive(now) {
            self.hold(token);
        } else {
            let detail = Detail::new("the token had expired before it arrived");
            self.note_failure(Failure::Transient { retry_after: None, detail });
        }
        self.decide();
    }

    /// The exchange brought no token. Ignored when none is in flight.
    pub fn handle_failed(&mut self, now: Moment, failure: Failure) {
        self.observe(now);
        if let Some(flight) = self.flight.take() {
            if failure.went_unnoticed() {
                self.budget.refund();
            }
            self.heed(&failure);
            if !flight.is_stale() {
                self.note_failure(failure);
            }
        }
        self.decide();
    }

    /// A caller was refused (401) with the token of this fingerprint. True if that is the current one; then a new one
    /// is asked for; while renewal fails that is its next try, and clients cannot hasten it.
    pub fn handle_rejected(&mut self, now: Moment, fingerprint: Fingerprint) -> bool {
        self.observe(now);
        let current = self.holding.as_ref().is_some_and(|held| held.token().fingerprint() == fingerprint);
        if current {
            self.handle_used(now);
            self.ask(Asked::ByReport);
            self.decide();
        }
        current
    }

    /// The secret or the profile changed: what failed before is forgotten, and so is how the exchange in flight will
    /// fail. The token in hand is kept.
    pub fn handle_secret_changed(&mut self, now: Moment) {
        self.observe(now);
        self.trouble = None;
        if let Some(flight) = &mut self.flight {
            flight.make_stale();
        }
        self.decide();
    }

    /// The policy changed: the renewal of the token in hand is planned anew.
    pub fn handle_policy(&mut self, now: Moment, policy: RefreshPolicy) {
        self.observe(now);
        self.policy = policy;
        if let Some(seen) = self.seen {
            let lead = self.lead(seen);
            self.holding = self.holding.take().map(|held| held.led(lead));
        }
        self.decide();
    }

    /// A caller was served from a [`Snapshot`]: the profile is in use.
    pub fn handle_used(&mut self, now: Moment) {
        self.observe(now);
        if self.locked {
            return;
        }
        self.used = Some(self.timeline.steady());
        self.decide();
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Moment) {
        self.observe(now);
        self.decide();
    }

    /// What is to be done now: at most one exchange until its outcome is handled. The life of the token that it
    /// brings counts from the `now` of the event that led to it.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.flight.as_mut().filter(|flight| !flight.is_commanded())?.command();
        Some(Command::Exchange)
    }

    /// When to call [`Refresher::handle_timeout`], at the latest: always later than the last `now`, on both clocks.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        let start = self.next_start().map(|start| start.wait);
        let wait = start.into_iter().chain(self.left()).min()?;
        Some(self.now().after(wait.max(TICK)))
    }

    /// How things stand.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let plan = self.plan();
        let next = plan.map(|plan| plan.at);
        Snapshot {
            token: self.holding.as_ref().map(|held| Arc::clone(held.token())),
            phase: self.phase(),
            failure: self.trouble.as_ref().map(|trouble| trouble.failure.clone()),
            refresh_at: next.filter(|_| self.trouble.is_none()),
            retry_at: next.filter(|_| self.trouble.is_some()),
            plan,
            underway: self.flight.as_ref().map(Flight::underway),
            exchanges: self.exchanges,
            landed: self.exchanges.saturating_sub(u64::from(self.flight.is_some())),
            hard_window: self.hard_window(),
        }
    }

    /// What is to outlive a restart.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let almanac = Almanac::new(&self.timeline);
        Memory {
            trouble: self.trouble.as_ref().map(|trouble| almanac.note_trouble(trouble)),
            told_until: almanac.note_told(self.told_until),
            exchanges: self.budget.past().map(|past| almanac.note_exchange(past)).collect(),
        }
    }

    /// Takes over what an earlier run left. To be called before anything else.
    pub fn remember(&mut self, now: Moment, memory: Memory) {
        self.observe(now);
        let almanac = Almanac::new(&self.timeline);
        self.trouble = memory.trouble.map(|past| almanac.trouble(past));
        self.told_until = memory.told_until.map_or(Steady::LONG_AGO, |until| almanac.told(until));
        self.budget = almanac.budget(&memory.exchanges, self.policy.pace(None));
    }

    const fn now(&self) -> Moment {
        self.timeline.now()
    }

    /// Lets time pass: a token that dies is dropped, and none lives longer because a clock was turned back.
    fn observe(&mut self, now: Moment) {
        if let Some(before) = self.timeline.advance(now) {
            if let Some(held) = &mut self.holding {
                held.turn_back(before, now);
            }
            if let Some(flight) = &mut self.flight {
                flight.turn_back(before, now);
            }
        }
        self.holding.take_if(|held| !held.token().is_alive(now));
    }

    fn answer(&self, min_ttl: Duration) -> Answer {
        let held = self.holding.as_ref().map(Holding::token);
        let enough = held.filter(|token| token.remaining(self.now()) >= min_ttl);
        let flying = self.flight.is_some();
        match enough {
            Some(token) if !(flying && self.is_worth_waiting(token.remaining(self.now()))) => {
                Answer::Token(Arc::clone(token))
            }
            Some(_) => Answer::Pending,
            None if flying => Answer::Pending,
            None => self.fail(self.reason(), self.plan().map(|plan| plan.at)),
        }
    }

    fn fail(&self, reason: Reason, retry_at: Option<Moment>) -> Answer {
        let alive = self.holding.as_ref().map(|held| Arc::clone(held.token()));
        Answer::Failed { reason, retry_at, alive }
    }

    fn reason(&self) -> Reason {
        self.trouble.as_ref().map_or(Reason::Paced, |trouble| Reason::Failure(trouble.failure.clone()))
    }

    /// How long the token in hand still lives.
    fn left(&self) -> Option<Duration> {
        self.holding.as_ref().map(|held| held.token().remaining(self.now()))
    }

    fn life(&self) -> Option<Duration> {
        self.seen.map(|seen| seen.life)
    }

    fn hard_window(&self) -> Duration {
        self.policy.hard_window(self.life().unwrap_or_default())
    }

    /// Whether a caller rather waits for the next token. Not while renewal fails: then the next may never come.
    fn is_worth_waiting(&self, left: Duration) -> bool {
        left < self.hard_window() && self.trouble.is_none()
    }
}
