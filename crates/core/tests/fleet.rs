//! A fleet behaves: however many hosts there are, Airbyte sees few of them in any one second. `examples/fleet` is the
//! same with a hundred thousand hosts and a report.

#[path = "../examples/fleet/cases.rs"]
mod cases;
#[expect(dead_code, reason = "the report of the example wants more")]
#[path = "../examples/fleet/sim/mod.rs"]
mod sim;

use std::time::Duration;

use cases::{Case, Fleet, LIMIT};
use sim::{Down, Tally};

/// Enough for shares of two in a hundred to be told from chance.
const FLEET: Fleet = Fleet { hosts: 10_000, seed: 35 };
const MINUTE: u64 = 60;

fn play(case: &Case) -> Tally {
    case.scenario.play().expect("the tokens are fit")
}

/// Plays it, and asserts that no phase has a second with more of the fleet than it may have.
fn hold(case: &Case) -> Tally {
    let tally = play(case);
    let breaches = case.breaches(|seconds| tally.peak(seconds));
    assert!(breaches.is_empty(), "{}: {breaches:?}", case.title);
    tally
}

/// Fault 35: all hosts start at once.
#[test]
fn no_second_after_a_restart_of_all_hosts_sees_one_in_twenty_of_them() {
    hold(&FLEET.restarts(MINUTE));
    hold(&FLEET.starts_before_airbyte(2 * MINUTE));
}

/// Fault 35: all hosts start at once, and somebody waits for a token on each of them. Those are not made to wait; but
/// the renewals of what they got are spread.
#[test]
fn clients_who_all_come_at_once_are_seen_at_once_and_never_again() {
    let tally = hold(&FLEET.restarts(1));
    assert!(tally.peak(0..10) > 2.0 * LIMIT, "a herd would be seen");
}

/// Fault 35: ten minutes without Airbyte.
#[test]
fn an_airbyte_that_comes_back_sees_fewer_than_two_in_a_hundred_hosts_in_any_second() {
    for down in [Down::Unavailable, Down::Refused] {
        hold(&FLEET.outlasts(10 * MINUTE, down, MINUTE));
    }
}

/// Fault 35: ten minutes in which Airbyte asks for patience, or something answers in its stead.
#[test]
fn nor_does_an_airbyte_that_was_hidden_or_asked_for_patience() {
    let half_a_minute = Down::UnavailableFor(Duration::from_secs(30));
    for down in [half_a_minute, Down::WebPage, Down::Expired] {
        hold(&FLEET.outlasts(10 * MINUTE, down, MINUTE));
    }
}

/// Fault 35: Airbyte said when it would be back, to the second and to everybody.
#[test]
fn a_date_for_all_brings_no_herd() {
    hold(&FLEET.outlasts(10 * MINUTE, Down::UnavailableUntilHealed, MINUTE));
}

/// Fault 35: nobody knows Airbyte's name for ten minutes.
#[test]
fn a_name_that_is_known_again_brings_no_herd() {
    hold(&FLEET.outlasts(10 * MINUTE, Down::Unresolved, MINUTE));
}

/// Fault 35: and nobody waits longer for that than there is need.
#[test]
fn every_host_has_a_token_within_a_hundred_seconds_of_the_end_of_an_outage() {
    for minutes in [2, 10, 20] {
        let tally = play(&FLEET.fifth().outlasts(minutes * MINUTE, Down::Unavailable, MINUTE));
        let (mean, longest) = tally.recovery(false).expect("hosts have failed");
        // The last try that failed and the first that works take up to a second each.
        assert!(longest <= Duration::from_secs(102), "{longest:?} after {minutes} minutes");
        assert!(mean <= Duration::from_secs(50), "{mean:?} after {minutes} minutes");
    }
}
