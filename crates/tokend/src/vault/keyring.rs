//! Secrets in the keyring of the desktop session: on Linux, whatever speaks the Secret Service API on the session bus
//! (`specifications.freedesktop.org/secret-service`), such as GNOME Keyring, `KWallet` and `KeePassXC`.
//!
//! Reading and writing is done by the `keyring` crates: a [`keyring::Entry`] over a store that is opened for each call.
//! `keyring::Entry::new` would make one store for the life of the process, and if the bus was not there at the first
//! call, or the keyring was restarted after it, every later call would fail. Opening costs about ten milliseconds, a
//! few times an hour, and leaves no session key and no connection behind.
//!
//! The store always negotiates an encrypted session (Diffie-Hellman), so that who listens on the bus sees no secret.
//! That is no defence against other programs of the same user: an unlocked keyring answers them too.
//!
//! The store would prompt by itself, and wait for the answer for ever. So a [`gate`] comes before it, which finds out
//! whether something is locked, and asks a person only if one is there.

mod fault;
mod gate;

use std::{collections::HashMap, time::Duration};

use airbyte_token_core::ProfileName;
use keyring::Entry;
use keyring_core::api::CredentialStoreApi as _;
use zbus_secret_service_keyring_store::Store as SecretService;
use zeroize::Zeroizing;

use super::{Store, StoredSecret, VaultError, text};
use fault::Fault;

/// The attribute that all our items carry, and the first thing to search for in Seahorse or with `secret-tool`.
const SERVICE: &str = "airbyte-tokend";

/// The store. It holds nothing: see the module.
pub(super) struct Keyring;

impl Keyring {
    pub(super) fn new() -> Self {
        Self
    }
}

/// Does `work` on the profile's item in an unlocked keyring, and once more if the keyring was restarted meanwhile.
fn with_item<T>(
    profile: &ProfileName,
    patience: Duration,
    work: impl Fn(&Entry) -> Result<T, keyring::Error>,
) -> Result<T, Fault> {
    let attempt = || {
        gate::pass(profile, patience)?;
        work(&item(profile)?).map_err(Fault::from)
    };
    match attempt() {
        Err(Fault::Lost) => attempt(),
        outcome => outcome,
    }
}

fn item(profile: &ProfileName) -> Result<Entry, Fault> {
    let label = format!("Airbyte client secret of profile {profile}");
    let modifiers = HashMap::from([("label", label.as_str())]);
    let inner = SecretService::new()?.build(SERVICE, profile.as_str(), Some(&modifiers))?;
    Ok(Entry { inner })
}

/// Forgets every copy: a person may have made one in another collection.
fn forget(item: &Entry) -> Result<(), keyring::Error> {
    match item.delete_credential() {
        Err(keyring::Error::NoEntry) => Ok(()),
        Err(keyring::Error::Ambiguous(copies)) => copies.iter().try_for_each(|copy| copy.delete_credential()),
        outcome => outcome,
    }
}

impl Store for Keyring {
    fn read(&mut self, profile: &ProfileName, patience: Duration) -> Result<StoredSecret, VaultError> {
        match with_item(profile, patience, |item| item.get_secret().map(Zeroizing::new)) {
            Ok(stored) => text::read(&stored),
            Err(Fault::NoCollection) => Err(VaultError::empty(profile)),
            Err(fault) => Err(fault.of(profile)),
        }
    }

    fn write(
        &mut self,
        profile: &ProfileName,
        secret: &StoredSecret,
        patience: Duration,
    ) -> Result<(), VaultError> {
        let text = text::write(secret)?;
        let written = with_item(profile, patience, |item| item.set_secret(text.as_bytes()));
        written.map_err(|fault| fault.of(profile))
    }

    fn delete(&mut self, profile: &ProfileName, patience: Duration) -> Result<(), VaultError> {
        match with_item(profile, patience, forget) {
            Err(Fault::NoCollection) => Ok(()),
            outcome => outcome.map_err(|fault| fault.of(profile)),
        }
    }
}
