//! From start to stop: one daemon to a socket, nothing of others touched, nobody left hanging.

use std::{
    fs,
    io::Write as _,
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        net::{UnixListener, UnixStream},
    },
    path::PathBuf,
    thread,
    time::Duration,
};

use airbyte_sandbox::Fault;
use airbyte_tokend_tests::{
    Airbyte, Call, Daemon, Ended, Home, Http, PATIENCE, Person, Recipe, Reply, eventually, timed,
};
use rustix::process::Signal;

fn directory_of_socket(home: &Home) -> PathBuf {
    home.run().join("airbyte-tokend")
}

#[test]
fn of_twenty_daemons_started_at_once_one_serves_and_the_others_say_so() {
    let home = Home::new();
    let starting: Vec<_> = (0..20).map(|_| Recipe::of(&home).begin()).collect();
    let (winners, losers): (Vec<_>, Vec<_>) =
        starting.into_iter().map(Daemon::await_ready).partition(Result::is_ok);
    assert_eq!(winners.len(), 1);
    for ended in losers.into_iter().filter_map(Result::err) {
        assert_eq!(ended.code(), Some(75), "{}", ended.stderr);
        assert!(ended.stderr.contains("airbyte-tokend is running already"), "{}", ended.stderr);
    }
    assert_eq!(Http::over(&home.socket()).get("/readyz").status, 200);
}

#[test]
fn a_second_daemon_names_the_first_and_leaves_it_alone() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let first = Daemon::start(&home);
    first.log_in("main", &airbyte, "memory");
    let second = Recipe::of(&home).fail();
    assert_eq!(second.code(), Some(75));
    let complaint = format!("airbyte-tokend is running already: process {} holds", first.pid());
    assert!(second.stderr.contains(&complaint), "{}", second.stderr);
    assert_eq!(first.http().token(), airbyte.latest_token());
}

#[test]
fn the_socket_of_a_daemon_that_was_killed_is_replaced() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let killed = Daemon::start(&home);
    killed.log_in("main", &airbyte, "file");
    killed.kill();
    let refused = UnixStream::connect(home.socket()).expect_err("the socket is there and nobody listens");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    let daemon = Daemon::start(&home);
    assert_eq!(daemon.http().token(), airbyte.latest_token());
}

#[test]
fn killed_and_started_again_and_again_it_never_gives_a_wrong_answer() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let first = Daemon::start(&home);
    first.log_in("main", &airbyte, "file");
    first.kill();
    let before = airbyte.exchanges();
    for _ in 0..10 {
        Daemon::start(&home).kill();
    }
    let daemon = Daemon::start(&home);
    assert_eq!(airbyte.exchanges(), before, "nobody asked for a token");
    assert_eq!(daemon.http().token(), airbyte.latest_token());
}

#[test]
fn a_daemon_that_is_told_to_stop_takes_its_socket_away() {
    for signal in [Signal::TERM, Signal::INT] {
        let home = Home::new();
        let daemon = Daemon::start(&home);
        assert!(home.socket().exists());
        daemon.signal(signal);
        let ended = daemon.wait();
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        assert!(!home.socket().exists());
    }
}

#[test]
fn a_socket_that_somebody_put_in_its_place_is_left_alone() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let other = home.socket().with_extension("other");
    let _listener = UnixListener::bind(&other).expect("there is room");
    fs::rename(&other, home.socket()).expect("it is ours");
    daemon.log().wait_for("nobody can reach the socket");
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(home.socket().exists());
}

#[test]
fn a_socket_that_was_removed_is_put_back_and_keeps_its_callers_and_tokens() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    for _ in 0..3 {
        fs::remove_file(home.socket()).expect("it is ours");
        eventually("it is there again", PATIENCE, || home.socket().exists().then_some(()));
        assert_eq!(daemon.http().token(), airbyte.latest_token());
    }
    let log = daemon.log().wait_for("was removed, and is there again");
    assert_eq!(log.matches("is there again").count(), 1, "{log}");
    assert_eq!(airbyte.exchanges(), 1);
    daemon.stop();
    assert!(!home.socket().exists());
}

/// What the callers of a stopping daemon saw: an answer, or nothing at all.
fn answers(callers: Vec<thread::JoinHandle<Vec<u8>>>) -> Vec<Option<Reply>> {
    callers.into_iter().map(|caller| Reply::parse(&caller.join().expect("it came to an end"))).collect()
}

