//! A person at a terminal, with the real binary.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::unix::process::ExitStatusExt as _,
    process::{Child, ChildStderr, Stdio},
};

use rustix::{
    pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{LocalModes, Termios, tcgetattr},
};

use crate::support::{Daemon, Reply, client};

const SECRET: &str = "canary-secret";
const PROFILE: &str = r#"{"name":"default","service":"cloud","url":"https://api.airbyte.com","client_id":"id-1","vault":"keyring"}"#;

/// The client with a terminal as its standard input, the person's end of that terminal, and what the client says.
struct Session {
    child: Child,
    person: File,
    terminal: File,
    said: ChildStderr,
    before: LocalModes,
}

impl Session {
    fn begin(line: &str, daemon: &Daemon) -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
        grantpt(&person).expect("the terminal is ours");
        unlockpt(&person).expect("the terminal is ours");
        let terminal =
            ioctl_tiocgptpeer(&person, OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("it has another end");
        let before = modes(&terminal).local_modes;
        let mut command = client(line);
        command
            .arg("--socket")
            .arg(&daemon.socket)
            .stdin(terminal.try_clone().expect("a descriptor is free"));
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the client starts");
        let said = child.stderr.take().expect("standard error is a pipe");
        Self { child, person: person.into(), terminal: terminal.into(), said, before }
    }

    fn hear(&mut self, question: &str) {
        let mut heard = vec![0; question.len()];
        self.said.read_exact(&mut heard).expect("the client asks");
        assert_eq!(String::from_utf8_lossy(&heard), question);
    }

    fn type_in(&mut self, keys: &str) {
        self.person.write_all(keys.as_bytes()).expect("the terminal takes it");
    }

    /// All that the terminal has shown. A mark of our own ends it, so that nothing need be waited for.
    fn shown(&mut self) -> String {
        self.terminal.write_all(b"\x04").expect("the terminal takes it");
        let mut shown = Vec::new();
        let mut byte = [0];
        while byte != [4] {
            self.person.read_exact(&mut byte).expect("the mark comes");
            shown.extend(byte);
        }
        String::from_utf8(shown).expect("a terminal shows text")
    }
}

fn modes(terminal: &impl std::os::fd::AsFd) -> Termios {
    tcgetattr(terminal).expect("a terminal has modes")
}

#[test]
fn a_secret_is_asked_for_and_typed_unseen() {
    let daemon = Daemon::with([Reply::json(200, r#"{"profiles":[]}"#), Reply::json(200, PROFILE)]);
    let mut session = Session::begin("login", &daemon);
    session.hear("Client id: ");
    session.type_in("id-1\n");
    session.hear("Client secret (not shown): ");
    session.type_in("oops\u{15}");
    session.type_in(&format!("{SECRET}\n"));
    session.hear("\n");
    assert!(session.child.wait().unwrap().success());
    let shown = session.shown();
    assert!(shown.contains("id-1"), "what is no secret is seen: {shown:?}");
    assert!(!shown.contains("oops") && !shown.contains("canary"), "{shown:?}");
    assert!(daemon.heard()[1].body.contains(&format!(r#""client_secret":"{SECRET}""#)));
}

#[test]
fn after_the_prompt_the_terminal_is_as_it_was() {
    let daemon = Daemon::with([Reply::json(200, r#"{"profiles":[]}"#), Reply::json(200, PROFILE)]);
    let mut session = Session::begin("login --client-id id-1", &daemon);
    session.hear("Client secret (not shown): ");
    assert!(!modes(&session.terminal).local_modes.contains(LocalModes::ECHO));
    session.type_in(&format!("{SECRET}\n"));
    assert!(session.child.wait().unwrap().success());
    assert_eq!(modes(&session.terminal).local_modes, session.before);
}

#[test]
fn ctrl_c_at_the_prompt_ends_the_client_and_leaves_the_terminal_as_it_was() {
    let daemon = Daemon::with([Reply::json(200, r#"{"profiles":[]}"#)]);
    let mut session = Session::begin("login --client-id id-1", &daemon);
    session.hear("Client secret (not shown): ");
    session.type_in("canary\u{3}");
    assert_eq!(session.child.wait().unwrap().signal(), Some(2), "SIGINT");
    assert_eq!(modes(&session.terminal).local_modes, session.before);
    assert!(!session.shown().contains("canary"));
    assert_eq!(daemon.heard().len(), 1);
}
