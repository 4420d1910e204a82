//! Locked: at login, on resume, with the screen.

use airbyte_tokend_tests::{Airbyte, Home, PATIENCE, eventually, timed};

use super::{KEYRING_TIMEOUT, LANE, MINUTE, Scene, bus::Ear};

/// Fault 18: locked while a token lives.
#[test]
fn a_locked_keyring_costs_a_live_token_nothing_and_prompts_nobody() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let scene = Scene::warm(&home, &airbyte);
    let alive = airbyte.latest_token();
    let ear = Ear::on(&scene.keyring);
    scene.keyring.lock();
    scene.renewal_comes_due();
    scene.is_troubled("keyring_locked");
    for look in 2..=4 {
        (0..20).for_each(|_| assert_eq!(scene.http().token(), alive));
        scene.next_look_comes_due();
        ear.wait_for_calls("SearchItems", look);
    }
    scene.is_troubled("keyring_locked");
    scene.serves(&alive);
    let left = scene.status()["expires_in"].as_u64();
    assert!(left.is_some_and(|left| left <= 240), "its true life: {left:?} s");
    assert_eq!(airbyte.exchanges(), 1);
    assert_eq!((ear.calls("Unlock"), ear.calls("Prompt")), (0, 0), "nobody is asked for a password");

    scene.cli().fail(&["refresh", "--wait", "5s"], 75);
    assert_eq!(ear.calls("Unlock"), 1, "a person who waits is asked, and the ear hears it");
}

/// Fault 18: unlocked again.
#[test]
fn an_unlock_is_noticed_within_ten_seconds_and_nobody_needs_to_ask() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let scene = Scene::warm(&home, &airbyte);
    scene.keyring.lock();
    scene.renewal_comes_due();
    scene.is_troubled("keyring_locked");
    scene.keyring.unlock();
    scene.heals();
    assert_eq!(airbyte.exchanges(), 2);
}

/// Fault 18: locked until the token is dead.
#[test]
fn a_token_that_died_while_the_keyring_was_locked_is_not_served_and_the_error_says_what_to_do() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let scene = Scene::warm(&home, &airbyte);
    scene.keyring.lock();
    scene.renewal_comes_due();
    scene.is_troubled("keyring_locked");
    scene.pass(5 * MINUTE);
    let wait = eventually("between two looks, callers are told when the next is", PATIENCE, || {
        scene.refused(503, "keyring_locked").json()["retry_in"].as_u64()
    });
    assert!(wait <= LANE.as_secs(), "{wait} s");
    let said = scene.cli().fail(&["print", "--wait", "0"], 75);
    assert!(said.contains("the keyring is locked") && said.contains("hint: unlock the keyring"), "{said}");
    scene.keyring.unlock();
    scene.heals();
}

/// Fault 18: locked before the daemon starts.
#[test]
fn whoever_asks_a_daemon_that_started_with_a_locked_keyring_is_told_at_once() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let scene = Scene::cold(&home, &airbyte);
    scene.keyring.lock();
    let (reply, took) = timed(|| scene.http().get("/v1/token?wait=2s"));
    assert_eq!((reply.status, reply.code().as_str()), (503, "keyring_locked"), "{}", reply.text());
    assert!(took < KEYRING_TIMEOUT, "{took:?}");
    assert_eq!(airbyte.exchanges(), 0);
    scene.keyring.unlock();
    let reply = scene.http().get("/v1/token?wait=5s");
    assert_eq!(
        reply.status,
        200,
        "whoever asks after that need not wait for the next look: {}",
        reply.text()
    );
    assert_eq!(airbyte.exchanges(), 1);
}

/// Fault 18: locked while the secret moves to another vault.
#[test]
fn a_login_into_another_vault_says_that_the_locked_keyring_keeps_the_old_secret() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let scene = Scene::warm(&home, &airbyte);
    scene.keyring.lock();
    let login = scene.cli().log_in(&airbyte, "file", &["-p", "main"]);
    assert_eq!(login.code(), Some(0), "{}", login.stderr);
    assert!(login.text().contains("the old secret could not be deleted and is still kept by: keyring"));
    scene.serves(&airbyte.latest_token());

    let back = scene.daemon.try_log_in("main", &airbyte, "keyring");
    assert_eq!((back.status, back.code().as_str()), (503, "keyring_locked"), "{}", back.text());
    scene.keyring.unlock();
    let back = scene.daemon.try_log_in("main", &airbyte, "keyring");
    assert_eq!(back.status, 200, "{}", back.text());
    let moved = scene.daemon.try_log_in("main", &airbyte, "file");
    assert_eq!((moved.status, &moved.json()["left_in"]), (200, &serde_json::Value::Null), "{}", moved.text());
}