#[test]
fn a_daemon_that_is_told_to_stop_while_airbyte_hangs_ends_within_its_time_and_leaves_nobody_hanging() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.add_fault(Fault::hang().forever());
    let http = daemon.http();
    let wait = |_| {
        let http = http.clone();
        thread::spawn(move || http.raw(&Call::new("GET", "/v1/token?wait=300s").bytes()))
    };
    let callers: Vec<_> = (0..20).map(wait).collect();
    airbyte.wait_for_exchanges(1);
    let (ended, took) = timed(|| daemon.stop());
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert!(took < Duration::from_secs(8), "5 s to drain, and a slow machine: {took:?}");
    for reply in answers(callers).into_iter().flatten() {
        assert_eq!(reply.status, 503, "{}", reply.text());
    }
    assert!(!home.socket().exists());
}

#[test]
fn a_daemon_that_is_told_to_stop_answers_those_whom_it_can() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.add_fault(Fault::delay(Duration::from_millis(1500)));
    let http = daemon.http();
    let caller = thread::spawn(move || http.raw(&Call::new("GET", "/v1/token").bytes()));
    airbyte.wait_for_exchanges(1);
    let (ended, took) = timed(|| daemon.stop());
    assert_eq!(ended.code(), Some(0));
    assert!(took < Duration::from_secs(4), "it stops when all are answered: {took:?}");
    let reply = Reply::parse(&caller.join().expect("it came to an end")).expect("it is answered");
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.text().contains(&airbyte.latest_token()));
}

#[test]
fn connections_that_lie_idle_do_not_hold_up_the_end() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let _silent = daemon.http().connect().expect("somebody listens");
    let mut halfway = daemon.http().connect().expect("somebody listens");
    halfway.write_all(b"GET /v1/tok").expect("it listens");
    assert_eq!(daemon.http().get("/healthz").status, 200, "both are accepted");
    let (ended, took) = timed(|| daemon.stop());
    assert_eq!(ended.code(), Some(0));
    assert!(took < Duration::from_secs(8), "{took:?}");
}

/// A daemon that refuses to start, with this in its complaint.
fn refused(home: &Home, status: i32, complaint: &str) -> Ended {
    let ended = Recipe::of(home).fail();
    assert_eq!(ended.code(), Some(status), "{}", ended.stderr);
    assert!(ended.stderr.contains(complaint), "`{complaint}` is not in\n{}", ended.stderr);
    ended
}

#[test]
fn a_directory_that_is_open_to_others_is_refused_and_not_mended() {
    for mode in [0o755, 0o770, 0o701, 0o1777] {
        let home = Home::new();
        let directory = directory_of_socket(&home);
        home.make_directory(&directory);
        fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).expect("it is ours");
        refused(&home, 77, &format!("{} has mode {mode:o} and is open to others", directory.display()));
        assert_eq!(directory.metadata().expect("it is there").permissions().mode() & 0o7777, mode);
        assert_eq!(fs::read_dir(&directory).expect("it is ours").count(), 0, "nothing was put into it");
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).expect("it is ours");
        Daemon::start(&home).stop();
    }
}

#[test]
fn a_directory_of_another_user_is_refused_and_not_touched() {
    let home = Home::of(Person::owner());
    let directory = directory_of_socket(&home);
    home.make_directory(&directory);
    Person::stranger().own(&directory);
    refused(&home, 77, &format!("belongs to user {}, not to this one", Person::stranger().uid()));
    home.person().own(&directory);
    assert_eq!(fs::read_dir(&directory).expect("it is there").count(), 0);
    Daemon::start(&home).stop();
}

#[test]
fn what_is_no_directory_is_refused_and_not_followed() {
    let home = Home::new();
    let elsewhere = home.path().join("elsewhere");
    home.make_directory(&elsewhere);
    symlink(&elsewhere, directory_of_socket(&home)).expect("there is room");
    refused(&home, 77, "is not a directory; remove it");
    assert_eq!(fs::read_dir(&elsewhere).expect("it is ours").count(), 0);
    fs::remove_file(directory_of_socket(&home)).expect("it is ours");
    home.write(&directory_of_socket(&home), b"a file");
    refused(&home, 77, "is not a directory; remove it");
    assert_eq!(fs::read(directory_of_socket(&home)).expect("it is there"), b"a file");
}

#[test]
fn without_a_place_for_its_socket_it_does_not_start_and_says_which_variable_is_missing() {
    let home = Home::new();
    let ended = Recipe::of(&home).variable("XDG_RUNTIME_DIR", "").fail();
    assert_eq!(ended.code(), Some(78));
    assert!(ended.stderr.contains("XDG_RUNTIME_DIR"), "{}", ended.stderr);
}
