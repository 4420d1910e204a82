//! Several daemons where one may be.

use std::{fs, os::unix::fs::MetadataExt as _};

use airbyte_tokend_tests::{Airbyte, Daemon, Ended, Home, Recipe};

const RIVALS: usize = 50;

fn socket(home: &Home) -> (u64, u64) {
    let found = fs::symlink_metadata(home.socket()).expect("it is there");
    (found.dev(), found.ino())
}

/// All of them began at once, and these did not get to serve: each says who does.
fn gave_up(starting: Vec<Daemon>) -> (Vec<Daemon>, Vec<Ended>) {
    let (winners, losers): (Vec<_>, Vec<_>) =
        starting.into_iter().map(Daemon::await_ready).partition(Result::is_ok);
    (winners.into_iter().flatten().collect(), losers.into_iter().filter_map(Result::err).collect())
}

fn assert_named(losers: &[Ended], winner: &Daemon) {
    let complaint = format!("airbyte-tokend is running already: process {} holds", winner.pid());
    for loser in losers {
        assert_eq!(loser.code(), Some(75), "{}", loser.stderr);
        assert!(loser.stderr.contains(&complaint), "`{complaint}` is not in: {}", loser.stderr);
    }
}

/// Fault 25: fifty at once.
#[test]
fn of_fifty_daemons_started_at_once_one_serves_and_the_others_name_it() {
    let home = Home::new();
    let (winners, losers) = gave_up((0..RIVALS).map(|_| Recipe::of(&home).begin()).collect());
    assert_eq!((winners.len(), losers.len()), (1, RIVALS - 1));
    assert_named(&losers, &winners[0]);
    assert_eq!(winners[0].http().get("/readyz").status, 200);
}

/// Fault 25: fifty more while one serves.
#[test]
fn fifty_daemons_started_beside_one_that_serves_touch_nothing_of_it() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let first = Daemon::start(&home);
    first.log_in("main", &airbyte, "memory");
    let before = (socket(&home), home.config());
    let (winners, losers) = gave_up((0..RIVALS).map(|_| Recipe::of(&home).begin()).collect());
    assert_eq!((winners.len(), losers.len()), (0, RIVALS));
    assert_named(&losers, &first);
    assert_eq!((socket(&home), home.config()), before);
    assert_eq!((first.http().token(), airbyte.exchanges()), (airbyte.latest_token(), 1));
}
