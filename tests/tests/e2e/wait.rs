//! `airbyte-token wait`: until there is a token to serve, or it is clear that waiting does not help.

use std::time::Duration;

use airbyte_sandbox::{Canned, Fault};
use airbyte_tokend_tests::{Airbyte, Cli, Daemon, Home, Keyring, PATIENCE, Recipe, eventually, timed};

fn waits(home: &Home, arguments: &[&str]) {
    let ended = Cli::of(home).run(&[&["wait"], arguments].concat());
    let said = (ended.code(), ended.text(), ended.stderr.clone());
    assert_eq!(said, (Some(0), String::new(), String::new()), "no word where nobody looks on");
}

#[test]
fn a_token_is_fetched_for_whoever_waits_and_not_shown() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    waits(&home, &[]);
    waits(&home, &["-p", "main", "--min-ttl", "5m", "--timeout", "0"]);
    assert_eq!(airbyte.exchanges(), 1);
    let reply = daemon.http().get("/v1/ready?min_ttl=5m");
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(!reply.text().contains(&airbyte.latest_token()), "{}", reply.text());
    assert_eq!(reply.json()["fingerprint"], daemon.http().status_of("main")["fingerprint"]);
    assert_eq!(daemon.http().token(), airbyte.latest_token());
    assert_eq!(airbyte.exchanges(), 1);
}

#[test]
fn an_airbyte_in_trouble_is_waited_for() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let _daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.add_fault(Fault::reset());
    airbyte.add_fault(Fault::status(502));
    waits(&home, &["--timeout", "1m"]);
    assert_eq!(airbyte.exchanges(), 3);
}

#[test]
fn a_refusal_that_was_spurious_is_waited_out() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let _daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.add_fault(Fault::answer(Canned::BadCredentials400));
    waits(&home, &["--timeout", "1m"]);
    assert_eq!(airbyte.exchanges(), 2);
}

#[test]
fn refused_credentials_fail_as_soon_as_they_are_known_to_be() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let _daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.set_secret("another-secret-by-now");
    let cli = Cli::of(&home);
    let said = cli.fail(&["wait", "--timeout", "1h"], 77);
    assert!(said.contains("main is rejected: ") && said.contains("airbyte-token login -p main"), "{said}");
    assert!(!said.contains("not ready after"), "it did not wait: {said}");
    cli.fail(&["wait", "--timeout", "1h"], 77);
    assert_eq!(airbyte.exchanges(), 2, "confirmed once");
}

#[test]
fn what_somebody_must_set_up_first_fails_at_once() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start(&home);
    let cli = Cli::of(&home);
    let said = cli.fail(&["wait", "--timeout", "1h"], 78);
    assert!(said.contains("there is no profile yet"), "{said}");
    home.write_config(&(home.config() + &airbyte.profile_in_config("main", "file")));
    daemon.reload();
    let said = cli.fail(&["wait", "--timeout", "1h"], 78);
    assert!(said.contains("main is no_secret: "), "{said}");
    cli.fail(&["wait", "-p", "nobody", "--timeout", "1h"], 78);
    daemon.log_in("main", &airbyte, "file");
    let said = cli.fail(&["wait", "--min-ttl", "1h", "--timeout", "1h"], 75);
    assert!(said.contains("this Airbyte's tokens live"), "{said}");
    waits(&home, &[]);
}

#[test]
fn when_the_time_is_over_the_reason_is_told_though_the_daemon_tries_later() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.add_fault(Fault::status(429).retry_after("120").forever());
    let (said, took) = timed(|| Cli::of(&home).fail(&["wait", "--timeout", "2s"], 75));
    assert!(said.contains("not ready after 2s: main is throttled: "), "{said}");
    assert!(took >= Duration::from_secs(2), "it waited though the next try is in two minutes: {took:?}");
    let reply = daemon.http().get("/v1/ready?wait=0s");
    assert_eq!((reply.status, reply.code().as_str()), (503, "throttled"));
    assert!(reply.json()["retry_in"].as_u64().is_some_and(|seconds| seconds > 60), "{}", reply.text());
    assert_eq!(airbyte.exchanges(), 1);
}

#[test]
fn a_locked_keyring_is_waited_for_until_somebody_unlocks_it() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let keyring = Keyring::start(&home);
    let recipe = Recipe::of(&home).variable("DBUS_SESSION_BUS_ADDRESS", keyring.address());
    let warm = recipe.start();
    warm.log_in("main", &airbyte, "keyring");
    warm.stop();
    keyring.lock();
    let daemon = recipe.start();
    drop(daemon.http().get("/v1/token?wait=0s"));
    eventually("the keyring is found locked", PATIENCE, || {
        (daemon.http().status_of("main")["state"] == "keyring_locked").then_some(())
    });
    let cli = Cli::of(&home);
    let said = cli.fail(&["wait", "--timeout", "1s"], 75);
    assert!(said.contains("not ready after 1s: main is keyring_locked: "), "{said}");
    let tries = || daemon.http().status_of("main")["exchanges"].as_u64();
    let before = tries();
    let waiting = cli.start(&["wait", "--timeout", "1m"], "");
    eventually("the keyring is looked at in vain", PATIENCE, || (tries() > before).then_some(()));
    keyring.unlock();
    let ended = waiting.wait();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert_eq!(daemon.http().token(), airbyte.latest_token());
}

#[test]
fn a_daemon_that_starts_meanwhile_is_waited_for() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    Daemon::start_cold(&home, &airbyte).stop();
    let cli = Cli::of(&home);
    let said = cli.fail(&["wait", "--timeout", "200ms"], 69);
    assert!(said.contains("no daemon answers") && said.contains("systemctl --user start"), "{said}");
    let waiting = cli.start(&["wait", "--timeout", "1m"], "");
    let _daemon = Daemon::start(&home);
    assert_eq!(waiting.wait().code(), Some(0));
}

#[test]
fn a_daemon_that_is_started_anew_meanwhile_is_found_again() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.add_fault(Fault::hang());
    let waiting = Cli::of(&home).start(&["wait", "--timeout", "1m"], "");
    airbyte.wait_for_exchanges(1);
    daemon.kill();
    let _daemon = Daemon::start(&home);
    let ended = waiting.wait();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert_eq!(airbyte.exchanges(), 2);
}

#[test]
fn whoever_waits_while_somebody_logs_in_gets_the_new_token() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.add_fault(Fault::hang());
    let waiting = Cli::of(&home).start(&["wait", "--timeout", "1m"], "");
    airbyte.wait_for_exchanges(1);
    daemon.log_in("main", &airbyte, "file");
    let ended = waiting.wait();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert_eq!(airbyte.exchanges(), 2);
}
