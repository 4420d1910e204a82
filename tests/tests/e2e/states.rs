//! Every state that a profile can be in: brought about, met under the same name wherever users look, and left again by
//! doing what its remedy says.

use std::{fs, os::unix::fs::PermissionsExt as _};

use airbyte_sandbox::Fault;
use airbyte_token_local::ProfileState;
use airbyte_tokend_tests::{Airbyte, Cli, Clocks, Daemon, Home, Keyring, PATIENCE, Recipe, eventually};

/// A daemon with one profile, and all that belongs to it.
struct Scene<'a> {
    home: &'a Home,
    airbyte: &'a Airbyte,
    daemon: Daemon,
}

impl<'a> Scene<'a> {
    /// Logged in, and a token in hand; the secret is in the `file` vault.
    fn with_token(home: &'a Home, airbyte: &'a Airbyte) -> Self {
        let daemon = Daemon::start(home);
        daemon.log_in("main", airbyte, "file");
        Self { home, airbyte, daemon }
    }

    /// Logged in, and no token yet.
    fn cold(home: &'a Home, airbyte: &'a Airbyte) -> Self {
        Self { home, airbyte, daemon: Daemon::start_cold(home, airbyte) }
    }

    /// Logged in with the secret in this keyring, and no token yet.
    fn cold_with_keyring(home: &'a Home, airbyte: &'a Airbyte, keyring: &Keyring<'_>) -> Self {
        let recipe = Recipe::of(home).variable("DBUS_SESSION_BUS_ADDRESS", keyring.address());
        let warm = recipe.start();
        warm.log_in("main", airbyte, "keyring");
        assert_eq!(warm.stop().code(), Some(0));
        Self { home, airbyte, daemon: recipe.start() }
    }

    fn fault(&self, text: &str) {
        self.airbyte.add_fault(text.parse::<Fault>().expect("a fault"));
    }

    fn ask(&self) -> (u16, serde_json::Value) {
        let reply = self.daemon.http().get("/v1/token?wait=0s");
        (reply.status, reply.json())
    }

    fn refresh(&self) {
        drop(self.daemon.http().post("/v1/token/refresh?wait=5s"));
    }

    /// Whether the daemon says so; asking for a token meanwhile, as programs do.
    fn await_state(&self, state: ProfileState) {
        eventually(&format!("the profile is {state}"), PATIENCE, || {
            drop(self.daemon.http().get("/v1/token?wait=0s"));
            (self.daemon.http().status_of("main")["state"] == state.name()).then_some(())
        });
    }

    /// The same name in `status` for programs and for people, in metrics, in the log, and in the error that a caller
    /// gets who gets no token.
    fn is_met_everywhere(&self, state: ProfileState) {
        self.await_state(state);
        let page = Cli::of(self.home).succeed(&["status"]);
        assert!(page.split_whitespace().any(|word| word == state.name()), "{page}");
        let metrics = self.daemon.http().get("/metrics").text();
        let line = format!("airbyte_tokend_profile_state{{profile=\"main\",state=\"{state}\"}} 1");
        assert!(metrics.contains(&line), "`{line}` is not in\n{metrics}");
        if let Some(remedy) = state.remedy() {
            assert!(page.contains("hint: "), "{remedy}: {page}");
        }
    }

    /// The log said so too.
    fn is_logged(&self, state: ProfileState) {
        self.daemon.log().wait_for(&format!("profile main is {state}: "));
    }

    /// Who asks is told so, by the code of the state.
    fn is_told(&self, state: ProfileState) {
        let (status, error) = self.ask();
        let code = state.code().expect("it is an error");
        assert_eq!(status, code.http_status(), "{error}");
        assert_eq!((&error["state"], &error["code"]), (&state.name().into(), &code.name().into()), "{error}");
        let hint = error["hint"].as_str().expect("a remedy");
        let general = code.remedy().replace("`airbyte-token login`", "`airbyte-token login -p main`");
        assert_eq!(hint, general, "one remedy, the same everywhere");
    }

    /// All is well again.
    fn is_mended(&self) {
        self.await_state(ProfileState::Fresh);
        assert_eq!(self.ask().0, 200);
    }

    /// What is refused is not tried again at once: whoever mended the cause says so.
    fn log_in_again(&self) {
        self.daemon.log_in("main", self.airbyte, "file");
    }
}

