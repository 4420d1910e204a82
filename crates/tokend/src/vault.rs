//! Where secrets live: the OS keyring, a sealed file, or this process's memory.
//!
//! A [`Vault`] is a cheap handle. Behind it, each store has one thread of its own, so that a store that prompts, hangs
//! or blocks stops nothing else: every call has a deadline, at most one call is outstanding, and what is wrong comes
//! back as one of a few troubles that differ in their remedy.
//!
//! May not enter here: what a secret is used for, tokens, and the network beyond the session bus. A store never
//! compares origins; whoever uses the secret does (see [`StoredSecret::origin`]).

mod file;
mod keyring;
mod memory;
mod text;
mod worker;

use std::{fmt, time::Duration};

use airbyte_token_core::{Detail, Failure, Origin, ProfileName, Secret, VaultTrouble};

pub use airbyte_token_local::wire::StoreKind;
pub use file::{BadFileSettings, FileSettings, KeySource, check as check_file};

use worker::Worker;

/// How long a call made in the background may take.
pub const BACKGROUND: Duration = Duration::from_secs(3);

/// How long a call that a person started may take. Any patience above [`BACKGROUND`] allows the keyring to ask that
/// person to unlock it.
pub const ATTENDED: Duration = Duration::from_secs(60);

/// What a store keeps for a profile.
#[derive(Debug)]
pub struct StoredSecret {
    /// Where the secret may be sent, as said when it was stored. Whoever reads it must refuse to send it elsewhere.
    pub origin: Origin,
    /// The client secret of the Airbyte application.
    pub client_secret: Secret,
}

/// A handle to the secrets in one store. A clone shares the store and its thread.
///
/// The thread starts with the first call and ends when the last handle is dropped. Calls need a tokio runtime with its
/// timer on, and are otherwise free of it: nothing here blocks the thread that awaits.
///
/// Calls take turns, and one that cannot get its turn within its patience answers [`VaultTrouble::Slow`]. While a call
/// is past its deadline and the store still has not answered, further calls answer `Slow` at once, and none of them
/// is queued; as soon as the store answers, calls are served again.
///
/// A call that is overdue, or whose future is dropped, is not taken back. A read then changes nothing and its secret
/// is wiped. A write or delete has happened, will still happen, or fails unseen: only a read can tell. None of the
/// stores leaves a torn secret behind.
#[derive(Clone)]
pub struct Vault {
    kind: StoreKind,
    worker: Worker,
}

impl Vault {
    /// The keyring of the desktop session (on Linux the Secret Service: GNOME Keyring, KWallet, KeePassXC). It is
    /// looked for with each call, so this works before the keyring runs and after it was restarted.
    #[must_use]
    pub fn keyring() -> Self {
        Self::over(StoreKind::Keyring, || Box::new(keyring::Keyring::new()))
    }

    /// One sealed file, for hosts without a keyring.
    ///
    /// # Errors
    ///
    /// [`BadFileSettings`] when the settings can never work; whether file and key can be read is looked at with
    /// each call.
    pub fn file(settings: FileSettings) -> Result<Self, BadFileSettings> {
        let store = file::SealedFile::new(settings)?;
        Ok(Self::over(StoreKind::File, move || Box::new(store)))
    }

    /// This process's memory: for trying and for tests. What it holds ends with the last handle.
    #[must_use]
    pub fn memory() -> Self {
        Self::over(StoreKind::Memory, || Box::new(memory::Memory::default()))
    }

    /// Which store this is.
    #[must_use]
    pub fn kind(&self) -> StoreKind {
        self.kind
    }

    /// The secret of a profile. With a patience of at most [`BACKGROUND`] nobody is ever asked anything: a locked
    /// keyring is [`VaultTrouble::Locked`] at once.
    ///
    /// # Errors
    ///
    /// [`VaultTrouble::Empty`] when nothing is stored for the profile, [`VaultTrouble::Slow`] after `patience`, and
    /// the troubles of the store, except [`VaultTrouble::OtherOrigin`].
    pub async fn read(&self, profile: &ProfileName, patience: Duration) -> Result<StoredSecret, VaultError> {
        let profile = profile.clone();
        self.worker.call(patience, move |store| store.read(&profile, patience)).await
    }

    /// Stores the secret of a profile, in place of the one that was there.
    ///
    /// # Errors
    ///
    /// [`VaultTrouble::Slow`] after `patience` (it may still happen, see [`Vault`]), and the troubles of the store;
    /// after those, what was stored before is still there.
    pub async fn write(
        &self,
        profile: &ProfileName,
        secret: StoredSecret,
        patience: Duration,
    ) -> Result<(), VaultError> {
        let profile = profile.clone();
        self.worker.call(patience, move |store| store.write(&profile, &secret, patience)).await
    }

    /// Forgets the secret of a profile. That there was none is no error.
    ///
    /// # Errors
    ///
    /// As [`Vault::write`].
    pub async fn delete(&self, profile: &ProfileName, patience: Duration) -> Result<(), VaultError> {
        let profile = profile.clone();
        self.worker.call(patience, move |store| store.delete(&profile, patience)).await
    }

