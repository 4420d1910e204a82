//! What a crash leaves on the disk.

use std::{fs, path::Path};

use airbyte_tokend_tests::{Binary, Home, Person, Process};
use rustix::process::Signal;

use super::program;

/// What ends a program that fails a check of its own, and what systemd's watchdog sends. (Rust's runtime takes the first
/// `SIGSEGV` from outside for a stray one.)
const CRASH: Signal = Signal::ABORT;

/// One of our programs, run by an ordinary user in its own directory and allowed cores of any size.
fn run(home: &Home, binary: Binary) -> Process {
    let mut command = home.command_of(home.person(), Path::new("prlimit"));
    Process::start(command.arg("--core=unlimited").arg(program(home, binary)), b"")
}

/// What begins like a core's name, where the system puts cores into the directory of whoever crashed.
fn cores_in(home: &Home) -> usize {
    let entries = fs::read_dir(home.path()).expect("it is there").flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("core")).count()
}

/// T4: also where root gave the daemon the limit back that it gave up, as far as root may here: what is not dumpable is
/// not dumped. The control: a program that does not hide leaves one. (A system that pipes cores to a program may keep
/// none of either.)
#[test]
fn a_crash_leaves_no_core_where_another_program_leaves_one() {
    let (home, beside) = (Home::of(Person::owner()), Home::of(Person::owner()));
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").expect("core(5) says so");
    let control = run(&beside, Binary::Sandbox);
    control.stdout().wait_for("listening");
    control.signal(CRASH);
    assert!(control.wait().dumped_core() || pattern.starts_with('|'), "the control leaves one: {pattern}");
    if pattern.trim() == "core" {
        assert_eq!(cores_in(&beside), 1, "and here it is");
    }

    let daemon = run(&home, Binary::Daemon);
    daemon.stderr().wait_for("serving");
    let mut raise = Person::root().command("prlimit");
    drop(
        Process::start(raise.args(["--core=unlimited:unlimited", "--pid", &daemon.pid().to_string()]), b"")
            .wait(),
    );
    daemon.signal(CRASH);
    let ended = daemon.wait();
    assert_eq!((ended.signal(), ended.dumped_core()), (Some(CRASH.as_raw()), false));
    assert_eq!(cores_in(&home), 0);
}