#[test]
fn idle_until_somebody_asks() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let scene = Scene::cold(&home, &airbyte);
    assert_eq!(scene.daemon.http().status_of("main")["state"], "idle");
    assert!(Cli::of(&home).succeed(&["status"]).contains(" idle "));
    scene.is_mended();
}

#[test]
fn fresh_while_all_is_well() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let scene = Scene::with_token(&home, &airbyte);
    scene.is_met_everywhere(ProfileState::Fresh);
    scene.refresh();
    scene.is_logged(ProfileState::Fresh);
}

#[test]
fn renewing_while_an_exchange_is_in_flight() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let scene = Scene::cold(&home, &airbyte);
    scene.fault("hang");
    scene.is_met_everywhere(ProfileState::Renewing);
}

#[test]
fn degraded_while_a_token_lives_and_airbyte_is_in_trouble() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let scene = Scene::with_token(&home, &airbyte);
    scene.fault("status=503,times=forever");
    scene.refresh();
    scene.is_met_everywhere(ProfileState::Degraded);
    scene.is_logged(ProfileState::Degraded);
    assert_eq!(scene.ask().0, 200, "the live token is served");
    airbyte.clear_faults();
    scene.is_mended();
}

#[test]
fn expired_while_no_token_lives_and_airbyte_is_in_trouble() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let scene = Scene::cold(&home, &airbyte);
    scene.fault("status=503,times=forever");
    scene.is_met_everywhere(ProfileState::Expired);
    scene.is_logged(ProfileState::Expired);
    scene.is_told(ProfileState::Expired);
    airbyte.clear_faults();
    scene.is_mended();
}

#[test]
fn rejected_until_a_new_login() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let scene = Scene::cold(&home, &airbyte);
    scene.fault("status=401,times=2");
    scene.is_met_everywhere(ProfileState::Rejected);
    scene.is_logged(ProfileState::Rejected);
    scene.is_told(ProfileState::Rejected);
    airbyte.clear_faults();
    scene.log_in_again();
    scene.is_mended();
}

#[test]
fn throttled_until_airbyte_allows_it() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let scene = Scene::cold(&home, &airbyte);
    scene.fault("status=429,retry-after=2");
    scene.is_met_everywhere(ProfileState::Throttled);
    scene.is_logged(ProfileState::Throttled);
    scene.is_mended();
}

#[test]
fn whoever_is_throttled_is_told_so() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let scene = Scene::cold(&home, &airbyte);
    scene.fault("status=429,retry-after=60");
    scene.await_state(ProfileState::Throttled);
    scene.is_told(ProfileState::Throttled);
}

#[test]
fn misdirected_until_the_url_is_put_right() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let scene = Scene::cold(&home, &airbyte);
    let right = home.config();
    let url = airbyte.url();
    home.write_config(&right.replace(&url, &format!("{url}/elsewhere")));
    scene.daemon.reload();
    scene.is_met_everywhere(ProfileState::Misdirected);
    scene.is_logged(ProfileState::Misdirected);
    scene.is_told(ProfileState::Misdirected);
    home.write_config(&right);
    scene.daemon.reload();
    scene.is_mended();
}

#[test]
fn misdirected_while_something_else_answers_in_airbytes_place() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let scene = Scene::cold(&home, &airbyte);
    scene.fault("redirect=302,to=https://login.example.com/portal,times=2");
    scene.is_met_everywhere(ProfileState::Misdirected);
    scene.is_told(ProfileState::Misdirected);
    airbyte.clear_faults();
    scene.refresh();
    scene.is_mended();
}

#[test]
fn locked_until_it_is_unlocked() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let scene = Scene::with_token(&home, &airbyte);
    Cli::of(&home).succeed(&["lock"]);
    scene.is_met_everywhere(ProfileState::Locked);
    scene.is_logged(ProfileState::Locked);
    scene.is_told(ProfileState::Locked);
    Cli::of(&home).succeed(&["unlock"]);
    scene.is_mended();
}

#[test]
fn keyring_locked_until_it_is_unlocked() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let keyring = Keyring::start(&home);
    let scene = Scene::cold_with_keyring(&home, &airbyte, &keyring);
    keyring.lock();
    scene.is_met_everywhere(ProfileState::KeyringLocked);
    scene.is_logged(ProfileState::KeyringLocked);
    scene.is_told(ProfileState::KeyringLocked);
    keyring.unlock();
    scene.is_mended();
}

