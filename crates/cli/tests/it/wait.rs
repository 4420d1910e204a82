//! `wait`, with the real binary.

use crate::support::{Daemon, Reply};

const READY: &str = r#"{"profile":"prod","fingerprint":"0123456789abcdef","expires_in":899}"#;

fn ready() -> Reply {
    Reply::json(200, READY)
}

/// A refusal that may pass, as the daemon marks it.
fn passing(code: &str, status: u16) -> Reply {
    let body = format!(
        r#"{{"code":"{code}","message":"m","hint":"h","retry_in":7,"retry_at":"2030-01-01T00:00:00Z"}}"#
    );
    Reply::json(status, &body)
}

fn lasting(code: &str, status: u16) -> Reply {
    Reply::json(status, &format!(r#"{{"code":"{code}","message":"m","hint":"h"}}"#))
}

fn lines(daemon: &Daemon) -> Vec<String> {
    daemon.heard().into_iter().map(|heard| heard.line).collect()
}

#[test]
fn wait_says_nothing_when_the_profile_is_ready() {
    let daemon = Daemon::with([ready()]);
    assert_eq!(daemon.run("wait -p prod --min-ttl 5m").done(), "");
    assert_eq!(lines(&daemon), ["GET /v1/ready?profile=prod&min_ttl=300&wait=1"]);
}

#[test]
fn what_may_pass_is_waited_for_a_second_at_a_time() {
    let daemon = Daemon::with([passing("keyring_locked", 503), passing("misdirected", 424), ready()]);
    assert_eq!(daemon.run("wait --timeout 2500ms").done(), "");
    assert_eq!(lines(&daemon), ["GET /v1/ready?wait=1", "GET /v1/ready?wait=1", "GET /v1/ready?wait=500ms"]);
}

#[test]
fn when_the_time_is_over_the_last_reason_is_told_and_another_try_may_work() {
    for code in ["keyring_locked", "misdirected"] {
        let daemon = Daemon::with([passing("throttled", 503), passing("throttled", 503), passing(code, 503)]);
        let (what, hint) = daemon.run("wait --timeout 2").failed(75);
        assert_eq!((what.as_str(), hint.as_str()), ("not ready after 2s: m", "h"));
        assert_eq!(lines(&daemon).last().map(String::as_str), Some("GET /v1/ready?wait=0"));
    }
}

#[test]
fn where_the_wait_was_too_short_the_option_to_lengthen_it_is_named() {
    let (_, hint) = Daemon::with([passing("wait_over", 504)]).run("wait --timeout 0").failed(75);
    assert!(hint.contains("--timeout") && hint.contains("explain"), "{hint}");
}

#[test]
fn what_waiting_cannot_mend_fails_at_once_with_its_own_status() {
    for (code, http, status) in [
        ("rejected", 424, 77),
        ("no_secret", 424, 78),
        ("log_in_again", 424, 78),
        ("no_such_profile", 404, 78),
        ("no_profile_chosen", 404, 78),
        ("misdirected", 424, 78),
        ("config_invalid", 409, 78),
        ("min_ttl_unmet", 503, 75),
        ("peer_refused", 403, 77),
        ("not_found", 404, 76),
    ] {
        let daemon = Daemon::with([lasting(code, http)]);
        let (what, _) = daemon.run("wait").failed(status);
        assert_eq!(what, "m", "{code}");
        assert_eq!(lines(&daemon).len(), 1, "{code}");
    }
}

#[test]
fn a_daemon_that_goes_and_comes_back_is_waited_for() {
    let daemon = Daemon::with([lasting("shutting_down", 503), lasting("busy", 503), Reply::raw(""), ready()]);
    assert_eq!(daemon.run("wait").done(), "");
    assert_eq!(lines(&daemon).len(), 4);
}

#[test]
fn a_daemon_that_is_not_there_yet_is_waited_for() {
    let late = Daemon::absent();
    let socket = late.socket.clone();
    let serving = std::thread::spawn(move || {
        let listener = std::os::unix::net::UnixListener::bind(&socket).expect("there is room");
        let (mut stream, _) = listener.accept().expect("a caller comes");
        let mut heard = vec![0; 4_096];
        let length = std::io::Read::read(&mut stream, &mut heard).expect("it asks");
        let reply = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{READY}",
            READY.len()
        );
        std::io::Write::write_all(&mut stream, reply.as_bytes()).expect("it listens");
        String::from_utf8_lossy(&heard[..length]).into_owned()
    });
    assert_eq!(late.run("wait --timeout 1m").done(), "");
    assert!(serving.join().expect("it served").starts_with("GET /v1/ready?wait=1 "));
}

#[test]
fn a_daemon_that_does_not_come_is_unreachable_when_the_time_is_over() {
    let (what, hint) = Daemon::absent().run("wait --timeout 300ms").failed(69);
    assert!(what.starts_with("not ready after 300ms: no daemon answers"), "{what}");
    assert_eq!(hint, "systemctl --user start airbyte-tokend.socket");
}

#[test]
fn an_answer_that_makes_no_sense_is_not_waited_for() {
    let daemon = Daemon::with([Reply::raw("220 ESMTP\r\n\r\n")]);
    daemon.run("wait").failed(76);
}
