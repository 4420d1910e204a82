//! Too many, who may come in or not.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::Path,
};

use airbyte_tokend_tests::{Airbyte, Binary, Daemon, Home, Http, PATIENCE, Person, Process, eventually};

/// Connects over and over, in several threads, and counts in what it is told so.
const FLOOD: &str = "
import socket, sys, threading
refused = 0
def flood():
    global refused
    while True:
        try:
            stream = socket.socket(socket.AF_UNIX)
            stream.connect(sys.argv[1])
            stream.sendall(b'GET /v1/token HTTP/1.1\\r\\nhost: localhost\\r\\n\\r\\n')
            answer = stream.recv(4096)
            stream.close()
        except OSError:
            continue
        if b'access_token' in answer:
            print('served', flush=True)
        elif b'peer_refused' in answer:
            refused += 1
            if refused == 2000:
                print('refused', flush=True)
for _ in range(8):
    threading.Thread(target=flood).start()
";

fn open_to_all(home: &Home) {
    let directory = home.run().join("airbyte-tokend");
    for (path, mode) in
        [(home.path(), 0o755), (&home.run(), 0o755), (&directory, 0o755), (&home.socket(), 0o666)]
    {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    }
}

fn flood(home: &Home, person: Person) -> Process {
    let mut command = home.command_of(person, "python3".as_ref());
    Process::start(command.args(["-c", FLOOD]).arg(home.socket()).current_dir("/"), b"")
}

/// How many files a process has open, and how much memory it has in KiB, as root sees it.
fn belongings(pid: u32) -> (usize, u64) {
    let mut shell = Person::root().command("sh");
    let ended = Process::start(shell.args(["-c", "ls /proc/$1/fd", "sh", &pid.to_string()]), b"").wait();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    let memory = memory.trim().trim_end_matches(" kB").parse().expect("it is a number");
    (ended.text().lines().count(), memory)
}

/// T15: another user, to whom directory and socket were left open, floods it: the owner is served throughout, and the
/// log is not filled. The control: the same flood of the owner's gets in.
#[test]
fn a_flood_of_another_user_s_keeps_nobody_out() {
    let home = Home::of(Person::owner());
    let (airbyte, daemon) = (Airbyte::start(), Daemon::start(&home));
    daemon.log_in("main", &airbyte, "memory");
    open_to_all(&home);
    let stranger = flood(&home, Person::stranger());
    let mut served = 0;
    eventually("two thousand were refused", PATIENCE, || {
        assert_eq!(daemon.http().token(), airbyte.latest_token());
        served += 1;
        stranger.stdout().to_string().contains("refused").then_some(())
    });
    assert!(served > 2, "the owner was served {served} times meanwhile");
    assert!(!stranger.stdout().to_string().contains("served"), "a stranger was served");
    drop(stranger);
    let lines = daemon.log().to_string().lines().count();
    assert!(lines < 60, "{lines} lines:\n{}", daemon.log());

    flood(&home, Person::owner()).stdout().wait_for("served");
}

fn come_and_go(socket: &Path, times: usize) {
    for _ in 0..times {
        drop(UnixStream::connect(socket).expect("somebody listens"));
    }
}

/// T15: callers who come and go at once leave nothing behind. The control: while they stay, they are seen.
#[test]
fn ten_thousand_who_come_and_go_leave_nothing_behind() {
    const MIB: u64 = 1024;
    const STAYING: usize = 100;
    /// What else the daemon may open or close meanwhile.
    const FEW: usize = 20;
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let (files, _) = belongings(daemon.pid());
    come_and_go(&home.socket(), 1000);
    assert_eq!(daemon.http().token(), airbyte.latest_token());
    let (_, memory) = belongings(daemon.pid());
    come_and_go(&home.socket(), 10_000);
    assert_eq!(daemon.http().token(), airbyte.latest_token());
    eventually("their descriptors are closed", PATIENCE, || {
        (belongings(daemon.pid()).0 < files + FEW).then_some(())
    });
    let (_, after) = belongings(daemon.pid());
    assert!(after < memory + 4 * MIB, "{memory} and then {after} KiB");

    let staying: Vec<_> = (0..STAYING).map(|_| daemon.http().connect().expect("somebody listens")).collect();
    eventually("those who stay are seen", PATIENCE, || {
        (belongings(daemon.pid()).0 >= files + STAYING - FEW).then_some(())
    });
    drop(staying);
}

/// Takes as many places as it can and keeps them. It says when the first of them was taken from it again.
const CROWD: &str = "
import socket, sys, time
crowd = []
for _ in range(300):
    crowd.append(socket.socket(socket.AF_UNIX))
    crowd[-1].connect(sys.argv[1])
try:
    crowd[0].recv(1)
except OSError:
    pass
print('sent away', flush=True)
time.sleep(600)
";

fn crowd(home: &Home, person: Person, socket: &Path) -> Process {
    let mut command = home.command_of(person, "python3".as_ref());
    let crowd = Process::start(command.args(["-c", CROWD]).arg(socket).current_dir("/"), b"");
    crowd.stdout().wait_for("sent away");
    crowd
}

/// How many of these connections can still be asked something.
fn alive(connections: Vec<UnixStream>) -> usize {
    let ask = |mut stream: &UnixStream| {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").ok()?;
        stream.read(&mut [0; 1024]).ok().filter(|count| *count > 0)
    };
    connections.iter().filter_map(ask).count()
}

/// A daemon that may open so many files and no more, and serves.
fn start_limited_to(files: usize, home: &Home) -> Process {
    let daemon = home.command(Binary::Daemon);
    let mut limited = home.command_of(Person::me(), "prlimit".as_ref());
    limited.arg(format!("--nofile={files}:{files}")).arg(daemon.get_program()).args(daemon.get_args());
    let daemon = Process::start(&mut limited, b"");
    daemon.stderr().wait_for("serving");
    daemon
}

/// T15: whoever was given a socket fills it: its own callers are sent away for it, and nobody at the main one. The
/// control: the same crowd at the main socket has those leave who were there before.
#[test]
fn a_crowd_at_a_socket_for_others_takes_no_place_at_the_main_one() {
    let home = Home::of(Person::owner());
    let side = home.path().join("side");
    home.make_directory(&side);
    for path in [home.path(), &side] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    let (airbyte, side) = (Airbyte::start(), side.join("api.sock"));
    home.write_config(&format!(
        "{}[sockets.ci]\nprofiles = [\"main\"]\nusers = [\"{}\"]\npath = \"{}\"\n",
        airbyte.profile_in_config("main", "memory"),
        Person::stranger().uid(),
        side.display()
    ));
    let daemon = start_limited_to(160, &home);
    let http = Http::over(&home.socket());
    assert_eq!(http.put("/v1/profiles/main", &airbyte.profile("memory")).status, 200);

    let connect = || (0..5).map(|_| http.connect().expect("somebody listens")).collect::<Vec<_>>();
    let before = connect();
    let _strangers = crowd(&home, Person::stranger(), &side);
    assert_eq!(alive(before), 5, "{}", daemon.stderr());
    assert_eq!(http.token(), airbyte.latest_token());

    let before = connect();
    let _owner_s = crowd(&home, Person::owner(), &home.socket());
    assert_eq!(alive(before), 0);
}
