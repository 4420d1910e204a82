//! Connections that change hands.

use airbyte_tokend_tests::{Ended, Person, Process};

use super::{Scene, assert_refused, assert_served};

/// Runs this as that user; its first argument is the main socket, its second a stranger's number.
fn run(scene: &Scene, person: Person, script: &str) -> Ended {
    let mut command = scene.home.command_of(person, "python3".as_ref());
    command.args(["-c", &format!("{COMMON}{script}")]).arg(scene.home.socket());
    command.arg(Person::stranger().uid().to_string()).current_dir("/");
    Process::start(&mut command, b"").wait()
}

const COMMON: &str = r"
import array, os, socket, sys
path, stranger = sys.argv[1], int(sys.argv[2])
def dial():
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    return connection
def ask(connection):
    connection.sendall(b'GET /v1/token?profile=ci HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
    while True:
        piece = connection.recv(4096)
        if not piece:
            break
        sys.stdout.buffer.write(piece)
    sys.stdout.flush()
def become_a_stranger():
    os.setgroups([])
    os.setresgid(stranger, stranger, stranger)
    os.setresuid(stranger, stranger, stranger)
";

/// T18: what counts is who connected, not who it has become since.
#[test]
fn whoever_connects_and_gives_up_its_rights_is_still_who_connected() {
    let scene = Scene::new();
    scene.open_everything();
    let token = scene.ci.latest_token();
    let after = "connection = dial()\nbecome_a_stranger()\nask(connection)\n";
    assert_served(&run(&scene, Person::root(), after), &token);
    let before = "become_a_stranger()\nask(dial())\n";
    let refused = run(&scene, Person::root(), before);
    assert_refused(&refused, "peer_refused");
    scene.assert_no_token(&refused.text());
}

/// T18: a stranger's connection is a stranger's, in whosever hands.
#[test]
fn a_stranger_s_connection_in_roots_hands_is_refused() {
    let scene = Scene::new();
    scene.open_everything();
    let handed = r"
ours, theirs = socket.socketpair(socket.AF_UNIX)
if os.fork() == 0:
    become_a_stranger()
    connection = dial()
    rights = array.array('i', [connection.fileno()])
    theirs.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    os._exit(0)
_, rights, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(4))
received = array.array('i')
received.frombytes(rights[0][2])
os.wait()
assert os.geteuid() == 0
ask(socket.socket(fileno=received[0]))
";
    let refused = run(&scene, Person::root(), handed);
    assert_refused(&refused, "peer_refused");
    scene.assert_no_token(&refused.text());
    assert_served(&run(&scene, Person::root(), "ask(dial())\n"), &scene.ci.latest_token());
}

/// T18: a child connects and is gone, and its number with it; the grandchild that holds the connection asks.
#[test]
fn a_caller_whose_process_is_gone_is_judged_by_its_user_and_harms_nothing() {
    let scene = Scene::new();
    scene.open_everything();
    let orphan = r"
done, end = os.pipe()
if os.fork() == 0:
    child_lives, end_of_child = os.pipe()
    connection = dial()
    if os.fork() == 0:
        os.close(end_of_child)
        os.read(child_lives, 1)
        ask(connection)
        os._exit(0)
    os._exit(0)
os.close(end)
os.wait()
os.read(done, 1)
";
    let token = scene.ci.latest_token();
    assert_served(&run(&scene, Person::owner(), orphan), &token);
    let refused = run(&scene, Person::stranger(), orphan);
    assert_refused(&refused, "peer_refused");
    scene.assert_no_token(&refused.text());
    assert_eq!(scene.daemon.http().get("/v1/token?profile=ci").status, 200, "it still serves");
}
