//! As little memory as may be had.
//!
//! The limit is `RLIMIT_DATA` (getrlimit(2)): all private writable memory, touched or not, thread stacks included. It is
//! stricter than a cgroup's limit or `MemoryMax=`, which count what was touched; it needs neither root nor a certain
//! version of cgroups; and what goes beyond it fails where it is asked for, instead of being killed some time later.

use std::{fs, io::Write as _, os::unix::net::UnixStream, thread};

use airbyte_sandbox::Fault;
use airbyte_tokend_tests::{Airbyte, Binary, Call, Home, Http, Process};
use rustix::process::Signal;

const MEBIBYTE: u64 = 1024 * 1024;
const LIMIT: u64 = 32 * MEBIBYTE;
const PROFILES: usize = 20;
const CONNECTIONS: usize = 256;

fn start(home: &Home, limit: u64) -> Process {
    let mut command = home.command_of(home.person(), "prlimit".as_ref());
    Process::start(command.arg(format!("--data={limit}")).arg(Binary::Daemon.path()), b"")
}

fn name(number: usize) -> String {
    format!("p{number}")
}

/// A connection on which a long request was begun that never ends.
fn hold(http: &Http) -> UnixStream {
    let mut stream = http.connect().expect("somebody listens");
    stream.write_all(b"GET /v1/token HTTP/1.1\r\nx-padding: ").expect("it listens");
    stream.write_all(&[b'x'; 8 * 1024]).expect("it listens");
    stream
}

/// What a caller for each profile is told, all of them at once.
fn ask_all(http: &Http, method: &str, target: &str) -> Vec<u16> {
    let callers: Vec<_> = (0..PROFILES)
        .map(|number| {
            let call = Call::new(method, &format!("{target}?profile={}&wait=60s", name(number)));
            let http = http.clone();
            thread::spawn(move || http.send(&call).status)
        })
        .collect();
    callers.into_iter().map(|caller| caller.join().expect("it was answered")).collect()
}

/// The most memory that was ever resident, in bytes: the program's own pages included.
fn peak(daemon: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel says so");
    let kibibytes: u64 = line.trim_end_matches("kB").trim().parse().expect("it is a number");
    kibibytes * 1024
}

/// Fault 39: 32 MiB.
#[test]
fn in_32_mebibytes_it_logs_in_serves_a_crowd_renews_and_reads_the_longest_answers() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = start(&home, LIMIT);
    daemon.stderr().wait_for("serving");
    let http = Http::over(&home.socket());
    for number in 0..PROFILES {
        let reply = http.put(&format!("/v1/profiles/{}", name(number)), &airbyte.profile("file"));
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    let crowd: Vec<_> = (0..CONNECTIONS).map(|_| hold(&http)).collect();
    assert_eq!(ask_all(&http, "GET", "/v1/token"), [200; PROFILES]);
    assert_eq!(ask_all(&http, "POST", "/v1/token/refresh"), [200; PROFILES]);
    airbyte.add_fault("token=huge,times=forever".parse::<Fault>().expect("it is a fault"));
    assert_eq!(ask_all(&http, "POST", "/v1/token/refresh"), [503; PROFILES], "a megabyte is no token");
    assert_eq!(ask_all(&http, "GET", "/v1/token"), [200; PROFILES], "the old ones live");
    let peak = peak(&daemon);
    assert!(peak <= LIMIT, "{} KiB", peak / 1024);
    drop(crowd);
    daemon.signal(Signal::TERM);
    let ended = daemon.wait();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("memory allocation"), "{}", ended.stderr);
}

/// Fault 39: the limit is one.
#[test]
fn where_there_is_not_even_a_mebibyte_it_ends_and_does_not_hang() {
    let home = Home::new();
    let ended = start(&home, MEBIBYTE / 4).wait();
    assert_ne!(ended.code(), Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("serving"), "{}", ended.stderr);
}
