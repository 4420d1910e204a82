//! Changes while it runs: each is made whole or not at all, one at a time.

use std::{path::Path, sync::Arc, time::Duration};

use airbyte_token_core::{Failure, Memory, ProfileName, Refresher, Secret, VaultTrouble};
use airbyte_token_local::wire::{LogoutQuery, ProfileRequest};

use super::{
    ChangeError, State,
    state::{Proven, Ready, Roster},
};
use crate::{
    config::{self, Config, Draft, EditError, MOST_PROFILES, Profile},
    issuer::{Endpoint, Issuer},
    vault::{self, StoreKind, StoredSecret, Vault},
};

/// A login waits this long for its turn, and says so rather than wait longer.
const SHORT_WAIT: Duration = Duration::from_secs(2);

/// What became of a login.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// The profile, as it is served now.
    pub profile: Profile,
    /// The vault that kept its secret before and still does, because it could not be told to forget it.
    pub left_in: Option<StoreKind>,
}

impl State {
    /// Proves the pair with one exchange, stores the secret, writes the profile, and serves it with the token that the
    /// proof brought. If a step fails, everything is as before, but for a vault that answers too late (see [`Vault`]).
    /// What else was changed in the file by hand comes into force too, as by a reload.
    ///
    /// # Errors
    /// Says which step failed and why.
    pub async fn log_in(&self, name: &ProfileName, request: ProfileRequest) -> Result<LoggedIn, ChangeError> {
        let (state, name) = (self.clone(), name.clone());
        self.see_through(async move { state.log_in_now(&name, request).await }).await
    }

    async fn log_in_now(&self, name: &ProfileName, request: ProfileRequest) -> Result<LoggedIn, ChangeError> {
        self.must_be_unlocked()?;
        let Roster { config, vaults: old_vaults } = self.roster();
        let old = config.profiles.get(name);
        if old.is_none() && config.profiles.len() >= MOST_PROFILES {
            return Err(ChangeError::TooMany);
        }
        let default = request.default || config.profiles.is_empty();
        let secret = request.client_secret.duplicate();
        let profile = profile_of(request, old)?;
        let (for_file, named) = (profile.clone(), name.clone());
        let edit = move |path: &Path| config::set_profile(path, &named, &for_file, default);

        let target = profile.target();
        let issuer = blocking(move || Issuer::build(target)).await??;
        // What the file cannot take is found out before the secret goes anywhere.
        let Roster { config: with_edits, vaults } = self.rehearse(edit.clone()).await?;
        let vault = vaults.get(profile.vault)?;
        let before = secret_before(vault, name, vault::ATTENDED).await?;
        let proven = self.prove(name, &with_edits, &issuer, &profile, secret.duplicate()).await?;
        self.must_be_unlocked()?;
        let stored = StoredSecret { origin: issuer.origin().clone(), client_secret: secret };
        vault.write(name, stored, vault::ATTENDED).await.map_err(Failure::from)?;
        match self.edit(edit, Some(proven)).await {
            Ok(ready) => self.put_in_force(ready).await,
            Err(error) => {
                restore_secret(vault, name, before).await;
                return Err(error);
            }
        }
        // The lock came in the meantime: what is kept elsewhere stays there.
        if self.is_locked() && profile.vault == StoreKind::Memory {
            drop(self.forget_what_is_in_memory_only().await);
            return Err(ChangeError::Locked);
        }
        let abandoned = old.filter(|old| old.vault != profile.vault).map(|old| old_vaults.get(old.vault));
        let left_in = match abandoned {
            Some(Ok(vault)) => forget(vault, name).await,
            Some(Err(_)) | None => None,
        };
        tracing::info!(
            "profile {name} logged in: {}, its secret is kept by: {}",
            profile.service,
            profile.vault
        );
        Ok(LoggedIn { profile, left_in })
    }

