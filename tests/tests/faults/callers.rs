//! Whoever calls: too many, too slow, too early gone, or with nonsense.

mod crowd;
mod descriptors;
mod garbage;
mod herd;
mod slow;

use std::{
    fs,
    io::{ErrorKind, Read as _},
    os::unix::net::UnixStream,
};

use airbyte_tokend_tests::{Binary, Home, Process, Reply};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process open so many files.
fn open_files(count: u64) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|soft| soft >= count) {
        return;
    }
    let maximum = maximum.map(|hard| hard.max(count));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(count), maximum });
    assert!(raised.is_ok(), "this test opens {count} files, and may not: raise the hard limit, `ulimit -Hn`");
}

/// A daemon that may open so many files and no more, and serves.
fn limited_to(descriptors: u32, home: &Home) -> Process {
    let daemon = begin_limited_to(descriptors, home);
    daemon.stderr().wait_for("serving");
    daemon
}

fn begin_limited_to(descriptors: u32, home: &Home) -> Process {
    let mut command = home.command_of(home.person(), "prlimit".as_ref());
    command.arg(format!("--nofile={descriptors}:{descriptors}")).arg(Binary::Daemon.path());
    Process::start(&mut command, b"")
}

/// A line of `/proc/PID/status` (`proc_pid_status(5)`) in KiB.
fn kibibytes(pid: u32, line: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let found = status.lines().find_map(|text| text.strip_prefix(line));
    let number = found.and_then(|text| text.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).expect("the kernel says so")
}

/// What comes on a connection until the other end closes it, having read all that was sent or not.
fn answer(mut stream: UnixStream) -> Reply {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "neither an answer nor an end"),
    }
    Reply::parse(&bytes).expect("an answer")
}
