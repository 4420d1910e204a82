//! What may work soon is tried again soon, but never in a storm.

use std::time::Duration;

use airbyte_token_core::{Answer, Failure, Reason};

use crate::{
    fixture::{hours, mins, secs, throttled, transient, unavailable},
    world::World,
};

/// The waits after each of nine failures in a row, of a profile without a token.
fn waits(seed: u64) -> Vec<Duration> {
    let mut world = World::new(seed);
    world.request(Duration::ZERO);
    (0..9).map(|_| wait(&mut world)).collect()
}

/// The same for as many failures as this, of a profile whose token had this much left at the first.
fn waits_with(seed: u64, left: Duration, failures: usize) -> Vec<Duration> {
    let mut world = World::with_token(seed, mins(15));
    world.pass(mins(15) - left);
    assert!(world.is_flying(), "it is being renewed");
    (0..failures).map(|_| wait(&mut world)).collect()
}

fn wait(world: &mut World) -> Duration {
    world.fail(&transient());
    world.until_begin(mins(5)).expect("it is tried again")
}

/// Asserts that on this turn of all these runs, chance spread the waits from the least to the most there may be.
fn assert_spread(runs: &[Vec<Duration>], turn: usize, least: Duration, most: Duration) {
    let rolled = runs.iter().map(|waits| waits[turn]);
    let (shortest, longest) = (rolled.clone().min().expect("some"), rolled.max().expect("some"));
    let tenth = (most - least) / 10;
    assert!(longest <= most && longest >= most - tenth, "turn {turn}: {longest:?} of {most:?}");
    assert!(shortest >= least && shortest <= least + tenth, "turn {turn}: {shortest:?} of {least:?}");
}

#[test]
fn retries_wait_up_to_1_2_4_8_15_seconds_then_from_half_to_all_of_30_60_and_100_seconds() {
    let runs: Vec<_> = (0..200).map(waits).collect();
    for (turn, most) in [1, 2, 4, 8, 15].into_iter().enumerate() {
        assert_spread(&runs, turn, secs(1), secs(most));
    }
    assert_spread(&runs, 5, secs(15), secs(30));
    assert_spread(&runs, 6, secs(30), secs(60));
    assert_spread(&runs, 7, secs(50), secs(100));
    assert_spread(&runs, 8, secs(50), secs(100));
}

#[test]
fn while_a_token_has_long_to_live_the_issuer_is_spared_most_of_the_retries() {
    let runs: Vec<_> = (0..200).map(|seed| waits_with(seed, mins(5), 4)).collect();
    assert_spread(&runs, 0, Duration::ZERO, secs(1));
    assert_spread(&runs, 1, secs(1), secs(15));
    assert_spread(&runs, 2, secs(50), secs(100));
    assert_spread(&runs, 3, secs(50), secs(100));
}

#[test]
fn a_token_that_may_not_outlive_the_slowest_retry_spares_none() {
    let second = |left| (0..200).map(|seed| waits_with(seed, left, 2)).collect::<Vec<_>>();
    assert_spread(&second(secs(101)), 1, secs(1), secs(15));
    assert_spread(&second(secs(100)), 1, secs(1), secs(2));
    let dead: Vec<_> = (0..200).map(|seed| waits_with(seed, secs(0), 3)).collect();
    assert_spread(&dead, 2, secs(1), secs(4));
}

#[test]
fn who_was_slow_while_the_token_lived_is_not_in_a_hurry_when_it_has_died() {
    let runs: Vec<_> = (0..200).map(|seed| waits_with(seed, mins(5), 9)).collect();
    assert_spread(&runs, 8, secs(50), secs(100));
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

/// How long the issuer is left alone after this failure, in two hundred runs.
fn patience(failure: &Failure) -> Vec<Vec<Duration>> {
    let patience = |seed| {
        let mut world = World::new(seed);
        world.request(Duration::ZERO);
        world.fail(failure);
        vec![world.until_begin(hours(1)).expect("it is tried again")]
    };
    (0..200).map(patience).collect()
}

#[test]
fn the_issuers_wish_is_kept_and_up_to_a_quarter_added_by_chance() {
    for (failure, wish) in [
        (throttled(Some(secs(8))), secs(8)),
        (throttled(None), secs(30)),
        (throttled(Some(Duration::ZERO)), secs(1)),
        (unavailable(secs(120)), secs(120)),
        (unavailable(Duration::ZERO), secs(1)),
    ] {
        assert_spread(&patience(&failure), 0, wish, wish * 5 / 4);
    }
    assert_spread(&patience(&throttled(Some(mins(14)))), 0, mins(14), mins(15));
}

#[test]
fn more_patience_than_a_quarter_of_an_hour_is_not_to_be_had() {
    for wish in [mins(15), mins(16), secs(1_000_000_000), Duration::MAX] {
        for failure in [throttled(Some(wish)), unavailable(wish)] {
            assert!(patience(&failure).iter().all(|waits| *waits == [mins(15)]), "{failure:?}");
        }
    }
}

#[test]
fn a_shorter_wish_does_not_shorten_a_longer_one() {
    let mut world = World::new(5);
    world.request(Duration::ZERO);
    world.fail(&throttled(Some(mins(15))));
    world.elapse(mins(15), mins(15));
    world.tick();
    world.fail(&throttled(Some(mins(15))));
    world.new_secret();
    world.refresh();
    assert_eq!(world.until_begin(hours(1)), Some(mins(15)));
}

#[test]
fn callers_hear_the_failure_and_when_it_is_tried_again() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.fail(&throttled(Some(secs(40))));
    let Answer::Failed { reason, retry_at, alive } = world.request(Duration::ZERO) else { panic!("failed") };
    assert_eq!(reason, Reason::Failure(throttled(Some(secs(40)))));
    let wait = world.until_begin(hours(1)).expect("it is tried again");
    assert_eq!(retry_at, Some(world.now()));
    assert!((secs(40)..=secs(50)).contains(&wait), "{wait:?}");
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
        assert!((36..=60).contains(&tries), "{tries} in hour {nth}");
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
