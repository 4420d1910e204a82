//! Secrets in the keyring of the desktop session.

use std::time::Duration;

use airbyte_token_core::{ProfileName, VaultTrouble};

use super::{Store, StoredSecret, VaultError};

pub(super) struct Keyring {}

impl Keyring {
    pub(super) fn new() -> Self {
        Self {}
    }
}

fn unfinished() -> VaultError {
    VaultError::new(VaultTrouble::Absent, "the keyring vault is not built yet")
}

impl Store for Keyring {
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
