//! A server in the daemon's place.

use std::{fs, path::Path};

use airbyte_tokend_tests::{Cli, Home, Person, Process};

use super::{Scene, set_mode, socket_for};

/// A server that hands out this token to one caller.
fn impostor(home: &Home, person: Person, socket: &Path) -> Process {
    let mut command = home.command_of(person, "python3".as_ref());
    command.arg("-c").arg(IMPOSTOR).arg(socket).current_dir("/");
    let server = Process::start(&mut command, b"");
    server.stdout().wait_for("listening");
    server
}

const IMPOSTOR: &str = r"
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
listener.listen()
print('listening', flush=True)
while True:
    caller, _ = listener.accept()
    caller.recv(4096)
    caller.sendall(b'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 32\r\n\r\n' + b'e' * 32)
    caller.close()
";

/// T3: the directory is one to be trusted, and only who listens is not.
#[test]
fn a_server_that_is_another_user_is_not_believed() {
    let home = Home::of(Person::owner());
    let (open, trusted) = (home.path().join("open"), home.path().join("trusted"));
    for directory in [&open, &trusted] {
        home.make_directory(directory);
    }
    set_mode(home.path(), 0o755);
    set_mode(&open, 0o777);
    for (server, believed) in [(Person::owner(), true), (Person::stranger(), false)] {
        let (made, socket) = (open.join("s"), trusted.join("s"));
        let _server = impostor(&home, server, &made);
        fs::rename(&made, &socket).expect("it is ours");
        let ended = Cli::of(&home).socket(&socket).run(&["print"]);
        let expected = if believed { Some(0) } else { Some(77) };
        assert_eq!(ended.code(), expected, "{}", ended.stderr);
        assert_eq!(!ended.stdout.is_empty(), believed);
        assert_eq!(ended.stderr.contains("is served by uid"), !believed, "{}", ended.stderr);
    }
}

/// T3: a socket that another user's daemon has for this one is believed once that user is named, and no other's is.
#[test]
fn another_user_s_daemon_is_believed_by_whoever_names_that_user() {
    let scene = Scene::new();
    let (stranger, socket) = (Person::stranger(), scene.open_directory().join("api.sock"));
    scene.reload(&socket_for(&socket, &[stranger.uid()]));
    let theirs = Home::of(stranger);
    let cli =
        |named: u32| Cli::of(&theirs).socket(&socket).variable("AIRBYTE_TOKEND_UID", &named.to_string());
    let owner = scene.home.person().uid();
    assert_eq!(cli(owner).succeed(&["print"]), format!("{}\n", scene.ci.latest_token()));
    for other in [owner + 1, 65_534] {
        let refused = cli(other).run(&["print"]);
        assert_eq!(refused.code(), Some(77), "{}", refused.stderr);
        assert!(refused.stdout.is_empty() && refused.stderr.contains(&format!("belongs to uid {owner}")));
    }
}
