//! The actor of one profile: it alone touches the rules' state machine, carries out what they command, and publishes.

use std::{
    future::pending,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use airbyte_token_core::{
    Answer, Command, Failure, Fingerprint, Moment, RefreshPolicy, Refresher, Snapshot, refresher::Why,
};
use airbyte_token_local::ProfileState;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::{Exchanger, History, MemoryFile, Outcome, What, state_of};
use crate::{
    clock::{Alarm, Clock},
    issuer::Answered,
    logs::{self, Condenser},
    vault,
};

/// What a handle asks of its actor.
#[derive(Debug)]
pub(super) enum Ask {
    /// A token with at least this much life.
    Token(Duration, oneshot::Sender<Answer>),
    /// A new token, because a person wants one and waits until then. Answered when the wish is noted.
    Refresh(Moment, oneshot::Sender<()>),
    /// The server refused this one. The answer: whether it was the current one.
    Rejected(Fingerprint, oneshot::Sender<bool>),
    /// The wall clock was set: what is due may have changed.
    ClockSet,
    /// Tokens are to be renewed by other rules from now on.
    Policy(RefreshPolicy),
    /// There are to be no tokens and no exchanges. Answered when there are none.
    Lock(oneshot::Sender<()>),
    /// There may be again.
    Unlock(oneshot::Sender<()>),
}

/// What a person's wait must leave when the vault has used it up: enough to be told so.
const AFTER_THE_VAULT: Duration = Duration::from_millis(500);

pub(super) struct Actor {
    pub(super) clock: Clock,
    pub(super) refresher: Refresher,
    pub(super) exchanger: Arc<Exchanger>,
    pub(super) asks: mpsc::Receiver<Ask>,
    pub(super) published: watch::Sender<Snapshot>,
    pub(super) was_read: Arc<AtomicBool>,
    pub(super) retired: Arc<Notify>,
    pub(super) memory: MemoryFile,
    pub(super) alarm: Alarm,
    pub(super) history: History,
    pub(super) complaints: Condenser,
    /// Until when a person waits for the next exchange, who may be asked to unlock the keyring for it.
    pub(super) attended: Option<Moment>,
}

type InFlight = Option<Pin<Box<dyn Future<Output = Answered> + Send>>>;

impl Actor {
    /// Runs until it is retired or the last handle is gone. An exchange in flight ends with it.
    pub(super) async fn run(mut self) -> io::Result<()> {
        let mut in_flight: InFlight = None;
        loop {
            tokio::select! {
                () = self.retired.notified() => return Ok(()),
                ask = self.asks.recv() => match ask {
                    Some(ask) => self.answer(ask),
                    None => return Ok(()),
                },
                answered = finish(&mut in_flight) => {
                    in_flight = None;
                    self.note(answered);
                }
                fired = self.alarm.until(self.refresher.poll_timeout()) => {
                    fired?;
                    self.note_readers();
                    self.refresher.handle_timeout(self.clock.now());
                }
            }
            self.carry_out(&mut in_flight);
            self.publish();
        }
    }

    fn answer(&mut self, ask: Ask) {
        self.note_readers();
        let now = self.clock.now();
        match ask {
            Ask::Token(min_ttl, reply) => tell(reply, self.refresher.request(now, min_ttl)),
            Ask::Refresh(until, reply) => {
                let before = self.refresher.snapshot();
                self.attended = (before.exchanges == before.landed).then_some(until);
                self.refresher.refresh(now);
                tell(reply, ());
            }
            Ask::Rejected(fingerprint, reply) => {
                tell(reply, self.refresher.handle_rejected(now, fingerprint))
            }
            Ask::ClockSet => {
                self.history.note_time(now);
                self.refresher.handle_timeout(now);
            }
            Ask::Policy(policy) => self.refresher.handle_policy(now, policy),
            Ask::Lock(reply) => {
                self.refresher.lock(now);
                self.note_lock(now, What::Locked);
                tell(reply, ());
            }
            Ask::Unlock(reply) => {
                self.refresher.unlock(now);
                self.note_lock(now, What::Unlocked);
                tell(reply, ());
            }
        }
    }

    fn note_lock(&mut self, now: Moment, what: What) {
        self.history.add(now, what);
        self.publish();
        tracing::info!("profile {} is {}: a caller wished so", self.exchanger.profile, self.state(now));
    }

    fn note(&mut self, answered: Answered) {
        let now = self.clock.now();
        let Answered { outcome, server_time } = answered;
        if let Some(server_time) = server_time {
            self.history.note_server_time(now, server_time);
        }
        self.history.end_exchange(now, Outcome::of(&outcome));
        if !matches!(outcome, Err(Failure::Vault { .. })) {
            self.memory.answered();
        }
        match outcome {
            Ok(issued) => {
                let (fingerprint, seconds) = (issued.fingerprint, issued.lifetime.as_secs());
                self.refresher.handle_issued(now, issued);
                self.complaints = Condenser::new();
                let (profile, state) = (&self.exchanger.profile, self.state(now));
                tracing::info!("profile {profile} is {state}: got a token, {fingerprint}, for {seconds} s");
            }
            Err(failure) => {
                let reason = logs::without_quotations(failure.detail().as_str());
                self.refresher.handle_failed(now, failure);
                let (profile, state) = (&self.exchanger.profile, self.state(now));
                let line = format!("profile {profile} is {state}: got no token: {reason}");
                if let Some(line) = self.complaints.heard(now, &line) {
                    tracing::warn!("{line}");
                }
            }
        }
    }

    fn state(&self, now: Moment) -> ProfileState {
        state_of(&self.refresher.snapshot(), now, self.history.clock_skew(now))
    }

    /// Readers that were served from what is published count as use, though they never came here.
    fn note_readers(&mut self) {
        if self.was_read.swap(false, Ordering::Relaxed) {
            self.refresher.handle_used(self.clock.now());
        }
    }

    fn carry_out(&mut self, in_flight: &mut InFlight) {
        if self.refresher.is_locked() {
            *in_flight = None;
        }
        while let Some(command) = self.refresher.poll_command() {
            match command {
                Command::Exchange => {
                    self.note_beginning();
                    let exchanger = Arc::clone(&self.exchanger);
                    let (patience, diary) = (self.patience(), self.memory.diary());
                    *in_flight = Some(Box::pin(async move { exchanger.exchange(patience, diary).await }));
                }
            }
        }
    }

    fn note_beginning(&self) {
        let now = self.clock.now();
        let why = self.refresher.snapshot().underway.map_or(Why::Asked, |underway| underway.why);
        self.history.note_time(now);
        self.history.add(now, What::Exchange { why, outcome: None });
    }

    /// How long the exchange that begins now may wait for the vault.
    fn patience(&mut self) -> Duration {
        let waits = self.attended.take().map_or(Duration::ZERO, |until| until.rest(self.clock.now()));
        waits.saturating_sub(AFTER_THE_VAULT).clamp(vault::BACKGROUND, vault::ATTENDED)
    }

    /// Whoever waits asks again when woken, which is published too: only news may wake.
    fn publish(&mut self) {
        let now = self.refresher.snapshot();
        self.published.send_if_modified(|before| {
            let is_news = is_news(before, &now);
            *before = now;
            is_news
        });
        self.memory.keep(self.refresher.memory());
    }
}

/// Whether a caller that asks again may hear something else. When the next exchange is due changes with every look at
/// the clocks; that it begins is news enough.
fn is_news(before: &Snapshot, now: &Snapshot) -> bool {
    let token = |snapshot: &Snapshot| snapshot.token.as_ref().map(Arc::as_ptr);
    token(before) != token(now)
        || (before.exchanges, before.landed) != (now.exchanges, now.landed)
        || (before.phase, before.hard_window) != (now.phase, now.hard_window)
        || before.failure != now.failure
}

async fn finish(in_flight: &mut InFlight) -> Answered {
    match in_flight {
        Some(exchange) => exchange.await,
        None => pending().await,
    }
}

/// A caller that hung up is no concern of the actor's.
fn tell<T>(reply: oneshot::Sender<T>, answer: T) {
    drop(reply.send(answer));
}
