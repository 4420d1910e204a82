//! Secrets in one sealed file, for hosts without a keyring.

use std::{path::PathBuf, time::Duration};

use airbyte_token_core::{ProfileName, VaultTrouble};

use super::{Store, StoredSecret, VaultError};

/// Where the sealed file is, and what it is sealed under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// The sealed file, by its absolute path. It need not exist yet.
    pub path: PathBuf,
    /// What its key is made from.
    pub key: KeySource,
}

/// Where at least 32 bytes of key material come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A file, by its absolute path, which nobody but its owner may read.
    File(PathBuf),
    /// A systemd credential, by its name (`LoadCredential=`, systemd.exec(5)).
    Credential(String),
}

/// Why these settings can never work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFileSettings {
    /// A path depends on the working directory.
    #[error("{} is not an absolute path; write it from the root", .0.display())]
    Relative(PathBuf),
    /// systemd gives a credential no such name.
    #[error("{0:?} is no name of a systemd credential")]
    CredentialName(String),
}

pub(super) struct SealedFile {
    _settings: FileSettings,
}

impl SealedFile {
    pub(super) fn new(settings: FileSettings) -> Result<Self, BadFileSettings> {
        Ok(Self { _settings: settings })
    }
}

fn unfinished() -> VaultError {
    VaultError::new(VaultTrouble::Absent, "the file vault is not built yet")
}

impl Store for SealedFile {
    fn read(&mut self, _: &ProfileName, _: Duration) -> Result<StoredSecret, VaultError> {
        Err(unfinished())
    }

    fn write(&mut self, _: &ProfileName, _: &StoredSecret, _: Duration) -> Result<(), VaultError> {
        Err(unfinished())
    }

    fn delete(&mut self, _: &ProfileName, _: Duration) -> Result<(), VaultError> {
        Err(unfinished())
    }
}
