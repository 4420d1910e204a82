//! Who was given which token, and who changed what: written down, in the form that `airbyte_token_local::audit` sets.
//!
//! Whoever serves a request says what happened and goes on. Nothing here waits for a disk but the writer, on a thread of
//! its own. Between the two stands a desk with room for so many events and no more: what does not fit is counted, and
//! the count is written once the disk takes it. No secret and no token may come in here: fingerprints instead.

mod desk;
mod ledger;
mod peers;
mod proc;
mod repeats;
mod writer;

use std::{
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use airbyte_token_core::{Fingerprint, Moment, ProfileName, Token};
use airbyte_token_local::{ErrorCode, audit::Stamp, shown};

pub use airbyte_token_local::audit::Verb;
pub use desk::MOST_QUEUED;
pub use repeats::{MOST_OF_ONE_USER, MOST_OPEN, WINDOW};

use crate::{
    clock::Clock,
    service::{Caller, Refusal, Who},
};
use desk::Desk;
use repeats::Deed;

/// Where events are noted. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Audit(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    desk: Mutex<Desk>,
    /// Somebody put something on the desk, or the writer has ended.
    news: Condvar,
}

/// What happened: done as asked, unless it says otherwise.
#[derive(Clone, Debug)]
pub struct Note<'a> {
    verb: Verb,
    code: Option<ErrorCode>,
    profile: Option<&'a ProfileName>,
    fingerprint: Option<Fingerprint>,
    issued: Option<Stamp>,
    detail: Option<String>,
}

impl<'a> Note<'a> {
    /// That this was done.
    #[must_use]
    pub const fn of(verb: Verb) -> Self {
        Self { verb, code: None, profile: None, fingerprint: None, issued: None, detail: None }
    }

    /// For this profile.
    #[must_use]
    pub fn profile(self, profile: &'a ProfileName) -> Self {
        Self { profile: Some(profile), ..self }
    }

    /// With this token.
    #[must_use]
    pub fn token(self, token: &Token) -> Self {
        let issued = token.expires().since_epoch().saturating_sub(token.lifetime());
        Self { fingerprint: Some(token.fingerprint()), issued: Some(Stamp::new(issued)), ..self }
    }

    /// With the token of this public name.
    #[must_use]
    pub fn fingerprint(self, fingerprint: Fingerprint) -> Self {
        Self { fingerprint: Some(fingerprint), ..self }
    }

    /// What else there is to say, in a few words: a local client's name, for instance. No secret and no token.
    #[must_use]
    pub fn detail(self, text: &str) -> Self {
        Self { detail: Some(shown(text)), ..self }
    }

    /// That it was refused, or failed, for this reason.
    #[must_use]
    pub fn refused(self, code: ErrorCode) -> Self {
        Self { code: Some(code), ..self }
    }

    /// That it was done, or failed, as whoever asked is told.
    #[must_use]
    pub fn told<T>(self, answer: &Result<T, Refusal>) -> Self {
        match answer {
            Ok(_) => self,
            Err(refusal) => self.refused(refusal.reply().code),
        }
    }
}

impl Audit {
    /// Notes what this caller did or was given. Never waits for a disk; what the same caller does over and over is
    /// counted, and told once in [`WINDOW`].
    pub fn note(&self, caller: &Caller, note: &Note<'_>) {
        self.note_of(caller.who(), caller.door(), note);
    }

    /// Notes what was done by or to somebody who stands at this door.
    pub fn note_at(&self, door: &str, who: &Who, note: &Note<'_>) {
        self.note_of(who, Some(door), note);
    }

    /// Notes what the daemon did by itself, or because a signal told it to.
    pub fn note_own(&self, note: &Note<'_>) {
        let now = Clock.now();
        let deed = Deed { note, who: None, door: None };
        self.put(|desk| desk.note(now, &deed));
    }

    fn note_of(&self, who: &Who, door: Option<&str>, note: &Note<'_>) {
        let now = Clock.now();
        self.put(|desk| {
            let who = Some(desk.peers.seen(who));
            desk.note(now, &Deed { note, who, door })
        });
    }

    /// Tells the writer if there is something for it.
    fn put(&self, put: impl FnOnce(&mut Desk) -> bool) {
        let is_news = put(&mut self.0.desk());
        if is_news {
            self.0.news.notify_all();
        }
    }

    /// What is wrong with the log, for people; none where all is well.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.0.desk().problem(Clock.now())
    }

    /// How many events could not be written since the daemon started.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.desk().lost_in_all()
    }

    /// Begins to write to the files in this directory, on a thread of its own. What was noted before is written, too.
    pub fn begin(&self, directory: &Path) {
        writer::spawn(Arc::clone(&self.0), directory.to_owned());
    }

    /// Has everything written that was noted, and the writer end. Ends when that is done, or after this time: then what
    /// the disk did not take is lost. Blocks.
    pub fn close(&self, patience: Duration) {
        let mut desk = self.0.desk();
        desk.close(Clock.now());
        self.0.news.notify_all();
        let ended = self.0.news.wait_timeout_while(desk, patience, |desk| !desk.has_ended());
        let (desk, _) = ended.unwrap_or_else(PoisonError::into_inner);
        if !desk.has_ended() {
            tracing::warn!("the disk does not take the end of the audit log");
        }
    }
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stamp(now: Moment) -> Stamp {
    Stamp::new(now.since_epoch())
}

#[cfg(test)]
mod tests;