    fn over(kind: StoreKind, open: impl FnOnce() -> Box<dyn Store> + Send + 'static) -> Self {
        Self { kind, worker: Worker::new(kind, open) }
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.kind)
    }
}

/// A back end. Only the store's own thread calls it, so it may block; it must not panic.
///
/// `patience` is how long the caller will wait, counted from about now. A store that can ask a person does so only if
/// it is above [`BACKGROUND`].
trait Store {
    fn read(&mut self, profile: &ProfileName, patience: Duration) -> Result<StoredSecret, VaultError>;

    fn write(
        &mut self,
        profile: &ProfileName,
        secret: &StoredSecret,
        patience: Duration,
    ) -> Result<(), VaultError>;

    /// That nothing is there is `Ok`.
    fn delete(&mut self, profile: &ProfileName, patience: Duration) -> Result<(), VaultError>;
}

/// Why a store did not do what it was asked: a trouble to decide on, and a line for people that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct VaultError {
    /// Which trouble it is.
    pub trouble: VaultTrouble,
    /// What happened and what helps. It holds nothing of any secret.
    pub detail: Detail,
}

impl VaultError {
    fn new(trouble: VaultTrouble, detail: &str) -> Self {
        Self { trouble, detail: Detail::new(detail) }
    }

    fn empty(profile: &ProfileName) -> Self {
        Self::new(VaultTrouble::Empty, &format!("no client secret is stored for profile {profile}; log in"))
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        Self::Vault { trouble: error.trouble, detail: error.detail }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use rustix::fs::{FlockOperation, flock};
    use tempfile::TempDir;

    use super::*;

    fn name(text: &str) -> ProfileName {
        text.parse().unwrap()
    }

    fn stored(origin: &str) -> StoredSecret {
        StoredSecret { origin: origin.parse().unwrap(), client_secret: Secret::new("s3cret".into()) }
    }

    fn file_vault(folder: &TempDir) -> Vault {
        let key = folder.path().join("key");
        fs::write(&key, [b'k'; 32]).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        Vault::file(FileSettings { path: folder.path().join("vault"), key: KeySource::File(key) }).unwrap()
    }

    #[tokio::test]
    async fn file_and_memory_keep_a_secret_with_its_origin_until_it_is_deleted() {
        let folder = TempDir::new().unwrap();
        for vault in [file_vault(&folder), Vault::memory()] {
            let empty = vault.read(&name("a"), ATTENDED).await.unwrap_err();
            assert_eq!(empty.trouble, VaultTrouble::Empty);
            assert!(empty.to_string().contains("profile a;"), "{empty}");
            vault.write(&name("a"), stored("https://one.example"), ATTENDED).await.unwrap();
            vault.clone().write(&name("a"), stored("https://two.example:8443"), ATTENDED).await.unwrap();
            let secret = vault.read(&name("a"), ATTENDED).await.unwrap();
            assert_eq!(secret.origin.to_string(), "https://two.example:8443");
            assert_eq!(secret.client_secret.expose(), "s3cret");
            vault.delete(&name("a"), ATTENDED).await.unwrap();
            vault.delete(&name("a"), ATTENDED).await.unwrap();
            assert_eq!(vault.read(&name("a"), ATTENDED).await.unwrap_err().trouble, VaultTrouble::Empty);
        }
    }

    #[tokio::test]
    async fn a_vault_file_in_another_daemons_hands_is_slow_and_not_half_written() {
        let folder = TempDir::new().unwrap();
        let vault = file_vault(&folder);
        vault.write(&name("a"), stored("https://one.example"), ATTENDED).await.unwrap();
        let lock = fs::File::open(folder.path().join("vault.lock")).unwrap();
        flock(&lock, FlockOperation::LockExclusive).unwrap();
        let patience = Duration::from_millis(50);
        let slow = vault.write(&name("b"), stored("https://two.example"), patience).await.unwrap_err();
        assert_eq!(slow.trouble, VaultTrouble::Slow);
        let other = file_vault(&folder);
        assert_eq!(other.read(&name("b"), ATTENDED).await.unwrap_err().trouble, VaultTrouble::Empty);
        assert!(other.read(&name("a"), ATTENDED).await.is_ok(), "reading needs no lock");
    }

    #[test]
    fn debug_output_says_the_kind_and_no_secret() {
        assert_eq!(format!("{:?}", Vault::memory()), "Vault(memory)");
        assert!(!format!("{:?}", stored("https://one.example")).contains("s3cret"));
    }

    #[test]
    fn each_vault_knows_its_kind() {
        let folder = TempDir::new().unwrap();
        let kinds = [Vault::keyring(), file_vault(&folder), Vault::memory()].map(|vault| vault.kind());
        assert_eq!(kinds, [StoreKind::Keyring, StoreKind::File, StoreKind::Memory]);
    }

    #[test]
    fn a_vault_trouble_is_a_failure_with_the_same_words() {
        let error = VaultError::new(VaultTrouble::Locked, "locked");
        let failure = Failure::from(error.clone());
        assert_eq!(failure, Failure::Vault { trouble: VaultTrouble::Locked, detail: error.detail });
    }
}
