//! Too many, who may come in or not.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::Path,
};

use airbyte_tokend_tests::{Airbyte, Daemon, Home, PATIENCE, Person, Process, eventually};

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
