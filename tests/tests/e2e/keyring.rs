//! The secret in a real GNOME keyring: locked, frozen, restarted, absent.

use std::{fs, thread};

use airbyte_tokend_tests::{
    Airbyte, Cli, Daemon, Home, Keyring, PATIENCE, Recipe, assert_failed, eventually,
};
use serde_json::Value;

fn start(home: &Home, keyring: &Keyring<'_>) -> Daemon {
    Recipe::of(home).variable("DBUS_SESSION_BUS_ADDRESS", keyring.address()).start()
}

#[test]
fn a_secret_in_the_keyring_outlives_the_daemon_and_is_in_no_file() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let keyring = Keyring::start(&home);
    let daemon = start(&home, &keyring);
    let cli = Cli::of(&home);
    let login = cli.log_in(&airbyte, "keyring", &[]);
    assert_eq!(login.code(), Some(0), "{}", login.stderr);
    assert_eq!(cli.succeed(&["print"]), format!("{}\n", airbyte.latest_token()));
    assert!(fs::read_dir(keyring.files()).expect("the keyring has files").count() > 0);
    airbyte.secret().assert_absent_under(home.path());

    daemon.stop();
    let daemon = start(&home, &keyring);
    assert_eq!(cli.succeed(&["print"]), format!("{}\n", airbyte.latest_token()));
    assert_eq!(airbyte.exchanges(), 2);

    cli.succeed(&["logout"]);
    home.write_config(&airbyte.profile_in_config("default", "keyring"));
    daemon.reload();
    assert_eq!(daemon.http().get("/v1/token").code(), "no_secret", "the keyring forgot it");
}

#[test]
fn the_keyring_is_where_a_secret_goes_that_nobody_chose_a_place_for() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let keyring = Keyring::start(&home);
    let _daemon = start(&home, &keyring);
    let arguments = ["login", "--url", &airbyte.url(), "--client-id", airbyte.client_id()];
    let login = Cli::of(&home).start(&arguments, airbyte.secret().expose()).wait();
    assert!(login.text().contains("its secret is kept by: keyring"), "{}", login.stderr);
    assert!(home.config().contains("vault = \"keyring\""), "and the choice is written down");
}

#[test]
fn a_locked_keyring_is_75_for_a_renewal_and_no_matter_for_a_live_token() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let mut keyring = Keyring::start(&home);
    let daemon = start(&home, &keyring);
    daemon.log_in("main", &airbyte, "keyring");
    let alive = format!("{}\n", airbyte.latest_token());
    let cli = Cli::of(&home);
    keyring.lock();
    let said = cli.fail(&["refresh"], 75);
    assert!(said.contains("the keyring is locked"), "{said}");
    assert_eq!(cli.succeed(&["print"]), alive);
    let status: Value = serde_json::from_str(&cli.succeed(&["status", "--json"])).expect("it is JSON");
    let profile = &status["profiles"][0];
    assert_eq!(
        (&profile["state"], &profile["last_error"]["code"]),
        (&"keyring_locked".into(), &"keyring_locked".into())
    );
    assert_eq!(airbyte.exchanges(), 1);

    daemon.stop();
    let daemon = start(&home, &keyring);
    assert_eq!(daemon.http().get("/v1/token?wait=2s").code(), "keyring_locked");
    cli.fail(&["print", "--wait", "1s"], 75);
    keyring.end();
    keyring.begin();
    eventually("an unlocked keyring is noticed", PATIENCE, || {
        (cli.run(&["print", "--wait", "20s"]).code() == Some(0)).then_some(())
    });
}

#[test]
fn a_keyring_that_was_restarted_is_found_again_without_restarting_the_daemon() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let mut keyring = Keyring::start(&home);
    let daemon = start(&home, &keyring);
    daemon.log_in("main", &airbyte, "keyring");
    let cli = Cli::of(&home);
    keyring.end();
    let said = cli.fail(&["refresh"], 75);
    assert!(said.contains("no keyring runs"), "{said}");
    keyring.begin();
    cli.succeed(&["refresh", "--wait", "30s"]);
    assert_eq!(cli.succeed(&["print"]), format!("{}\n", airbyte.latest_token()));
    assert_eq!(airbyte.exchanges(), 2);
}

#[test]
fn a_frozen_keyring_delays_nobody_who_asks_for_a_live_token() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let keyring = Keyring::start(&home);
    let daemon = start(&home, &keyring);
    daemon.log_in("main", &airbyte, "keyring");
    let alive = airbyte.latest_token();
    keyring.freeze();
    let http = daemon.http();
    let renewal = thread::spawn(move || http.post("/v1/token/refresh?wait=6s"));
    eventually("the renewal waits for the keyring", PATIENCE, || {
        (daemon.http().status_of("main")["state"] == "renewing").then_some(())
    });
    for _ in 0..20 {
        assert_eq!(daemon.http().token(), alive);
    }
    assert!(!renewal.is_finished(), "all were answered while the keyring kept silent");
    assert_eq!(renewal.join().expect("it is answered").code(), "vault_slow");
    assert_eq!(Cli::of(&home).succeed(&["print"]), format!("{alive}\n"));
    keyring.thaw();
    Cli::of(&home).succeed(&["refresh", "--wait", "30s"]);
}

#[test]
fn where_no_keyring_runs_login_says_so_and_names_the_choices() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let keyring = Keyring::bus_alone(&home);
    let _daemon = start(&home, &keyring);
    let cli = Cli::of(&home);
    let said = assert_failed(cli.log_in(&airbyte, "keyring", &[]), &["login"], 75);
    assert!(said.contains("no keyring runs") && said.contains("--vault file"), "{said}");
    assert!(!home.config_file().exists(), "nothing was chosen instead");
    assert_eq!(cli.succeed(&["profiles", "--json"]), "{\"profiles\":[]}\n");
    assert_eq!(airbyte.exchanges(), 0, "the vault is looked at before anything is sent");
    assert_eq!(cli.log_in(&airbyte, "memory", &[]).code(), Some(0), "the choice works");
}
