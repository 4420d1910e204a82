//! What the service holds of a profile.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use airbyte_token_core::{
    Answer, Fingerprint, Moment, Phase, Reason, RefreshPolicy, Refresher, Snapshot, Token, refresher::Why,
};
use airbyte_token_local::ProfileState;
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    time,
};

use super::{
    Exchanger, History, MemoryFile,
    actor::{Actor, Ask},
    passing::may_pass,
    state_of,
};
use crate::{
    clock::{Alarm, Clock},
    logs::Condenser,
};

/// How many asks may wait for the actor, which answers each in microseconds; one more waits its turn.
const ASKS: usize = 256;

/// A profile being served. Cheap to clone; the actor behind it ends when it is retired or the last clone is gone.
#[derive(Clone, Debug)]
pub struct ProfileHandle {
    clock: Clock,
    published: watch::Receiver<Snapshot>,
    asks: mpsc::Sender<Ask>,
    was_read: Arc<AtomicBool>,
    retired: Arc<Notify>,
    history: History,
}

/// Why a caller got less than it asked for, as of when it was told.
#[derive(Clone, Debug)]
pub enum Shortfall {
    /// No token is alive, and this is why none could be had.
    Failed {
        /// Why.
        reason: Reason,
        /// When the next try is due.
        retry_at: Option<Moment>,
    },
    /// There is a live token, but not with as much life as was asked for, and no better one could be had.
    MinTtlUnmet {
        /// How long the one in hand lives.
        remaining: Duration,
        /// Why there is no better one.
        reason: Reason,
        /// When the next try is due.
        retry_at: Option<Moment>,
    },
    /// The caller's time was over before there was an answer.
    WaitOver,
    /// The profile was removed or the daemon is stopping.
    Gone,
}

impl ProfileHandle {
    /// A handle and its actor's work, which the caller spawns.
    pub fn new(
        refresher: Refresher,
        exchanger: Exchanger,
        memory: MemoryFile,
        alarm: Alarm,
        history: History,
    ) -> (Self, impl Future<Output = io::Result<()>> + Send + 'static) {
        let (publisher, published) = watch::channel(refresher.snapshot());
        let (asks, inbox) = mpsc::channel(ASKS);
        let (was_read, retired) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
        let actor = Actor {
            clock: Clock,
            refresher,
            exchanger: Arc::new(exchanger),
            asks: inbox,
            published: publisher,
            was_read: Arc::clone(&was_read),
            retired: Arc::clone(&retired),
            memory,
            alarm,
            history: history.clone(),
            complaints: Condenser::new(),
            attended: None,
        };
        (Self { clock: Clock, published, asks, was_read, retired, history }, actor.run())
    }

