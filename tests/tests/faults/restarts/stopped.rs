//! Told to stop while Airbyte hangs and callers wait.

use std::{fs, io::Write as _, path::PathBuf, process::Command, thread, time::Duration};

use airbyte_sandbox::Fault;
use airbyte_tokend_tests::{
    Airbyte, Call, Daemon, Home, Memory, PATIENCE, Process, Recipe, Reply, eventually, timed,
};
use rustix::process::Signal;

/// What the daemon may take, and what two busy cores may add.
const LIMIT: Duration = Duration::from_secs(6);
const SLACK: Duration = Duration::from_secs(3);

/// Fault 40: callers of all kinds.
#[test]
fn a_stop_while_airbyte_hangs_takes_six_seconds_at_most_and_leaves_nobody_hanging() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.add_fault(Fault::hang().forever());
    let http = daemon.http();
    let asks = ["/v1/token?wait=300s", "/v1/token?wait=300s&min_ttl=10m", "/v1/ready?wait=300s"];
    let callers: Vec<_> = (0..30)
        .map(|number| {
            let (http, target) = (http.clone(), asks[number % asks.len()]);
            thread::spawn(move || http.raw(&Call::new("GET", target).bytes()))
        })
        .collect();
    airbyte.wait_for_exchanges(1);
    let _silent = http.connect().expect("somebody listens");
    let mut halfway = http.connect().expect("somebody listens");
    halfway.write_all(b"GET /v1/tok").expect("it listens");
    let (ended, took) = timed(|| daemon.stop());
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert!(took < LIMIT + SLACK, "{took:?}");
    let replies: Vec<_> =
        callers.into_iter().map(|caller| caller.join().expect("it came to an end")).collect();
    for reply in replies.iter().filter_map(|bytes| Reply::parse(bytes)) {
        assert_eq!((reply.status, reply.code().as_str()), (503, "shutting_down"), "{}", reply.text());
    }
    assert!(!home.socket().exists(), "the socket is gone");
    let left: Vec<_> =
        fs::read_dir(home.socket().parent().expect("it has one")).expect("it is ours").flatten().collect();
    assert_eq!(left.iter().map(|entry| entry.file_name()).collect::<Vec<_>>(), ["api.lock"]);
}

/// Fault 40: whoever comes too late.
#[test]
fn while_a_daemon_drains_nobody_new_is_let_in() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.add_fault(Fault::hang().forever());
    let http = daemon.http();
    let waiting = thread::spawn({
        let http = http.clone();
        move || http.raw(&Call::new("GET", "/v1/token?wait=300s").bytes())
    });
    airbyte.wait_for_exchanges(1);
    daemon.signal(Signal::TERM);
    eventually("it does not listen any more", PATIENCE, || http.connect().is_err().then_some(()));
    assert!(!waiting.is_finished(), "while it still drains");
    assert_eq!(daemon.wait().code(), Some(0));
    drop(waiting.join());
}

/// A library that stops its program at the very end: `exit(3)` calls it after all else.
const STOP_AT_EXIT: &str =
    "#include <signal.h>\n__attribute__((destructor)) static void stop(void) { raise(SIGSTOP); }\n";

fn stop_at_exit(home: &Home) -> PathBuf {
    let library = home.path().join("stop.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-x", "c", "-shared", "-fPIC", "-o"]).arg(&library).arg("-");
    let ended = Process::start(&mut compiler, STOP_AT_EXIT.as_bytes()).wait();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    library
}

fn is_stopped(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it is there");
    status.lines().any(|line| line.starts_with("State:\tT"))
}

/// Fault 40: memory.
#[test]
fn a_daemon_that_was_told_to_stop_has_wiped_its_tokens_and_secrets_by_then() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let library = stop_at_exit(&home);
    let daemon = Recipe::of(&home).variable("LD_PRELOAD", library.to_str().expect("it is text")).start();
    daemon.log_in("main", &airbyte, "memory");
    let token = daemon.http().token();
    airbyte.add_fault(Fault::hang().forever());
    let http = daemon.http();
    let renewal = thread::spawn(move || http.raw(&Call::new("POST", "/v1/token/refresh?wait=300s").bytes()));
    airbyte.wait_for_exchanges(2);
    let needles = [&airbyte.secret().expose()[..24], &token[token.len() - 24..]];
    let copies = || {
        let memory = Memory::of(daemon.pid());
        assert!(
            memory.count(airbyte.client_id()) > 0 || is_stopped(daemon.pid()),
            "the scan finds what is there"
        );
        needles.map(|needle| memory.count(needle))
    };
    assert!(copies().iter().all(|count| *count > 0), "both are there while it serves");
    daemon.signal(Signal::TERM);
    eventually("it is at its end", PATIENCE, || is_stopped(daemon.pid()).then_some(()));
    assert_eq!(copies(), [0, 0]);
    daemon.signal(Signal::CONT);
    assert_eq!(daemon.wait().code(), Some(0));
    drop(renewal.join());
}
