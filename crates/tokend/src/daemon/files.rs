//! The files beside the configuration: whether they may be believed, and whether they are fit for what they are for.

use std::path::Path;

use super::{ChangeError, Places, StartError, sockets, vaults::settings};
use crate::{
    config::{Config, FileVault},
    issuer::Issuer,
    trust::{self, Untrusted},
    vault::{self, KeySource, StoreKind},
};

/// What is kept in the state directory and believed when it is read again.
const REMEMBERED: [&str; 5] = ["memory.json", "clients.json", "client-uses.json", "audit.log", "secrets"];

/// Checks that nobody else can replace the state directory or what is remembered in it.
pub(super) fn check_state(state: &Path) -> Result<(), Untrusted> {
    trust::check(state)?;
    REMEMBERED.iter().try_for_each(|name| trust::check(&state.join(name)))
}

/// Checks that nobody else can replace the sealed file or its key. Neither need be there yet.
pub(super) fn check_vault(vault: &FileVault, state: &Path) -> Result<(), Untrusted> {
    trust::check(&settings(vault, state).path)?;
    match &vault.key {
        KeySource::File(path) => trust::check(path),
        // systemd makes it anew for each start, where nobody else can.
        KeySource::Credential(_) => Ok(()),
    }
}

/// Reads the configuration and every file that it names, as a start would and a little more: a key must be there, and
/// open the sealed file. Nothing is made or changed, and nobody is asked anything.
///
/// # Errors
/// Everything that is wrong, each mistake once.
pub fn check(places: &Places) -> Result<Config, Vec<StartError>> {
    let config = Config::load(&places.config).map_err(|error| vec![error.into()])?;
    let mut wrong: Vec<StartError> =
        check_state(&places.state).err().map(StartError::from).into_iter().collect();
    if let Some(vault) = &config.file_vault {
        let settings = settings(vault, &places.state);
        let untrusted = check_vault(vault, &places.state).err().map(StartError::from);
        let unfit = || vault::check_file(settings).err().map(StartError::Vault);
        wrong.extend(untrusted.or_else(unfit));
    }
    wrong.extend(config.refresh.policy().err().map(|error| ChangeError::from(error).into()));
    wrong.extend(check_profiles(&config));
    wrong.extend(sockets::check(&config.sockets, &places.socket).into_iter().map(StartError::from));
    wrong.dedup_by_key(|error| error.to_string());
    if wrong.is_empty() { Ok(config) } else { Err(wrong) }
}

fn check_profiles(config: &Config) -> Vec<StartError> {
    // They are kept to the end, so that the system's certificates are read once.
    let (mut built, mut wrong) = (Vec::new(), Vec::new());
    for profile in config.profiles.values() {
        match Issuer::build(profile.target()) {
            Ok(issuer) => built.push(issuer),
            Err(error) => wrong.push(ChangeError::from(error).into()),
        }
        if profile.vault == StoreKind::File && config.file_vault.is_none() {
            wrong.push(ChangeError::NoFileVault.into());
        }
    }
    wrong
}
