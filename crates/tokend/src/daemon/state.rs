//! What every request can reach: the configuration in force, the cache, and the clock.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use airbyte_token_core::{Memory, Moment, ProfileName, RefreshPolicy, Refresher};
use ring::digest::{SHA256, digest};
use tokio::sync::Mutex;

use super::{
    ChangeError, Places,
    doors::Doors,
    endpoints::{Endpoints, Opened},
    lock::Lock,
    sockets::{Bound, Sockets},
    vaults::Vaults,
};
use crate::{
    audit::Audit,
    cache::{Cache, Exchanger, History, ProfileHandle, Remembering, What},
    clients::Clients,
    clock::{Alarm, Clock},
    config::{Config, Profile},
    issuer::Issuer,
    listen::Descriptors,
    service::Rebuffs,
    vault::StoreKind,
};

/// The running daemon, as its requests see it. Clones share it.
#[derive(Clone, Debug)]
pub struct State(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) places: Places,
    audit: Audit,
    pub(super) cache: Cache,
    pub(super) remembering: Remembering,
    clients: Clients,
    pub(super) lock: Lock,
    pub(super) doors: Doors,
    endpoints: Endpoints,
    pub(super) sockets: Sockets,
    rebuffs: Rebuffs,
    roster: RwLock<Roster>,
    config_problem: RwLock<Option<String>>,
    /// Changes are made one at a time, and requests for tokens do not wait for them.
    pub(super) changing: Arc<Mutex<()>>,
}

/// What a change replaces, whole.
#[derive(Clone, Debug)]
pub(super) struct Roster {
    pub(super) config: Arc<Config>,
    pub(super) vaults: Vaults,
}

/// A profile whose pair was just shown to be good, and the rules' state that holds the token which showed it.
#[derive(Debug)]
pub(super) struct Proven {
    pub(super) name: ProfileName,
    pub(super) refresher: Refresher,
}

/// A configuration with all that it takes to serve it: putting it in force cannot fail any more.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) roster: Roster,
    policy: RefreshPolicy,
    kept: BTreeMap<ProfileName, ProfileHandle>,
    fresh: Vec<(Exchanger, Alarm, Option<Refresher>)>,
    endpoints: Opened,
    sockets: Bound,
}

impl Ready {
    /// The rules that profiles which stay are to be renewed by from now on, if they are others.
    pub(super) fn new_policy(&self, old: &Config) -> Option<RefreshPolicy> {
        (self.roster.config.refresh != old.refresh).then_some(self.policy)
    }
}

impl State {
    /// A daemon with this configuration. Must be called on the runtime.
    ///
    /// # Errors
    /// When the configuration is well written but cannot work: a CA file that is not there, for instance.
    pub fn new(places: Places, config: Config, remembering: Remembering) -> Result<Self, ChangeError> {
        let empty = Config { profiles: BTreeMap::new(), ..config.clone() };
        let roster = Roster { config: Arc::new(empty), vaults: Vaults::new() };
        let (clients, lock) = (Clients::load(&places.state), Lock::load(&places.state));
        let state = Self(Arc::new(Inner {
            places,
            audit: Audit::default(),
            cache: Cache::default(),
            remembering,
            clients,
            lock,
            doors: Doors::new(),
            endpoints: Endpoints::default(),
            sockets: Sockets::default(),
            rebuffs: Rebuffs::default(),
            roster: RwLock::new(roster),
            config_problem: RwLock::default(),
            changing: Arc::default(),
        }));
        state.put(state.prepare(config, None)?);
        Ok(state)
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        self.roster().config
    }

    /// Why the configuration was not read anew when that was last wanted; none when it was.
    #[must_use]
    pub fn config_problem(&self) -> Option<String> {
        self.0.config_problem.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn note_config_problem(&self, problem: Option<String>) {
        *self.0.config_problem.write().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    /// Where it is noted who was given what, and who changed what.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.0.audit
    }

    /// The tokens in hand.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.0.cache
    }

    /// The local clients.
    #[must_use]
    pub fn clients(&self) -> &Clients {
        &self.0.clients
    }

