//! The one who writes: a thread of its own, so that a disk that hangs holds up nobody else.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, PoisonError},
    thread,
    time::Duration,
};

use airbyte_token_local::audit::Event;

use super::{Shared, ledger::Ledger};
use crate::{clock::Clock, logs::Condenser};

/// How long what was written may wait for `fsync(2)`.
const SYNC_AFTER: Duration = Duration::from_secs(1);
/// How long to wait before a disk is tried again that did not take something; twice as long after each try in vain.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// The longest of these waits.
const TRY_AGAIN_AT_LAST: Duration = Duration::from_secs(16);
/// It formats lines, and no more.
const STACK: usize = 256 * 1024;

pub(super) fn spawn(shared: Arc<Shared>, directory: PathBuf) {
    let writing = Arc::clone(&shared);
    let writer = move || Writer::new(writing, Ledger::new(directory)).run();
    let spawned = thread::Builder::new().name("audit".to_owned()).stack_size(STACK).spawn(writer);
    if let Err(error) = spawned {
        tracing::error!(%error, "no audit log is written");
        let mut desk = shared.desk();
        desk.end(Some(format!("there is no thread for it: {error}")), None, 0);
        desk.leave();
    }
}

struct Writer {
    shared: Arc<Shared>,
    ledger: Ledger,
    /// What the disk has not taken yet.
    hand: VecDeque<Event>,
    /// When what was written is to be synced: time since boot.
    sync_at: Option<Duration>,
    /// When the disk is to be tried again.
    retry_at: Option<Duration>,
    /// How long to wait before the next such try.
    pause: Duration,
    complaints: Condenser,
}

impl Writer {
    fn new(shared: Arc<Shared>, ledger: Ledger) -> Self {
        Self {
            shared,
            ledger,
            hand: VecDeque::new(),
            sync_at: None,
            retry_at: None,
            pause: TRY_AGAIN,
            complaints: Condenser::new(),
        }
    }

    /// Writes until it is told to close, and is done or cannot go on.
    fn run(mut self) {
        loop {
            let is_closing = self.await_work();
            let outcome = self.write().and_then(|()| self.sync(is_closing));
            self.plan_another_try(outcome.is_err());
            let trouble = outcome.err().map(|error| self.ledger.describe(&error));
            let damage = self.ledger.take_damage();
            trouble.iter().chain(&damage).for_each(|line| self.complain(line));
            let gave_up = trouble.is_some();
            let mut desk = self.shared.desk();
            desk.end(trouble, damage, self.hand.len());
            if is_closing && (gave_up || !desk.has_news()) {
                desk.leave();
                drop(desk);
                return self.shared.news.notify_all();
            }
        }
    }

    fn plan_another_try(&mut self, is_needed: bool) {
        self.retry_at = is_needed.then(|| Clock.now().since_boot() + self.pause);
        self.pause = if is_needed { TRY_AGAIN_AT_LAST.min(self.pause * 2) } else { TRY_AGAIN };
    }

    /// Waits until there is something to write or to sync, and takes it in hand. Whether this is the end.
    fn await_work(&mut self) -> bool {
        let shared = Arc::clone(&self.shared);
        let mut desk = shared.desk();
        loop {
            let now = Clock.now();
            desk.sweep(now);
            let to_write = desk.has_news() || !self.hand.is_empty() || !self.ledger.has_begun();
            let work_at = if to_write { Some(now.since_boot()) } else { self.sync_at };
            let work_at = work_at.map(|at| self.retry_at.map_or(at, |retry_at| retry_at.max(at)));
            if work_at.is_some_and(|at| at <= now.since_boot()) || desk.is_closing() {
                if self.hand.is_empty() {
                    self.hand = desk.take();
                }
                desk.begin(now, self.hand.len());
                return desk.is_closing();
            }
            let next = [desk.next_due(), work_at].into_iter().flatten().min();
            desk = match next {
                Some(at) => {
                    let rest = at.saturating_sub(now.since_boot()).max(Duration::from_millis(1));
                    shared.news.wait_timeout(desk, rest).unwrap_or_else(PoisonError::into_inner).0
                }
                None => shared.news.wait(desk).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn write(&mut self) -> std::io::Result<()> {
        let now = Clock.now();
        let is_news = !self.hand.is_empty() || !self.ledger.has_begun();
        self.ledger.write(super::stamp(now), &mut self.hand)?;
        if is_news && self.sync_at.is_none() {
            self.sync_at = Some(now.since_boot() + SYNC_AFTER);
        }
        Ok(())
    }

    fn sync(&mut self, at_once: bool) -> std::io::Result<()> {
        let is_due = |at: Duration| at_once || at <= Clock.now().since_boot();
        if self.sync_at.is_some_and(is_due) {
            self.ledger.sync()?;
            self.sync_at = None;
        }
        Ok(())
    }

    fn complain(&mut self, line: &str) {
        if let Some(line) = self.complaints.heard(Clock.now(), line) {
            tracing::warn!("{line}");
        }
    }
}