    /// A lock may come at any time in the middle of a login.
    fn must_be_unlocked(&self) -> Result<(), ChangeError> {
        if self.is_locked() { Err(ChangeError::Locked) } else { Ok(()) }
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
        let memory = Memory { trouble: None, ..self.0.remembering.of(name) };
        let mut refresher = self.refresher(name, config.refresh.policy()?, memory);
        refresher.refresh(self.now());
        if refresher.poll_command().is_none() {
            self.sit_out_the_floor(&mut refresher).await?;
        }
        if let Some(exchange) = refresher.memory().exchanges.last() {
            self.0.remembering.count(name, exchange);
            self.0.remembering.settle().await;
        }
        let issued = issuer.exchange(&profile.client_id, secret).await?;
        refresher.handle_issued(self.now(), issued);
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

    /// Forgets the secret, the profile, its token and its local clients. If a step fails, everything is as before, but
    /// for a vault that answers too late (see [`Vault`]). Where force is asked for, a vault that does not give up the
    /// secret keeps it, and the rest is forgotten; nobody is asked to unlock it then.
    ///
    /// # Errors
    /// When the vault does not delete the secret or the file cannot be written.
    pub async fn log_out(&self, name: &ProfileName, query: LogoutQuery) -> Result<(), ChangeError> {
        let (state, name) = (self.clone(), name.clone());
        self.see_through(async move { state.log_out_now(&name, query).await }).await
    }

    async fn log_out_now(&self, name: &ProfileName, query: LogoutQuery) -> Result<(), ChangeError> {
        let Roster { config, vaults } = self.roster();
        let profile = config.profiles.get(name).ok_or(ChangeError::NoSuchProfile)?;
        let named = name.clone();
        let edit = move |path: &Path| config::remove_profile(path, &named);

        self.rehearse(edit.clone()).await?;
        let vault = vaults.get(profile.vault)?;
        let before = take_secret(vault, name, query).await?;
        match self.edit_without_clients(name, edit).await {
            Ok(ready) => self.put_in_force(ready).await,
            Err(error) => {
                restore_secret(vault, name, before).await;
                return Err(error);
            }
        }
        self.0.remembering.forget(name);
        tracing::info!("profile {name} logged out");
        Ok(())
    }

    /// Makes the profile the one that is meant when nobody names one.
    ///
    /// # Errors
    /// When there is no such profile or the file cannot be written.
    pub async fn choose_default(&self, name: &ProfileName) -> Result<(), ChangeError> {
        let (state, name) = (self.clone(), name.clone());
        self.see_through(async move {
            if !state.config().profiles.contains_key(&name) {
                return Err(ChangeError::NoSuchProfile);
            }
            let ready = state.edit(move |path| config::set_default_profile(path, &name), None).await?;
            state.put_in_force(ready).await;
            Ok(())
        })
        .await
    }

    /// Reads the configuration anew. A profile that is the same as before keeps its token and makes no exchange.
    ///
    /// # Errors
    /// When there is any mistake in it; the old configuration then stays in force.
    pub async fn reload(&self) -> Result<(), ChangeError> {
        let state = self.clone();
        let outcome = self.see_through(async move { state.reload_now().await }).await;
        if let Err(error) = &outcome {
            self.note_config_problem(Some(error.to_string()));
        }
        outcome
    }

    async fn reload_now(&self) -> Result<(), ChangeError> {
        let reader = self.clone();
        let read = move || reader.prepare(Config::load(&reader.0.places.config)?, None);
        let ready = blocking(read).await??;
        let profiles = ready.roster.config.profiles.len();
        self.put_in_force(ready).await;
        tracing::info!(profiles, "the configuration was reloaded");
        Ok(())
    }

    /// Ends when no change is being made.
    pub(super) async fn settled(&self) {
        drop(self.0.changing.lock().await);
    }

    /// Makes a change when its turn has come. From then on it is the daemon's: a caller that hangs up in the middle
    /// leaves no half of it.
    pub(super) async fn see_through<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, ChangeError>> + Send + 'static,
    ) -> Result<T, ChangeError> {
        let turn = Arc::clone(&self.0.changing).lock_owned().await;
        let change = tokio::spawn(async move {
            let outcome = change.await;
            drop(turn);
            outcome
        });
        change.await.map_err(ChangeError::Internal)?
    }

    /// What would be in force after this edit, if all of it can be: nothing is written.
    async fn rehearse(&self, edit: impl Edit) -> Result<Roster, ChangeError> {
        let state = self.clone();
        let rehearse = move || {
            let draft = edit(&state.0.places.config)?;
            Ok(state.prepare(draft.config().clone(), None)?.roster)
        };
        blocking(rehearse).await?
    }

