//! The item of a profile, changed by somebody else while the daemon runs.

use airbyte_tokend_tests::{Airbyte, Home, Process};

use super::{MINUTE, Scene};

const ATTRIBUTES: [&str; 4] = ["service", "airbyte-tokend", "username", "main"];

/// `secret-tool(1)`, as a person runs it.
fn secret_tool(scene: &Scene<'_>, arguments: &[&str], input: &str) -> String {
    let mut command = scene.home.command_of(scene.home.person(), "secret-tool".as_ref());
    command.env("DBUS_SESSION_BUS_ADDRESS", scene.keyring.address()).args(arguments).args(ATTRIBUTES);
    let ended = Process::start(&mut command, input.as_bytes()).wait();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    ended.text()
}

/// Fault 20: replaced.
#[test]
fn a_secret_that_was_replaced_in_the_keyring_is_the_one_that_the_next_renewal_uses() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let scene = Scene::warm(&home, &airbyte);
    let old = secret_tool(&scene, &["lookup"], "");
    airbyte.set_secret("rotated-in-airbyte-s-settings");
    let new = old.replace(airbyte.secret().expose(), "rotated-in-airbyte-s-settings");
    assert_ne!(new, old);
    secret_tool(&scene, &["store", "--label=rotated"], &new);
    scene.renewal_comes_due();
    airbyte.wait_until(|counts| counts.issued == 2);
    scene.await_state("fresh");
    scene.serves(&airbyte.latest_token());
    assert_eq!(airbyte.exchanges(), 2);
}

/// Fault 20: deleted.
#[test]
fn a_secret_that_was_deleted_from_the_keyring_is_missed_at_the_renewal_and_a_login_mends_it() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let scene = Scene::warm(&home, &airbyte);
    let alive = airbyte.latest_token();
    secret_tool(&scene, &["clear"], "");
    scene.renewal_comes_due();
    let status = scene.await_state("no_secret");
    assert_eq!(status["last_error"]["code"], "no_secret");
    scene.serves(&alive);
    scene.pass(5 * MINUTE);
    let reply = scene.refused(424, "no_secret");
    assert_eq!(reply.json()["hint"], "run `airbyte-token login -p main`");
    let said = scene.cli().fail(&["print"], 78);
    assert!(said.contains("no client secret is stored for profile main"), "{said}");
    assert_eq!(airbyte.exchanges(), 1);

    let login = scene.cli().log_in(&airbyte, "keyring", &["-p", "main"]);
    assert_eq!(login.code(), Some(0), "{}", login.stderr);
    scene.serves(&airbyte.latest_token());
    assert_eq!((airbyte.exchanges(), scene.status()["state"].as_str()), (2, Some("fresh")));
}
