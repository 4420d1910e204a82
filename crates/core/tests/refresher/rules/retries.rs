//! What may work soon is tried again soon, but never in a storm.

use std::time::Duration;

use airbyte_token_core::{Answer, Failure, Reason};

use crate::{
    fixture::{hours, mins, secs, suspect, throttled, transient, unavailable},
    world::World,
};

/// The waits after each of eight failures in a row.
fn waits(seed: u64, failure: &Failure) -> Vec<Duration> {
    let mut world = World::new(seed);
    world.request(Duration::ZERO);
    (0..8)
        .map(|_| {
            world.fail(failure);
            world.until_begin(mins(5)).expect("it is tried again")
        })
        .collect()
}

#[test]
fn retries_wait_up_to_1_2_4_8_15_30_30_seconds_each_by_chance() {
    let runs: Vec<_> = (0..200).map(|seed| waits(seed, &transient())).collect();
    for (turn, most) in [1, 2, 4, 8, 15, 30, 30].into_iter().enumerate() {
        let rolled: Vec<_> = runs.iter().map(|waits| waits[turn]).collect();
        let longest = *rolled.iter().max().expect("some");
        let shortest = *rolled.iter().min().expect("some");
        assert!(longest <= secs(most) && longest >= secs(most) * 9 / 10, "turn {turn}: {longest:?}");
        assert!(shortest >= secs(1) && shortest <= secs(1).max(secs(most) / 10), "turn {turn}: {shortest:?}");
    }
}

#[test]
fn a_success_starts_the_ladder_over() {
    let mut world = World::new(3);
    world.request(Duration::ZERO);
    for _ in 0..6 {
        world.fail(&transient());
        world.until_begin(mins(2)).expect("it is tried again");
    }
    world.land(mins(15));
    world.until_begin(mins(15)).expect("renewal");
    world.fail(&transient());
    assert_eq!(world.until_begin(mins(1)), Some(secs(1)));
}

#[test]
fn the_issuers_wish_is_kept_from_one_second_to_fifteen_minutes_and_half_a_minute_if_unsaid() {
    for (failure, wait) in [
        (throttled(Some(secs(7))), secs(7)),
        (throttled(None), secs(30)),
        (throttled(Some(Duration::ZERO)), secs(1)),
        (throttled(Some(mins(15))), mins(15)),
        (throttled(Some(secs(1_000_000_000))), mins(15)),
        (unavailable(secs(120)), secs(120)),
        (unavailable(Duration::MAX), mins(15)),
        (unavailable(Duration::ZERO), secs(1)),
        (suspect(), secs(1)),
    ] {
        let mut world = World::new(5);
        world.request(Duration::ZERO);
        world.fail(&failure);
        assert_eq!(world.until_begin(hours(1)), Some(wait), "{failure:?}");
    }
}

#[test]
fn a_shorter_wish_does_not_shorten_a_longer_one() {
    let mut world = World::new(5);
    world.request(Duration::ZERO);
    world.fail(&throttled(Some(mins(10))));
    world.elapse(mins(10), mins(10));
    world.tick();
    world.fail(&throttled(Some(mins(10))));
    world.new_secret();
    world.refresh();
    assert_eq!(world.until_begin(hours(1)), Some(mins(10)));
}

#[test]
fn callers_hear_the_failure_and_when_it_is_tried_again() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.fail(&throttled(Some(secs(40))));
    let Answer::Failed { reason, retry_at, alive } = world.request(Duration::ZERO) else { panic!("failed") };
    assert_eq!(reason, Reason::Failure(throttled(Some(secs(40)))));
    assert_eq!(retry_at, Some(world.now().after(secs(40))));
    assert!(alive.is_none());
}

#[test]
fn a_caller_without_a_failure_to_report_hears_that_the_issuer_is_spared() {
    let mut world = World::with_token(1, secs(2));
    world.pass(secs(3));
    let Answer::Failed { reason, retry_at, alive } = world.request(Duration::ZERO) else { panic!("failed") };
    assert_eq!((reason, retry_at), (Reason::Paced, Some(world.now().after(secs(2)))));
    assert!(alive.is_none());
    assert_eq!(world.until_begin(mins(1)), Some(secs(2)), "the demand is remembered");
}

#[test]
fn a_long_outage_never_leads_to_a_long_silence() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    let mut longest = Duration::ZERO;
    let mut hour = Vec::new();
    while world.oracle.truth < hours(7) {
        world.fail(&transient());
        let wait = world.until_begin(hours(1)).expect("it is tried again");
        longest = longest.max(wait);
        hour.push(world.oracle.truth.as_secs() / 3600);
    }
    assert_eq!(longest, secs(100));
    for nth in 0..7 {
        let tries = hour.iter().filter(|at| **at == nth).count();
        assert!((50..=60).contains(&tries), "{tries} in hour {nth}");
    }
    assert_eq!(world.oracle.breaches_of(crate::oracle::Promise::Budget), Vec::<&str>::new());
}

#[test]
fn ten_in_a_minute_is_the_most_even_when_each_try_follows_the_last_at_once() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    let begun = |world: &World| world.begun();
    while world.oracle.truth < mins(1) {
        world.fail(&transient());
        world.new_secret();
        world.pass(secs(1));
    }
    assert_eq!(begun(&world), 11, "ten in the first minute, and the eleventh as it ends");
}

#[test]
fn lives_that_change_do_not_open_the_hourly_budget() {
    let mut world = World::with_token(1, secs(60));
    while world.oracle.truth < mins(30) {
        world.until_begin(mins(2)).expect("renewal");
        world.land(secs(60));
    }
    world.until_begin(mins(2)).expect("renewal");
    while world.oracle.truth < mins(60) {
        world.land(mins(15));
        world.new_secret();
        world.refresh();
        world.until_begin(secs(1));
        world.fail(&transient());
        world.until_begin(mins(15)).expect("it is tried again");
    }
    assert_eq!(world.oracle.breaches_of(crate::oracle::Promise::Budget), Vec::<&str>::new());
}
