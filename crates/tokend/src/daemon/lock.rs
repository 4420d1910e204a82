//! The lock: no tokens and no exchanges until it is taken off, also by the next start.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex as BlockingMutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use airbyte_token_core::ProfileName;
use tokio::{sync::Mutex, time};

use super::State;
use crate::vault::{self, StoreKind};

/// How long the disk may take for the mark.
const DISK: Duration = Duration::from_secs(3);

/// Whether it is on, and who may change that: one after the other.
#[derive(Debug)]
pub(super) struct Lock {
    mark: Arc<Mark>,
    turn: Mutex<()>,
}

/// Whether it is on, and where that is marked for the next start.
#[derive(Debug)]
struct Mark {
    is_on: AtomicBool,
    path: PathBuf,
    disk: BlockingMutex<()>,
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
        let path = state.join("locked");
        let is_on = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Ok(_) => true,
            Err(error) => {
                tracing::warn!("locked, since {} cannot be looked for: {error}", path.display());
                true
            }
        };
        let mark = Mark { is_on: AtomicBool::new(is_on), path, disk: BlockingMutex::default() };
        Self { mark: Arc::new(mark), turn: Mutex::default() }
    }

    fn is_on(&self) -> bool {
        self.mark.is_on.load(Ordering::Relaxed)
    }

    /// From now on it is so. Whether the disk took it in time.
    async fn turn(&self, is_on: bool) -> bool {
        self.mark.is_on.store(is_on, Ordering::Relaxed);
        let mark = Arc::clone(&self.mark);
        let done = tokio::task::spawn_blocking(move || mark.write());
        let error = match time::timeout(DISK, done).await {
            Ok(Ok(Ok(()))) => return true,
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the disk does not answer".to_owned(),
        };
        tracing::warn!("a restart will undo this: {}: {error}", self.mark.path.display());
        false
    }
}

impl Mark {
    /// Marks what holds when its turn comes: a disk that answers late does not undo what was wished since.
    fn write(&self) -> io::Result<()> {
        let _turn = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_on.load(Ordering::Relaxed) { set(&self.path) } else { remove(&self.path) }
    }
}

impl State {
    /// Whether it is locked.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.0.lock.is_on()
    }

    /// Wipes every token and every secret that is in memory only, gives up exchanges in flight, and begins none until
    /// it is unlocked. Waits for no change that is being made: one that ends later finds the lock on.
    pub async fn lock(&self) -> Locking {
        let _turn = self.0.lock.turn.lock().await;
        let wipe = async {
            for profile in self.cache().all().values() {
                profile.lock().await;
            }
            self.forget_what_is_in_memory_only().await
        };
        let (lasting, forgotten) = tokio::join!(self.0.lock.turn(true), wipe);
        tracing::info!("locked: no tokens and no exchanges until `airbyte-token unlock`");
        Locking { lasting, forgotten }
    }

    /// Serves again: every profile as after a start, on demand.
    pub async fn unlock(&self) -> Locking {
        let _turn = self.0.lock.turn.lock().await;
        let lasting = self.0.lock.turn(false).await;
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

fn set(mark: &Path) -> io::Result<()> {
    if let Some(directory) = mark.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
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
        Lock::load(state).is_on()
    }

    #[test]
    fn a_mark_locks_the_next_start_until_it_is_removed() {
        let home = tempfile::tempdir().unwrap();
        assert!(!is_on(home.path()));
        let mark = &Lock::load(home.path()).mark;
        for wish in [true, true, false, false, true] {
            mark.is_on.store(wish, Ordering::Relaxed);
            mark.write().unwrap();
            assert_eq!(is_on(home.path()), wish);
        }
    }

    #[test]
    fn a_directory_that_is_gone_is_made_again_for_the_mark() {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("state/deep");
        assert!(!is_on(&state));
        let mark = &Lock::load(&state).mark;
        mark.write().unwrap();
        mark.is_on.store(true, Ordering::Relaxed);
        mark.write().unwrap();
        assert!(is_on(&state));
    }

    #[test]
    fn a_mark_that_cannot_be_looked_for_locks() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(is_on(&file), "a file is no directory");
    }
}
