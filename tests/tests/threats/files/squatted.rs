//! Something of somebody else's stands where the socket, its directory or its lock are to be.

use std::{fs, os::unix::fs::symlink, path::Path};

use airbyte_tokend_tests::{Daemon, Ended, Home, Person, Recipe};

use super::{give, set_mode};

fn start(squat: impl FnOnce(&Home, &Path)) -> (Home, Ended) {
    let home = Home::of(Person::owner());
    let directory = home.run().join("airbyte-tokend");
    squat(&home, &directory);
    let ended = Recipe::of(&home).fail();
    (home, ended)
}

/// T2: whoever was first makes the socket's directory, opens it, or can exchange it.
#[test]
fn a_directory_of_somebody_elses_is_refused_with_owner_and_mode() {
    let stranger = Person::stranger().uid();
    let his = |home: &Home, directory: &Path| {
        home.make_directory(directory);
        give(directory, stranger, stranger);
    };
    let open = |home: &Home, directory: &Path| {
        home.make_directory(directory);
        set_mode(directory, 0o770);
    };
    let beneath_open = |home: &Home, directory: &Path| {
        home.make_directory(directory);
        set_mode(&home.run(), 0o777);
    };
    let link = |home: &Home, directory: &Path| {
        home.make_directory(&home.path().join("his"));
        give(&home.path().join("his"), stranger, stranger);
        symlink(home.path().join("his"), directory).expect("there is room");
    };
    /// What is done to the directory, which place the message names, and what else it says.
    type Squat<'a> = (&'a dyn Fn(&Home, &Path), &'static str, &'static str);
    let squats: [Squat<'_>; 4] = [
        (&his, "run/airbyte-tokend", "belongs to user 61501, not to this one (mode 700)"),
        (&open, "run/airbyte-tokend", "has mode 770"),
        (&beneath_open, "run", "mode 0777"),
        (&link, "run/airbyte-tokend", "is not a directory; remove it and start again (owner "),
    ];
    for (squat, place, words) in squats {
        let (home, ended) = start(squat);
        let place = home.path().join(place).display().to_string();
        assert_eq!(ended.code(), Some(77), "{}", ended.stderr);
        assert!(ended.stderr.contains(&place) && ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
    let home = Home::of(Person::owner());
    assert_eq!(Daemon::start(&home).http().get("/v1/status").status, 200, "without a squatter it serves");
}

/// T2: a link in place of the lock or of the socket leads to a file that the daemon could be made to overwrite.
#[test]
fn links_in_place_of_lock_and_socket_lead_to_no_harm() {
    let link = |name: &'static str| {
        move |home: &Home, directory: &Path| {
            home.make_directory(directory);
            home.write(&home.path().join("precious"), b"precious");
            symlink(home.path().join("precious"), directory.join(name)).expect("there is room");
        }
    };
    let assert_whole = |home: &Home, name: &str| {
        assert_eq!(fs::read(home.path().join("precious")).expect("it is there"), b"precious", "{name}");
    };
    for name in ["api.lock", "api.sock"] {
        let (home, ended) = start(link(name));
        assert_eq!(ended.code(), Some(77), "{}", ended.stderr);
        let place = home.run().join("airbyte-tokend").join(name).display().to_string();
        assert!(ended.stderr.contains(&place) && ended.stderr.contains("(owner "), "{}", ended.stderr);
        assert_whole(&home, name);
    }
    for name in ["api.new", "api.spare"] {
        let home = Home::of(Person::owner());
        link(name)(&home, &home.run().join("airbyte-tokend"));
        let daemon = Daemon::start(&home);
        assert_eq!(daemon.http().get("/v1/status").status, 200, "{name} is ours to replace");
        assert_whole(&home, name);
    }
}
