//! User namespaces: the caller in one of its own, and the daemon in one that does not know everybody.

use std::{ffi::OsString, path::Path, process::Command};

use airbyte_tokend_tests::{Airbyte, Binary, Ended, Home, Person, Process};

use super::{CURL, Scene, assert_refused, assert_served, set_mode, socket_for};

/// `curl` of this user in a new user namespace, in which it is nobody that it knows of.
fn curl_from_elsewhere(scene: &Scene, person: Person, socket: &Path) -> Ended {
    let mut command = scene.home.command_of(person, "unshare".as_ref());
    command.args(["--user", "sh", "-c", "id -u >&2; exec \"$@\"", "sh", "curl"]);
    command.args(CURL).arg(socket).arg("http://localhost/v1/token").current_dir("/");
    Process::start(&mut command, b"").wait()
}

/// T9: whatever it calls itself, a caller is who it is outside.
#[test]
fn in_a_user_namespace_a_caller_is_still_who_it_is() {
    let scene = Scene::new();
    let (stranger, socket) = (Person::stranger(), scene.open_directory().join("api.sock"));
    scene.reload(&socket_for(&socket, &[stranger.uid() + 1]));
    let refused = curl_from_elsewhere(&scene, stranger, &socket);
    assert_eq!(refused.stderr.trim(), "65534", "it is nobody there");
    assert_refused(&refused, "peer_refused");
    let config = scene.home.config().replace(&(stranger.uid() + 1).to_string(), &stranger.uid().to_string());
    scene.home.write_config(&config);
    scene.reload("");
    assert_served(&curl_from_elsewhere(&scene, stranger, &socket), &scene.ci.latest_token());
}

/// A daemon in a user namespace that knows root, its owner, and these.
fn daemon_that_knows(home: &Home, others: &[u32]) -> Process {
    let built = home.command(Binary::Daemon);
    let program = built.get_args().last().unwrap_or_else(|| built.get_program()).to_owned();
    let variables = built.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let variables: Vec<OsString> = variables.map(|(name, value)| [name, value].join("=".as_ref())).collect();
    let owner = home.person().uid();
    let known: Vec<String> = [0, owner].iter().chain(others).map(u32::to_string).collect();
    let mut command: Command = Person::root().command("python3");
    command.arg("-c").arg(NAMESPACE).arg(known.join(",")).arg(owner.to_string());
    command.args(["env", "-i"]).args(variables).arg(program).current_dir("/");
    let daemon = Process::start(&mut command, b"");
    daemon.stderr().wait_for("serving socket=");
    daemon
}

/// Runs the rest of the arguments as this user, in a user namespace that maps these users to themselves.
const NAMESPACE: &str = r"
import ctypes, os, sys
CLONE_NEWUSER = 0x10000000
known, user = sorted({int(uid) for uid in sys.argv[1].split(',')}), int(sys.argv[2])
(ready_out, ready_in), (mapped_out, mapped_in) = os.pipe(), os.pipe()
parent = os.getpid()
if os.fork() == 0:
    os.read(ready_out, 1)
    for name in ('uid_map', 'gid_map'):
        with open(f'/proc/{parent}/{name}', 'w') as table:
            table.write(''.join(f'{uid} {uid} 1\n' for uid in known))
    os.write(mapped_in, b'x')
    os._exit(0)
assert ctypes.CDLL(None).unshare(CLONE_NEWUSER) == 0
os.write(ready_in, b'x')
os.read(mapped_out, 1)
os.setgroups([])
os.setresgid(user, user, user)
os.setresuid(user, user, user)
os.execvp(sys.argv[3], sys.argv[3:])
";

/// T9: a user whom the kernel cannot name to the daemon is nobody, even where its number is listed.
#[test]
fn whom_the_kernel_cannot_name_is_refused_even_where_its_number_is_listed() {
    let (stranger, airbyte) = (Person::stranger(), Airbyte::start());
    for (known, is_served) in [(&[][..], false), (&[stranger.uid()][..], true)] {
        let home = Home::of(Person::owner());
        set_mode(home.path(), 0o711);
        let socket = home.path().join("open/api.sock");
        let profile = airbyte.profile_in_config("ci", "memory");
        home.write_config(&(profile + &socket_for(&socket, &[stranger.uid()])));
        let daemon = daemon_that_knows(&home, known);
        let mut command = home.command_of(stranger, "curl".as_ref());
        command.args(CURL).arg(&socket).arg("http://localhost/healthz").current_dir("/");
        let ended = Process::start(&mut command, b"").wait();
        if is_served {
            assert_served(&ended, "ok");
        } else {
            assert_refused(&ended, "peer_refused");
            daemon.stderr().wait_for("refused a caller that is another user, uid 65534, at the socket ci");
        }
    }
}
