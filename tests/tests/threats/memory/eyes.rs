//! Other programs of the same user, which look into the daemon.

use std::{ffi::OsString, path::Path};

use airbyte_tokend_tests::{Binary, Home, Person, Process};

use super::program;

/// What such a program tries; `$1` is whom it tries it on, `$2` an address there.
const LOOKS: [&str; 6] = [
    "head -c 1 /proc/$1/environ",
    "head -c 1 /proc/$1/maps",
    "head -c 1 /proc/$1/auxv",
    "ls /proc/$1/fd/",
    "readlink /proc/$1/exe",
    "dd if=/proc/$1/mem bs=1 count=1 iflag=skip_bytes skip=$2",
];

/// Lets every process trace this one, where the Yama module would not (`PR_SET_PTRACER`, prctl(2)), and becomes the
/// program: what then refuses is the program's own doing.
const OPEN: &str = "import ctypes, os, sys
ctypes.CDLL(None).prctl(0x59616d61, ctypes.c_ulong(-1), 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])";

/// One of our programs, run by an ordinary user, which says this once it runs.
fn run(home: &Home, binary: Binary) -> Process {
    let mut command = home.command_of(home.person(), Path::new("python3"));
    Process::start(command.args(["-c", OPEN]).arg(program(home, binary)), b"")
}

/// The daemon, and a program that does not hide.
fn daemon_and_control(home: &Home) -> (Process, Process) {
    let (daemon, control) = (run(home, Binary::Daemon), run(home, Binary::Sandbox));
    daemon.stderr().wait_for("serving");
    control.stdout().wait_for("listening");
    (daemon, control)
}

/// An address that can be read: the attacker may well guess it.
fn address_in(process: &Process) -> u64 {
    let mut cat = Person::root().command("cat");
    let maps = Process::start(cat.arg(format!("/proc/{}/maps", process.pid())), b"").wait().text();
    let stack = maps.lines().find(|line| line.ends_with("[stack]")).expect("there is a stack");
    let (_, end) = stack.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
    u64::from_str_radix(end, 16).expect("proc(5) says so") - 1
}

/// What the home's user gets to see of a process.
fn seen(home: &Home, process: &Process, look: &str) -> Option<Vec<u8>> {
    let whom = [process.pid().to_string(), address_in(process).to_string()];
    let mut shell = home.command_of(home.person(), Path::new("sh"));
    let ended = Process::start(shell.args(["-c", look, "sh"]).args(whom), b"").wait();
    (ended.code() == Some(0)).then_some(ended.stdout)
}

/// T4: not its environment, its mappings, its memory, its files, nor what program it is. The control: all of them, of a
/// program that does not hide.
#[test]
fn no_program_of_the_same_user_sees_the_daemon_s_memory_environment_or_files() {
    let home = Home::of(Person::owner());
    let (daemon, control) = daemon_and_control(&home);
    for look in LOOKS {
        let shown = seen(&home, &control, look);
        assert!(shown.is_some_and(|shown| !shown.is_empty()), "`{look}` sees the control");
        assert_eq!(seen(&home, &daemon, look), None, "`{look}`");
    }
}

/// A tracer of the home's user that wants to attach itself.
fn tracer(home: &Home, of: &Process) -> Process {
    let mut strace = home.command_of(home.person(), Path::new("strace"));
    Process::start(strace.args([OsString::from("-p"), of.pid().to_string().into()]), b"")
}

/// T4: and read and change whatever it likes. The control: it can with a program that does not hide.
#[test]
fn no_program_of_the_same_user_traces_the_daemon() {
    let home = Home::of(Person::owner());
    let (daemon, control) = daemon_and_control(&home);
    tracer(&home, &control).stderr().wait_for(" attached");
    let ended = tracer(&home, &daemon).wait();
    assert_ne!(ended.code(), Some(0));
    assert!(ended.stderr.contains("Operation not permitted"), "{}", ended.stderr);
}
