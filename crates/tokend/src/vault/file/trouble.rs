//! What can be wrong with a sealed file or its key: each its own line, each with what to do.

use std::{io, path::PathBuf};

use airbyte_token_core::VaultTrouble;

use super::super::VaultError;
use super::seal::Unsealed;
use crate::trust::Untrusted;

#[derive(Debug, thiserror::Error)]
pub(super) enum FileTrouble {
    #[error("other users may touch the vault file; run: chmod 600 {}", .0.display())]
    TooOpen(PathBuf),
    #[error("the vault file is a symlink, directory or device and not a file; move it away: {}", .0.display())]
    NotAFile(PathBuf),
    #[error("the vault file belongs to another user; chown it to this one, or move it away: {}", .0.display())]
    NotOurs(PathBuf),
    #[error("{cause}: {}", .path.display())]
    Unsealed { path: PathBuf, cause: Unsealed },
    #[error("the vault file is as it was: it would grow too large, or no random bytes are to be had: {}", .0.display())]
    NotSealed(PathBuf),
    #[error("there is no key file; put back the one that the vault was sealed under: {}", .0.display())]
    NoKeyFile(PathBuf),
    #[error("there is no systemd credential {0}; name it in LoadCredential= of the unit, and restart")]
    NoCredential(String),
    #[error("other users may touch the key file; run: chmod 600 {}", .0.display())]
    KeyTooOpen(PathBuf),
    #[error("other users may touch the systemd credential; load it with LoadCredential=: {}", .0.display())]
    CredentialTooOpen(PathBuf),
    #[error("the key file belongs to another user; chown it to this one: {}", .0.display())]
    KeyNotOurs(PathBuf),
    #[error("the key is no regular file: {}", .0.display())]
    KeyNotAFile(PathBuf),
    #[error("the key has {length} bytes; make one of 32 to 4096 (head -c 32 /dev/urandom): {}", .path.display())]
    KeyLength { path: PathBuf, length: &'static str },
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    #[error("cannot {doing} ({cause}): {}", .path.display())]
    Io { doing: &'static str, path: PathBuf, cause: io::ErrorKind },
}

impl FileTrouble {
    fn trouble(&self) -> VaultTrouble {
        match self {
            Self::TooOpen(_)
            | Self::NotAFile(_)
            | Self::NotOurs(_)
            | Self::NotSealed(_)
            | Self::KeyTooOpen(_)
            | Self::CredentialTooOpen(_)
            | Self::KeyNotOurs(_)
            | Self::KeyNotAFile(_)
            | Self::NoKeyFile(_)
            | Self::NoCredential(_)
            | Self::Untrusted(_)
            | Self::Io { .. } => VaultTrouble::Unreadable,
            Self::Unsealed { .. } | Self::KeyLength { .. } => VaultTrouble::Damaged,
        }
    }
}

impl From<FileTrouble> for VaultError {
    fn from(trouble: FileTrouble) -> Self {
        Self::new(trouble.trouble(), &trouble.to_string())
    }
}
