use std::{
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
};

use tempfile::TempDir;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const SHORT: Duration = Duration::from_millis(50);

/// A directory of mode 0700, as `mkdtemp` makes it.
fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("api.sock");
    (directory, socket)
}

fn failure(socket: &Path) -> ConnectError {
    connect(socket, Patience::None, SECOND).map(drop).unwrap_err()
}

#[test]
fn a_socket_of_one_s_own_is_believed() {
    let (_directory, socket) = place();
    let _listener = UnixListener::bind(&socket).unwrap();
    connect(&socket, Patience::None, SECOND).unwrap();
}

#[test]
fn a_missing_and_a_deserted_socket_both_mean_that_no_daemon_answers() {
    let (_directory, socket) = place();
    let absent = failure(&socket);
    assert!(matches!(absent, ConnectError::Absent(_)), "{absent}");
    drop(UnixListener::bind(&socket).unwrap());
    let deserted = failure(&socket);
    assert!(matches!(deserted, ConnectError::Deserted(_)), "{deserted}");
    for error in [absent, deserted, failure(Path::new("/nonexistent/api.sock"))] {
        assert_eq!(error.exit_status(), ExitStatus::Unreachable);
        assert_eq!(error.hint(), "systemctl --user start airbyte-tokend.socket");
        assert!(error.to_string().contains("api.sock"));
    }
}

#[test]
fn the_system_s_daemon_is_not_started_by_its_users() {
    let hint = ConnectError::Absent(SYSTEM_SOCKET.into()).hint();
    assert_eq!(hint, "systemctl start airbyte-tokend.socket");
}

#[test]
fn a_directory_that_others_can_write_is_refused_before_a_byte_is_sent() {
    let (directory, socket) = place();
    let listener = UnixListener::bind(&socket).unwrap();
    listener.set_nonblocking(true).unwrap();
    for (mode, believed) in [(0o777, false), (0o1_777, false), (0o770, false), (0o755, true)] {
        fs::set_permissions(directory.path(), Permissions::from_mode(mode)).unwrap();
        assert_eq!(connect(&socket, Patience::None, SECOND).is_ok(), believed, "{mode:o}");
        assert_eq!(listener.accept().is_ok(), believed, "{mode:o}");
    }
    fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
    let refused = failure(&socket);
    assert_eq!(refused.exit_status(), ExitStatus::Refused);
    assert!(refused.to_string().contains("mode 0777"), "{refused}");
}

#[test]
fn a_path_that_no_socket_can_have_is_said_to_be_too_long() {
    let error = failure(&PathBuf::from(format!("/{}", "x".repeat(108))));
    assert!(matches!(error, ConnectError::PathTooLong(_)), "{error}");
    assert_eq!(error.exit_status(), ExitStatus::Usage);
}

/// How often `persist` tries, and how long it sleeps in all, when the first tries fail so and the next one succeeds.
fn tries(patience: Patience, failures: Vec<ConnectError>) -> (usize, Duration, bool) {
    let (mut tries, mut slept) = (0, Duration::ZERO);
    let mut failures = failures.into_iter();
    let outcome = persist(
        patience,
        |pause| slept += pause,
        || {
            tries += 1;
            failures.next().map_or(Ok(()), Err)
        },
    );
    (tries, slept, outcome.is_ok())
}

#[test]
fn a_daemon_that_is_starting_is_waited_for_only_when_asked_and_about_a_second() {
    let absent = || ConnectError::Absent("/s".into());
    let deserted = || ConnectError::Deserted("/s".into());
    assert_eq!(tries(Patience::None, vec![absent()]), (1, Duration::ZERO, false));
    assert_eq!(tries(Patience::Starting, vec![absent(), deserted()]), (3, Duration::from_millis(30), true));
    let (count, slept, connected) = tries(Patience::Starting, (0..100).map(|_| absent()).collect());
    assert_eq!((count, connected), (8, false));
    assert!((SECOND..SECOND * 2).contains(&slept), "{slept:?}");
}

#[test]
fn what_waiting_does_not_mend_is_not_waited_for() {
    let distrusted = Distrust::Server { path: "/s".into(), uid: 1_501 };
    assert_eq!(tries(Patience::Starting, vec![distrusted.into()]), (1, Duration::ZERO, false));
}

#[test]
fn a_daemon_that_takes_nobody_in_is_left_after_the_timeout() {
    let (_directory, socket) = place();
    let listener = UnixListener::bind(&socket).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let mut kept = Vec::new();
    let crowded = loop {
        match connect(&socket, Patience::None, SHORT) {
            Ok(client) => kept.push(client),
            Err(error) => break error,
        }
    };
    assert!(!kept.is_empty(), "the queue had a place at first");
    assert!(matches!(crowded, ConnectError::Crowded(_)), "{crowded}");
    assert_eq!(crowded.exit_status(), ExitStatus::TryAgain);
}

#[test]
fn a_daemon_that_says_nothing_is_left_after_the_timeout() {
    let (_directory, socket) = place();
    let _listener = UnixListener::bind(&socket).unwrap();
    let silent = connect(&socket, Patience::None, SHORT).unwrap().status().unwrap_err();
    assert_eq!(silent.exit_status(), ExitStatus::TryAgain);
    assert!(silent.to_string().contains("nothing came in time"), "{silent}");
}