#[test]
fn keyring_missing_until_one_runs() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let mut keyring = Keyring::start(&home);
    let scene = Scene::cold_with_keyring(&home, &airbyte, &keyring);
    keyring.end();
    scene.is_met_everywhere(ProfileState::KeyringMissing);
    scene.is_logged(ProfileState::KeyringMissing);
    scene.is_told(ProfileState::KeyringMissing);
    keyring.begin();
    scene.is_mended();
}

#[test]
fn keyring_denied_until_the_daemon_is_allowed() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let keyring = Keyring::start(&home);
    let scene = Scene::cold_with_keyring(&home, &airbyte, &keyring);
    keyring.deny_all();
    scene.is_met_everywhere(ProfileState::KeyringDenied);
    scene.is_logged(ProfileState::KeyringDenied);
    scene.is_told(ProfileState::KeyringDenied);
    keyring.allow_all();
    scene.is_mended();
}

#[test]
fn vault_slow_while_the_keyring_does_not_answer() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let keyring = Keyring::start(&home);
    let scene = Scene::cold_with_keyring(&home, &airbyte, &keyring);
    keyring.freeze();
    scene.is_met_everywhere(ProfileState::VaultSlow);
    scene.is_logged(ProfileState::VaultSlow);
    scene.is_told(ProfileState::VaultSlow);
    keyring.thaw();
    scene.is_mended();
}

#[test]
fn vault_unreadable_until_its_key_is_put_in_order() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let scene = Scene::cold(&home, &airbyte);
    let mode = |mode| {
        let key = home.path().join("key");
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    mode(0o644);
    scene.is_met_everywhere(ProfileState::VaultUnreadable);
    scene.is_logged(ProfileState::VaultUnreadable);
    scene.is_told(ProfileState::VaultUnreadable);
    mode(0o600);
    scene.is_mended();
}

#[test]
fn vault_damaged_until_its_key_is_back_and_somebody_asks_again() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let scene = Scene::cold(&home, &airbyte);
    let key = home.path().join("key");
    let right = fs::read(&key).expect("it is ours");
    home.write(&key, &[7; 32]);
    scene.is_met_everywhere(ProfileState::VaultDamaged);
    scene.is_logged(ProfileState::VaultDamaged);
    scene.is_told(ProfileState::VaultDamaged);
    home.write(&key, &right);
    scene.refresh();
    scene.is_mended();
}

#[test]
fn no_secret_until_somebody_logs_in() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    home.write_config(&(airbyte.profile_in_config("main", "file") + &home.file_vault()));
    let scene = Scene { home: &home, airbyte: &airbyte, daemon: Daemon::start(&home) };
    scene.is_met_everywhere(ProfileState::NoSecret);
    scene.is_logged(ProfileState::NoSecret);
    scene.is_told(ProfileState::NoSecret);
    scene.log_in_again();
    scene.is_mended();
}

#[test]
fn log_in_again_after_the_profile_moved() {
    let (home, old, new) = (Home::new().with_file_vault(), Airbyte::start(), Airbyte::start());
    let scene = Scene::cold(&home, &old);
    home.write_config(&home.config().replace(&old.url(), &new.url()));
    scene.daemon.reload();
    scene.is_met_everywhere(ProfileState::LogInAgain);
    scene.is_logged(ProfileState::LogInAgain);
    scene.is_told(ProfileState::LogInAgain);
    let scene = Scene { airbyte: &new, ..scene };
    scene.log_in_again();
    scene.is_mended();
}

#[test]
fn clock_suspect_until_this_machines_clock_is_set() {
    let airbyte = Airbyte::start_with(|settings| settings.clock_skew = 601);
    let home = Home::new().with_file_vault();
    let clocks = Clocks::still(&home);
    let scene = Scene { home: &home, airbyte: &airbyte, daemon: Recipe::of(&home).clocks(&clocks).start() };
    scene.log_in_again();
    scene.refresh();
    scene.is_met_everywhere(ProfileState::ClockSuspect);
    assert_eq!(scene.ask().0, 200, "a live token is served all the same");
    let skew = scene.daemon.http().status_of("main")["clock_skew"].as_i64().expect("it is known");
    assert!((-602..=-599).contains(&skew), "{skew}");
    clocks.set_wall(601);
    scene.is_mended();
    let skew = scene.daemon.http().status_of("main")["clock_skew"].as_i64().expect("it is known");
    assert!((-1..=2).contains(&skew), "{skew}");
}
