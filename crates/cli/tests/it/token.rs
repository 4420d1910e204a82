//! `print`, `header` and `refresh`, with the real binary.

use std::{fs::File, process::Stdio};

use crate::support::{Daemon, Reply, TOKEN, client, run};
use airbyte_token_local::ErrorCode;

const JSON: &str = r#"{"access_token":"eyJhbGciOiJIUzI1NiJ9.e30.canary-token","token_type":"Bearer","expires_in":899,"profile":"prod","fingerprint":"0123456789abcdef"}"#;

#[test]
fn print_writes_the_token_and_a_line_break() {
    let daemon = Daemon::with([Reply::text(TOKEN)]);
    assert_eq!(daemon.run("print").done(), format!("{TOKEN}\n"));
    let heard = daemon.heard();
    assert_eq!(heard[0].line, "GET /v1/token");
    assert!(
        heard[0].head.contains("\r\nHost: localhost\r\n")
            && heard[0].head.contains("\r\nAccept: text/plain\r\n")
    );
}

#[test]
fn header_writes_what_curl_reads_from_a_file() {
    let daemon = Daemon::with([Reply::text(TOKEN)]);
    assert_eq!(daemon.run("header -p prod").done(), format!("Authorization: Bearer {TOKEN}\n"));
    assert_eq!(daemon.heard()[0].line, "GET /v1/token?profile=prod");
}

#[test]
fn print_tells_all_that_is_known_of_a_token() {
    let daemon = Daemon::with([Reply::json(200, JSON)]);
    assert_eq!(daemon.run("print --json --min-ttl 5m --wait 1500ms").done(), format!("{JSON}\n"));
    assert_eq!(daemon.heard()[0].line, "GET /v1/token?min_ttl=300&wait=1500ms");
}

#[test]
fn the_profile_of_the_environment_is_used_where_none_is_named() {
    let daemon = Daemon::with([Reply::text(TOKEN), Reply::text(TOKEN), Reply::text(TOKEN)]);
    for line in ["print", "print -p staging", "print"] {
        let variable = if daemon.heard().len() == 2 { "" } else { "prod" };
        run(client(line).env("AIRBYTE_PROFILE", variable).arg("--socket").arg(&daemon.socket), "").done();
    }
    let lines: Vec<_> = daemon.heard().into_iter().map(|heard| heard.line).collect();
    assert_eq!(lines, ["GET /v1/token?profile=prod", "GET /v1/token?profile=staging", "GET /v1/token"]);
}

#[test]
fn refresh_names_the_new_token_and_never_shows_it() {
    let reply = r#"{"profile":"prod","fingerprint":"0123456789abcdef","expires_in":899}"#;
    let daemon = Daemon::with([Reply::json(200, reply)]);
    let told = daemon.run("refresh -p prod --wait 10").done();
    assert_eq!(told, "renewed: profile prod, token 0123456789abcdef, lives 14m 59s\n");
    assert_eq!(daemon.heard()[0].line, "POST /v1/token/refresh?profile=prod&wait=10");
}

#[test]
fn every_refusal_of_the_daemon_has_its_exit_status() {
    for code in ErrorCode::ALL {
        let body = format!(r#"{{"code":"{code}","message":"what happened","hint":"what to do"}}"#);
        let daemon = Daemon::with([Reply::json(code.http_status(), &body)]);
        let (what, hint) = daemon.run("print --min-ttl 5m").failed(code.exit_status().code().into());
        assert_eq!(what, "what happened");
        if code == ErrorCode::Unknown {
            assert_eq!(hint, "this client is older than the daemon: update airbyte-token");
        } else {
            assert_eq!(hint, "what to do");
        }
    }
}

#[test]
fn an_error_says_how_the_profile_fares_and_nothing_twice() {
    for (code, state, expected) in [
        ("keyring_locked", "keyring_locked", "prod is keyring_locked: m"),
        ("upstream_unavailable", "expired", "prod is expired: m (upstream_unavailable)"),
        ("min_ttl_unmet", "degraded", "prod is degraded: m (min_ttl_unmet)"),
    ] {
        let body = format!(r#"{{"code":"{code}","message":"m","profile":"prod","state":"{state}"}}"#);
        let (what, _) = Daemon::with([Reply::json(503, &body)]).run("print").failed(75);
        assert_eq!(what, expected);
    }
}

#[test]
fn a_daemon_s_words_cannot_command_the_terminal() {
    let body = r#"{"code":"busy","message":"\u001b]0;owned\u0007 a\nb","hint":"\u202e\u001b[2J"}"#;
    let (what, hint) = Daemon::with([Reply::json(503, body)]).run("print").failed(75);
    assert_eq!((what.as_str(), hint.as_str()), ("?]0;owned? a?b", "??[2J"));
}

#[test]
fn an_answer_that_makes_no_sense_is_a_mismatch_and_is_not_quoted() {
    for reply in [
        Reply::text(&format!("{TOKEN}\r\nX-Injected: yes")),
        Reply::text(&format!("\u{1b}[2J{TOKEN}")),
        Reply::text("canary"),
        Reply::json(200, JSON),
        Reply::json(502, "<html>canary</html>"),
        Reply::raw(&format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n{TOKEN}")),
        Reply::raw(&format!(
            "HTTP/1.1 302 Found\r\nlocation: http://canary/\r\ncontent-length: 37\r\n\r\n{TOKEN}"
        )),
        Reply::raw("220 canary ESMTP\r\n\r\n"),
    ] {
        let (what, _) = Daemon::with([reply]).run("header").failed(76);
        assert!(what.starts_with("the daemon's answer makes no sense") && !what.contains("canary"), "{what}");
    }
}

#[test]
fn an_answer_that_was_cut_is_no_token() {
    let cut = format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 38\r\n\r\n{TOKEN}");
    assert_eq!(TOKEN.len(), 37, "one byte is missing");
    for reply in [Reply::raw(&cut), Reply::raw("HTTP/1.1 200 OK\r\n"), Reply::raw("")] {
        let (what, _) = Daemon::with([reply]).run("print").failed(75);
        assert!(what.ends_with("the connection ended too early"), "{what}");
    }
}

#[test]
fn a_token_that_cannot_be_written_is_a_failure() {
    let daemon = Daemon::with([Reply::text(TOKEN)]);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let child = client("print")
        .arg("--socket")
        .arg(&daemon.socket)
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(75));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot write to standard output"));
}
