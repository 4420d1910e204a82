//! What of the memory may be swapped out.

use std::{collections::BTreeSet, process::Command};

use airbyte_tokend_tests::{Airbyte, Home, Http, Person, Process};

use super::daemon_by;

const UNIT: &str = include_str!("../../../../systemd/user/airbyte-tokend.service");

/// A file of `/proc` about a process, as root sees it.
fn proc_of(process: &Process, name: &str) -> String {
    let mut cat = Person::root().command("cat");
    Process::start(cat.arg(format!("/proc/{}/{name}", process.pid())), b"").wait().text()
}

/// A number of kibibytes in its status.
fn kibibytes(process: &Process, name: &str) -> u64 {
    let status = proc_of(process, "status");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("proc(5) says so");
    line.trim_matches([':', '\t', ' ', 'k', 'B']).parse().expect("it is a number")
}

/// The ranges that it may write to, and whether each is locked.
fn writable(process: &Process) -> BTreeSet<(String, bool)> {
    let smaps = proc_of(process, "smaps");
    let mut range = None;
    let mut all = BTreeSet::new();
    for line in smaps.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        if words[0] == "VmFlags:" {
            all.extend(range.take().map(|range| (range, words.contains(&"lo"))));
        } else if words.get(1).is_some_and(|access| access.starts_with("rw")) {
            range = Some(words[0].to_owned());
        }
    }
    all
}

fn limited(limit: &str) -> Command {
    let mut command = Person::root().command("prlimit");
    command.arg(format!("--memlock={limit}:{limit}"));
    command
}

/// Daemons that may lock as much as they like: by a right, and by their limit where root may raise it.
fn unlimited(home: &Home) -> Vec<Command> {
    let right = ["--inh-caps=+ipc_lock", "--ambient-caps=+ipc_lock"];
    let mut all = vec![daemon_by(home, Person::root().command("env"), &right)];
    if limited("unlimited").arg("true").status().is_ok_and(|status| status.success()) {
        all.push(daemon_by(home, limited("unlimited"), &[]));
    }
    all
}

/// Has it do all that it can do, and come away with a token.
fn put_to_use(home: &Home) {
    let (http, airbyte) = (Http::over(&home.socket()), Airbyte::start());
    let login = http.put("/v1/profiles/main", &airbyte.profile("file"));
    assert_eq!(login.status, 200, "{}", login.text());
    assert_eq!(http.post("/v1/token/refresh").status, 200);
    assert_eq!(http.token(), airbyte.latest_token());
}

/// T4: whatever it may write to, and also what it maps later.
#[test]
fn all_memory_is_locked_where_there_is_no_limit_and_so_is_what_comes_later() {
    let home = Home::of(Person::owner()).with_file_vault();
    for mut command in unlimited(&home) {
        let daemon = Process::start(&mut command, b"");
        daemon.stderr().wait_for("serving");
        assert!(daemon.stderr().to_string().contains("all memory is locked"), "{}", daemon.stderr());
        let before = writable(&daemon);
        put_to_use(&home);
        let after = writable(&daemon);
        assert!(after.difference(&before).count() > 0, "more was mapped");
        let unlocked: Vec<_> = after.iter().filter(|(_, locked)| !locked).collect();
        assert!(unlocked.is_empty(), "{unlocked:?}");
    }
}

/// T4: what was never used is not brought in for it.
#[test]
fn locked_memory_takes_no_more_room() {
    let home = Home::of(Person::owner()).with_file_vault();
    for mut command in unlimited(&home) {
        let daemon = Process::start(&mut command, b"");
        daemon.stderr().wait_for("serving");
        put_to_use(&home);
        let (locked, resident) = (kibibytes(&daemon, "VmLck"), kibibytes(&daemon, "VmRSS"));
        assert!(resident * 2 < locked, "{resident} KiB are used of {locked}");
    }
}

/// T4: a lock within a small limit would be the end of a daemon that needs more; the unit must do without.
#[test]
fn with_a_small_limit_the_daemon_works_and_locks_nothing() {
    for limit in ["65536", "8388608"] {
        let home = Home::of(Person::owner()).with_file_vault();
        let daemon = Process::start(&mut daemon_by(&home, limited(limit), &[]), b"");
        daemon.stderr().wait_for("serving");
        put_to_use(&home);
        assert_eq!(kibibytes(&daemon, "VmLck"), 0, "{limit}");
        assert!(daemon.stderr().to_string().contains("memory is not locked"), "{}", daemon.stderr());
    }
}

/// T4: for the usual limits are small.
#[test]
fn the_unit_keeps_the_daemon_out_of_swap_and_without_cores() {
    for line in ["MemorySwapMax=0", "LimitCORE=0"] {
        assert!(UNIT.lines().any(|found| found == line), "{line}");
    }
}
