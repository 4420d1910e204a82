//! What must outlive a restart: that Airbyte refused the credentials, and how often it was asked of late. No secret
//! and no token is in it.
//!
//! It is written down before Airbyte is asked, not after: a daemon that is killed in the middle of an exchange has been
//! counted all the same.

use std::{
    collections::BTreeMap,
    io, mem,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use airbyte_token_core::{
    Failure, Memory, ProfileName,
    refresher::{PastExchange, PastTrouble},
};
use tokio::{
    sync::{Notify, watch},
    time,
};

mod disk;
mod interrupted;
mod record;

use record::Record;

use crate::{clock::Clock, config::MOST_PROFILES, logs::Condenser};

/// How many profiles may be remembered before a login that fails under yet another name is not.
const MOST_FAILED_LOGINS: usize = 2 * MOST_PROFILES;
/// How long an exchange waits for the disk to take what is to be remembered of it. A disk that hangs delays it by so
/// much and no more.
const WRITE_AHEAD: Duration = Duration::from_millis(500);
/// A disk that was full is tried again after this long, whether or not there is something new to write.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// What all profiles remember. Clones share it.
#[derive(Clone, Debug)]
pub struct Remembering(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    kept: Mutex<Kept>,
    changed: Notify,
    /// The number of the last change that the disk was given, whether or not it took it.
    tried: watch::Sender<u64>,
    /// Held while the file is written: two writers would tear each other's.
    writing: Mutex<()>,
}

#[derive(Debug, Default)]
struct Kept {
    records: BTreeMap<String, Record>,
    changes: u64,
}

impl Remembering {
    /// Reads the file. One that is absent or cannot be understood means that nothing is remembered.
    #[must_use]
    pub fn load(path: PathBuf) -> Self {
        let records = disk::read(&path).unwrap_or_else(|error| {
            tracing::warn!(%error, path = %path.display(), "what was remembered cannot be read and is forgotten");
            BTreeMap::new()
        });
        Self(Arc::new(Shared {
            path,
            kept: Mutex::new(Kept { records, changes: 0 }),
            changed: Notify::new(),
            tried: watch::Sender::new(0),
            writing: Mutex::new(()),
        }))
    }

    /// What the profile remembers: nothing, if it is new. Trouble with a vault is not remembered: whoever mended it
    /// and started the daemon again is not to wait, and nobody but this machine is asked.
    #[must_use]
    pub fn of(&self, profile: &ProfileName) -> Memory {
        let kept = self.kept();
        let Some(record) = kept.records.get(profile.as_str()) else { return Memory::default() };
        let memory = record.memory();
        let of_vault = |trouble: &PastTrouble| matches!(trouble.failure, Failure::Vault { .. });
        let memory = Memory { trouble: memory.trouble.filter(|trouble| !of_vault(trouble)), ..memory };
        interrupted::after(record.unfinished(), memory)
    }

    /// Where the profile says what it remembers from now on: nobody who said so before is heard any more. Whoever takes
    /// this began with [`Remembering::of`].
    #[must_use]
    pub fn file(&self, profile: &ProfileName) -> MemoryFile {
        let last = self.of(profile);
        let mut kept = self.kept();
        kept.changes += 1;
        let keeper = kept.changes;
        let record = kept.records.entry(profile.to_string()).or_default();
        record.keeper = keeper;
        record.adopt_logins();
        let diary = Diary { profile: profile.clone(), keeper, all: self.clone() };
        MemoryFile { last, ended: false, diary }
    }

    /// Forgets what went wrong, since the profile or its secret changed; not how often Airbyte was asked.
    pub fn forgive(&self, profile: &ProfileName) {
        self.kept().records.entry(profile.to_string()).or_default().forgive();
        self.note_change();
    }

    /// Counts an exchange that is to prove a login. Names that are no profile's are counted up to a bound: somebody who
    /// invents ever new ones must not make the file grow for ever.
    pub fn count(&self, profile: &ProfileName, login: &PastExchange) {
        let mut kept = self.kept();
        let full = kept.records.len() >= MOST_FAILED_LOGINS;
        if full && !kept.records.contains_key(profile.as_str()) {
            return;
        }
        kept.records.entry(profile.to_string()).or_default().count_login(login);
        drop(kept);
        self.note_change();
    }

    /// Forgets what was counted under names that are no profile's.
    pub fn retain(&self, is_profile: impl Fn(&str) -> bool) {
        self.kept().records.retain(|name, _| is_profile(name));
        self.note_change();
    }

    /// Forgets all that the profile remembers: it is gone.
    pub fn forget(&self, profile: &ProfileName) {
        if self.kept().records.remove(profile.as_str()).is_some() {
            self.note_change();
        }
    }

    /// Writes the file whenever something changed, for ever. The disk may be slow or full: nothing waits for it longer
    /// than [`Remembering::settle`] says, and what it did not take is written when it does.
    pub async fn keep(self) {
        let mut complaints = Condenser::new();
        loop {
            self.0.changed.notified().await;
            while !self.write_off_the_loop(&mut complaints).await {
                // Either will do: there is something to write.
                drop(time::timeout(TRY_AGAIN, self.0.changed.notified()).await);
            }
        }
    }

    /// Ends when all that is remembered by now is in the file. Where the disk refuses it, or takes longer than half a
    /// second, it ends as well: a profile is served without a memory rather than not at all.
    pub async fn settle(&self) {
        let noted = self.kept().changes;
        let mut tried = self.0.tried.subscribe();
        let written = tried.wait_for(|tried| *tried >= noted);
        if time::timeout(WRITE_AHEAD, written).await.is_err() {
            tracing::debug!("the disk takes its time, and an exchange begins that it has not counted");
        }
    }

    /// Writes the file now, whole or not at all.
    ///
    /// # Errors
    /// What the disk said.
    pub fn write(&self) -> io::Result<()> {
        let _one_at_a_time = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, text) = {
            let kept = self.kept();
            (kept.changes, serde_json::to_vec(&kept.records)?)
        };
        let outcome = disk::replace(&self.0.path, &text);
        self.0.tried.send_replace(number);
        outcome
    }

    /// Whether the file says what is remembered.
    async fn write_off_the_loop(&self, complaints: &mut Condenser) -> bool {
        let all = self.clone();
        let problem = match tokio::task::spawn_blocking(move || all.write()).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        let path = self.0.path.display();
        let line = format!("what is to be remembered across restarts cannot be written to {path}: {problem}");
        if let Some(line) = complaints.heard(Clock.now(), &line) {
            tracing::warn!("{line}");
        }
        false
    }

    /// As the keeper of this number says, if it is still the one who is heard.
    fn change(&self, profile: &ProfileName, keeper: u64, change: impl FnOnce(&mut Record)) {
        let mut kept = self.kept();
        let record = kept.records.get_mut(profile.as_str()).filter(|record| record.keeper == keeper);
        let Some(record) = record else { return };
        change(record);
        drop(kept);
        self.note_change();
    }

    fn note_change(&self) {
        self.kept().changes += 1;
        self.0.changed.notify_one();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where one profile says what it remembers.
#[derive(Debug)]
pub struct MemoryFile {
    last: Memory,
    ended: bool,
    diary: Diary,
}

impl MemoryFile {
    /// Keeps this, if it is news, and with it that an exchange has ended: a failure is not forgotten in between.
    pub(super) fn keep(&mut self, memory: Memory) {
        if self.ended || memory != self.last {
            let ended = mem::take(&mut self.ended);
            self.diary.note(|record| {
                record.keep(&memory);
                if ended {
                    record.end_exchange();
                }
            });
            self.last = memory;
        }
    }

    /// What is sent has come to an end, good or bad. To be kept with what it changed.
    pub(super) const fn answered(&mut self) {
        self.ended = true;
    }

    /// For whoever makes the profile's exchanges.
    pub(super) fn diary(&self) -> Diary {
        self.diary.clone()
    }
}

/// Where it is noted that an exchange is about to be sent, and that it brought a token.
#[derive(Clone, Debug)]
pub struct Diary {
    profile: ProfileName,
    keeper: u64,
    all: Remembering,
}

impl Diary {
    /// Ends when it is written down that something is sent, or the disk does not take it.
    pub(super) async fn begin(&self) {
        self.note(Record::begin_exchange);
        self.all.settle().await;
    }

    /// Ends when it is written down that a token came, or the disk does not take it: whoever is killed right after its
    /// first answer has left nothing unfinished.
    pub(super) async fn succeed(&self) {
        self.note(Record::end_exchange);
        self.all.settle().await;
    }

    fn note(&self, change: impl FnOnce(&mut Record)) {
        self.all.change(&self.profile, self.keeper, change);
    }
}

#[cfg(test)]
mod tests;
