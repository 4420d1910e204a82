//! The lock: no tokens and no exchanges until it is taken off, also by the next start.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use airbyte_token_core::ProfileName;
use tokio::{sync::Mutex, time};

use super::State;
use crate::vault::{self, StoreKind};

/// How long the disk may take for the mark.
const DISK: Duration = Duration::from_secs(3);

/// Whether it is on, and where that is marked for the next start.
#[derive(Debug)]
pub(super) struct Lock {
    is_on: AtomicBool,
    mark: PathBuf,
    turn: Mutex<()>,
}

/// What became of a lock or an unlock, which itself never fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locking {
    /// Whether the next start will find it so, too. If not, the disk did not take it.
    pub lasting: bool,
    /// The profiles whose secret was in memory only and is forgotten.
    pub forgotten: Vec<ProfileName>,
}

impl Lock {
    /// As the last run left it. A mark that cannot be looked for may be there: then it is on.
    pub(super) fn load(state: &Path) -> Self {
        let mark = state.join("locked");
        let is_on = match fs::symlink_metadata(&mark) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Ok(_) => true,
            Err(error) => {
                tracing::warn!("locked, since {} cannot be looked for: {error}", mark.display());
                true
            }
        };
        Self { is_on: AtomicBool::new(is_on), mark, turn: Mutex::default() }
    }
}

impl State {
    /// Whether it is locked.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.0.lock.is_on.load(Ordering::Relaxed)
    }

    /// Wipes every token and every secret that is in memory only, gives up exchanges in flight, and begins none until
    /// it is unlocked. Waits for no change that is being made: one that ends later finds the lock on.
    pub async fn lock(&self) -> Locking {
        let _turn = self.0.lock.turn.lock().await;
        self.0.lock.is_on.store(true, Ordering::Relaxed);
        for profile in self.cache().all().values() {
            profile.lock().await;
        }
        let forgotten = self.forget_what_is_in_memory_only().await;
        let lasting = on_disk(&self.0.lock.mark, set).await;
        tracing::info!("locked: no tokens and no exchanges until `airbyte-token unlock`");
        Locking { lasting, forgotten }
    }

    /// Serves again: every profile as after a start, on demand.
    pub async fn unlock(&self) -> Locking {
        let _turn = self.0.lock.turn.lock().await;
        let lasting = on_disk(&self.0.lock.mark, remove).await;
        self.0.lock.is_on.store(false, Ordering::Relaxed);
        for profile in self.cache().all().values() {
            profile.unlock().await;
        }
        tracing::info!("unlocked");
        Locking { lasting, forgotten: Vec::new() }
    }

    /// Brings the profiles that had a secret there.
    pub(super) async fn forget_what_is_in_memory_only(&self) -> Vec<ProfileName> {
        let mut forgotten = Vec::new();
        let roster = self.roster();
        let Ok(vault) = roster.vaults.get(StoreKind::Memory) else { return forgotten };
        for (name, profile) in &roster.config.profiles {
            let is_there = profile.vault == StoreKind::Memory
                && vault.read(name, vault::BACKGROUND).await.is_ok()
                && vault.delete(name, vault::BACKGROUND).await.is_ok();
            forgotten.extend(is_there.then(|| name.clone()));
        }
        forgotten
    }
}

/// Whether the disk took it in time.
async fn on_disk(mark: &Path, work: fn(&Path) -> io::Result<()>) -> bool {
    let path = mark.to_owned();
    let done = tokio::task::spawn_blocking(move || work(&path));
    let error = match time::timeout(DISK, done).await {
        Ok(Ok(Ok(()))) => return true,
        Ok(Ok(Err(error))) => error.to_string(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the disk does not answer".to_owned(),
    };
    tracing::warn!("a restart will undo this: {}: {error}", mark.display());
    false
}

fn set(mark: &Path) -> io::Result<()> {
    let flags = rustix::fs::OFlags::NOFOLLOW.bits();
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600).custom_flags(flags.cast_signed());
    options.open(mark)?.sync_all()?;
    sync_directory(mark)
}

fn remove(mark: &Path) -> io::Result<()> {
    match fs::remove_file(mark) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(()) => sync_directory(mark),
        Err(error) => Err(error),
    }
}

fn sync_directory(mark: &Path) -> io::Result<()> {
    mark.parent().map_or(Ok(()), |directory| fs::File::open(directory)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_on(state: &Path) -> bool {
        Lock::load(state).is_on.load(Ordering::Relaxed)
    }

    #[test]
    fn a_mark_locks_the_next_start_until_it_is_removed() {
        let home = tempfile::tempdir().unwrap();
        assert!(!is_on(home.path()));
        let mark = Lock::load(home.path()).mark;
        for _ in 0..2 {
            set(&mark).unwrap();
            assert!(is_on(home.path()));
        }
        for _ in 0..2 {
            remove(&mark).unwrap();
            assert!(!is_on(home.path()));
        }
    }

    #[test]
    fn a_mark_that_cannot_be_looked_for_locks() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(is_on(&file), "a file is no directory");
    }
}
