//! Secrets in one sealed file, for hosts without a keyring.
//!
//! The file holds every profile's secret, sealed with AES-256-GCM under a key that is derived anew for each write from
//! key material kept elsewhere. It is replaced as a whole, by renaming a synced file over it, so a reader and a crash
//! see the old file or the new one. A file that cannot be opened, for whatever reason, is never replaced.

mod disk;
mod entries;
mod key;
mod seal;
mod trouble;

use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use airbyte_token_core::{ProfileName, VaultTrouble};

use super::{Store, StoredSecret, VaultError, text};
use crate::trust;
use disk::Folder;
use entries::Entries;
use trouble::FileTrouble;

/// Where the sealed file is, and what it is sealed under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// The sealed file, by its absolute path. It need not exist yet, nor its directory. Beside it stand a lock
    /// (`NAME.lock`) and, while it is written, its successor (`.NAME.new`).
    pub path: PathBuf,
    /// What its key is made from.
    pub key: KeySource,
}

/// Where the key material comes from: 32 to 4096 bytes, all of which count, a line end included.
///
/// It must be as hard to guess as a key (`head -c 32 /dev/urandom`): a passphrase is not stretched. It is read for
/// each call and wiped after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A file, by its absolute path, that belongs to this user or to root and that no group or other user may touch.
    File(PathBuf),
    /// A systemd credential, by its name: `LoadCredential=` and `LoadCredentialEncrypted=` in systemd.exec(5).
    Credential(String),
}

/// Why these settings can never work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFileSettings {
    /// The path depends on the working directory, or ends in no name.
    #[error("{} is not the absolute path of a file", .0.display())]
    Path(PathBuf),
    /// systemd gives no credential such a name.
    #[error("{0:?} is no name of a systemd credential: printable ASCII without `/`, `:` and spaces")]
    CredentialName(String),
}

/// Checks that the key can be read and opens the sealed file, if there is one. A systemd credential is only looked at
/// where there are any: others than the service have none.
///
/// # Errors
/// What a store with these settings would say when it is read.
pub fn check(settings: FileSettings) -> Result<(), VaultError> {
    let unfit = |error: BadFileSettings| VaultError::new(VaultTrouble::Unreadable, &error.to_string());
    let store = SealedFile::new(settings).map_err(unfit)?;
    if matches!(store.settings.key, KeySource::Credential(_)) && store.credentials.is_none() {
        tracing::info!(
            "the vault's key is a systemd credential, which only the service has: it is not looked at"
        );
        return Ok(());
    }
    key::material(&store.settings.key, store.credentials.as_deref())?;
    store.load()?;
    Ok(())
}

/// The store. It keeps no key and no secret between calls.
#[derive(Debug)]
pub(super) struct SealedFile {
    settings: FileSettings,
    /// `$CREDENTIALS_DIRECTORY`, which systemd sets for the life of the service.
    credentials: Option<PathBuf>,
}

impl SealedFile {
    pub(super) fn new(settings: FileSettings) -> Result<Self, BadFileSettings> {
        check_path(&settings.path)?;
        match &settings.key {
            KeySource::File(path) => check_path(path)?,
            KeySource::Credential(name) => check_credential_name(name)?,
        }
        Ok(Self { settings, credentials: env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from) })
    }

    fn load(&self) -> Result<Entries, FileTrouble> {
        match disk::read(&self.settings.path)? {
            Some(sealed) => self.open(sealed),
            None => Ok(Entries::default()),
        }
    }

    fn open(&self, sealed: Vec<u8>) -> Result<Entries, FileTrouble> {
        let material = key::material(&self.settings.key, self.credentials.as_deref())?;
        let path = &self.settings.path;
        seal::open(sealed, &material)
            .and_then(|plain| Entries::parse(&plain).ok_or(seal::Unsealed::Torn))
            .map_err(|cause| FileTrouble::Unsealed { path: path.clone(), cause })
    }

    fn save(&self, folder: &Folder, entries: &Entries) -> Result<(), FileTrouble> {
        let material = key::material(&self.settings.key, self.credentials.as_deref())?;
        let sealed = seal::seal(&entries.to_bytes(), &material);
        let sealed = sealed.ok_or_else(|| FileTrouble::NotSealed(self.settings.path.clone()))?;
        folder.replace(&sealed)
    }

    /// Loads, changes and saves under the lock, so that two daemons cannot undo each other's changes.
    fn change(&self, change: impl FnOnce(&mut Entries) -> bool) -> Result<(), FileTrouble> {
        // The file that is there is looked at when it is read, by stricter rules.
        trust::check(self.settings.path.parent().unwrap_or(Path::new("/")))?;
        let folder = Folder::lock(&self.settings.path)?;
        let mut entries = self.load()?;
        if change(&mut entries) { self.save(&folder, &entries) } else { Ok(()) }
    }
}

fn check_path(path: &Path) -> Result<(), BadFileSettings> {
    let fits = path.is_absolute() && path.file_name().is_some();
    if fits { Ok(()) } else { Err(BadFileSettings::Path(path.to_owned())) }
}

fn check_credential_name(name: &str) -> Result<(), BadFileSettings> {
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'/' && byte != b':';
    let length = (1..=255).contains(&name.len());
    if length && name.bytes().all(fits) && !matches!(name, "." | "..") {
        return Ok(());
    }
    Err(BadFileSettings::CredentialName(name.to_owned()))
}

impl Store for SealedFile {
    fn read(&mut self, profile: &ProfileName, _patience: Duration) -> Result<StoredSecret, VaultError> {
        let entries = self.load()?;
        text::read(entries.get(profile).ok_or_else(|| VaultError::empty(profile))?)
    }

    fn write(
        &mut self,
        profile: &ProfileName,
        secret: &StoredSecret,
        _patience: Duration,
    ) -> Result<(), VaultError> {
        let text = text::write(secret)?;
        self.change(|entries| {
            entries.put(profile.clone(), text);
            true
        })?;
        Ok(())
    }

    fn delete(&mut self, profile: &ProfileName, _patience: Duration) -> Result<(), VaultError> {
        if disk::is_missing(&self.settings.path) {
            return Ok(());
        }
        self.change(|entries| entries.remove(profile))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
