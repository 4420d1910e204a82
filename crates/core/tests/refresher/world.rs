//! A refresher in a world whose truth is known: what time it really is, however the clocks leap.

use std::time::Duration;

use airbyte_token_core::{Answer, Command, Failure, Moment, RefreshPolicy, RefreshSettings, Refresher};

use crate::{
    event::Event,
    fixture::{fingerprint, issued, secs},
    oracle::{Oracle, Promise},
};

/// A timer may wake the refresher for a start, for a death, and once at the end; more would be a busy loop.
const MOST_WAKES: u32 = 4;

/// A refresher, the clocks it is shown, and an oracle that sees everything.
pub(crate) struct World {
    pub(crate) refresher: Refresher,
    pub(crate) oracle: Oracle,
    seed: u64,
    boot: Duration,
    wall: Duration,
    /// The boot reading when the refresher was last called.
    shown: Duration,
    tokens: u64,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let (boot, wall) = (secs(50_000), secs(1_750_000_000));
        let refresher = Refresher::new(RefreshPolicy::default(), seed, Moment::new(boot, wall));
        Self { refresher, oracle: Oracle::default(), seed, boot, wall, shown: boot, tokens: 0 }
    }

    /// A world that went through this history.
    pub(crate) fn after(seed: u64, history: &[Event]) -> Self {
        let mut world = Self::new(seed);
        for event in history {
            world.apply(event);
        }
        world
    }

    /// A world with a token that came at once and lives this long.
    pub(crate) fn with_token(seed: u64, life: Duration) -> Self {
        let mut world = Self::new(seed);
        world.request(Duration::ZERO);
        world.land(life);
        world
    }

    /// How many exchanges were begun that reached the issuer.
    pub(crate) fn begun(&self) -> usize {
        self.oracle.begun.len()
    }

    pub(crate) fn is_flying(&self) -> bool {
        self.oracle.flight.is_some()
    }

    /// Lets time pass until the next exchange begins by itself, and says how long that took. `None` if it does not
    /// within `patience`.
    pub(crate) fn until_begin(&mut self, patience: Duration) -> Option<Duration> {
        let start = self.oracle.truth;
        let mut wakes = 0;
        while !self.is_flying() {
            wakes += 1;
            assert!(wakes <= MOST_WAKES, "a busy loop");
            let due = self.refresher.poll_timeout()?.left(self.now());
            if self.oracle.truth - start + due > patience {
                return None;
            }
            self.elapse(due, due);
            self.tick();
        }
        Some(self.oracle.truth - start)
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Pass(time) => self.pass(*time),
            Event::Suspend(time) => self.elapse(*time, *time),
            Event::Pause(time) => self.elapse(Duration::ZERO, *time),
            Event::Land(life) => self.land(*life),
            Event::Fail(failure) => self.fail(failure),
            Event::Request(min_ttl) => drop(self.request(*min_ttl)),
            Event::Refresh => self.refresh(),
            Event::Reject => self.reject(),
            Event::NewSecret => self.new_secret(),
            Event::NewPolicy(soft, hard) => self.new_policy(*soft, *hard),
            Event::LeapBoot(by) => self.leap(*by, 0),
            Event::LeapWall(by) => self.leap(0, *by),
            Event::Restart(away) => self.restart(*away),
        }
    }

    pub(crate) const fn now(&self) -> Moment {
        Moment::new(self.boot, self.wall)
    }

    /// Lets time pass as a daemon does that heeds its timers.
    pub(crate) fn pass(&mut self, time: Duration) {
        let mut left = time;
        for _ in 0..MOST_WAKES {
            let due = self.refresher.poll_timeout().map(|at| at.left(self.now()));
            let step = due.filter(|due| *due < left).unwrap_or(left);
            self.elapse(step, step);
            self.tick();
            left -= step;
            if left.is_zero() {
                return;
            }
        }
        self.oracle.breach(Promise::NextWake, "a busy loop");
        self.elapse(left, left);
    }

    pub(crate) fn tick(&mut self) {
        let now = self.show();
        self.refresher.handle_timeout(now);
        self.look();
    }

    pub(crate) fn land(&mut self, life: Duration) {
        if self.oracle.flight.is_none() {
            return;
        }
        self.tokens += 1;
        let now = self.show();
        self.refresher.handle_issued(now, issued(self.tokens, life));
        let held = self.refresher.snapshot().token;
        let taken = held.is_some_and(|token| token.fingerprint() == fingerprint(self.tokens));
        self.oracle.landed(self.tokens, life, taken);
        self.look();
    }

    pub(crate) fn fail(&mut self, failure: &Failure) {
        if self.oracle.flight.is_none() {
            return;
        }
        let now = self.show();
        self.refresher.handle_failed(now, failure.clone());
        self.oracle.failed(failure);
        self.look();
    }

    pub(crate) fn request(&mut self, min_ttl: Duration) -> Answer {
        let now = self.show();
        self.oracle.used();
        let answer = self.refresher.request(now, min_ttl);
        self.look();
        self.oracle.check_answer(&answer, now, min_ttl, self.refresher.snapshot().hard_window);
        answer
    }

    pub(crate) fn refresh(&mut self) {
        let now = self.show();
        self.oracle.used();
        self.oracle.refreshed();
        self.refresher.refresh(now);
        self.look();
    }

    pub(crate) fn new_secret(&mut self) {
        let now = self.show();
        self.oracle.new_secret();
        self.refresher.handle_secret_changed(now);
        self.look();
    }

    fn new_policy(&mut self, soft_window_max: Duration, hard_window_max: Duration) {
        let settings = RefreshSettings { soft_window_max, hard_window_max, ..RefreshSettings::default() };
        let now = self.show();
        self.refresher.handle_policy(now, RefreshPolicy::new(settings).expect("it is consistent"));
        self.look();
    }

    /// The memory is as of the last look: what passes unseen before a crash only the wall clock can tell.
    pub(crate) fn restart(&mut self, away: Duration) {
        self.tick();
        let memory = self.refresher.memory();
        self.elapse(away, away);
        let now = self.show();
        self.seed += 1;
        self.refresher = Refresher::new(RefreshPolicy::default(), self.seed, now);
        self.refresher.remember(now, memory);
        self.oracle.restarted();
        self.look();
    }

    /// Truth and both clocks move; nobody tells the refresher.
    pub(crate) fn elapse(&mut self, boot: Duration, truth: Duration) {
        self.boot += boot;
        self.wall += truth;
        self.oracle.truth += truth;
    }

    fn reject(&mut self) {
        let now = self.show();
        let held = self.refresher.snapshot().token.filter(|token| token.is_alive(now));
        if held.is_some() {
            self.oracle.used();
        }
        let current = held.map_or_else(|| fingerprint(u64::MAX), |token| token.fingerprint());
        self.refresher.handle_rejected(now, current);
        self.look();
    }

    /// A daemon wakes often enough to see the time before a leap; the leap itself comes between two looks.
    pub(crate) fn leap(&mut self, boot: i64, wall: i64) {
        self.tick();
        self.boot = leapt(self.boot, boot);
        self.wall = leapt(self.wall, wall);
        self.oracle.leapt(boot > 0 || wall > 0);
        self.tick();
    }

    /// What the clocks show now; the oracle learns how far the boot clock ran forward.
    fn show(&mut self) -> Moment {
        self.oracle.run += self.boot.saturating_sub(self.shown);
        self.shown = self.boot;
        self.now()
    }

    fn look(&mut self) {
        for _ in 0..2 {
            if let Some(Command::Exchange) = self.refresher.poll_command() {
                self.oracle.begun();
            }
        }
        let now = self.now();
        self.oracle.check_wake(self.refresher.poll_timeout(), now);
        self.oracle.check_snapshot(&self.refresher.snapshot(), now);
    }
}

fn leapt(clock: Duration, by: i64) -> Duration {
    let leap = secs(by.unsigned_abs());
    if by < 0 { clock.saturating_sub(leap) } else { clock + leap }
}
