//! The daemon's world, and what is done to it.

mod config;

use std::{fs, sync::Arc, time::Duration};

use airbyte_sandbox::Fault;
use airbyte_token_local::ProfileState;
use airbyte_tokend_tests::{Airbyte, Call, Canary, Cli, Clocks, Daemon, Home, Http, Keyring, Recipe};
use serde_json::Value;

use crate::{
    clock::{self, Seconds},
    facts::{Facts, Span},
    outputs::{Outputs, Place},
    recovery::Recoveries,
    script::{self, Event, Role, Script},
    shifts::Shift,
    talk,
};
use config::Config;

/// Everything around the daemon, and the daemon.
pub(crate) struct World<'a> {
    home: &'a Home,
    outputs: &'a Outputs,
    clocks: Clocks,
    keyring: Keyring<'a>,
    keyring_is_sound: bool,
    pub(crate) airbytes: Arc<Vec<Airbyte>>,
    /// By profile: those that were and the one that its Airbyte takes now.
    secrets: Vec<Vec<Canary>>,
    /// By profile: whether the vault has that one.
    logged_in: Vec<bool>,
    well: Vec<bool>,
    config: Config,
    cast: Vec<Role>,
    daemon: Option<Daemon>,
    pub(crate) facts: Facts,
    pub(crate) recoveries: Recoveries,
    /// What went otherwise than it should while something was done, in words.
    pub(crate) oddities: Vec<String>,
    /// How often each kind of thing was done.
    pub(crate) blows: Blows,
}

/// How often what was done to the daemon.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Blows {
    pub(crate) kills: usize,
    pub(crate) stops: usize,
    pub(crate) keyring: usize,
    pub(crate) clocks: usize,
    pub(crate) suspends: usize,
    pub(crate) reloads: usize,
    pub(crate) faults: usize,
    pub(crate) logins: usize,
    pub(crate) logins_failed: usize,
    /// How long the machine slept, in seconds.
    pub(crate) slept: u64,
}

/// A request of the conductor's own.
const PATIENCE: Duration = Duration::from_secs(10);

impl<'a> World<'a> {
    /// A daemon that knows the secret of every profile.
    pub(crate) fn make(home: &'a Home, outputs: &'a Outputs, script: &Script) -> Self {
        let airbytes: Vec<_> = script.cast.iter().map(airbyte).collect();
        let count = airbytes.len();
        let mut world = Self {
            home,
            outputs,
            clocks: Clocks::still(home),
            keyring: Keyring::start(home),
            keyring_is_sound: true,
            secrets: airbytes.iter().map(|airbyte| vec![Canary::of(airbyte.secret().expose())]).collect(),
            logged_in: vec![true; count],
            well: vec![true; count],
            config: Config::new(home, &airbytes, &script.cast),
            airbytes: Arc::new(airbytes),
            cast: script.cast.clone(),
            daemon: None,
            facts: Facts::default(),
            recoveries: Recoveries::default(),
            oddities: Vec::new(),
            blows: Blows::default(),
        };
        home.write_config(&home.file_vault());
        world.start();
        world.introduce();
        world
    }

    fn introduce(&mut self) {
        let Some(daemon) = &self.daemon else { return };
        for (number, role) in self.cast.iter().enumerate() {
            daemon.log_in(&script::name(number), &self.airbytes[number], role.vault);
        }
        self.edit();
    }

