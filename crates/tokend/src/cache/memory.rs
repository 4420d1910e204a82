//! What must outlive a restart: that Airbyte refused the credentials, and how often it was asked of late. No secret
//! and no token is in it.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use airbyte_token_core::{Failure, Memory, ProfileName, refresher::PastTrouble};
use tokio::sync::Notify;

mod record;

use record::Record;

use crate::config::MOST_PROFILES;

/// How many profiles may be remembered before a login that fails under yet another name is not.
const MOST_FAILED_LOGINS: usize = 2 * MOST_PROFILES;
/// The largest file that is read, in bytes: more than the records of all of them take.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// What all profiles remember. Clones share it.
#[derive(Clone, Debug)]
pub struct Remembering(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    by_profile: Mutex<BTreeMap<String, Record>>,
    changed: Notify,
    /// Held while the file is written: two writers would tear each other's.
    writing: Mutex<()>,
}

impl Remembering {
    /// Reads the file. One that is absent or cannot be understood means that nothing is remembered.
    #[must_use]
    pub fn load(path: PathBuf) -> Self {
        let by_profile = read(&path).unwrap_or_else(|error| {
            tracing::warn!(%error, path = %path.display(), "what was remembered cannot be read and is forgotten");
            BTreeMap::new()
        });
        Self(Arc::new(Shared {
            path,
            by_profile: Mutex::new(by_profile),
            changed: Notify::new(),
            writing: Mutex::new(()),
        }))
    }

    /// What the profile remembers: nothing, if it is new. Trouble with a vault is not remembered: whoever mended it
    /// and started the daemon again is not to wait, and nobody but this machine is asked.
    #[must_use]
    pub fn of(&self, profile: &ProfileName) -> Memory {
        let memory = self.records().get(profile.as_str()).map(Record::memory).unwrap_or_default();
        let of_vault = |trouble: &PastTrouble| matches!(trouble.failure, Failure::Vault { .. });
        Memory { trouble: memory.trouble.filter(|trouble| !of_vault(trouble)), ..memory }
    }

    /// Where the profile says what it remembers from now on.
    #[must_use]
    pub fn file(&self, profile: &ProfileName) -> MemoryFile {
        MemoryFile { profile: profile.clone(), last: self.of(profile), all: self.clone() }
    }

    /// Forgets what went wrong, since the profile or its secret changed; not how often Airbyte was asked.
    pub fn forgive(&self, profile: &ProfileName) {
        let memory = self.of(profile);
        self.note(profile, Memory { trouble: None, ..memory });
    }

    /// Counts the exchanges of this memory too, and takes nothing else from it. Names that are no profile's are counted
    /// up to a bound: somebody who invents ever new ones must not make the file grow for ever.
    pub fn count(&self, profile: &ProfileName, other: &Memory) {
        let full = self.records().len() >= MOST_FAILED_LOGINS;
        if full && !self.records().contains_key(profile.as_str()) {
            return;
        }
        let memory = self.of(profile);
        self.note(profile, Memory { exchanges: other.exchanges.clone(), ..memory });
    }

    /// Forgets what was counted under names that are no profile's.
    pub fn retain(&self, is_profile: impl Fn(&str) -> bool) {
        self.records().retain(|name, _| is_profile(name));
        self.0.changed.notify_one();
    }

    /// Forgets all that the profile remembers: it is gone.
    pub fn forget(&self, profile: &ProfileName) {
        if self.records().remove(profile.as_str()).is_some() {
            self.0.changed.notify_one();
        }
    }

    /// Writes the file whenever something changed, for ever. The disk may be slow or full: nothing waits for it.
    pub async fn keep(self) {
        loop {
            self.0.changed.notified().await;
            let all = self.clone();
            match tokio::task::spawn_blocking(move || all.write()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, path = %self.0.path.display(), "memory cannot be written")
                }
                Err(error) => tracing::error!(%error, "memory was not written"),
            }
        }
    }

    /// Writes the file now, whole or not at all.
    ///
    /// # Errors
    /// What the disk said.
    pub fn write(&self) -> io::Result<()> {
        let _one_at_a_time = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let text = serde_json::to_vec(&*self.records())?;
        if let Some(parent) = self.0.path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        }
        let fresh = self.0.path.with_extension("new");
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(&text)?;
        fs::rename(&fresh, &self.0.path)
    }

    fn note(&self, profile: &ProfileName, memory: Memory) {
        self.records().insert(profile.to_string(), Record::of(&memory));
        self.0.changed.notify_one();
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<String, Record>> {
        self.0.by_profile.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where one profile says what it remembers.
#[derive(Debug)]
pub struct MemoryFile {
    profile: ProfileName,
    last: Memory,
    all: Remembering,
}

impl MemoryFile {
    /// Keeps this, if it is news.
    pub(super) fn keep(&mut self, memory: Memory) {
        if memory != self.last {
            self.all.note(&self.profile, memory.clone());
            self.last = memory;
        }
    }
}

fn read(path: &Path) -> io::Result<BTreeMap<String, Record>> {
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        opened => opened?,
    };
    let mut text = Vec::new();
    file.take(LARGEST_FILE).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

#[cfg(test)]
mod tests {
    use airbyte_token_core::refresher::PastExchange;

    use super::*;

    fn profile(number: usize) -> ProfileName {
        format!("p{number}").parse().unwrap()
    }

    /// As much as a profile can remember: sixty exchanges, and what went wrong in as many words as there may be.
    fn a_full_memory() -> Memory {
        let exchanges = vec![PastExchange { at: u64::MAX, elective: false }; 60];
        Memory { exchanges, ..Memory::default() }
    }

    #[test]
    fn invented_names_are_counted_up_to_a_bound_and_the_file_stays_one_that_is_read() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("memory.json");
        let remembering = Remembering::load(path.clone());
        (0..MOST_FAILED_LOGINS + MOST_PROFILES)
            .for_each(|number| remembering.count(&profile(number), &a_full_memory()));
        assert_eq!(remembering.records().len(), MOST_FAILED_LOGINS);
        let profiles = MOST_FAILED_LOGINS..MOST_FAILED_LOGINS + MOST_PROFILES;
        profiles.for_each(|number| remembering.file(&profile(number)).keep(a_full_memory()));
        remembering.write().unwrap();
        assert!(fs::metadata(&path).unwrap().len() < LARGEST_FILE);
        assert_eq!(read(&path).unwrap().len(), MOST_FAILED_LOGINS + MOST_PROFILES);
    }

    #[test]
    fn what_was_counted_under_other_names_than_a_profiles_is_forgotten_with_the_next_change() {
        let remembering = Remembering::load("/nonexistent/memory.json".into());
        (0..3).for_each(|number| remembering.count(&profile(number), &a_full_memory()));
        remembering.retain(|name| name == "p1");
        assert_eq!(remembering.of(&profile(1)), a_full_memory());
        assert_eq!(remembering.of(&profile(2)), Memory::default());
    }

    #[test]
    fn whoever_writes_at_once_with_others_fails_nobody_and_tears_nothing() {
        let home = tempfile::tempdir().unwrap();
        let remembering = Remembering::load(home.path().join("memory.json"));
        (0..200).for_each(|number| remembering.forgive(&profile(number)));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50).for_each(|_| remembering.write().unwrap()));
            }
        });
        assert_eq!(read(&home.path().join("memory.json")).unwrap().len(), 200);
    }
}
