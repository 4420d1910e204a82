//! Against a real GNOME Keyring.

use std::{
    collections::HashMap,
    io::Write as _,
    process::{Command, Stdio},
    time::Duration,
};

use airbyte_token_core::VaultTrouble;
use zbus::blocking::{Connection, fdo::DBusProxy};

use crate::{
    bus::{Activation, Policy, read_in_clear},
    monitor::Monitor,
    session::{LONG, run},
};

const BRIEF: Duration = Duration::from_millis(300);

fn secret_tool(verb: &str, more: &[&str], input: &str) -> String {
    let mut child = Command::new("secret-tool")
        .arg(verb)
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn a_secret_is_stored_read_replaced_and_deleted() {
    run("real::a_secret_is_stored_read_replaced_and_deleted", |session| {
        let _keyring = session.start();
        assert_eq!(session.read("a"), Err(VaultTrouble::Empty));
        session.write("a", "one").unwrap();
        session.write("b", "two").unwrap();
        assert_eq!(session.read("a"), Ok("one".into()));
        session.write("a", "three").unwrap();
        assert_eq!(session.read("a"), Ok("three".into()));
        session.delete("a").unwrap();
        assert_eq!(session.read("a"), Err(VaultTrouble::Empty));
        assert_eq!(session.delete("a"), Ok(()));
        assert_eq!(session.read("b"), Ok("two".into()));
    });
}

#[test]
fn other_programs_find_the_item_under_names_people_recognise() {
    run("real::other_programs_find_the_item_under_names_people_recognise", |session| {
        let _keyring = session.start();
        session.write("work", "one").unwrap();
        let found = secret_tool("search", &["service", "airbyte-tokend", "username", "work"], "");
        assert!(found.contains("label = Airbyte client secret of profile work\n"), "{found}");
        assert!(
            found.contains("secret = airbyte-tokend secret 1\nhttps://api.airbyte.com:443\none\n"),
            "{found}"
        );
    });
}

#[test]
fn a_locked_keyring_is_told_at_once_and_serves_when_unlocked() {
    run("real::a_locked_keyring_is_told_at_once_and_serves_when_unlocked", |session| {
        let keyring = session.start();
        session.write("a", "one").unwrap();
        keyring.lock();
        assert_eq!(session.read("a"), Err(VaultTrouble::Locked));
        assert_eq!(session.write("a", "two"), Err(VaultTrouble::Locked));
        assert_eq!(session.write("new", "two"), Err(VaultTrouble::Locked));
        assert_eq!(session.delete("a"), Err(VaultTrouble::Locked));
        keyring.unlock();
        assert_eq!(session.read("a"), Ok("one".into()));
        assert_eq!(session.read("new"), Err(VaultTrouble::Empty));
    });
}

#[test]
fn only_a_person_is_prompted() {
    run("real::only_a_person_is_prompted", |session| {
        let keyring = session.start();
        session.write("a", "one").unwrap();
        keyring.lock();
        let mut monitor = Monitor::start();
        assert_eq!(session.read("a"), Err(VaultTrouble::Locked));
        assert_eq!(session.write("a", "two"), Err(VaultTrouble::Locked));
        assert_eq!(session.write("new", "two"), Err(VaultTrouble::Locked));
        let background = monitor.so_far();
        assert_eq!((background.count("SearchItems"), background.count("Prompt")), (3, 0));
        // There is no display, so the prompt is over as soon as it is asked for.
        assert_eq!(session.read_within("a", LONG), Err(VaultTrouble::Locked));
        assert_eq!(session.write_within("new", "two", LONG), Err(VaultTrouble::Locked));
        assert_eq!(monitor.so_far().count("Prompt"), 2);
    });
}

#[test]
fn a_keyring_that_was_restarted_is_found_again() {
    run("real::a_keyring_that_was_restarted_is_found_again", |session| {
        let keyring = session.start();
        session.write("a", "one").unwrap();
        keyring.kill();
        let keyring = session.start_keyring();
        assert_eq!(session.read("a"), Ok("one".into()));
        keyring.kill();
        let _keyring = session.start_keyring();
        session.write("a", "two").unwrap();
        assert_eq!(session.read("a"), Ok("two".into()));
    });
}

#[test]
fn a_keyring_that_stops_during_reads_is_slow_and_then_serves_again() {
    run("real::a_keyring_that_stops_during_reads_is_slow_and_then_serves_again", |session| {
        let keyring = session.start();
        session.write("a", "one").unwrap();
        keyring.pause();
        assert_eq!(session.read_within("a", BRIEF), Err(VaultTrouble::Slow));
        assert_eq!(session.read_within("a", BRIEF), Err(VaultTrouble::Slow));
        keyring.resume();
        assert_eq!(session.read_when_free("a", LONG), Ok("one".into()));
    });
}

#[test]
fn the_background_deadline_holds_for_a_stopped_keyring() {
    run("real::the_background_deadline_holds_for_a_stopped_keyring", |session| {
        let keyring = session.start();
        session.write("a", "one").unwrap();
        keyring.pause();
        assert_eq!(session.read("a"), Err(VaultTrouble::Slow));
        keyring.resume();
        assert_eq!(session.read_when_free("a", LONG), Ok("one".into()));
    });
}

#[test]
fn a_killed_keyring_is_absent_until_it_runs_again() {
    run("real::a_killed_keyring_is_absent_until_it_runs_again", |session| {
        let keyring = session.start();
        session.write("a", "one").unwrap();
        keyring.kill();
        assert_eq!(session.read("a"), Err(VaultTrouble::Absent));
        assert!(session.error_of("a").detail.as_str().contains("no keyring runs"));
        let _keyring = session.start_keyring();
        assert_eq!(session.read("a"), Ok("one".into()));
    });
}

#[test]
fn a_keyring_that_is_killed_during_a_read_is_absent() {
    run("real::a_keyring_that_is_killed_during_a_read_is_absent", |session| {
        let keyring = session.start();
        session.write("a", "one").unwrap();
        let mut monitor = Monitor::start();
        keyring.pause();
        let outcome = session.read_during("a", move || {
            monitor.until("SearchItems");
            keyring.kill();
        });
        assert_eq!(outcome, Err(VaultTrouble::Absent));
    });
}

#[test]
fn a_keyring_that_is_resumed_during_a_read_answers_it() {
    run("real::a_keyring_that_is_resumed_during_a_read_answers_it", |session| {
        let keyring = session.start();
        session.write("a", "one").unwrap();
        let mut monitor = Monitor::start();
        keyring.pause();
        let outcome = session.read_during("a", || {
            monitor.until("SearchItems");
            keyring.resume();
        });
        assert_eq!(outcome, Ok("one".into()));
    });
}

#[test]
fn a_keyring_that_the_bus_starts_is_locked_and_not_absent() {
    run("real::a_keyring_that_the_bus_starts_is_locked_and_not_absent", |session| {
        session.start_bus_with(Policy::Open, Activation::Keyring);
        let keyring = session.start_keyring();
        session.write("a", "one").unwrap();
        keyring.kill();
        assert_eq!(session.read_within("a", LONG), Err(VaultTrouble::Locked));
    });
}

#[test]
fn without_a_bus_the_keyring_is_absent_until_there_is_one() {
    run("real::without_a_bus_the_keyring_is_absent_until_there_is_one", |session| {
        assert_eq!(session.read("a"), Err(VaultTrouble::Absent));
        assert!(session.error_of("a").detail.as_str().contains("no session bus"));
        session.start_bus();
        assert_eq!(session.read("a"), Err(VaultTrouble::Absent));
        assert!(session.error_of("a").detail.as_str().contains("no keyring runs"));
        let _keyring = session.start_keyring();
        session.write("a", "one").unwrap();
        assert_eq!(session.read("a"), Ok("one".into()));
    });
}

#[test]
fn a_bus_that_was_restarted_is_found_again() {
    run("real::a_bus_that_was_restarted_is_found_again", |session| {
        let keyring = session.start();
        session.write("a", "one").unwrap();
        session.stop_bus();
        assert_eq!(session.read("a"), Err(VaultTrouble::Absent));
        drop(keyring);
        let _keyring = session.start();
        assert_eq!(session.read("a"), Ok("one".into()));
    });
}

#[test]
fn a_bus_that_keeps_us_from_the_keyring_is_denied() {
    run("real::a_bus_that_keeps_us_from_the_keyring_is_denied", |session| {
        session.start_bus_with(Policy::KeyringDenied, Activation::None);
        let _keyring = session.start_keyring();
        assert_eq!(session.read("a"), Err(VaultTrouble::Denied));
        assert_eq!(session.write("a", "one"), Err(VaultTrouble::Denied));
    });
}

#[test]
fn what_another_program_stored_under_our_name_is_damaged() {
    run("real::what_another_program_stored_under_our_name_is_damaged", |session| {
        let _keyring = session.start();
        secret_tool("store", &["--label=x", "service", "airbyte-tokend", "username", "a"], "not ours");
        assert_eq!(session.read("a"), Err(VaultTrouble::Damaged));
        session.write("a", "one").unwrap();
        assert_eq!(session.read("a"), Ok("one".into()));
    });
}

#[test]
fn of_several_copies_none_is_believed_and_all_are_deleted() {
    run("real::of_several_copies_none_is_believed_and_all_are_deleted", |session| {
        let _keyring = session.start();
        session.write("a", "one").unwrap();
        session.write("b", "two").unwrap();
        let copy = ["--label=x", "service", "airbyte-tokend", "username", "a", "copy", "1"];
        secret_tool("store", &copy, "airbyte-tokend secret 1\nhttps://evil.example:443\nx");
        assert_eq!(session.read("a"), Err(VaultTrouble::Damaged));
        assert_eq!(session.write("a", "three"), Err(VaultTrouble::Damaged));
        session.delete("a").unwrap();
        assert_eq!(session.read("a"), Err(VaultTrouble::Empty));
        assert_eq!(session.read("b"), Ok("two".into()));
    });
}

#[test]
fn who_listens_on_the_bus_hears_no_secret() {
    run("real::who_listens_on_the_bus_hears_no_secret", |session| {
        let _keyring = session.start();
        let mut monitor = Monitor::start();
        session.write("a", "s3cret-on-the-bus").unwrap();
        session.write("a", "s3cret-on-the-bus-2").unwrap();
        session.read("a").unwrap();
        let heard = monitor.so_far();
        assert_eq!([1, 1, 1], ["CreateItem", "SetSecret", "GetSecret"].map(|member| heard.count(member)));
        assert!(!heard.contains("s3cret-on-the-bus"));

        let attributes = HashMap::from([("service", "airbyte-tokend"), ("username", "a")]);
        assert!(read_in_clear(&attributes).ends_with(b"\ns3cret-on-the-bus-2"));
        assert!(monitor.so_far().contains("s3cret-on-the-bus-2"), "a session in clear would have been heard");
    });
}

#[test]
fn no_call_leaves_a_connection_behind() {
    run("real::no_call_leaves_a_connection_behind", |session| {
        let _keyring = session.start();
        session.write("a", "one").unwrap();
        for _ in 0..20 {
            session.read("a").unwrap();
        }
        let bus = Connection::session().unwrap();
        let names = DBusProxy::new(&bus).unwrap();
        // The bus notices a closed connection when it gets to it. Only this one and the keyring's stay.
        let connections = || names.list_names().unwrap().iter().filter(|name| name.starts_with(':')).count();
        assert!((0..100_000).any(|_| connections() == 2), "{} connections", connections());
    });
}
