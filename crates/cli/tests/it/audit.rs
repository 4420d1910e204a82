//! `audit`, with the real binary and logs that were written by the rules.

use std::{fs, path::Path, time::Duration};

use airbyte_token_local::audit::{CURRENT, Chain, Event, Process, Stamp, Verb, Who};
use tempfile::TempDir;

use crate::support::{Told, client, run};

/// 2030-06-02, 12:20:05 in Greenwich.
pub(crate) const NOON: Duration = Duration::from_millis(1_906_633_205_007);
pub(crate) const FINGERPRINT: &str = "0123456789abcdef";

pub(crate) fn process(pid: i32, program: &str, comm: Option<&str>) -> Process {
    Process { pid: Some(pid), program: Some(program.to_owned()), comm: comm.map(str::to_owned) }
}

/// Somebody's script that started the client.
pub(crate) fn script(pid: i32) -> Who {
    Who {
        client: None,
        uid: Some(1000),
        process: process(pid, "/usr/bin/airbyte-token", None),
        parent: Some(process(7, "/usr/bin/bash", Some("deploy.sh"))),
    }
}

pub(crate) fn after(seconds: u64) -> Stamp {
    Stamp::new(NOON + Duration::from_secs(seconds))
}

pub(crate) fn token(seconds: u64, who: Who) -> Event {
    Event {
        profile: Some("prod".to_owned()),
        fingerprint: Some(FINGERPRINT.to_owned()),
        issued: Some(after(0)),
        who: Some(who),
        door: Some("the main socket".to_owned()),
        ..Event::new(after(seconds), Verb::Token)
    }
}

/// A state directory with this log.
pub(crate) fn log(events: &[Event]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let mut chain = Chain::default();
    let mut text = chain.seal(&Event::new(after(0), Verb::Begin));
    events.iter().for_each(|event| text.extend(chain.seal(event)));
    fs::write(directory.path().join(CURRENT), text).expect("there is room");
    directory
}

fn events() -> Vec<Event> {
    let refused = Event {
        outcome: "peer_refused".into(),
        who: Some(Who {
            uid: Some(1001),
            process: process(9, "/usr/bin/curl\u{1b}[2J", None),
            ..Who::default()
        }),
        door: Some("the socket ci".to_owned()),
        ..Event::new(after(60), Verb::Refused)
    };
    let client = Who { client: Some("dbt".to_owned()), ..Who::default() };
    let many =
        Event { first: Some(after(61)), times: 12, door: Some("http".to_owned()), ..token(90, client) };
    let other = Event { profile: Some("other".to_owned()), ..Event::new(after(100), Verb::Logout) };
    vec![token(1, script(42)), refused, many, other]
}

/// The client, told two hours east of Greenwich.
pub(crate) fn told(line: &str, directory: &Path) -> Told {
    told_with(line, directory, "")
}

pub(crate) fn told_with(line: &str, directory: &Path, input: &str) -> Told {
    run(client(line).arg("--state-dir").arg(directory).env("TZ", "XYZ-2"), input)
}

#[test]
fn audit_tells_when_what_and_who_in_columns() {
    let log = log(&events());
    let page = told("audit", log.path()).done();
    let expected = [
        "TIME                 EVENT                  PROFILE  TOKEN             TIMES  WHO",
        "2030-06-02 14:20:05  begin                  -        -                 1      the daemon",
        "2030-06-02 14:20:06  token                  prod     0123456789abcdef  1      uid 1000: /usr/bin/airbyte-token 42, started by /usr/bin/bash (deploy.sh) 7",
        "2030-06-02 14:21:05  refused: peer_refused  -        -                 1      uid 1001: /usr/bin/curl?[2J 9, by the socket ci",
        "2030-06-02 14:21:35  token                  prod     0123456789abcdef  12     local client dbt, by http",
        "2030-06-02 14:21:45  logout                 other    -                 1      the daemon",
    ];
    assert_eq!(page.lines().collect::<Vec<_>>(), expected, "{page}");
}

#[test]
fn audit_hands_programs_the_lines_as_they_are() {
    let log = log(&events());
    let lines = told("audit --json", log.path()).done();
    assert_eq!(lines, fs::read_to_string(log.path().join(CURRENT)).expect("it is there"));
    let lines = told("audit --json -p prod", log.path()).done();
    assert_eq!(lines.lines().count(), 2);
    assert!(lines.lines().all(|line| line.contains("\"profile\":\"prod\"")), "{lines}");
}

#[test]
fn audit_shows_what_is_not_longer_ago_than_that() {
    let past = Event { time: Stamp::new(Duration::from_secs(1)), ..token(0, script(1)) };
    let log = log(&[past, token(1, script(2))]);
    let all = told("audit --json -p prod", log.path()).done();
    let late = told("audit --json -p prod --since 5m", log.path()).done();
    assert_eq!((all.lines().count(), late.lines().count()), (2, 1));
    assert!(late.contains("\"pid\":2"), "{late}");
}

#[test]
fn audit_needs_no_daemon_and_no_runtime_directory() {
    let home = tempfile::tempdir().expect("a directory can be made");
    let state = home.path().join("airbyte-tokend");
    fs::create_dir(&state).expect("there is room");
    fs::copy(log(&events()).path().join(CURRENT), state.join(CURRENT)).expect("there is room");
    let page = run(client("audit").env("XDG_STATE_HOME", home.path()), "").done();
    assert_eq!(page.lines().count(), 6, "{page}");
}

#[test]
fn a_log_that_somebody_changed_is_shown_with_what_is_wrong_and_78() {
    let log = log(&events());
    let path = log.path().join(CURRENT);
    let text = fs::read_to_string(&path).expect("it is there");
    fs::write(&path, text.replacen("\"uid\":1000", "\"uid\":1002", 1)).expect("there is room");
    let told = told("audit", log.path());
    assert_eq!(told.status, 78, "{told:?}");
    let expected = "airbyte-token: warning: audit.log, line 2, record 2: the record was changed after it was written\n\
        airbyte-token: error: the audit log is not as the daemon wrote it, in 1 place\n\
        hint: find out who may write these files; the daemon begins anew if they are moved away\n";
    assert_eq!(told.err, expected);
    assert_eq!(told.out.lines().count(), 6, "all of it is shown: {}", told.out);
}

#[test]
fn where_there_is_no_log_it_is_said_how_to_name_one() {
    let nowhere = tempfile::tempdir().expect("a directory can be made");
    let (what, hint) = told("audit", nowhere.path()).failed(78);
    assert_eq!(what, format!("there is no audit log in {}", nowhere.path().display()));
    assert!(hint.contains("--state-dir"), "{hint}");
    let (what, hint) = run(client("audit").env("XDG_STATE_HOME", nowhere.path()), "").failed(78);
    assert!(what.contains("there is no audit log in") && hint.contains("--state-dir"), "{what}: {hint}");
    fs::create_dir(nowhere.path().join(CURRENT)).expect("there is room");
    let (what, _) = told("audit", nowhere.path()).failed(78);
    assert!(what.ends_with("not a regular file"), "{what}");
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let events: Vec<_> = (0..2_000).map(|second| token(second, script(1))).collect();
    let log = log(&events);
    let (reader, writer) = std::io::pipe().expect("there are pipes");
    drop(reader);
    let mut audit = client("audit");
    let ended = audit.arg("--state-dir").arg(log.path()).stdout(writer).output().expect("it runs");
    assert_eq!((ended.status.code(), ended.stderr.len()), (Some(0), 0), "{ended:?}");
}
