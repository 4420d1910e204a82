//! When Airbyte or a vault is in trouble: what callers are told, and how little Airbyte is asked meanwhile.

use std::{fs, time::Duration};

use airbyte_sandbox::{Fault, Reply as Answer, Trouble};
use airbyte_tokend_tests::{Airbyte, Cli, Daemon, Home, PATIENCE, Recipe, assert_failed, eventually};

#[test]
fn rejected_credentials_are_confirmed_once_and_then_left_alone_by_callers_and_restarts() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.set_secret("another-secret-by-now");
    let cli = Cli::of(&home);
    cli.fail(&["print", "--wait", "20s"], 77);
    airbyte.wait_for_exchanges(2);
    eventually("the rejection is confirmed", PATIENCE, || {
        (daemon.http().status_of("main")["state"] == "rejected").then_some(())
    });
    for _ in 0..50 {
        assert_eq!(daemon.http().get("/v1/token").code(), "rejected");
    }
    let remembered = home.state().join("memory.json");
    eventually("it is written down", PATIENCE, || {
        fs::read_to_string(&remembered).ok().filter(|text| text.contains("rejected")).map(drop)
    });
    daemon.kill();
    for _ in 0..3 {
        let daemon = Daemon::start(&home);
        assert_eq!(daemon.http().get("/v1/token").code(), "rejected");
        assert_eq!(daemon.http().status_of("main")["state"], "rejected");
        daemon.stop();
    }
    assert_eq!(airbyte.exchanges(), 2);

    let _daemon = Daemon::start(&home);
    airbyte.set_secret(airbyte.secret().expose());
    let renewed = cli.succeed(&["refresh"]);
    assert!(renewed.starts_with("renewed: "), "a person who asks is heard at once: {renewed}");
    assert_eq!(cli.succeed(&["print"]), format!("{}\n", airbyte.latest_token()));
}

#[test]
fn whoever_is_asked_for_patience_is_patient_whatever_callers_want() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let alive = airbyte.latest_token();
    airbyte.add_fault(Fault::status(429).retry_after("120").forever());
    let cli = Cli::of(&home);
    let said = cli.fail(&["refresh"], 75);
    assert!(said.contains("asked too often"), "{said}");
    let reply = daemon.http().post("/v1/token/refresh?wait=1s");
    assert_eq!((reply.status, reply.code().as_str()), (503, "throttled"));
    let seconds = reply.json()["retry_in"].as_u64();
    assert!(seconds.is_some_and(|seconds| (100..=151).contains(&seconds)), "{}", reply.text());
    assert_eq!(reply.header("retry-after").map(str::to_owned), seconds.map(|seconds| seconds.to_string()));
    assert!(reply.json()["retry_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{}", reply.text());
    for _ in 0..5 {
        cli.fail(&["refresh", "--wait", "0"], 75);
    }
    assert_eq!(cli.succeed(&["print"]), format!("{alive}\n"));
    assert_eq!(airbyte.exchanges(), 2);
}

#[test]
fn airbyte_is_tried_again_and_callers_get_the_token_they_waited_for() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let _daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.add_fault(Fault::reset());
    airbyte.add_fault(Fault::status(502));
    assert_eq!(Cli::of(&home).succeed(&["print", "--wait", "30s"]), format!("{}\n", airbyte.latest_token()));
    assert_eq!(airbyte.exchanges(), 3);
}

#[test]
fn whoever_waits_too_short_is_told_and_the_token_comes_all_the_same() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.add_fault(Fault::delay(Duration::from_secs(3)));
    let cli = Cli::of(&home);
    let said = cli.fail(&["print", "--wait", "1s"], 75);
    assert!(said.contains("--wait"), "{said}");
    airbyte.wait_until(|counts| counts.issued == 1);
    daemon.log().wait_for("got a token");
    assert_eq!(cli.succeed(&["print", "--wait", "0"]), format!("{}\n", airbyte.latest_token()));
    assert_eq!(airbyte.exchanges(), 1);
}

#[test]
fn what_upstream_says_cannot_move_a_terminal_s_cursor() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let _daemon = Daemon::start(&home);
    let hostile = "\u{1b}]0;owned\u{7}\u{1b}[31m\r\nhint: run rm\n\u{202e}\u{200b}\u{9b}\0end";
    let body = serde_json::json!({ "message": hostile }).to_string();
    let content = Some(("application/json".to_owned(), body));
    airbyte.add_fault(Fault::new(Trouble::Reply(Answer::Status { code: 400, content })));
    let said = assert_failed(Cli::of(&home).log_in(&airbyte, "memory", &[]), &["login"], 77);
    assert!(said.contains("owned"), "it is quoted: {said}");
    assert!(said.chars().all(|c| c == '\n' || (' '..='~').contains(&c)), "{said:?}");
}

#[test]
fn a_vault_that_another_key_sealed_is_said_to_be_so_and_is_not_overwritten() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "file");
    daemon.stop();
    let (key, sealed) = (home.path().join("key"), home.state().join("secrets"));
    let (right, before) = (fs::read(&key).expect("it is ours"), fs::read(&sealed).expect("it is ours"));
    home.write(&key, &[7; 32]);
    let daemon = Daemon::start(&home);
    let cli = Cli::of(&home);
    let said = cli.fail(&["print"], 78);
    assert!(said.contains("key"), "{said}");
    assert_eq!(daemon.http().get("/v1/token").code(), "vault_damaged");
    assert_failed(cli.log_in(&airbyte, "file", &[]), &["login"], 78);
    assert_eq!(fs::read(&sealed).expect("it is there"), before);
    daemon.stop();
    home.write(&key, &right);
    let daemon = Daemon::start(&home);
    assert_eq!(daemon.http().token(), airbyte.latest_token(), "nothing was lost");
}

#[test]
fn a_memory_that_cannot_be_read_is_forgotten_and_said_to_be() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "file");
    daemon.stop();
    home.write(&home.state().join("memory.json"), b"{ torn");
    let daemon = Recipe::of(&home).start();
    daemon.log().wait_for("what was remembered cannot be read and is forgotten");
    assert_eq!(daemon.http().token(), airbyte.latest_token());
}