    /// Edits the file, once all is ready that it will need.
    pub(super) async fn edit(&self, edit: impl Edit, proven: Option<Proven>) -> Result<Ready, ChangeError> {
        let state = self.clone();
        let edit = move || {
            let draft = edit(&state.0.places.config)?;
            let ready = state.prepare(draft.config().clone(), proven)?;
            draft.write()?;
            Ok(ready)
        };
        blocking(edit).await?
    }

    /// Serves the configuration, and tells the profiles that stay if they are to be renewed by other rules. What is
    /// forgiven by that stays forgiven, whoever kills the daemon after it.
    async fn put_in_force(&self, ready: Ready) {
        let policy = ready.new_policy(&self.config());
        self.put(ready);
        self.0.remembering.settle().await;
        if let Some(policy) = policy {
            for profile in self.cache().all().values() {
                profile.set_policy(policy).await;
            }
        }
    }
}

/// A change to the configuration file at this path.
pub(super) trait Edit: FnOnce(&Path) -> Result<Draft, EditError> + Send + 'static {}

impl<F: FnOnce(&Path) -> Result<Draft, EditError> + Send + 'static> Edit for F {}

fn profile_of(request: ProfileRequest, old: Option<&Profile>) -> Result<Profile, ChangeError> {
    let ProfileRequest { service, url, client_id, organization_id, vault, ca_file, proxy, .. } = request;
    let kept = old.filter(|_| service.is_none());
    let service = service.or(kept.map(|kept| kept.service)).unwrap_or_default();
    let url = url.or_else(|| kept?.url.clone());
    let organization_id = organization_id.or_else(|| kept?.organization_id.clone());
    let ca_file = ca_file.or_else(|| kept?.ca_file.clone());
    let proxy = proxy.or_else(|| kept?.proxy.clone());
    let endpoint = Endpoint::new(service, url.as_deref())?;
    let vault = vault.or(old.map(|old| old.vault)).unwrap_or(StoreKind::Keyring);
    Ok(Profile { service, url, client_id, vault, ca_file, proxy, organization_id, endpoint })
}

/// The secret that is there, in case the rest of the change fails. A vault that is locked or absent is found out here,
/// before anything is sent anywhere.
async fn secret_before(
    vault: &Vault,
    name: &ProfileName,
    patience: Duration,
) -> Result<Option<StoredSecret>, ChangeError> {
    match vault.read(name, patience).await {
        Ok(secret) => Ok(Some(secret)),
        Err(error) if matches!(error.trouble, VaultTrouble::Empty | VaultTrouble::Damaged) => Ok(None),
        Err(error) => Err(Failure::from(error).into()),
    }
}

/// Has the vault forget the secret, and brings what it was. A vault that is gone for ever must not keep the profile.
async fn take_secret(
    vault: &Vault,
    name: &ProfileName,
    LogoutQuery { force }: LogoutQuery,
) -> Result<Option<StoredSecret>, ChangeError> {
    let patience = if force { vault::BACKGROUND } else { vault::ATTENDED };
    let taken = async {
        let before = secret_before(vault, name, patience).await?;
        vault.delete(name, patience).await.map_err(Failure::from)?;
        Ok(before)
    };
    match taken.await {
        Err(error) if force => {
            tracing::warn!("the secret of profile {name} is left in the vault {}: {error}", vault.kind());
            Ok(None)
        }
        taken => taken,
    }
}

async fn restore_secret(vault: &Vault, name: &ProfileName, before: Option<StoredSecret>) {
    let restored = match before {
        Some(secret) => vault.write(name, secret, vault::BACKGROUND).await,
        None => vault.delete(name, vault::BACKGROUND).await,
    };
    if let Err(error) = restored {
        tracing::error!(profile = %name, %error, "a change failed and the old secret could not be put back");
    }
}

/// Has a vault forget what another keeps by now. If it does not, that is where the old copy is left.
async fn forget(vault: &Vault, name: &ProfileName) -> Option<StoreKind> {
    let error = vault.delete(name, vault::ATTENDED).await.err()?;
    let kind = vault.kind();
    tracing::warn!("the old copy of the secret of profile {name} is left in the vault {kind}: {error}");
    Some(kind)
}

/// Files are read and written off the loop that serves.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ChangeError> {
    tokio::task::spawn_blocking(work).await.map_err(ChangeError::Internal)
}
