//! The lock: no tokens and no exchanges until it is taken off, whoever asks and however often the daemon is started.

use std::{fs, os::unix::fs::PermissionsExt as _, thread, time::Duration};

use airbyte_sandbox::Fault;
use airbyte_tokend_tests::{Airbyte, Cli, Clocks, Daemon, Home, Person, Recipe, Reply};

/// A daemon with a token in hand, whose secret is in the `file` vault.
fn warm(home: &Home, airbyte: &Airbyte) -> Daemon {
    let daemon = Daemon::start(home);
    daemon.log_in("main", airbyte, "file");
    daemon
}

fn assert_locked(reply: &Reply) {
    let said = reply.json();
    assert_eq!((reply.status, reply.code().as_str()), (503, "locked"), "{said}");
    assert_eq!(said["hint"], "run `airbyte-token unlock`");
    assert!(said["retry_in"].is_null(), "time does not unlock it: {said}");
}

#[test]
fn a_locked_daemon_says_so_to_all_who_want_a_token_until_it_is_unlocked() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = warm(&home, &airbyte);
    let (cli, http) = (Cli::of(&home), daemon.http());
    let token = cli.succeed(&["print"]);
    assert!(cli.succeed(&["lock"]).starts_with("locked: "));

    let said = cli.fail(&["print"], 75);
    assert!(said.contains("locked") && said.contains("hint: run `airbyte-token unlock`"), "{said}");
    for target in ["/v1/token", "/v1/token?wait=5m", "/v1/token?min_ttl=1h"] {
        assert_locked(&http.get(target));
    }
    let waits = http.get("/v1/ready?wait=0s");
    assert_eq!(
        (waits.code().as_str(), &waits.json()["retry_in"]),
        ("locked", &0.into()),
        "somebody may unlock it"
    );
    assert_locked(&http.post("/v1/token/refresh?wait=5s"));
    assert_locked(&http.put("/v1/profiles/other", &airbyte.profile("memory")));
    let status = http.get("/v1/status").json();
    assert_eq!((&status["locked"], &status["profiles"][0]["state"]), (&true.into(), &"locked".into()));
    assert!(status["profiles"][0]["fingerprint"].is_null(), "{status}");
    assert!(cli.succeed(&["explain"]).contains("nothing until somebody runs `airbyte-token unlock`"));
    assert!(cli.succeed(&["lock"]).starts_with("locked: "), "once more is no mistake");
    assert_eq!(airbyte.exchanges(), 1);

    assert_eq!(cli.succeed(&["unlock"]), "unlocked\n");
    let status = http.get("/v1/status").json();
    assert_eq!(
        (&status["locked"], &status["profiles"][0]["state"]),
        (&serde_json::Value::Null, &"idle".into())
    );
    assert_eq!(airbyte.exchanges(), 1, "it begins on demand");
    assert_ne!(cli.succeed(&["print"]), token, "the old one was wiped");
    assert_eq!(airbyte.exchanges(), 2);
    let past = cli.succeed(&["explain"]);
    assert!(past.contains("somebody locked the daemon") && past.contains("somebody unlocked"), "{past}");
}

#[test]
fn whoever_waits_for_an_exchange_is_told_at_once_and_what_it_brings_is_not_kept() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    let http = daemon.http();
    airbyte.add_fault(Fault::hang().forever());
    thread::scope(|scope| {
        let waits = ["/v1/token?wait=5m", "/v1/token?wait=1m"].map(|target| {
            let http = &http;
            scope.spawn(move || http.get(target))
        });
        airbyte.wait_for_exchanges(1);
        assert_eq!(http.post("/v1/lock").status, 200);
        waits.into_iter().for_each(|wait| assert_locked(&wait.join().expect("an answer")));
    });
    airbyte.clear_faults();
    assert_eq!(http.post("/v1/unlock").status, 200);
    assert_eq!(http.status_of("main")["state"], "idle");
    assert_eq!(http.token(), airbyte.latest_token());
}