    /// The secrets of a profile, old and new.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = (usize, &Canary)> {
        self.secrets
            .iter()
            .enumerate()
            .flat_map(|(profile, all)| all.iter().map(move |secret| (profile, secret)))
    }

    pub(crate) fn http(&self) -> Http {
        Http::over(&self.home.socket())
    }

    /// What the daemon says happened to the profile.
    pub(crate) fn timeline(&self, profile: usize) -> String {
        let call = Call::new("GET", &format!("/v1/timeline?profile={}", script::name(profile)));
        let reply = talk::ask(&self.http(), &call, PATIENCE);
        reply.map_or_else(|error| format!("the daemon does not answer: {error}"), |reply| reply.text())
    }

    /// Hands over what the programs left on the disk.
    pub(crate) fn collect_files(&self) {
        let vault = self.home.state().join("secrets");
        let files = [
            (Place::Memory, self.home.state().join("memory.json")),
            (Place::Vault, vault),
            (Place::Audit, self.home.state().join("audit.log")),
            (Place::Config, self.home.config_file()),
        ];
        for (place, file) in files {
            // One that is not there says nothing, and then it is told at the end that nothing was searched.
            self.outputs.add(place, &fs::read(file).unwrap_or_default());
        }
    }

    /// Has the client say something in every way, whatever chance has made it say.
    pub(crate) fn consult(&self) {
        for arguments in [["status", "--json"].as_slice(), &["print", "-p", "nobody"]] {
            let ended = Cli::of(self.home).run(arguments);
            self.outputs.add(Place::ClientOut, &ended.stdout);
            self.outputs.add(Place::ClientErr, ended.stderr.as_bytes());
        }
    }

    /// Ends the daemon for good.
    pub(crate) fn end(&mut self) {
        self.end_daemon(Daemon::stop);
    }

    pub(crate) fn perform(&mut self, event: Event) {
        match event {
            Event::Upstream(profile, fault) => self.upstream(profile, fault),
            Event::AllUpstreams(fault) => {
                (0..self.cast.len()).for_each(|profile| self.upstream(profile, fault))
            }
            Event::Kill => {
                self.blows.kills += 1;
                self.end_daemon(Daemon::kill);
                self.start();
            }
            Event::Stop => {
                self.blows.stops += 1;
                self.end_daemon(Daemon::stop);
                self.start();
            }
            Event::LockKeyring => self.harm_keyring(|keyring| keyring.lock()),
            Event::FreezeKeyring => self.harm_keyring(|keyring| keyring.freeze()),
            Event::EndKeyring => self.harm_keyring(Keyring::end),
            Event::ThawKeyring => self.mend_keyring(|keyring| keyring.thaw()),
            Event::RestartKeyring => self.mend_keyring(|keyring| {
                keyring.end();
                keyring.begin();
            }),
            Event::Suspend(seconds) => self.suspend(seconds),
            Event::Pause(seconds) => self.set_wall(seconds as Seconds),
            Event::SetWall(seconds) => self.set_wall(seconds as Seconds),
            Event::SetWallTo(seconds) => self.set_wall((seconds as Seconds - self.wall()).round()),
            Event::CorrectWall => self.set_wall(-self.facts.shifts.wall_ahead()),
            Event::RenewEarly(seconds) => {
                self.config.early = seconds;
                self.reload();
            }
            Event::BreakConfig => self.break_config(),
            Event::Touch(profile) => self.change(profile, |config| config.touch(profile)),
            Event::Remove(profile) => self.change(profile, |config| config.remove(profile)),
            Event::Misroute(profile) => self.change(profile, |config| config.misroute(profile)),
            Event::Restore(profile) => self.change(profile, |config| config.restore(profile)),
            Event::Rotate(profile) => self.rotate(profile),
            Event::LogIn(profile) => self.log_in(profile),
        }
        self.see_who_is_well();
    }

    fn upstream(&mut self, profile: usize, fault: Option<&'static str>) {
        let airbyte = &self.airbytes[profile];
        self.facts.weather.entry(profile).or_default().push((clock::now(), fault));
        airbyte.clear_faults();
        if let Some(fault) = fault {
            self.blows.faults += 1;
            airbyte.add_fault(fault.parse::<Fault>().expect("the script has no other").forever());
        }
    }

    fn start(&mut self) {
        let recipe = Recipe::of(self.home).clocks(&self.clocks).arguments(&["--log", "debug"]);
        self.daemon = Some(recipe.variable("DBUS_SESSION_BUS_ADDRESS", self.keyring.address()).start());
        let now = clock::now();
        self.facts.runs.push(Span { from: now, until: Seconds::INFINITY });
        self.recoveries.restarted(now, &self.facts);
    }

    fn end_daemon(&mut self, how: impl FnOnce(Daemon) -> airbyte_tokend_tests::Ended) {
        let Some(daemon) = self.daemon.take() else { return };
        if let Some(run) = self.facts.runs.last_mut() {
            run.until = clock::now();
        }
        let ended = how(daemon);
        if ended.stderr.contains("panicked") {
            self.oddities.push("the daemon's log tells of a panic".to_owned());
        }
        self.outputs.add(Place::Log, ended.stderr.as_bytes());
        self.outputs.add(Place::Log, &ended.stdout);
    }

    fn harm_keyring(&mut self, how: impl FnOnce(&mut Keyring<'a>)) {
        self.blows.keyring += 1;
        self.keyring_is_sound = false;
        self.see_who_is_well();
        how(&mut self.keyring);
    }

    fn mend_keyring(&mut self, how: impl FnOnce(&mut Keyring<'a>)) {
        how(&mut self.keyring);
        self.keyring_is_sound = true;
    }

    fn suspend(&mut self, seconds: u64) {
        self.blows.suspends += 1;
        self.blows.slept += seconds;
        let before = clock::now();
        self.clocks.suspend(Duration::from_secs(seconds));
        let moved = seconds as Seconds;
        self.facts.shifts.add(Shift { before, after: clock::now(), boot: moved, wall: moved });
    }

    /// What the daemon's wall clock shows.
    fn wall(&self) -> Seconds {
        self.facts.shifts.boot(clock::now()) + self.facts.shifts.wall_ahead()
    }

    fn set_wall(&mut self, by: Seconds) {
        self.blows.clocks += 1;
        let before = clock::now();
        self.clocks.set_wall(by as i64);
        self.facts.shifts.add(Shift { before, after: clock::now(), boot: 0.0, wall: by });
    }

    fn break_config(&mut self) {
        let broken = format!("{}\n[refresh]\nearly = \"soon\"\n", self.config.text());
        self.home.write_config(&broken);
        self.blows.reloads += 1;
        let told = self.daemon.as_ref().map(Daemon::reload);
        drop(told);
        self.reload();
    }

    fn change(&mut self, profile: usize, how: impl FnOnce(&mut Config)) {
        let from = clock::now();
        how(&mut self.config);
        self.see_who_is_well();
        self.reload();
        self.facts.changes.entry(profile).or_default().push(Span { from, until: clock::now() });
    }

    fn edit(&mut self) {
        self.home.write_config(&self.config.text());
    }

    fn reload(&mut self) {
        self.blows.reloads += 1;
        self.edit();
        let told = self.daemon.as_ref().map(Daemon::reload);
        drop(told);
    }

    fn rotate(&mut self, profile: usize) {
        let secret = Canary::new("secret");
        self.airbytes[profile].set_secret(secret.expose());
        self.secrets[profile].push(secret);
        self.logged_in[profile] = false;
    }

    fn log_in(&mut self, profile: usize) {
        let Some(secret) = self.secrets[profile].last() else { return };
        if self.logged_in[profile] {
            return;
        }
        let from = clock::now();
        let (name, vault) = (script::name(profile), self.cast[profile].vault);
        let cli = Cli::of(self.home);
        let ended = cli.log_in_with(&self.airbytes[profile], vault, secret.expose(), &["-p", &name]);
        self.outputs.add(Place::ClientOut, &ended.stdout);
        self.outputs.add(Place::ClientErr, ended.stderr.as_bytes());
        if ended.code() == Some(0) {
            self.blows.logins += 1;
            self.logged_in[profile] = true;
            self.config.restore(profile);
            self.facts.changes.entry(profile).or_default().push(Span { from, until: clock::now() });
        } else {
            self.blows.logins_failed += 1;
        }
    }

    /// Notes for whom all is well since now, and for whom no more.
    fn see_who_is_well(&mut self) {
        let now = clock::now();
        let well: Vec<_> = (0..self.cast.len()).map(|profile| self.is_well(profile)).collect();
        let healed: Vec<_> =
            (0..well.len()).filter(|profile| well[*profile] && !self.well[*profile]).collect();
        for profile in (0..well.len()).filter(|profile| !well[*profile]) {
            self.recoveries.relapsed(profile);
        }
        self.well = well;
        if healed.is_empty() {
            return;
        }
        for (profile, state, retry_in) in self.states() {
            if healed.contains(&profile) {
                self.recoveries.healed(profile, now, state, retry_in);
            }
        }
    }

    fn is_well(&self, profile: usize) -> bool {
        let weather = self.facts.weather.get(&profile).and_then(|weather| weather.last());
        let upstream = weather.is_none_or(|(_, fault)| fault.is_none());
        let vault = self.keyring_is_sound || self.cast[profile].vault != "keyring";
        upstream && vault && self.logged_in[profile] && self.config.is_plain(profile)
    }

    /// How the daemon says that its profiles fare, and when it will try again.
    fn states(&self) -> Vec<(usize, ProfileState, Option<u64>)> {
        let Ok(reply) = talk::ask(&self.http(), &Call::new("GET", "/v1/status"), PATIENCE) else {
            return Vec::new();
        };
        self.outputs.add(Place::Status, &reply.body);
        let body = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
        let profiles = body["profiles"].as_array().map(Vec::as_slice).unwrap_or_default();
        let state = |entry: &Value| {
            let number =
                (0..self.cast.len()).find(|number| entry["name"] == script::name(*number).as_str())?;
            let state = serde_json::from_value(entry["state"].clone()).ok()?;
            Some((number, state, entry["retry_in"].as_u64()))
        };
        profiles.iter().filter_map(state).collect()
    }
}

/// An Airbyte of this edition with tokens of this life.
fn airbyte(role: &Role) -> Airbyte {
    Airbyte::start_with(|settings| {
        settings.edition = role.edition;
        settings.expires_in = airbyte_sandbox::Settings::of(role.edition).expires_in;
        settings.token_lifetime = Duration::from_secs(role.life);
    })
}
