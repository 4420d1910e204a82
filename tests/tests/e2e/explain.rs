//! `airbyte-token explain`: a profile's story in words, true to what happened.

use airbyte_sandbox::{Fault, Reply as Answer, Trouble};
use airbyte_tokend_tests::{Airbyte, Canary, Cli, Clocks, Daemon, Home, PATIENCE, Recipe, eventually};
use serde_json::Value;

/// The page, told by the clock of Greenwich.
fn explain(home: &Home) -> String {
    Cli::of(home).succeed(&["explain"])
}

/// Whether these stand in the page, one after the other.
fn assert_in_order(page: &str, parts: &[&str]) {
    let mut rest = page;
    for part in parts {
        let place = rest.find(part);
        assert!(place.is_some(), "`{part}` does not come next in\n{page}");
        rest = &rest[place.unwrap_or_default() + part.len()..];
    }
}

fn fingerprint(daemon: &Daemon) -> String {
    let status = daemon.http().status_of("main");
    status["fingerprint"].as_str().expect("a token lives").to_owned()
}

#[test]
fn a_profile_s_story_is_told_in_order_with_what_comes_next_and_without_a_token() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    let idle = explain(&home);
    assert_in_order(
        &idle,
        &["main is idle: ", "the daemon began to serve", "no token is alive", "next:\n  nothing, since"],
    );

    airbyte.add_fault(Fault::reset());
    let cli = Cli::of(&home);
    let token = Canary::of(cli.succeed(&["print", "--wait", "30s"]).trim());
    let first = fingerprint(&daemon);
    cli.succeed(&["refresh"]);
    let second = fingerprint(&daemon);
    airbyte.add_fault(Fault::status(503).forever());
    cli.fail(&["refresh", "--wait", "0"], 75);
    eventually("the renewal fails", PATIENCE, || {
        (daemon.http().status_of("main")["state"] == "degraded").then_some(())
    });
    let page = explain(&home);
    let parts = [
        "main is degraded: a token lives, but its renewal fails",
        "what happened, oldest first:",
        "ago  the daemon began to serve this profile",
        "ago  a program asked, and no token was alive",
        "failed after ",
        "(upstream_unavailable)",
        "ago  tried again after the failure",
        &format!("got token {first} for 14m 59s, in "),
        "ago  you asked (`airbyte-token refresh`)",
        &format!("got token {second} for 14m 59s, in "),
        "ago  you asked (`airbyte-token refresh`)",
        "(upstream_unavailable)",
        &format!("now:\n  token {second} lives 14m "),
        "  error: ",
        "next:\n",
        "tries again after the failure",
        "hint: the daemon tries again by itself",
    ];
    assert_in_order(&page, &parts);
    token.assert_absent("the page", page.as_bytes());
    airbyte.secret().assert_absent("the page", page.as_bytes());
}

#[test]
fn a_login_and_a_changed_profile_are_told() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "file");
    let token = fingerprint(&daemon);
    home.write_config(&home.config().replace(airbyte.client_id(), "another-id"));
    daemon.reload();
    let page = explain(&home);
    let parts = [
        "the daemon began to serve this profile",
        "somebody logged in, and Airbyte took the secret",
        &format!("got token {token} for 14m 59s"),
        "the profile was changed in the configuration",
    ];
    assert_in_order(&page, &parts);
}

#[test]
fn what_an_earlier_run_left_is_told_and_how_slowly_it_is_tried_again() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.set_secret("another-secret-by-now");
    Cli::of(&home).fail(&["print", "--wait", "30s"], 77);
    let page = explain(&home);
    assert_in_order(&page, &["asked once more, to be sure of the refusal", "(rejected)", "a slow probe: "]);
    let remembered = home.state().join("memory.json");
    eventually("it is written down", PATIENCE, || {
        std::fs::read_to_string(&remembered).ok().filter(|text| text.contains("rejected")).map(drop)
    });
    daemon.kill();
    let _daemon = Daemon::start(&home);
    let parts = [
        "main is rejected: Airbyte refuses the client id and secret",
        "the daemon began to serve this profile",
        "and remembered from before: ",
        "(rejected)",
        "nothing until a program asks",
        "hint: check the client id and secret",
        "`airbyte-token login -p main`",
    ];
    assert_in_order(&explain(&home), &parts);
}

#[test]
fn a_clock_that_is_set_is_told() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let clocks = Clocks::still(&home);
    let daemon = Recipe::of(&home).clocks(&clocks).start();
    daemon.log_in("main", &airbyte, "memory");
    clocks.set_wall(-3_600);
    eventually("the clock's leap is noticed", PATIENCE, || {
        explain(&home).contains("this machine's clock was set back by 1h 0m").then_some(())
    });
}

#[test]
fn an_exchange_under_way_is_told_to_be_so() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.add_fault(Fault::hang());
    drop(daemon.http().get("/v1/token?wait=0s"));
    airbyte.wait_for_exchanges(1);
    assert_in_order(
        &explain(&home),
        &["main is renewing: ", "no answer yet", "an exchange is under way, begun "],
    );
}

#[test]
fn what_airbyte_said_cannot_command_the_terminal() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    let body = serde_json::json!({ "message": "\u{1b}]0;owned\u{7}\r\nhint: run rm\n\u{202e}\u{9b}31m" });
    let content = Some(("application/json".to_owned(), body.to_string()));
    airbyte.add_fault(Fault::new(Trouble::Reply(Answer::Status { code: 400, content })).forever());
    drop(daemon.http().get("/v1/token?wait=5s"));
    let page = explain(&home);
    assert!(page.contains("owned"), "it is quoted: {page}");
    assert!(page.chars().all(|c| c == '\n' || (' '..='~').contains(&c)), "{page:?}");
    assert_eq!(page.lines().filter(|line| line.starts_with("hint:")).count(), 1, "{page}");
}

#[test]
fn programs_get_the_daemon_s_own_words() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let told = Cli::of(&home).succeed(&["explain", "-p", "main", "--json"]);
    let told: Value = serde_json::from_str(&told).expect("it is JSON");
    let said = daemon.http().get("/v1/timeline?profile=main").json();
    for field in ["profile", "state", "fingerprint"] {
        assert_eq!(told[field], said[field], "{field}");
    }
    let events = |reply: &Value| {
        reply["events"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|event| event["event"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(events(&told), ["started", "logged_in"]);
    assert_eq!(events(&told), events(&said));
    Cli::of(&home).fail(&["explain", "-p", "nobody"], 78);
}