#[test]
fn neither_a_restart_nor_a_crash_nor_a_reload_unlocks_it() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = warm(&home, &airbyte);
    assert_eq!(daemon.http().post("/v1/lock").json()["lasting"], true);
    assert_eq!(daemon.stop().code(), Some(0));
    let daemon = Daemon::start(&home);
    assert_locked(&daemon.http().get("/v1/token"));
    drop(daemon.kill());
    let daemon = Daemon::start(&home);
    home.write_config(&(home.config() + &airbyte.profile_in_config("added", "file")));
    assert!(!daemon.reload().contains("ERROR"), "{}", daemon.log().to_string());
    for profile in ["main", "added"] {
        assert_locked(&daemon.http().get(&format!("/v1/token?profile={profile}")));
    }
    assert_eq!(airbyte.exchanges(), 1);
    assert_eq!(daemon.http().post("/v1/unlock").json()["lasting"], true);
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(Daemon::start(&home).http().token(), airbyte.latest_token());
}

#[test]
fn what_is_in_memory_only_is_forgotten_and_whoever_locks_is_told_so() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let cli = Cli::of(&home);
    let said = cli.succeed(&["lock"]);
    assert!(said.contains("airbyte-token login -p main"), "{said}");
    cli.succeed(&["unlock"]);
    let reply = daemon.http().get("/v1/token");
    assert_eq!((reply.status, reply.code().as_str()), (424, "no_secret"), "{}", reply.text());
    daemon.log_in("main", &airbyte, "memory");
    assert_eq!(daemon.http().token(), airbyte.latest_token());
}

#[test]
fn a_disk_that_does_not_take_the_lock_does_not_keep_it_from_holding() {
    let (home, airbyte) = (Home::of(Person::owner()), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let close = |closed| {
        let mode = if closed { 0o500 } else { 0o700 };
        fs::set_permissions(home.state(), fs::Permissions::from_mode(mode)).expect("it is there");
    };
    close(true);
    let said = Cli::of(&home).succeed(&["lock"]);
    close(false);
    assert!(
        said.starts_with("locked: ") && said.contains("a restart of the daemon will undo this"),
        "{said}"
    );
    assert_locked(&daemon.http().get("/v1/token"));
    assert!(daemon.log().to_string().contains("Permission denied"));
}

#[test]
fn fifty_locks_and_unlocks_with_a_refused_secret_make_no_more_exchanges_than_none() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    let http = daemon.http();
    airbyte.add_fault(Fault::status(401).forever());
    assert_ne!(http.get("/v1/token?wait=30s").status, 200);
    for _ in 0..50 {
        assert_ne!(http.get("/v1/token?wait=0s").status, 200);
        assert_eq!([http.post("/v1/lock").status, http.post("/v1/unlock").status], [200, 200]);
    }
    assert!((1..=3).contains(&airbyte.exchanges()), "{} exchanges", airbyte.exchanges());
}

/// What whoever only looks may ask.
const LOOKS: [&str; 5] = ["/v1/status", "/v1/timeline", "/v1/profiles", "/v1/profiles/main", "/metrics"];

#[test]
fn whoever_only_looks_keeps_no_profile_awake() {
    let renewals_while_asked = |targets: &[&str]| {
        let (home, airbyte) = (Home::new(), Airbyte::start());
        home.write_config("[refresh]\nidle_after = \"1m\"\n");
        let clocks = Clocks::still(&home);
        let daemon = Recipe::of(&home).clocks(&clocks).start();
        daemon.log_in("main", &airbyte, "memory");
        let before = airbyte.exchanges();
        // Longer than the token lives, and never a minute without somebody.
        for _ in 0..20 {
            for target in targets {
                assert_eq!(daemon.http().get(target).status, 200, "{target}");
            }
            clocks.suspend(Duration::from_secs(50));
        }
        assert_eq!(daemon.http().get("/healthz").status, 200);
        airbyte.exchanges() - before
    };
    assert_eq!(renewals_while_asked(&LOOKS), 0);
    assert_ne!(renewals_while_asked(&["/v1/token"]), 0, "whoever wants a token does");
}
