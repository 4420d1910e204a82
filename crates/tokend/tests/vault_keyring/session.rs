//! A process, a home directory and a session bus for one test.

use std::{
    env, fs,
    future::Future,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use airbyte_token_core::{ProfileName, Secret, VaultTrouble};
use airbyte_tokend::vault::{BACKGROUND, StoredSecret, Vault, VaultError};
use tempfile::TempDir;
use tokio::{runtime, task::yield_now, time::timeout};

use crate::bus::{Activation, Daemon, Keyring, Policy};

/// Set for the second run of a test: where its session lives.
const HOME: &str = "VAULT_TEST_HOME";

/// Generous: reached only by a test that fails.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Runs `body` in a process of its own. `name` is the full name of the test that calls this.
pub(crate) fn run(name: &str, body: impl FnOnce(&mut Session)) {
    match env::var_os(HOME) {
        Some(home) => body(&mut Session::new(PathBuf::from(home))),
        None => run_again(name),
    }
}

fn run_again(name: &str) {
    for program in ["dbus-daemon", "gnome-keyring-daemon", "secret-tool"] {
        let found = env::split_paths(&env::var_os("PATH").unwrap()).any(|path| path.join(program).exists());
        assert!(found, "{program} is not installed; `make test` installs what the tests need");
    }
    let home = TempDir::new().unwrap();
    let run_dir = home.path().join("run");
    fs::create_dir(&run_dir).unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap())
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", &run_dir)
        .env("DBUS_SESSION_BUS_ADDRESS", bus_address(home.path()))
        .env(HOME, home.path())
        .output()
        .unwrap();
    assert_passed(name, &output);
}

/// That it passed is not enough: a name that no test has passes too.
fn assert_passed(name: &str, output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    let passed = output.status.success() && said.contains("1 passed");
    assert!(passed, "{name} in its own session:\n{said}\n{complained}");
}

fn bus_address(home: &Path) -> String {
    format!("unix:path={}", home.join("run/bus").display())
}

/// What a test works with: a bus and a keyring to start and stop, and a vault to ask.
pub(crate) struct Session {
    pub(crate) vault: Vault,
    pub(crate) home: PathBuf,
    runtime: runtime::Runtime,
    bus: Option<Daemon>,
}

impl Session {
    fn new(home: PathBuf) -> Self {
        let runtime = runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self { vault: Vault::keyring(), home, runtime, bus: None }
    }

    pub(crate) fn start_bus(&mut self) {
        self.start_bus_with(Policy::Open, Activation::None);
    }

    pub(crate) fn start_bus_with(&mut self, policy: Policy, activation: Activation) {
        self.bus = Some(Daemon::start(&self.home, &bus_address(&self.home), policy, activation));
    }

    pub(crate) fn stop_bus(&mut self) {
        self.bus = None;
    }

    pub(crate) fn start_keyring(&mut self) -> Keyring {
        Keyring::start()
    }

    /// Bus and unlocked keyring, which most tests begin with.
    pub(crate) fn start(&mut self) -> Keyring {
        self.start_bus();
        self.start_keyring()
    }

    pub(crate) fn read(&self, profile: &str) -> Result<String, VaultTrouble> {
        self.read_within(profile, BACKGROUND)
    }

    pub(crate) fn read_within(&self, profile: &str, patience: Duration) -> Result<String, VaultTrouble> {
        shown(self.wait(self.vault.read(&name(profile), patience)))
    }

    pub(crate) fn write(&self, profile: &str, client_secret: &str) -> Result<(), VaultTrouble> {
        self.write_within(profile, client_secret, BACKGROUND)
    }

    pub(crate) fn write_within(
        &self,
        profile: &str,
        client_secret: &str,
        patience: Duration,
    ) -> Result<(), VaultTrouble> {
        let outcome = self.wait(self.vault.write(&name(profile), stored(client_secret), patience));
        outcome.map_err(|error| error.trouble)
    }

    pub(crate) fn delete(&self, profile: &str) -> Result<(), VaultTrouble> {
        self.wait(self.vault.delete(&name(profile), BACKGROUND)).map_err(|error| error.trouble)
    }

    pub(crate) fn error_of(&self, profile: &str) -> VaultError {
        self.wait(self.vault.read(&name(profile), BACKGROUND)).unwrap_err()
    }

    /// Reads until the store has come back from the call that is overdue.
    pub(crate) fn read_when_free(&self, profile: &str, patience: Duration) -> Result<String, VaultTrouble> {
        let name = name(profile);
        let outcome = self.wait(async {
            loop {
                match self.vault.read(&name, patience).await {
                    Err(error) if error.trouble == VaultTrouble::Slow => yield_now().await,
                    outcome => break outcome,
                }
            }
        });
        shown(outcome)
    }

    /// Begins a read with a long patience, does `meanwhile`, and brings the outcome.
    pub(crate) fn read_during(
        &self,
        profile: &str,
        meanwhile: impl FnOnce() + Send,
    ) -> Result<String, VaultTrouble> {
        std::thread::scope(|scope| {
            let meanwhile = scope.spawn(meanwhile);
            let outcome = self.read_within(profile, LONG);
            meanwhile.join().unwrap();
            outcome
        })
    }

    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(async { timeout(2 * LONG, future).await.unwrap() })
    }
}

fn shown(outcome: Result<StoredSecret, VaultError>) -> Result<String, VaultTrouble> {
    outcome.map(|secret| secret.client_secret.expose().to_owned()).map_err(|error| error.trouble)
}

fn name(profile: &str) -> ProfileName {
    profile.parse().unwrap()
}

fn stored(client_secret: &str) -> StoredSecret {
    let origin = "https://api.airbyte.com".parse().unwrap();
    StoredSecret { origin, client_secret: Secret::new(client_secret.into()) }
}
