//! What a hostile server would like to have written to a terminal.

use std::{process::Command, thread};

use airbyte_sandbox::{Fault, OddToken, Reply, Trouble};
use airbyte_tokend_tests::{Airbyte, Cli, Home, Process};
use serde_json::json;

use super::{curl, exchange, fail_to_refresh, warm};

/// A title, a colour, a line of one's own, an end of a C string, and characters that turn or hide others.
const HOSTILE: &str =
    "\u{1b}]0;owned\u{7}\u{1b}[31m\r\nhint: run rm\u{8}\0\u{9b}2J\u{202e}\u{200b}\u{2028}end\u{7f}";

fn answer(code: u16, kind: &str, body: String) -> Fault {
    Fault::new(Trouble::Reply(Reply::Status { code, content: Some((kind.to_owned(), body)) }))
}

/// Every place of a reply in which such text may stand.
fn faults() -> Vec<Fault> {
    let message = |code| answer(code, "application/json", json!({ "message": HOSTILE }).to_string());
    let odd = [OddToken::Crlf, OddToken::Esc, OddToken::Nul, OddToken::Bidi].map(Fault::token);
    let texts = [
        message(400),
        message(401),
        message(403),
        message(404),
        message(422),
        message(500),
        answer(
            401,
            "application/json",
            json!({ "error": HOSTILE, "error_description": HOSTILE }).to_string(),
        ),
        answer(
            200,
            "application/json",
            json!({ "access_token": HOSTILE, "token_type": HOSTILE }).to_string(),
        ),
        answer(200, "text/html", format!("<title>{HOSTILE}</title>")),
        answer(502, "text/plain", HOSTILE.to_owned()),
        answer(400, "application/json", HOSTILE.to_owned()),
        answer(200, &format!("text/{}", &HOSTILE[..8]), String::new()),
        Fault::redirect(302, format!("http://evil.example/{}", &HOSTILE[..8])),
        Fault::status(429).retry_after("\u{1b}[31m"),
    ];
    odd.into_iter().chain(texts).map(Fault::forever).collect()
}

fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|byte| *byte == b'\n' || (b' '..=b'~').contains(byte))
}

/// Everything that a person may ask after a reply like this.
const ASKED: [&[&str]; 9] = [
    &["refresh"],
    &["print"],
    &["print", "--min-ttl", "23h", "--wait", "0"],
    &["header", "--min-ttl", "23h", "--wait", "0"],
    &["status"],
    &["status", "--json"],
    &["explain"],
    &["explain", "--json"],
    &["wait", "--timeout", "0s", "--min-ttl", "23h"],
];

/// T10: tokens and errors that command a terminal, through every command that could show them, and in the log. The
/// control is the next test.
#[test]
fn nothing_that_commands_a_terminal_comes_through() {
    thread::scope(|scope| {
        for fault in faults() {
            scope.spawn(move || {
                let (home, airbyte) = (Home::new(), Airbyte::start());
                let daemon = warm(&home, &airbyte);
                airbyte.add_fault(fault.clone());
                assert!(is_plain(&fail_to_refresh(&daemon).body), "{fault:?}");
                let cli = Cli::of(&home);
                for arguments in ASKED {
                    let ended = cli.run(arguments);
                    let said = [&ended.stdout, ended.stderr.as_bytes()].concat();
                    assert!(
                        is_plain(&said),
                        "{arguments:?} after {fault:?}: {:?}",
                        String::from_utf8_lossy(&said)
                    );
                }
                let login = cli.log_in(&airbyte, "memory", &["-p", "other"]);
                assert!(
                    login.code() != Some(0) && is_plain(login.stderr.as_bytes()),
                    "{fault:?}: {}",
                    login.stderr
                );
                let log = daemon.stop().stderr;
                assert!(is_plain(log.as_bytes()), "{fault:?}: {log:?}");
            });
        }
    });
}

/// What a script makes of a reply: it shows the token, or the message.
const NAIVE: &str = "
import json, sys
text = sys.stdin.read()
try:
    reply = json.loads(text)
    text = ' '.join(str(value) for value in reply.values())
except ValueError:
    pass
print(text)
";

/// T10: the same replies to somebody who shows what came. Those of the last lines are of hostile headers, which curl
/// shows with `--include`.
#[test]
fn a_client_that_shows_what_came_would_let_it_through() {
    thread::scope(|scope| {
        for fault in faults() {
            scope.spawn(move || {
                let airbyte = Airbyte::start();
                airbyte.add_fault(fault.clone());
                let reply = exchange(curl(&airbyte, &[]), &airbyte);
                let mut python = Command::new("python3");
                python.args(["-c", NAIVE]).env("PYTHONIOENCODING", "utf-8");
                let shown = Process::start(&mut python, &reply.stdout).wait().stdout;
                let included = exchange(curl(&airbyte, &["--include"]), &airbyte).stdout;
                let head: Vec<_> = included.into_iter().filter(|byte| *byte != b'\r').collect();
                assert!(!is_plain(&shown) || !is_plain(&head), "{fault:?}");
            });
        }
    });
}
