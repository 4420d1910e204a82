//! Clocks leap; lives do not get longer, and budgets do not open.

use std::time::Duration;

use airbyte_token_core::Answer;
use proptest::prelude::*;

use crate::{
    fixture::{hours, mins, secs, throttled, transient},
    oracle::Promise,
    world::World,
};

const HOUR: i64 = 3_600;

fn is_served(world: &mut World) -> bool {
    matches!(world.request(Duration::ZERO), Answer::Token(_))
}

#[test]
fn a_token_dies_on_time_though_clocks_are_turned_back() {
    for (boot, wall) in [(-HOUR, 0), (0, -HOUR), (-HOUR, -HOUR), (-1_000_000, -1_000_000_000)] {
        let mut world = World::with_token(1, mins(15));
        world.pass(mins(10));
        world.leap(boot, wall);
        world.pass(mins(5) - secs(1));
        let left = world.refresher.snapshot().token.map(|token| token.remaining(world.now()));
        assert_eq!(left, Some(secs(1)), "{boot} {wall}");
        world.pass(secs(1));
        assert!(world.refresher.snapshot().token.is_none(), "{boot} {wall}");
    }
}

#[test]
fn a_token_in_flight_ages_though_clocks_are_turned_back() {
    for (boot, wall) in [(-HOUR, 0), (0, -HOUR), (-HOUR, -HOUR), (-1_000_000, -1_000_000_000)] {
        let mut world = World::new(1);
        world.request(Duration::ZERO);
        world.pass(secs(4));
        world.leap(boot, wall);
        world.pass(secs(3));
        world.leap(boot, wall);
        world.pass(secs(2));
        world.land(mins(15));
        let left = world.refresher.snapshot().token.map(|token| token.remaining(world.now()));
        assert_eq!(left, Some(mins(15) - secs(9)), "{boot} {wall}");
    }
}

#[test]
fn a_leap_forward_costs_at_worst_one_early_renewal() {
    for (boot, wall) in [(HOUR, 0), (0, HOUR), (0, 10 * 365 * 24 * HOUR)] {
        let mut world = World::with_token(1, mins(15));
        world.pass(mins(1));
        world.leap(boot, wall);
        assert!(!is_served(&mut world));
        world.land(mins(15));
        world.pass(mins(9));
        assert_eq!(world.begun(), 2, "{boot} {wall}");
        assert!(is_served(&mut world));
    }
}

#[test]
fn a_machine_that_slept_serves_no_dead_token_and_renews_once() {
    for paused in [false, true] {
        let mut world = World::with_token(1, mins(15));
        world.pass(secs(5));
        world.elapse(if paused { Duration::ZERO } else { hours(7) }, hours(7));
        assert!(matches!(world.request(Duration::ZERO), Answer::Pending));
        assert_eq!(world.begun(), 2);
    }
}

#[test]
fn waiting_goes_by_the_boot_clock_alone() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.fail(&throttled(Some(mins(15))));
    world.leap(0, 100 * HOUR);
    assert_eq!(world.until_begin(hours(1)), Some(mins(15)), "the wall clock leapt forward");
    world.fail(&throttled(Some(mins(15))));
    world.pass(mins(4));
    world.leap(-10 * HOUR, 0);
    assert_eq!(world.until_begin(hours(1)), Some(mins(11)), "the boot clock leapt back");
}

#[test]
fn a_wall_clock_that_keeps_leaping_causes_no_storm() {
    let mut world = World::with_token(1, mins(15));
    for turn in 0..600 {
        world.leap(0, if turn % 2 == 0 { HOUR } else { -HOUR });
        world.request(Duration::ZERO);
        world.land(mins(15));
        world.pass(secs(1));
    }
    assert_eq!(world.oracle.breaches_of(Promise::Budget), Vec::<&str>::new());
    assert_eq!(world.oracle.breaches_of(Promise::Floor), Vec::<&str>::new());
}

proptest! {
    #[test]
    fn a_token_lives_from_when_its_request_left(
        wait in (0..20_000_u64).prop_map(Duration::from_millis),
        latency in (0..900_000_u64).prop_map(Duration::from_millis),
        suspended: bool,
    ) {
        let mut world = World::new(1);
        world.pass(wait);
        world.request(Duration::ZERO);
        if suspended { world.elapse(latency, latency) } else { world.pass(latency) }
        world.land(mins(15));
        let left = world.refresher.snapshot().token.map(|token| token.remaining(world.now()));
        prop_assert_eq!(left.unwrap_or_default(), mins(15) - latency);
    }

    #[test]
    fn the_floor_holds_for_the_wake_that_was_announced(seed: u64, failures in 1..30_usize) {
        let mut world = World::new(seed);
        world.request(Duration::ZERO);
        for _ in 0..failures {
            let begun = world.oracle.truth;
            world.fail(&transient());
            let wake = world.refresher.poll_timeout().expect("a retry is planned");
            prop_assert!(wake.left(world.now()) + (world.oracle.truth - begun) >= secs(1));
            world.until_begin(hours(1));
        }
    }
}