    /// What is known of the profile right now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.published.borrow().clone()
    }

    /// What happened to the profile of late.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// How the profile fares right now, in one word.
    #[must_use]
    pub fn state(&self) -> ProfileState {
        let now = self.clock.now();
        state_of(&self.published.borrow(), now, self.history.clock_skew(now))
    }

    /// A token with at least `min_ttl` of life left, waiting at most `wait` for one. While a token is alive outside its
    /// last minute, this does not wait at all.
    ///
    /// # Errors
    /// When there is none, and why.
    pub async fn token(&self, min_ttl: Duration, wait: Duration) -> Result<Arc<Token>, Shortfall> {
        if let Some(token) = self.at_once(min_ttl) {
            self.was_read.store(true, Ordering::Relaxed);
            return Ok(token);
        }
        let give_up = self.clock.now().after(wait);
        let in_time =
            |_: &Reason, retry_at: Option<Moment>| retry_at.is_some_and(|at| at.rest(give_up).is_zero());
        match time::timeout(wait, self.wait_for_token(min_ttl, in_time)).await {
            Ok(outcome) => outcome,
            Err(_) => self.settle(min_ttl),
        }
    }

    /// A token with at least `min_ttl` of life left, waiting at most `wait` for one: for whatever may pass also where the
    /// next try comes later than that, and not at all for what waiting cannot mend (see [`ProfileHandle::may_pass`]).
    ///
    /// # Errors
    /// When there is none, and why.
    pub async fn ready(&self, min_ttl: Duration, wait: Duration) -> Result<Arc<Token>, Shortfall> {
        let may_pass = |reason: &Reason, _| self.is_passing(reason);
        match time::timeout(wait, self.wait_for_token(min_ttl, may_pass)).await {
            Ok(outcome) => outcome,
            Err(_) => self.settle(min_ttl),
        }
    }

    /// Whether who waits longer may get the token after all, though nobody mends anything.
    #[must_use]
    pub fn may_pass(&self, shortfall: &Shortfall) -> bool {
        match shortfall {
            Shortfall::Failed { reason, .. } | Shortfall::MinTtlUnmet { reason, .. } => {
                self.is_passing(reason)
            }
            Shortfall::WaitOver => true,
            Shortfall::Gone => false,
        }
    }

    /// A token newer than the one in hand, waiting at most `wait` for it, and not at all where the exchange may not
    /// begin within that time.
    ///
    /// # Errors
    /// When there is none, and why.
    pub async fn refresh(&self, wait: Duration) -> Result<Arc<Token>, Shortfall> {
        let before = self.snapshot();
        let give_up = self.clock.now().after(wait);
        self.ask(|reply| Ask::Refresh(give_up, reply)).await?;
        if self.snapshot().phase == Phase::Locked {
            return Err(self.why_not());
        }
        if let Some(at) = self.next_exchange().filter(|at| !at.rest(give_up).is_zero()) {
            return Err(self.not_before(at));
        }
        let mut published = self.published.clone();
        let news = published.wait_for(|now| now.landed > before.landed);
        let Ok(news) = time::timeout(wait, news).await else { return Err(self.why_not_renewed()) };
        let news = news.map_err(|_| Shortfall::Gone)?.clone();
        match (trouble(&news), news.token) {
            (Some(reason), _) => Err(Shortfall::Failed { reason, retry_at: news.retry_at }),
            (None, Some(token)) => Ok(token),
            (None, None) => Err(Shortfall::WaitOver),
        }
    }

    /// Says that Airbyte refused the token with this fingerprint. True if it was the current one, whose renewal then
    /// begins; false if there is a newer one already.
    ///
    /// # Errors
    /// When the profile is gone.
    pub async fn reject(&self, fingerprint: Fingerprint) -> Result<bool, Shortfall> {
        self.ask(|reply| Ask::Rejected(fingerprint, reply)).await
    }

    /// Says that the wall clock was set.
    pub fn clock_set(&self) {
        if self.asks.try_send(Ask::ClockSet).is_err() {
            tracing::debug!("the actor is busy and will look at the clock anyway");
        }
    }

    /// Renews by these rules from now on, and keeps the token in hand.
    pub async fn set_policy(&self, policy: RefreshPolicy) {
        if self.asks.send(Ask::Policy(policy)).await.is_err() {
            tracing::debug!("the actor has ended and needs no rules");
        }
    }

    /// Wipes the token, gives up the exchange in flight, and makes none until it is unlocked. Ends when that is done.
    pub async fn lock(&self) {
        if self.ask(Ask::Lock).await.is_err() {
            tracing::debug!("the actor has ended and has no token");
        }
    }

    /// Serves again, on demand.
    pub async fn unlock(&self) {
        if self.ask(Ask::Unlock).await.is_err() {
            tracing::debug!("the actor has ended and needs no unlocking");
        }
    }

    /// Whether both speak to the same actor.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.asks.same_channel(&other.asks)
    }

    /// Ends the actor, its exchange in flight included. Whoever waits for it learns that it is gone.
    pub(super) fn retire(&self) {
        self.retired.notify_one();
    }

    fn at_once(&self, min_ttl: Duration) -> Option<Arc<Token>> {
        let published = self.published.borrow();
        published.at_once(self.clock.now(), min_ttl).map(Arc::clone)
    }

    async fn wait_for_token(
        &self,
        min_ttl: Duration,
        is_worth_waiting: impl Fn(&Reason, Option<Moment>) -> bool,
    ) -> Result<Arc<Token>, Shortfall> {
        let mut published = self.published.clone();
        loop {
            published.borrow_and_update();
            match self.ask(|reply| Ask::Token(min_ttl, reply)).await? {
                Answer::Token(token) => return Ok(token),
                Answer::Pending => {}
                Answer::Failed { reason, retry_at, alive } => {
                    if !is_worth_waiting(&reason, retry_at) {
                        return Err(self.shortfall(reason, retry_at, alive));
                    }
                }
            }
            published.changed().await.map_err(|_| Shortfall::Gone)?;
        }
    }

    /// One refusal is not believed: until it is confirmed, it may pass.
    fn is_passing(&self, reason: &Reason) -> bool {
        let is_asked_again = || {
            let Snapshot { underway, plan, .. } = self.snapshot();
            underway.is_some() || plan.is_some_and(|plan| plan.why == Why::Confirmation)
        };
        match reason {
            Reason::Failure(failure) => may_pass(failure) || is_asked_again(),
            Reason::Paced | Reason::Locked => true,
            Reason::MinTtl { .. } => false,
        }
    }

    /// The caller's time is over: what is alive is served if it is enough.
    fn settle(&self, min_ttl: Duration) -> Result<Arc<Token>, Shortfall> {
        let now = self.clock.now();
        let Some(token) = self.snapshot().token.filter(|token| token.is_alive(now)) else {
            return Err(self.why_not());
        };
        if token.remaining(now) >= min_ttl { Ok(token) } else { Err(self.why_not()) }
    }

    fn why_not(&self) -> Shortfall {
        let now = self.snapshot();
        match trouble(&now) {
            Some(reason) => self.shortfall(reason, now.retry_at, now.token),
            None => Shortfall::WaitOver,
        }
    }

    /// When the next exchange begins; none while one is in flight or nothing is planned.
    fn next_exchange(&self) -> Option<Moment> {
        let Snapshot { refresh_at, retry_at, .. } = self.snapshot();
        refresh_at.or(retry_at)
    }

    fn not_before(&self, at: Moment) -> Shortfall {
        let reason = self.snapshot().failure.map_or(Reason::Paced, Reason::Failure);
        Shortfall::Failed { reason, retry_at: Some(at) }
    }

    /// Whoever asked for a new token is told why there is none, however long the old one lives.
    fn why_not_renewed(&self) -> Shortfall {
        let now = self.snapshot();
        let failed = |reason| Shortfall::Failed { reason, retry_at: now.retry_at };
        trouble(&now).map_or(Shortfall::WaitOver, failed)
    }

    fn shortfall(&self, reason: Reason, retry_at: Option<Moment>, alive: Option<Arc<Token>>) -> Shortfall {
        let remaining = alive.map(|token| token.remaining(self.clock.now())).filter(|left| !left.is_zero());
        match remaining {
            Some(remaining) => Shortfall::MinTtlUnmet { remaining, reason, retry_at },
            None => Shortfall::Failed { reason, retry_at },
        }
    }

    /// How often those who wait are woken within this time.
    #[cfg(test)]
    pub(super) async fn count_news(&self, within: Duration) -> usize {
        let (mut published, mut news) = (self.published.clone(), 0);
        let watch = async {
            while published.changed().await.is_ok() {
                news += 1;
            }
        };
        assert!(time::timeout(within, watch).await.is_err(), "the actor ended");
        news
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, Shortfall> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(ask(reply)).await.map_err(|_| Shortfall::Gone)?;
        answer.await.map_err(|_| Shortfall::Gone)
    }
}

/// Why there is no token, or will soon be none.
fn trouble(now: &Snapshot) -> Option<Reason> {
    match now.phase {
        Phase::Locked => Some(Reason::Locked),
        Phase::Idle
        | Phase::Fresh
        | Phase::Refreshing
        | Phase::Degraded
        | Phase::Expired
        | Phase::Blocked
        | Phase::VaultTrouble => now.failure.clone().map(Reason::Failure),
    }
}
