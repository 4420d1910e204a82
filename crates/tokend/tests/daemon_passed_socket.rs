//! A socket that a service manager passes (`sd_listen_fds(3)`) is served where it is, or refused with its reason.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::{
        fd::OwnedFd,
        unix::net::{UnixListener, UnixStream},
    },
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Starts the daemon with this as its third descriptor, and as its fourth too if there are to be two.
fn start(home: &TempDir, passed: OwnedFd, how_many: u8) -> Child {
    let script = format!(
        "exec 3<&0 4<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS={how_many}; export LISTEN_PID LISTEN_FDS; exec \"$0\""
    );
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_airbyte-tokend")]).stdin(passed);
    command.env_clear().env("HOME", home.path()).env("XDG_RUNTIME_DIR", home.path());
    command.stderr(Stdio::piped()).spawn().unwrap()
}

fn refusal(passed: OwnedFd, how_many: u8) -> String {
    let home = tempfile::tempdir().unwrap();
    let output = start(&home, passed, how_many).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(78), "another start would find the same");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_socket_is_served_where_it_is_and_left_there() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("elsewhere.sock");
    let mut daemon = start(&home, UnixListener::bind(&path).unwrap().into(), 1);
    let mut caller = UnixStream::connect(&path).unwrap();
    caller.write_all(b"GET /readyz HTTP/1.1\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    caller.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("ready"), "{answer}");
    let mut lines = BufReader::new(daemon.stderr.take().unwrap()).lines().map(Result::unwrap);
    let serving = lines.find(|line| line.contains("serving")).unwrap();
    assert!(serving.contains(path.to_str().unwrap()), "{serving}");
    assert!(home.path().join("elsewhere.lock").exists());
    kill_process(Pid::from_child(&daemon), Signal::TERM).unwrap();
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
    assert!(path.exists());
}

#[test]
fn more_than_one_socket_is_refused_since_callers_of_the_second_would_wait_for_ever() {
    let home = tempfile::tempdir().unwrap();
    let passed = UnixListener::bind(home.path().join("a.sock")).unwrap();
    let said = refusal(passed.into(), 2);
    assert!(said.contains("there are 2") && said.contains("ListenStream="), "{said}");
}

#[test]
fn a_callers_connection_in_place_of_a_socket_is_refused() {
    let (connection, _caller) = UnixStream::pair().unwrap();
    let said = refusal(connection.into(), 1);
    assert!(said.contains("Accept=no"), "{said}");
}
