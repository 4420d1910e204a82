//! Hanging, slow, refusing, dying; and the bus itself.

use std::{thread, time::Duration};

use airbyte_tokend_tests::{Airbyte, Home, PATIENCE, eventually, timed};

use super::{KEYRING_TIMEOUT, LANE, Scene, bus::Ear};

/// Fault 19: frozen, for more than 20 seconds.
#[test]
fn a_frozen_keyring_holds_up_nobody_and_is_called_once_at_a_time() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let scene = Scene::warm(&home, &airbyte);
    let others = ["a", "b", "c", "d", "e"].map(|name| {
        let other = Airbyte::start();
        scene.daemon.log_in(name, &other, "keyring");
        other
    });
    let alive = airbyte.latest_token();
    let ear = Ear::on(&scene.keyring);
    scene.keyring.freeze();
    scene.renewal_comes_due();
    ear.wait_for_calls("SearchItems", 1);
    for _ in 0..3 {
        for _ in 0..50 {
            let (reply, took) = timed(|| scene.http().get("/v1/token?profile=main"));
            assert_eq!(reply.json()["access_token"], alive, "{}", reply.text());
            // Whoever waited for the keyring would wait for all of its time.
            assert!(took < KEYRING_TIMEOUT, "{took:?}");
        }
        scene.is_troubled("vault_slow");
        scene.pass(LANE);
    }
    // One, that is; and one that was given up, where the bus hears of that only after it hears of the next.
    let calls = ear.most_calls_at_once();
    assert!((1..=2).contains(&calls), "{calls} calls at once for {} profiles", 1 + others.len());
    assert_eq!(airbyte.exchanges(), 1);
    let said = scene.cli().fail(&["refresh", "--wait", "5s"], 75);
    assert!(said.contains("the keyring does not answer"), "{said}");

    scene.keyring.thaw();
    eventually("it is called again", PATIENCE, || {
        scene.next_look_comes_due();
        (airbyte.exchanges() == 2).then_some(())
    });
    scene.await_state("fresh");
}

/// Fault 19: slow, but not too slow.
#[test]
fn a_keyring_that_answers_late_costs_its_time_and_no_second_call() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let scene = Scene::warm(&home, &airbyte);
    let (alive, ear) = (airbyte.latest_token(), Ear::on(&scene.keyring));
    scene.keyring.freeze();
    let http = scene.http();
    let renewal = thread::spawn(move || http.post("/v1/token/refresh?wait=30s"));
    ear.wait_for_calls("SearchItems", 1);
    for _ in 0..20 {
        assert_eq!(scene.http().token(), alive);
    }
    assert!(!renewal.is_finished(), "a person's patience is longer");
    scene.keyring.thaw();
    let reply = renewal.join().expect("it got an answer");
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!((ear.calls("OpenSession"), ear.most_calls_at_once()), (1, 1));
    assert_eq!(airbyte.exchanges(), 2);
}

/// Fault 19: denied.
#[test]
fn a_keyring_that_refuses_the_daemon_is_named_and_tried_again() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let scene = Scene::warm(&home, &airbyte);
    let alive = airbyte.latest_token();
    scene.keyring.deny_all();
    scene.renewal_comes_due();
    scene.is_troubled("keyring_denied");
    scene.serves(&alive);
    let said = scene.cli().fail(&["refresh"], 77);
    assert!(said.contains("hint: allow airbyte-tokend to use the keyring"), "{said}");
    scene.keyring.allow_all();
    scene.heals();
    assert_eq!(airbyte.exchanges(), 2);
}

/// Fault 19: dies in the middle of a call.
#[test]
fn a_keyring_that_dies_in_the_middle_of_a_call_fails_it_at_once_and_is_found_again() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let mut scene = Scene::warm(&home, &airbyte);
    let alive = airbyte.latest_token();
    let ear = Ear::on(&scene.keyring);
    scene.keyring.freeze();
    let http = scene.http();
    let renewal = thread::spawn(move || timed(|| http.post("/v1/token/refresh?wait=60s")));
    ear.wait_for_calls("SearchItems", 1);
    scene.keyring.end();
    let (reply, took) = renewal.join().expect("it got an answer");
    assert_eq!((reply.status, reply.code().as_str()), (503, "keyring_missing"), "{}", reply.text());
    assert!(took < Duration::from_secs(30), "it does not sit out its minute: {took:?}");
    scene.is_troubled("keyring_missing");
    scene.serves(&alive);
    scene.keyring.begin();
    scene.heals();
}

/// Fault 19: the bus dies and comes back.
#[test]
fn a_bus_that_dies_costs_a_live_token_nothing_and_is_found_again() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let mut scene = Scene::warm(&home, &airbyte);
    let alive = airbyte.latest_token();
    scene.keyring.end_bus();
    scene.renewal_comes_due();
    scene.is_troubled("keyring_missing");
    scene.serves(&alive);
    let said = scene.cli().fail(&["refresh"], 75);
    assert!(said.contains("no session bus answers"), "{said}");
    scene.keyring.begin_bus();
    scene.next_look_comes_due();
    scene.is_troubled("keyring_missing");
    scene.keyring.begin();
    scene.heals();
    assert_eq!(airbyte.exchanges(), 2);
}

/// Fault 19: gone for good.
#[test]
fn a_profile_whose_keyring_is_gone_for_good_is_forgotten_by_force_and_only_so() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let mut scene = Scene::warm(&home, &airbyte);
    scene.keyring.end_bus();
    let said = scene.cli().fail(&["logout", "-p", "main"], 75);
    assert!(said.contains("no session bus answers") && said.contains("logout -p main --force"), "{said}");
    scene.serves(&airbyte.latest_token());

    scene.cli().succeed(&["logout", "-p", "main", "--force"]);
    let reply = scene.http().get("/v1/token?profile=main");
    assert_eq!((reply.status, reply.code().as_str()), (404, "no_such_profile"), "{}", reply.text());
    assert!(!home.config().contains("[profiles.main]"));
    scene.daemon.log().wait_for("the secret of profile main is left in the vault keyring");
}
