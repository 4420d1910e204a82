//! What every request can reach: the configuration in force, the cache, and the clock.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use airbyte_token_core::{Moment, ProfileName, Refresher};
use ring::digest::{SHA256, digest};
use tokio::sync::Mutex;

use super::{ChangeError, Places, vaults::Vaults};
use crate::{
    cache::{Cache, Exchanger, ProfileHandle, Remembering},
    clock::Clock,
    config::{Config, Profile, Refresh},
    issuer::Issuer,
};

/// The running daemon, as its requests see it. Clones share it.
#[derive(Clone, Debug)]
pub struct State(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) places: Places,
    pub(super) cache: Cache,
    pub(super) remembering: Remembering,
    roster: RwLock<Roster>,
    /// Changes are made one at a time, and requests for tokens do not wait for them.
    pub(super) changing: Mutex<()>,
}

/// What a change replaces, whole.
#[derive(Clone, Debug)]
pub(super) struct Roster {
    pub(super) config: Arc<Config>,
    pub(super) vaults: Vaults,
}

impl State {
    /// A daemon with this configuration. Must be called on the runtime.
    ///
    /// # Errors
    /// When the configuration is well written but cannot work: a CA file that is not there, for instance.
    pub fn new(places: Places, config: Config, remembering: Remembering) -> Result<Self, ChangeError> {
        let empty = Config { profiles: BTreeMap::new(), ..config.clone() };
        let roster = Roster { config: Arc::new(empty), vaults: Vaults::new() };
        let state = Self(Arc::new(Inner {
            places,
            cache: Cache::default(),
            remembering,
            roster: RwLock::new(roster),
            changing: Mutex::new(()),
        }));
        state.adopt(config)?;
        Ok(state)
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        self.roster().config
    }

    /// The tokens in hand.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.0.cache
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Moment {
        Clock.now()
    }

    /// Ends every actor: tokens are wiped, exchanges in flight given up.
    pub(super) fn stop(&self) {
        self.0.cache.replace(BTreeMap::new());
    }

    pub(super) fn roster(&self) -> Roster {
        self.0.roster.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves this configuration from now on. A profile that is the same as before keeps its actor and its token; for
    /// the others everything is made ready first, so that a mistake in one of them changes nothing.
    pub(super) fn adopt(&self, config: Config) -> Result<(), ChangeError> {
        let old = self.roster();
        let vaults = old.vaults.configured(&config, &self.0.places.state)?;
        let same_rules = config.refresh == old.config.refresh && config.file_vault == old.config.file_vault;
        let served = self.0.cache.all();
        let mut fresh = Vec::new();
        let mut handles = BTreeMap::new();
        for (name, profile) in &config.profiles {
            let unchanged = same_rules && old.config.profiles.get(name) == Some(profile);
            match served.get(name).filter(|_| unchanged) {
                Some(handle) => drop(handles.insert(name.clone(), handle.clone())),
                None => fresh.push((name, exchanger(name, profile, &vaults)?)),
            }
        }
        for (name, exchanger) in fresh {
            if old.config.profiles.contains_key(name) {
                self.0.remembering.forgive(name);
            }
            let refresher = self.refresher(name, config.refresh)?;
            handles.insert(name.clone(), self.employ(refresher, exchanger));
        }
        self.put(Roster { config: Arc::new(config), vaults }, handles);
        Ok(())
    }

    /// Serves one profile anew, with the rules' state that holds a token for it.
    pub(super) fn seat(
        &self,
        config: Config,
        name: &ProfileName,
        refresher: Refresher,
    ) -> Result<(), ChangeError> {
        let vaults = self.roster().vaults;
        let mut handles = BTreeMap::clone(&self.0.cache.all());
        let profile = config.profiles.get(name).ok_or(ChangeError::NoSuchProfile)?;
        let exchanger = exchanger(name, profile, &vaults)?;
        handles.insert(name.clone(), self.employ(refresher, exchanger));
        self.put(Roster { config: Arc::new(config), vaults }, handles);
        Ok(())
    }

    fn put(&self, roster: Roster, handles: BTreeMap<ProfileName, ProfileHandle>) {
        *self.0.roster.write().unwrap_or_else(PoisonError::into_inner) = roster;
        self.0.cache.replace(handles);
    }

    /// The rules for a profile, with what it remembers from before.
    pub(super) fn refresher(&self, name: &ProfileName, refresh: Refresh) -> Result<Refresher, ChangeError> {
        let now = self.now();
        let mut refresher = Refresher::new(refresh.policy()?, jitter_seed(name), now);
        refresher.remember(now, self.0.remembering.of(name));
        Ok(refresher)
    }

    fn employ(&self, refresher: Refresher, exchanger: Exchanger) -> ProfileHandle {
        let name = exchanger.profile.clone();
        let memory = self.0.remembering.file(&name);
        let (handle, work) = ProfileHandle::new(refresher, exchanger, memory);
        tokio::spawn(async move {
            if let Err(error) = work.await {
                tracing::error!(profile = %name, %error, "the profile is no longer served; restart the daemon");
            }
        });
        handle
    }
}

pub(super) fn exchanger(
    name: &ProfileName,
    profile: &Profile,
    vaults: &Vaults,
) -> Result<Exchanger, ChangeError> {
    let issuer = Issuer::build(profile.target())?;
    let vault = vaults.get(profile.vault)?.clone();
    Ok(Exchanger { profile: name.clone(), client_id: profile.client_id.clone(), vault, issuer })
}

/// The same on every start of the same machine, and different between machines and profiles: after an outage a fleet
/// does not come back all at once, and what happened can be worked out later.
fn jitter_seed(profile: &ProfileName) -> u64 {
    let machine = std::fs::read("/etc/machine-id").unwrap_or_default();
    let digest = digest(
        &SHA256,
        &[&machine, b"\0airbyte-tokend jitter\0".as_slice(), profile.as_str().as_bytes()].concat(),
    );
    digest.as_ref().iter().take(8).fold(0, |seed, &byte| (seed << 8) | u64::from(byte))
}
