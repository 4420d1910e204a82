//! `client add`, `client list` and `client rm`, with the real binary.

use std::{fs::OpenOptions, process::Stdio};

use crate::support::{Daemon, Reply, client};
use serde_json::{Value, json};

const SECRET: &str = "canaryCanaryCanaryCanaryCanaryCanaryCanary1";
const ID: &str = "6f1c2d3e-4b5a-4c7d-8e9f-0a1b2c3d4e5f";

fn made(secret: &str) -> Reply {
    let body = json!({"name": "ci", "id": ID, "secret": secret, "profile": "prod", "mode": "proxy", "read_only": false});
    Reply::json(201, &body.to_string())
}

fn sent(daemon: &Daemon) -> Value {
    serde_json::from_str(&daemon.heard().last().expect("something was sent").body).expect("a body is json")
}

#[test]
fn add_shows_id_and_secret_and_says_that_it_does_so_once() {
    let daemon = Daemon::with([made(SECRET)]);
    let told = daemon.run("client add ci").done();
    let expected = format!("client id:     {ID}\nclient secret: {SECRET}\nThis secret is not shown again.\n");
    assert_eq!(told, expected);
    assert_eq!(daemon.heard()[0].line, "POST /v1/clients");
    assert_eq!(sent(&daemon), json!({"name": "ci", "mode": "proxy", "read_only": false}));
}

#[test]
fn add_speaks_to_programs() {
    let told = Daemon::with([made(SECRET)]).run("client add ci --json").done();
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (&told["id"], &told["secret"], &told["profile"]),
        (&json!(ID), &json!(SECRET), &json!("prod"))
    );
}

#[test]
fn add_hands_over_all_that_was_said() {
    for (line, more) in [
        ("client add ci -p staging", json!({"profile": "staging", "mode": "proxy", "read_only": false})),
        ("client add ci --mode token", json!({"mode": "token", "read_only": false})),
        ("client add ci --mode proxy --read-only", json!({"mode": "proxy", "read_only": true})),
    ] {
        let daemon = Daemon::with([made(SECRET)]);
        daemon.run(line).done();
        let mut expected = json!({"name": "ci"});
        expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(sent(&daemon), expected, "{line}");
    }
}

#[test]
fn a_secret_that_could_not_be_shown_is_nobodys() {
    let daemon = Daemon::with([made(SECRET), Reply::done()]);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = client("client add ci");
    command.arg("--socket").arg(&daemon.socket).stdout(full).stderr(Stdio::piped());
    let ended = command.spawn().unwrap().wait_with_output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(75), "{told}");
    assert!(told.contains("the local client ci was not made: cannot write to standard output"), "{told}");
    assert!(!told.contains(SECRET));
    let lines: Vec<_> = daemon.heard().into_iter().map(|heard| heard.line).collect();
    assert_eq!(lines, ["POST /v1/clients", "DELETE /v1/clients/ci"]);
}

#[test]
fn a_secret_that_could_neither_be_shown_nor_taken_back_is_told_of() {
    let daemon = Daemon::with([made(SECRET), Reply::json(500, r#"{"code":"internal","message":"m"}"#)]);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = client("client add ci");
    command.arg("--socket").arg(&daemon.socket).stdout(full).stderr(Stdio::piped());
    let ended = command.spawn().unwrap().wait_with_output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(told.ends_with("hint: `airbyte-token client rm ci`, and add it again\n"), "{told}");
}

#[test]
fn what_is_no_secret_is_not_shown() {
    for odd in ["", "a b", "\u{1b}[2J", "caf\u{e9}"] {
        let daemon = Daemon::with([made(odd), Reply::done()]);
        let (what, _) = daemon.run("client add ci").failed(76);
        assert!(what.ends_with("that is no secret"), "{what}");
    }
}

#[test]
fn add_tells_why_there_is_no_such_client() {
    for (code, status, exit) in [
        ("client_exists", 409, 78),
        ("no_such_profile", 404, 78),
        ("clients_file", 424, 78),
        ("busy", 503, 75),
    ] {
        let daemon = Daemon::with([Reply::json(status, &json!({"code": code, "message": "m"}).to_string())]);
        let (what, hint) = daemon.run("client add ci").failed(exit);
        assert_eq!(what, "m");
        assert!(!hint.is_empty());
        assert_eq!(daemon.heard().len(), 1, "nothing is taken back that was not given");
    }
}

fn listed() -> Value {
    let client = |name: &str, more: Value| {
        let mut client =
            json!({"name": name, "id": ID, "profile": "prod", "mode": "proxy", "read_only": false});
        client.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        client
    };
    json!({"clients": [
        client("agent", json!({"read_only": true})),
        client("ci", json!({"mode": "token", "last_used": "2026-01-01T00:00:00Z", "last_used_ago": 200})),
        client("dagster", json!({"profile": "staging"})),
    ]})
}

#[test]
fn clients_are_listed_with_what_they_may_have_and_when_they_last_came() {
    let daemon = Daemon::with([Reply::json(200, &listed().to_string())]);
    let expected = format!(
        "CLIENT   PROFILE  MODE              LAST USED   ID\n\
         agent    prod     proxy, read-only  never       {ID}\n\
         ci       prod     token             3m 20s ago  {ID}\n\
         dagster  staging  proxy             never       {ID}\n"
    );
    assert_eq!(daemon.run("client list").done(), expected);
    assert_eq!(daemon.heard()[0].line, "GET /v1/clients");
}

#[test]
fn clients_of_one_profile_are_listed_alone_and_for_programs() {
    let reply = || Reply::json(200, &listed().to_string());
    let told = Daemon::with([reply()]).run("client list -p staging").done();
    assert_eq!(told.lines().count(), 2, "{told}");
    let told: Value =
        serde_json::from_str(&Daemon::with([reply()]).run("client list --json").done()).unwrap();
    assert_eq!(told, listed());
}

#[test]
fn where_there_are_no_clients_the_way_to_one_is_told() {
    let told = Daemon::with([Reply::json(200, r#"{"clients":[]}"#)]).run("client list").done();
    assert_eq!(told, "no local clients yet; `airbyte-token client add NAME` makes one\n");
}

#[test]
fn a_damaged_register_is_told_of() {
    let body = json!({"clients": [], "problem": "/s/clients.json is damaged: \u{7}"}).to_string();
    let told = Daemon::with([Reply::json(200, &body)]).run("client list").done();
    let expected = "warning: all local clients are refused: /s/clients.json is damaged: ?\n\
                    hint: put the file in order, or move it away and add the clients anew; then restart the daemon\n";
    assert_eq!(told, expected);
}

#[test]
fn rm_refuses_the_named_client() {
    let daemon = Daemon::with([Reply::done()]);
    assert_eq!(daemon.run("client rm ci").done(), "removed: local client ci is refused from now on\n");
    assert_eq!(daemon.heard()[0].line, "DELETE /v1/clients/ci");
}

#[test]
fn without_a_daemon_nothing_is_made() {
    for line in ["client add ci", "client list", "client rm ci"] {
        let (what, _) = Daemon::absent().run(line).failed(69);
        assert!(what.starts_with("no daemon answers"), "{what}");
    }
}
