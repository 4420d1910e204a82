//! The stores that profiles can choose between.

use std::path::Path;

use crate::{
    config::{Config, FileVault},
    vault::{FileSettings, StoreKind, Vault},
};

use super::{ChangeError, files::check_vault};

/// One vault of each kind. The keyring and the memory are the same for as long as the daemon lives.
#[derive(Clone, Debug)]
pub(super) struct Vaults {
    keyring: Vault,
    memory: Vault,
    file: Option<(FileSettings, Vault)>,
}

impl Vaults {
    /// The vaults of a daemon that has just started.
    pub(super) fn new() -> Self {
        Self { keyring: Vault::keyring(), memory: Vault::memory(), file: None }
    }

    /// The same, with the sealed file where the configuration says it is.
    pub(super) fn configured(&self, config: &Config, state: &Path) -> Result<Self, ChangeError> {
        config.file_vault.as_ref().map(|vault| check_vault(vault, state)).transpose()?;
        let settings = config.file_vault.as_ref().map(|vault| settings(vault, state));
        let file = match (settings, &self.file) {
            (None, _) => None,
            (Some(settings), Some((old, vault))) if settings == *old => Some((settings, vault.clone())),
            (Some(settings), _) => {
                let vault = Vault::file(settings.clone())?;
                Some((settings, vault))
            }
        };
        Ok(Self { file, ..self.clone() })
    }

    /// The vault of this kind.
    pub(super) fn get(&self, kind: StoreKind) -> Result<&Vault, ChangeError> {
        match kind {
            StoreKind::Keyring => Ok(&self.keyring),
            StoreKind::Memory => Ok(&self.memory),
            StoreKind::File => self.file.as_ref().map(|(_, vault)| vault).ok_or(ChangeError::NoFileVault),
        }
    }
}

/// Where the sealed file is; without a word on that, `secrets` in the state directory.
pub(super) fn settings(vault: &FileVault, state: &Path) -> FileSettings {
    let path = vault.path.clone().unwrap_or_else(|| state.join("secrets"));
    FileSettings { path, key: vault.key.clone() }
}
