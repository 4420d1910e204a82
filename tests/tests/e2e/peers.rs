//! The kernel says who connects and who listens: other users get nothing and are believed nothing.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use airbyte_tokend_tests::{Airbyte, Cli, Daemon, Ended, Home, Person, Process};

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().expect("it is there").permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

#[test]
fn the_socket_and_all_that_is_beside_it_are_closed_to_others() {
    let home = Home::new().with_file_vault();
    let (airbyte, daemon) = (Airbyte::start(), Daemon::start(&home));
    daemon.log_in("main", &airbyte, "file");
    let socket = home.socket();
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(socket.parent().expect("it has one")), 0o700);
    assert_eq!(mode(&socket.with_extension("lock")), 0o600);
    daemon.stop();
    assert_eq!(mode(&home.state()), 0o700);
    for entry in fs::read_dir(home.state()).expect("it is ours").flatten() {
        assert_eq!(mode(&entry.path()), 0o600, "{}", entry.path().display());
    }
}

/// `curl` of this user on the home's socket.
fn curl(home: &Home, person: Person) -> Ended {
    let mut command = home.command_of(person, "curl".as_ref());
    command.args(["--silent", "--show-error", "--include", "--max-time", "30", "--unix-socket"]);
    command.arg(home.socket()).arg("http://localhost/v1/token").current_dir("/");
    Process::start(&mut command, b"").wait()
}

#[test]
fn another_user_gets_nothing_even_when_directory_and_socket_stand_open() {
    let home = Home::of(Person::owner());
    let (airbyte, daemon) = (Airbyte::start(), Daemon::start(&home));
    daemon.log_in("main", &airbyte, "memory");
    let token = airbyte.latest_token();
    let kept_out = curl(&home, Person::stranger());
    assert_eq!(kept_out.code(), Some(7), "curl could not connect: {}", kept_out.stderr);

    let directory = home.run().join("airbyte-tokend");
    for path in [home.path(), &home.run(), &directory] {
        set_mode(path, 0o755);
    }
    set_mode(&home.socket(), 0o666);

    let refused = curl(&home, Person::stranger());
    let text = refused.text();
    assert!(
        text.starts_with("HTTP/1.1 403 ") && text.contains("\"peer_refused\""),
        "{text}{}",
        refused.stderr
    );
    assert!(!text.contains(&token[..16]) && text.contains("cache-control: no-store"), "{text}");
    daemon.log().wait_for("refused a caller that is another user");

    let served = curl(&home, Person::owner()).text();
    assert!(served.starts_with("HTTP/1.1 200 ") && served.contains(&token), "the owner is served");
    let served = curl(&home, Person::root()).text();
    assert!(served.starts_with("HTTP/1.1 200 ") && served.contains(&token), "root is served");
}

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
