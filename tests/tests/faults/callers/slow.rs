//! Callers who take seats and time.

use std::{io::Write as _, os::unix::net::UnixStream, time::Duration};

use airbyte_sandbox::Fault;
use airbyte_tokend_tests::{Airbyte, Call, Daemon, Home, Http, PATIENCE, eventually, timed};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    answer,
    crowd::{Crowd, Habit, Nuisance},
    kibibytes, limited_to, open_files,
};

/// How many callers of the crowd go on between two requests of the good one.
const STIRRED: usize = 100;

/// Fault 30: ten thousand slow, silent and deaf callers.
///
/// Nine of ten answers are held to the limit and not all: on a machine with two processors that also runs other tests, a
/// process may be kept from running for as long.
#[test]
fn among_ten_thousand_slow_callers_a_good_one_is_answered_at_once() {
    const CROWD: usize = 10_000;
    const ASKED: usize = 100;
    open_files(CROWD as u64 + 500);
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let http = daemon.http();
    let mut crowd = Crowd::enter(&http, CROWD);
    let mut times: Vec<_> = (0..ASKED)
        .map(|_| {
            crowd.stir(STIRRED);
            let (token, took) = timed(|| http.token());
            assert_eq!(token, airbyte.latest_token());
            took
        })
        .collect();
    times.sort_unstable();
    let (ninth, most) = (times[ASKED * 9 / 10], kibibytes(daemon.pid(), "VmHWM:"));
    assert!(ninth < Duration::from_millis(100), "{ninth:?}; all: {times:?}");
    assert!(most < 64 * 1024, "{most} KiB");
    let warnings = daemon.log().to_string().matches("seats are taken").count();
    assert!((1..=5).contains(&warnings), "{warnings} lines of it:\n{}", daemon.log());
    let connected = crowd.connected();
    assert!((900..=1024).contains(&connected), "{connected} have a seat");
}

/// Fault 30: one caller more than there are seats.
#[test]
fn one_caller_more_than_there_are_seats_gets_the_seat_of_who_was_idle_the_longest() {
    /// What 64 descriptors leave when the daemon has its own.
    const SEATS: usize = 32;
    let home = Home::new();
    let _daemon = limited_to(64, &home);
    let http = Http::over(&home.socket());
    let mut seated: Vec<_> = (0..SEATS).map(|_| Nuisance::enter(&http, Habit::Idle)).collect();
    assert_eq!(http.get("/healthz").status, 200);
    eventually("the first to come leaves", PATIENCE, || (!seated[0].is_connected()).then_some(()));
    for (number, nuisance) in seated.iter_mut().enumerate().skip(1) {
        assert!(nuisance.is_connected(), "number {number}, though one had to leave");
    }
}

/// Fault 30: a caller who reads no answers.
#[test]
fn whoever_reads_no_answer_is_let_go_and_whoever_waits_for_one_is_not() {
    let home = Home::new().with_file_vault();
    let airbyte = Airbyte::start();
    let daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.add_fault(Fault::hang().forever());
    let http = daemon.http();
    let mut waiting = http.connect().expect("somebody listens");
    waiting.write_all(&Call::new("GET", "/v1/token?wait=13s").bytes()).expect("it listens");
    let deaf = Nuisance::enter(&http, Habit::Deaf);
    wait_for_hang_up(deaf.stream());
    let reply = answer(waiting);
    assert_ne!(reply.code(), "busy", "{}", reply.text());
    assert!([503, 504].contains(&reply.status), "{}", reply.text());
}

/// Fault 30: bodies that never end.
#[test]
fn a_thousand_unfinished_bodies_take_little_memory_and_a_login_gets_through() {
    const CROWD: usize = 1000;
    open_files(CROWD as u64 + 200);
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    let http = daemon.http();
    let head = "PUT /v1/profiles/x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 60000\r\n\r\n";
    let unfinished = format!("{head}{}", "x".repeat(59_000));
    let mut crowd: Vec<_> = (0..CROWD)
        .map(|_| {
            let mut stream = http.connect().expect("there is a seat");
            // Whoever is given up meanwhile is hung up on.
            stream.write_all(unfinished.as_bytes()).unwrap_or(());
            stream
        })
        .collect();
    daemon.log_in("main", &airbyte, "memory");
    assert_eq!(http.token(), airbyte.latest_token());
    let most = kibibytes(daemon.pid(), "VmHWM:");
    assert!(most < 64 * 1024, "{most} KiB");
    let given_up = answer(crowd.swap_remove(0));
    assert_eq!((given_up.status, given_up.code().as_str()), (503, "busy"), "{}", given_up.text());
}

/// Waits until the other end is closed, without reading what is still to be read (`poll(2)`).
fn wait_for_hang_up(stream: &UnixStream) {
    let limit = Timespec::try_from(PATIENCE).expect("it is short");
    let mut watched = [PollFd::new(stream, PollFlags::empty())];
    assert_eq!(poll(&mut watched, Some(&limit)), Ok(1), "it keeps its seat");
    assert!(watched[0].revents().contains(PollFlags::HUP));
}
