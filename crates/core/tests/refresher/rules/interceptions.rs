//! What answers in Airbyte's stead is waited out: it parks nothing and accuses nobody.

use std::time::Duration;

use airbyte_token_core::{Answer, Failure, Phase, VaultTrouble};

use crate::{
    fixture::{hours, intercepted, mins, misdirected, rejected, secs, suspect, throttled, transient, vault},
    world::World,
};

/// A profile without a token whose exchanges are intercepted; the next try is not confirmed yet.
fn intercepted_once(seed: u64) -> World {
    let mut world = World::new(seed);
    world.request(Duration::ZERO);
    world.fail(&intercepted());
    world
}

/// The same, confirmed.
fn intercepted_twice(seed: u64) -> World {
    let mut world = intercepted_once(seed);
    assert_eq!(world.until_begin(hours(1)), Some(secs(5)));
    world.fail(&intercepted());
    world
}

fn is_slow_lane(wait: Duration) -> bool {
    (secs(60)..=secs(75)).contains(&wait)
}

fn failure(world: &World) -> Option<Failure> {
    world.refresher.snapshot().failure
}

#[test]
fn an_interception_is_confirmed_after_five_seconds_and_then_tried_every_minute_or_a_little_later() {
    let waits: Vec<_> = (0..200)
        .map(|seed| intercepted_twice(seed).until_begin(hours(1)).expect("it is tried again"))
        .collect();
    assert!(waits.iter().all(|wait| is_slow_lane(*wait)), "{waits:?}");
    let (shortest, longest) = (waits.iter().min().expect("some"), waits.iter().max().expect("some"));
    assert!(*shortest < secs(62) && *longest > secs(73), "{shortest:?} to {longest:?}");
}

#[test]
fn it_is_tried_for_as_long_as_it_lasts_and_never_parked() {
    let mut world = intercepted_twice(1);
    let mut longest = Duration::ZERO;
    while world.oracle.truth < hours(5) {
        longest = longest.max(world.until_begin(hours(1)).expect("it is tried again"));
        world.fail(&intercepted());
        assert_eq!(world.refresher.snapshot().phase, Phase::Expired);
        assert_eq!(failure(&world), Some(intercepted()));
    }
    assert_eq!(longest, secs(100), "the hourly budget stretches it, and nothing else does");
}

#[test]
fn whoever_was_let_through_soon_has_a_token() {
    let mut world = intercepted_twice(1);
    for _ in 0..10 {
        world.until_begin(hours(1)).expect("it is tried again");
        world.fail(&intercepted());
    }
    assert!(world.until_begin(secs(75)).is_some());
    world.land(mins(15));
    assert_eq!(world.refresher.snapshot().phase, Phase::Fresh);
}

#[test]
fn a_live_token_is_handed_out_meanwhile() {
    let mut world = World::with_token(1, mins(15));
    world.until_begin(mins(15)).expect("renewal");
    world.fail(&intercepted());
    assert!(matches!(world.request(Duration::ZERO), Answer::Token(_)));
    assert_eq!(world.refresher.snapshot().phase, Phase::Degraded);
    assert_eq!(world.until_begin(hours(1)), Some(secs(5)));
}

#[test]
fn a_person_need_not_wait_for_it() {
    let mut world = intercepted_twice(1);
    world.pass(secs(1));
    world.refresh();
    assert!(world.is_flying());
    world.fail(&intercepted());
    assert!(world.until_begin(hours(1)).is_some_and(is_slow_lane), "and it goes on as it was");
}

#[test]
fn an_interception_does_not_confirm_a_refusal() {
    for refusal in [rejected(), misdirected()] {
        let mut world = World::new(1);
        world.request(Duration::ZERO);
        world.fail(&refusal);
        world.until_begin(secs(5)).expect("confirmation");
        world.fail(&intercepted());
        assert_eq!(world.refresher.snapshot().phase, Phase::Expired, "not parked");
        assert_eq!(failure(&world), Some(refusal.clone()), "nor forgotten");
        assert!(world.until_begin(hours(1)).is_some_and(is_slow_lane));
        world.fail(&refusal);
        assert_eq!(world.refresher.snapshot().phase, Phase::Blocked);
    }
}

#[test]
fn a_refusal_after_an_interception_has_still_to_be_confirmed() {
    let mut world = intercepted_twice(1);
    world.until_begin(hours(1)).expect("it is tried again");
    world.fail(&rejected());
    assert_eq!(world.refresher.snapshot().phase, Phase::Expired);
    assert_eq!(world.until_begin(hours(1)), Some(secs(5)));
}

#[test]
fn parked_credentials_stay_parked_behind_it() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.fail(&rejected());
    world.until_begin(secs(5)).expect("confirmation");
    world.fail(&rejected());
    world.until_begin(mins(5)).expect("a probe");
    world.fail(&intercepted());
    assert_eq!(world.refresher.snapshot().phase, Phase::Blocked);
    assert_eq!(failure(&world), Some(rejected()));
    assert_eq!(world.until_begin(hours(1)), Some(mins(15)));
}

#[test]
fn only_one_right_before_confirms_it() {
    for between in [transient(), throttled(Some(secs(1))), suspect(), vault(VaultTrouble::Empty)] {
        let mut world = intercepted_twice(1);
        world.until_begin(hours(1)).expect("it is tried again");
        world.fail(&between);
        world.until_begin(hours(1)).expect("it is tried again");
        world.fail(&intercepted());
        assert_eq!(world.until_begin(hours(1)), Some(secs(5)), "{between:?}");
    }
}

#[test]
fn when_it_steps_aside_the_first_retries_are_quick() {
    let mut world = intercepted_twice(1);
    for _ in 0..10 {
        world.until_begin(hours(1)).expect("it is tried again");
        world.fail(&intercepted());
    }
    world.until_begin(hours(1)).expect("it is tried again");
    world.fail(&transient());
    assert_eq!(world.until_begin(hours(1)), Some(secs(1)));
}

#[test]
fn it_breaks_no_row_of_suspicions() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    for failure in [suspect(), suspect(), intercepted(), suspect()] {
        world.fail(&failure);
        world.until_begin(mins(1));
    }
    assert_eq!(world.refresher.snapshot().phase, Phase::Blocked);
}

#[test]
fn it_is_remembered_over_a_restart() {
    let mut world = intercepted_twice(1);
    world.restart(secs(1));
    world.request(Duration::ZERO);
    let wait = world.until_begin(hours(1)).expect("it is tried again");
    assert!((secs(59)..=secs(75)).contains(&wait), "{wait:?}");
    world.fail(&intercepted());
    assert!(world.until_begin(hours(1)).is_some_and(is_slow_lane));
}
