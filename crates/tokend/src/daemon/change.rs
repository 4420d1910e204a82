//! Changes while it runs: each is made whole or not at all, one at a time.

use std::time::Duration;

use airbyte_token_core::{Failure, Moment, ProfileName, Refresher, Secret, VaultTrouble, policy::BadPolicy};
use airbyte_token_local::wire::ProfileRequest;

use super::{
    State,
    state::{Proven, Roster},
};
use crate::{
    config::{self, Config, ConfigError, EditError, MOST_PROFILES, Profile},
    issuer::{BadEndpoint, BuildIssuerError, Endpoint, Issuer},
    vault::{self, BadFileSettings, StoreKind, StoredSecret, Vault},
};

/// A login waits this long for its turn, and says so rather than wait longer.
const SHORT_WAIT: Duration = Duration::from_secs(2);

impl State {
    /// Proves the pair with one exchange, stores the secret, writes the profile, and serves it with the token that the
    /// proof brought. If a step fails, everything is as before.
    ///
    /// # Errors
    /// Says which step failed and why.
    pub async fn log_in(&self, name: &ProfileName, request: ProfileRequest) -> Result<Profile, ChangeError> {
        let _one_at_a_time = self.0.changing.lock().await;
        let Roster { config, vaults } = self.roster();
        let old = config.profiles.get(name);
        if old.is_none() && config.profiles.len() >= MOST_PROFILES {
            return Err(ChangeError::TooMany);
        }
        let default = request.default || config.profiles.is_empty();
        let secret = request.client_secret.duplicate();
        let profile = profile_of(request, old)?;
        let vault = vaults.get(profile.vault)?;

        let issuer = Issuer::build(profile.target())?;
        let before = secret_before(vault, name).await?;
        let proven = self.prove(name, &config, &issuer, &profile, secret.duplicate()).await?;
        let stored = StoredSecret { origin: issuer.origin().clone(), client_secret: secret };
        vault.write(name, stored, vault::ATTENDED).await.map_err(Failure::from)?;
        let path = self.0.places.config.clone();
        let (for_file, named) = (profile.clone(), name.clone());
        let written = blocking(move || config::set_profile(&path, &named, &for_file, default)).await?;
        let seated = match written {
            Ok(config) => self.put_in_force(config, Some(proven)).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = seated {
            restore_secret(vault, name, before).await;
            return Err(error);
        }
        if let Some(left) = old.filter(|old| old.vault != profile.vault) {
            forget(vaults.get(left.vault)?, name).await;
        }
        tracing::info!(profile = %name, service = %profile.service, vault = %profile.vault, "logged in");
        Ok(profile)
    }

    /// Makes the one exchange that shows the pair to be good, within the profile's budget: a script that logs in over
    /// and over with a wrong secret must not get the account locked. Brings the rules' state with the token in hand.
    async fn prove(
        &self,
        name: &ProfileName,
        config: &Config,
        issuer: &Issuer,
        profile: &Profile,
        secret: Secret,
    ) -> Result<Proven, ChangeError> {
        self.0.remembering.forgive(name);
        let mut refresher = self.refresher(name, config.refresh.policy()?);
        refresher.refresh(self.now());
        if refresher.poll_command().is_none() {
            self.sit_out_the_floor(&mut refresher).await?;
        }
        let failure = match issuer.exchange(&profile.client_id, secret).await {
            Ok(issued) => {
                refresher.handle_issued(self.now(), issued);
                None
            }
            Err(failure) => {
                refresher.handle_failed(self.now(), failure.clone());
                Some(failure)
            }
        };
        self.0.remembering.count(name, &refresher.memory());
        if let Some(failure) = failure {
            return Err(failure.into());
        }
        Ok(Proven { name: name.clone(), refresher })
    }

    /// Whoever mistyped a secret may log in again in the same second: the floor between two exchanges is waited for, a
    /// spent budget is not.
    async fn sit_out_the_floor(&self, refresher: &mut Refresher) -> Result<(), ChangeError> {
        let due = refresher.poll_timeout();
        let paced = || ChangeError::Paced(due);
        let rest = due.map(|due| due.rest(self.now()));
        let rest = rest.filter(|rest| *rest <= SHORT_WAIT).ok_or_else(paced)?;
        tokio::time::sleep(rest).await;
        refresher.handle_timeout(self.now());
        refresher.poll_command().map(drop).ok_or_else(paced)
    }

    /// Forgets the secret, the profile and its token.
    ///
    /// # Errors
    /// When the vault does not delete the secret or the file cannot be written.
    pub async fn log_out(&self, name: &ProfileName) -> Result<(), ChangeError> {
        let _one_at_a_time = self.0.changing.lock().await;
        let Roster { config, vaults } = self.roster();
        let profile = config.profiles.get(name).ok_or(ChangeError::NoSuchProfile)?;
        vaults.get(profile.vault)?.delete(name, vault::ATTENDED).await.map_err(Failure::from)?;
        let (path, named) = (self.0.places.config.clone(), name.clone());
        let config = blocking(move || config::remove_profile(&path, &named)).await??;
        self.0.remembering.forget(name);
        self.put_in_force(config, None).await?;
        tracing::info!(profile = %name, "logged out");
        Ok(())
    }

    /// Makes the profile the one that is meant when nobody names one.
    ///
    /// # Errors
    /// When there is no such profile or the file cannot be written.
    pub async fn choose_default(&self, name: &ProfileName) -> Result<(), ChangeError> {
        let _one_at_a_time = self.0.changing.lock().await;
        if !self.config().profiles.contains_key(name) {
            return Err(ChangeError::NoSuchProfile);
        }
        let (path, named) = (self.0.places.config.clone(), name.clone());
        let config = blocking(move || config::set_default_profile(&path, &named)).await??;
        self.put_in_force(config, None).await
    }

    /// Serves the configuration, and tells the profiles that stay if they are to be renewed by other rules.
    async fn put_in_force(&self, config: Config, proven: Option<Proven>) -> Result<(), ChangeError> {
        let changed = (config.refresh != self.config().refresh).then_some(config.refresh.policy()?);
        self.adopt(config, proven)?;
        if let Some(policy) = changed {
            for profile in self.cache().all().values() {
                profile.set_policy(policy).await;
            }
        }
        Ok(())
    }

    /// Reads the configuration anew. A profile that is the same as before keeps its token and makes no exchange.
    ///
    /// # Errors
    /// When there is any mistake in it; the old configuration then stays in force.
    pub async fn reload(&self) -> Result<(), ChangeError> {
        let _one_at_a_time = self.0.changing.lock().await;
        let path = self.0.places.config.clone();
        let config = blocking(move || Config::load(&path)).await?.map_err(EditError::from)?;
        let profiles = config.profiles.len();
        self.put_in_force(config, None).await?;
        tracing::info!(profiles, "the configuration was reloaded");
        Ok(())
    }
}

fn profile_of(request: ProfileRequest, old: Option<&Profile>) -> Result<Profile, ChangeError> {
    let ProfileRequest { service, url, client_id, organization_id, vault, ca_file, proxy, .. } = request;
    let endpoint = Endpoint::new(service, url.as_deref())?;
    let vault = vault.or(old.map(|old| old.vault)).unwrap_or(StoreKind::Keyring);
    Ok(Profile { service, url, client_id, vault, ca_file, proxy, organization_id, endpoint })
}

/// The secret that is there, in case the rest of the change fails. A vault that is locked or absent is found out here,
/// before anything is sent anywhere.
async fn secret_before(vault: &Vault, name: &ProfileName) -> Result<Option<StoredSecret>, ChangeError> {
    match vault.read(name, vault::ATTENDED).await {
        Ok(secret) => Ok(Some(secret)),
        Err(error) if matches!(error.trouble, VaultTrouble::Empty | VaultTrouble::Damaged) => Ok(None),
        Err(error) => Err(Failure::from(error).into()),
    }
}

async fn restore_secret(vault: &Vault, name: &ProfileName, before: Option<StoredSecret>) {
    let restored = match before {
        Some(secret) => vault.write(name, secret, vault::BACKGROUND).await,
        None => vault.delete(name, vault::BACKGROUND).await,
    };
    if let Err(error) = restored {
        tracing::error!(profile = %name, %error, "the login failed and the old secret could not be put back");
    }
}

async fn forget(vault: &Vault, name: &ProfileName) {
    if let Err(error) = vault.delete(name, vault::ATTENDED).await {
        let vault = vault.kind();
        tracing::warn!(profile = %name, %vault, %error, "the secret was stored anew, but the old copy could not be deleted");
    }
}

/// Files are read and written off the loop that serves.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ChangeError> {
    tokio::task::spawn_blocking(work).await.map_err(ChangeError::Internal)
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no profile of this name.
    #[error("there is no such profile")]
    NoSuchProfile,
    /// There is no room for another profile.
    #[error("there are {MOST_PROFILES} profiles already, and one daemon serves no more")]
    TooMany,
    /// The profile's URL is not one that a secret may go to.
    #[error(transparent)]
    Endpoint(#[from] BadEndpoint),
    /// The profile's CA file or proxy cannot be used.
    #[error(transparent)]
    Issuer(#[from] BuildIssuerError),
    /// The profile wants the `file` vault, and none is set up.
    #[error(
        "no file vault is set up; add [vault.file] with key_file or key_credential to the configuration, and reload"
    )]
    NoFileVault,
    /// The `file` vault is set up in a way that cannot work.
    #[error("[vault.file]: {0}")]
    FileVault(#[from] BadFileSettings),
    /// When tokens are to be renewed contradicts itself.
    #[error("[refresh]: {0}")]
    Policy(#[from] BadPolicy),
    /// The configuration has mistakes or cannot be written.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The pair was not proved or the secret not stored.
    #[error("{}", .0.detail())]
    Failed(Failure),
    /// Airbyte was asked too often for this profile already.
    #[error("there were too many logins and exchanges for this profile just now")]
    Paced(Option<Moment>),
    /// A fault of ours.
    #[error("{0}")]
    Internal(tokio::task::JoinError),
}

impl From<Failure> for ChangeError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<ConfigError> for ChangeError {
    fn from(error: ConfigError) -> Self {
        Self::Edit(error.into())
    }
}
