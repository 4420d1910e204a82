//! Secrets in this process's memory: for trying, and for tests.

use std::{collections::BTreeMap, time::Duration};

use airbyte_token_core::ProfileName;
use zeroize::Zeroizing;

use super::{Store, StoredSecret, VaultError, text};

/// Keeps the same text as the other stores, so that trying it out tries that too.
#[derive(Default)]
pub(super) struct Memory {
    texts: BTreeMap<ProfileName, Zeroizing<String>>,
}

impl Store for Memory {
    fn read(&mut self, profile: &ProfileName, _patience: Duration) -> Result<StoredSecret, VaultError> {
        let text = self.texts.get(profile).ok_or_else(|| VaultError::empty(profile))?;
        text::read(text.as_bytes())
    }

    fn write(
        &mut self,
        profile: &ProfileName,
        secret: &StoredSecret,
        _patience: Duration,
    ) -> Result<(), VaultError> {
        self.texts.insert(profile.clone(), text::write(secret)?);
        Ok(())
    }

    fn delete(&mut self, profile: &ProfileName, _patience: Duration) -> Result<(), VaultError> {
        self.texts.remove(profile);
        Ok(())
    }
}
