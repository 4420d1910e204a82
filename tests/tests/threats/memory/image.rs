//! What is in all of the daemon's memory, for whoever gets hold of it: root, a hibernation image, a snapshot.

use airbyte_sandbox::Fault;
use airbyte_tokend_tests::{Airbyte, Canary, Daemon, Home, Keyring, Memory, PATIENCE, Recipe, eventually};

/// A daemon that can keep secrets in every vault there is.
fn daemon_in(home: &Home, keyring: &Keyring<'_>) -> Daemon {
    Recipe::of(home).variable("DBUS_SESSION_BUS_ADDRESS", keyring.address()).start()
}

/// Its whole memory. It is all there: the application's id, which is no secret, is found in it.
fn image(daemon: &Daemon, airbyte: &Airbyte) -> Memory {
    let memory = Memory::whole(daemon.pid());
    assert!(memory.count(airbyte.client_id()) > 0, "the search finds what is there");
    memory
}

fn assert_vanishes(when: &str, daemon: &Daemon, airbyte: &Airbyte, canary: &Canary) {
    eventually(when, PATIENCE, || image(daemon, airbyte).holds(canary).is_none().then_some(()));
}

/// T4: in whatever disguise, with the secret in the `file` vault and in the keyring. The control: while an exchange
/// hangs, the same search finds it.
#[test]
fn the_secret_is_in_memory_while_an_exchange_lasts_and_nowhere_in_it_afterwards() {
    let home = Home::new().with_file_vault();
    let keyring = Keyring::start(&home);
    let daemon = daemon_in(&home, &keyring);
    for vault in ["file", "keyring"] {
        let airbyte = Airbyte::start();
        let secret = airbyte.secret();
        daemon.log_in(vault, &airbyte, vault);
        assert_vanishes("it is gone after a login", &daemon, &airbyte, secret);
        airbyte.add_fault(Fault::hang());
        let begun = daemon.http().post(&format!("/v1/token/refresh?profile={vault}&wait=0s"));
        airbyte.wait_for_exchanges(2);
        assert!(image(&daemon, &airbyte).holds(secret).is_some(), "{vault}: {}", begun.text());
        for verb in ["lock", "unlock"] {
            assert_eq!(daemon.http().post(&format!("/v1/{verb}")).status, 200, "this ends the exchange");
        }
        let reply = daemon.http().get(&format!("/v1/token?profile={vault}"));
        assert_eq!((reply.status, airbyte.exchanges()), (200, 3), "{}", reply.text());
        assert_vanishes("it is gone after an exchange", &daemon, &airbyte, secret);
    }
}

/// T4: of every vault. The control: the same search finds every token before, and the secret that is kept in memory.
#[test]
fn a_locked_daemon_s_whole_image_holds_neither_secret_nor_token() {
    let home = Home::new().with_file_vault();
    let keyring = Keyring::start(&home);
    let daemon = daemon_in(&home, &keyring);
    let airbytes = ["memory", "file", "keyring"].map(|vault| (vault, Airbyte::start()));
    let tokens = airbytes.each_ref().map(|(vault, airbyte)| {
        daemon.log_in(vault, airbyte, vault);
        Canary::of(airbyte.latest_token())
    });
    for ((vault, airbyte), token) in airbytes.iter().zip(&tokens) {
        let memory = image(&daemon, airbyte);
        assert!(memory.holds(token).is_some(), "{vault}: the token is found");
        if *vault == "memory" {
            assert!(memory.holds(airbyte.secret()).is_some(), "the secret is found");
        }
    }
    assert_eq!(daemon.http().post("/v1/lock").status, 200);
    for ((vault, airbyte), token) in airbytes.iter().zip(&tokens) {
        assert_vanishes(&format!("{vault}: the token is gone"), &daemon, airbyte, token);
        assert_vanishes(&format!("{vault}: the secret is gone"), &daemon, airbyte, airbyte.secret());
    }
}
