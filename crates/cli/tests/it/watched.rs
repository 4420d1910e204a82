//! What a person sees who looks on, with the real binary.

use std::{fs::File, io::Read as _, io::Write as _, process::Stdio};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

use crate::support::{Daemon, Reply, client};

/// Runs the client with a terminal as its standard output and error; what the terminal has shown, and the exit status.
fn watch(line: &str, daemon: &Daemon) -> (String, Option<i32>) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
    grantpt(&person).expect("the terminal is ours");
    unlockpt(&person).expect("the terminal is ours");
    let terminal =
        ioctl_tiocgptpeer(&person, OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("it has another end");
    let (mut person, mut terminal) = (File::from(person), File::from(terminal));
    let end = || Stdio::from(terminal.try_clone().expect("a descriptor is free"));
    let mut command = client(line);
    let pipes = command.env("TERM", "xterm").env("TZ", "UTC0").arg("--socket").arg(&daemon.socket);
    let mut child =
        pipes.stdin(Stdio::null()).stdout(end()).stderr(end()).spawn().expect("the client starts");
    let status = child.wait().expect("the client ends").code();
    // A mark of our own ends what was shown, so that nothing need be waited for.
    terminal.write_all(b"\x04").expect("the terminal takes it");
    let mut shown = Vec::new();
    let mut byte = [0];
    while byte != [4] {
        person.read_exact(&mut byte).expect("the mark comes");
        shown.extend(byte);
    }
    shown.pop();
    (String::from_utf8(shown).expect("a terminal shows text").replace("\r\n", "\n"), status)
}

#[test]
fn who_waits_is_told_for_what_once_and_then_that_it_is_there() {
    let locked = || {
        let body = r#"{"code":"keyring_locked","message":"it is locked\u001b[2J","profile":"prod",
            "state":"keyring_locked","retry_in":1}"#;
        Reply::json(503, body)
    };
    let ready = Reply::json(200, r#"{"profile":"prod","fingerprint":"0123456789abcdef","expires_in":899}"#);
    let (shown, status) = watch("wait", &Daemon::with([locked(), locked(), ready]));
    let expected = [
        "waiting: prod is keyring_locked: it is locked?[2J",
        "ready: profile prod, token 0123456789abcdef, lives 14m 59s more",
        "",
    ];
    assert_eq!((shown, status), (expected.join("\n"), Some(0)));
}

#[test]
fn explain_is_painted_on_a_terminal() {
    let reply = r#"{"profile":"prod","now":"2030-06-02T12:20:00Z","state":"expired","events":[
        {"at":"2030-06-02T12:19:57Z","ago":3,"event":"started"}]}"#;
    let (shown, status) = watch("explain", &Daemon::with([Reply::json(200, reply)]));
    assert_eq!(status, Some(0), "{shown}");
    assert!(shown.starts_with("prod is \u{1b}[1;31mexpired\u{1b}[0m: no token lives"), "{shown}");
    assert!(shown.contains("  12:19:57  \u{1b}[2m3s ago\u{1b}[0m  the daemon began"), "{shown}");
}