    /// Whom loopback HTTP sent away.
    #[must_use]
    pub fn rebuffs(&self) -> &Rebuffs {
        &self.0.rebuffs
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Moment {
        Clock.now()
    }

    /// Ends every actor: tokens are wiped, exchanges in flight given up, and whoever waits is told so.
    pub(super) fn stop(&self) {
        self.0.cache.replace(BTreeMap::new());
    }

    pub(super) fn roster(&self) -> Roster {
        self.0.roster.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes everything ready that this configuration needs, and changes nothing: a mistake in one profile is found
    /// before any is touched. A profile that is the same as before will keep its actor and its token; one that was
    /// just proven will begin with the token of the proof.
    ///
    /// Reads certificates from the disk, and must be called on the runtime or a thread of its. Whoever calls this while
    /// callers are served does so off the loop.
    pub(super) fn prepare(&self, config: Config, mut proven: Option<Proven>) -> Result<Ready, ChangeError> {
        let (old, served) = (self.roster(), self.0.cache.all());
        let policy = config.refresh.policy()?;
        Descriptors::raise().suffice_for(config.profiles.len(), config.side_doors())?;
        let vaults = old.vaults.configured(&config, &self.0.places.state)?;
        let is_same = |name: &ProfileName, profile: &Profile| {
            let same_vault = profile.vault != StoreKind::File || config.file_vault == old.config.file_vault;
            same_vault && old.config.profiles.get(name) == Some(profile)
        };
        let (mut kept, mut fresh) = (BTreeMap::new(), Vec::new());
        for (name, profile) in &config.profiles {
            let proof = proven.take_if(|proven| proven.name == *name);
            match served.get(name).filter(|_| proof.is_none() && is_same(name, profile)) {
                Some(handle) => drop(kept.insert(name.clone(), handle.clone())),
                None => {
                    let exchanger = exchanger(name, profile, &vaults)?;
                    let alarm = Alarm::new().map_err(ChangeError::System)?;
                    fresh.push((exchanger, alarm, proof.map(|proof| proof.refresher)));
                }
            }
        }
        let endpoints = self.0.endpoints.open(&config.http)?;
        let sockets = self.0.sockets.bind(&config.sockets, &self.0.places.socket)?;
        let roster = Roster { config: Arc::new(config), vaults };
        Ok(Ready { roster, policy, kept, fresh, endpoints, sockets })
    }

    /// Serves this configuration from now on. Must be called on the runtime.
    pub(super) fn put(&self, ready: Ready) {
        let Ready { roster, policy, kept: mut handles, fresh, endpoints, sockets } = ready;
        let old = self.config();
        for (exchanger, alarm, proven) in fresh {
            let name = exchanger.profile.clone();
            if old.profiles.contains_key(&name) {
                self.0.remembering.forgive(&name);
            }
            let memory = self.0.remembering.of(&name);
            let history = self.history_so_far(&name, &memory, proven.as_ref());
            let mut refresher = proven.unwrap_or_else(|| self.refresher(&name, policy, memory));
            if self.is_locked() {
                refresher.lock(self.now());
            }
            handles.insert(name, self.employ(refresher, exchanger, alarm, history));
        }
        self.0.remembering.retain(|name| handles.keys().any(|profile| profile.as_str() == name));
        *self.0.roster.write().unwrap_or_else(PoisonError::into_inner) = roster;
        self.0.cache.replace(handles);
        self.0.endpoints.put(endpoints, &self.0.doors);
        self.0.sockets.put(sockets, &self.0.doors);
        self.note_config_problem(None);
    }

    /// The rules for a profile, with what is remembered of it.
    pub(super) fn refresher(&self, name: &ProfileName, policy: RefreshPolicy, memory: Memory) -> Refresher {
        let now = self.now();
        let mut refresher = Refresher::new(policy, jitter_seed(name), now);
        refresher.remember(now, memory);
        refresher
    }

    /// A profile that changes keeps its history, which says so.
    fn history_so_far(&self, name: &ProfileName, memory: &Memory, proven: Option<&Refresher>) -> History {
        let now = self.now();
        let proof = proven.and_then(|refresher| refresher.snapshot().token);
        let known = self.0.cache.get(name).map(|handle| handle.history().clone());
        let history = known.clone().unwrap_or_default();
        if known.is_none() {
            let remembered = memory.trouble.as_ref().map(|trouble| trouble.failure.clone());
            history.add(now, What::Started { remembered: remembered.filter(|_| proof.is_none()) });
        }
        match proof {
            Some(token) => history.log_in(now, &token),
            None if known.is_some() => history.add(now, What::Changed),
            None => {}
        }
        history
    }

    fn employ(
        &self,
        refresher: Refresher,
        exchanger: Exchanger,
        alarm: Alarm,
        history: History,
    ) -> ProfileHandle {
        let name = exchanger.profile.clone();
        let memory = self.0.remembering.file(&name);
        let (handle, work) = ProfileHandle::new(refresher, exchanger, memory, alarm, history);
        tokio::spawn(async move {
            if let Err(error) = work.await {
                tracing::error!(profile = %name, %error, "the profile is no longer served; restart the daemon");
            }
        });
        handle
    }
}

fn exchanger(name: &ProfileName, profile: &Profile, vaults: &Vaults) -> Result<Exchanger, ChangeError> {
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
