//! `login`, `logout`, `status`, `profiles` and `use`, with the real binary.

use std::{env, path::Path};

use crate::support::{Daemon, Reply, client, run};
use serde_json::{Value, json};

const SECRET: &str = "canary-secret";
const PROD: &str = r#"{"name":"prod","service":"cloud","url":"https://api.airbyte.com","client_id":"id-1","vault":"keyring"}"#;
const STAGING: &str = r#"{"name":"staging","service":"self-managed","url":"https://a.example","client_id":"id-2","vault":"file"}"#;

fn no_profiles() -> Reply {
    Reply::json(200, r#"{"profiles":[]}"#)
}

fn two_profiles() -> Reply {
    Reply::json(200, &format!(r#"{{"default_profile":"prod","profiles":[{PROD},{STAGING}]}}"#))
}

fn sent(daemon: &Daemon) -> Value {
    serde_json::from_str(&daemon.heard().last().expect("something was sent").body).expect("a body is json")
}

#[test]
fn login_takes_the_secret_from_standard_input_and_shows_it_nowhere() {
    let daemon = Daemon::with([no_profiles(), Reply::json(200, PROD)]);
    let told = daemon.run_with("login -p prod --client-id id-1", &format!("{SECRET}\n")).done();
    assert_eq!(
        told,
        "logged in: profile prod (cloud, https://api.airbyte.com), its secret is kept by: keyring\n"
    );
    let lines: Vec<_> = daemon.heard().into_iter().map(|heard| heard.line).collect();
    assert_eq!(lines, ["GET /v1/profiles", "PUT /v1/profiles/prod"]);
    let expected = json!({"client_id": "id-1", "client_secret": SECRET, "default": true});
    assert_eq!(sent(&daemon), expected, "the first profile is the default one");
}

#[test]
fn login_to_a_profile_that_exists_leaves_its_service_and_its_client_id_alone() {
    let daemon = Daemon::with([two_profiles(), Reply::json(200, STAGING)]);
    daemon.run_with("login -p staging", SECRET).done();
    assert_eq!(sent(&daemon), json!({"client_id": "id-2", "client_secret": SECRET, "default": false}));
}

#[test]
fn login_hands_over_all_that_was_said() {
    let daemon = Daemon::with([two_profiles(), Reply::json(200, STAGING)]);
    let line = "login --url https://a.example --client-id id-2 --vault file --organization-id org --ca-file ca.pem \
                --proxy http://p:1";
    daemon.run_with(line, &format!("{SECRET}\r\nmore\n")).done();
    assert_eq!(daemon.heard()[1].line, "PUT /v1/profiles/default");
    let ca_file = env::current_dir().unwrap().join(Path::new("ca.pem"));
    let expected = json!({"service": "self-managed", "url": "https://a.example", "client_id": "id-2",
        "client_secret": SECRET, "organization_id": "org", "vault": "file", "ca_file": ca_file, "proxy": "http://p:1",
        "default": false});
    assert_eq!(sent(&daemon), expected);
}

#[test]
fn login_makes_a_profile_the_default_one_when_asked() {
    let daemon = Daemon::with([two_profiles(), Reply::json(200, STAGING)]);
    daemon.run_with("login --agents --client-id id-2 --default", SECRET).done();
    assert_eq!((&sent(&daemon)["default"], &sent(&daemon)["service"]), (&json!(true), &json!("agents")));
}

#[test]
fn login_tells_a_wrong_secret_from_a_wrong_url() {
    for (code, status, exit, begins) in [
        ("rejected", 424, 77, "client id or secret refused, nothing is stored: m"),
        ("misdirected", 424, 78, "wrong URL or service, nothing is stored: m"),
        ("keyring_missing", 503, 75, "nothing is stored: m"),
    ] {
        let body = format!(r#"{{"code":"{code}","message":"m"}}"#);
        let daemon = Daemon::with([no_profiles(), Reply::json(status, &body)]);
        let (what, hint) = daemon.run_with("login --client-id id", SECRET).failed(exit);
        assert_eq!(what, begins);
        assert!(!hint.contains(SECRET));
        if code == "keyring_missing" {
            assert!(hint.contains("--vault file") && hint.contains("--vault memory"), "{hint}");
        }
    }
}

#[test]
fn login_refuses_what_is_no_secret_before_anything_is_sent() {
    for (input, expected) in [
        ("", "the client secret is empty"),
        ("\n", "the client secret is empty"),
        ("can\u{1b}ary\n", "the client secret has a control character in it"),
        (&"x".repeat(5_000), "longer than 4096 bytes"),
    ] {
        let daemon = Daemon::with([no_profiles()]);
        let (what, _) = daemon.run_with("login --client-id id", input).failed(2);
        assert!(what.contains(expected), "{what}");
        assert_eq!(daemon.heard().len(), 1);
    }
}

#[test]
fn login_asks_for_a_client_id_only_where_somebody_can_answer() {
    let daemon = Daemon::with([no_profiles()]);
    let (what, hint) = daemon.run_with("login", SECRET).failed(2);
    assert_eq!(what, "the client id is missing, and nobody is at the terminal to ask");
    assert_eq!(hint, "add --client-id ID");
}

#[test]
fn login_without_a_daemon_reads_no_secret() {
    let (what, hint) = Daemon::absent().run_with("login --client-id id", SECRET).failed(69);
    assert!(what.starts_with("no daemon answers"), "{what}");
    assert_eq!(hint, "systemctl --user start airbyte-tokend.socket");
}

#[test]
fn a_secret_is_never_an_argument() {
    for line in
        ["login --client-secret canary", "login --client-secret=canary", "login --client-id id canary"]
    {
        let daemon = Daemon::with([no_profiles()]);
        let (what, hint) = daemon.run(line).failed(2);
        assert!(!what.contains("canary") && !hint.contains("canary"), "{what}; {hint}");
        assert!(hint.contains("prompt"), "{hint}");
        assert!(daemon.heard().is_empty());
    }
}

#[test]
fn a_secret_is_never_a_variable() {
    let daemon = Daemon::with([no_profiles()]);
    let mut command = client("login --client-id id");
    for variable in ["AIRBYTE_CLIENT_SECRET", "CLIENT_SECRET", "AIRBYTE_SECRET"] {
        command.env(variable, SECRET);
    }
    run(command.arg("--socket").arg(&daemon.socket), "").failed(2);
}

#[test]
fn logout_forgets_the_named_profile() {
    let daemon = Daemon::with([Reply::done()]);
    let told = daemon.run("logout -p staging").done();
    assert_eq!(told, "logged out: profile staging and its secret are forgotten\n");
    assert_eq!(daemon.heard()[0].line, "DELETE /v1/profiles/staging");
}

#[test]
fn logout_by_force_says_that_a_secret_may_be_left() {
    let daemon = Daemon::with([Reply::done()]);
    let told = daemon.run("logout -p staging --force").done();
    assert!(
        told.starts_with("logged out: profile staging is forgotten") && told.contains("unless"),
        "{told}"
    );
    assert_eq!(daemon.heard()[0].line, "DELETE /v1/profiles/staging?force=true");
}

#[test]
fn login_says_where_an_old_secret_is_left() {
    let left = PROD.replace('}', r#","left_in":"file"}"#);
    let daemon = Daemon::with([two_profiles(), Reply::json(200, &left)]);
    let told = daemon.run_with("login -p prod", SECRET).done();
    assert!(told.ends_with("could not be deleted and is still kept by: file\n"), "{told}");
}

#[test]
fn logout_without_a_name_forgets_the_default_profile() {
    let daemon = Daemon::with([two_profiles(), Reply::done()]);
    daemon.run("logout").done();
    assert_eq!(daemon.heard()[1].line, "DELETE /v1/profiles/prod");
    let (what, _) = Daemon::with([no_profiles()]).run("logout").failed(78);
    assert_eq!(what, "no profile is named and there is no default");
}

#[test]
fn use_chooses_the_default_profile() {
    let daemon = Daemon::with([Reply::done()]);
    assert_eq!(daemon.run("use staging").done(), "default profile: staging\n");
    assert_eq!(daemon.heard()[0].line, "PUT /v1/default-profile");
    assert_eq!(sent(&daemon), json!({"profile": "staging"}));
}

#[test]
fn profiles_are_listed_with_a_star_at_the_default_one() {
    let expected = "  PROFILE  SERVICE       URL                      CLIENT ID  VAULT\n\
                    * prod     cloud         https://api.airbyte.com  id-1       keyring\n  \
                      staging  self-managed  https://a.example        id-2       file\n";
    assert_eq!(Daemon::with([two_profiles()]).run("profiles").done(), expected);
    let one = Daemon::with([two_profiles()]).run("profiles -p staging --json").done();
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(
        (&one["profiles"][0]["name"], one["profiles"].as_array().unwrap().len()),
        (&json!("staging"), 1)
    );
    let none = Daemon::with([no_profiles()]).run("profiles").done();
    assert_eq!(none, "no profiles yet; `airbyte-token login` makes one\n");
    let (what, _) = Daemon::with([two_profiles()]).run("profiles -p moon").failed(78);
    assert_eq!(what, "there is no profile `moon`");
}

fn status() -> Value {
    let profile = |name: &str, more: Value| {
        let mut profile = json!({"name": name, "service": "cloud", "url": "https://api.airbyte.com", "client_id": "id",
            "vault": "keyring", "exchanges": 1});
        profile.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        profile
    };
    json!({"version": "1.2.3", "default_profile": "fresh", "config_problem": "config.toml:1:1: a\u{7}", "profiles": [
        profile("fresh", json!({"state": "fresh", "expires_in": 723, "refresh_in": 423})),
        profile("idle", json!({"state": "idle"})),
        profile("worse", json!({"state": "degraded", "expires_in": 59, "retry_in": 8,
            "last_error": {"code": "upstream_unavailable", "message": "connection refused", "hint": "wait"}})),
        profile("skewed", json!({"state": "clock_suspect", "expires_in": 600, "refresh_in": 300, "clock_skew": -601})),
        profile("refused", json!({"state": "rejected", "retry_in": 300,
            "last_error": {"code": "rejected", "message": "\u{1b}[2Jrefused"}})),
    ]})
}

#[test]
fn status_shows_time_left_next_renewal_and_the_last_error_with_its_remedy() {
    let daemon = Daemon::with([Reply::json(200, &status().to_string())]);
    let expected = [
        "airbyte-tokend 1.2.3",
        "warning: the configuration has mistakes, and the old one stays in force:",
        "  config.toml:1:1: a?",
        "  PROFILE  STATE          TIME LEFT  NEXT",
        "* fresh    fresh          12m 3s     renews in 7m 3s",
        "  idle     idle           -          renews when asked",
        "  worse    degraded       59s        tries again in 8s",
        "    error: connection refused (upstream_unavailable)",
        "    hint: wait",
        "  skewed   clock_suspect  10m 0s     renews in 5m 0s",
        "    warning: this machine's clock is 10m 1s behind Airbyte's",
        "    hint: set this machine's clock: `timedatectl set-ntp true`",
        "  refused  rejected       -          looks again in 5m 0s",
        "    error: ?[2Jrefused (rejected)",
        "    hint: check the client id and secret in Airbyte's settings, then run `airbyte-token login`",
        "",
    ];
    assert_eq!(daemon.run("status").done(), expected.join("\n"));
    assert_eq!(daemon.heard()[0].line, "GET /v1/status");
}

#[test]
fn status_speaks_to_programs() {
    let reply = || Reply::json(200, &status().to_string());
    let told: Value = serde_json::from_str(&Daemon::with([reply()]).run("status --json").done()).unwrap();
    assert_eq!(told, status());
    let told: Value =
        serde_json::from_str(&Daemon::with([reply()]).run("status --json -p idle").done()).unwrap();
    assert_eq!(told["profiles"], json!([status()["profiles"][1]]));
    Daemon::with([reply()]).run("status -p moon").failed(78);
}
