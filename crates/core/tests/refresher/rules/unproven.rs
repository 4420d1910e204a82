//! What happens where there is no way to the issuer, and where what answers cannot prove to be it.

use std::time::Duration;

use airbyte_token_core::{Answer, Phase};

use crate::{
    fixture::{hours, mins, rejected, secs, suspect, transient, unreached, untrusted},
    world::World,
};

fn is_slow_lane(wait: Duration) -> bool {
    (secs(60)..=secs(75)).contains(&wait)
}

/// A profile without a token, whose first exchange found a server that is not to be trusted.
fn distrustful(seed: u64) -> World {
    let mut world = World::new(seed);
    world.request(Duration::ZERO);
    world.fail(&untrusted());
    world
}

#[test]
fn a_server_that_is_not_trusted_is_looked_at_every_minute_or_a_little_later() {
    for seed in 0..50 {
        let mut world = distrustful(seed);
        for _ in 0..20 {
            let wait = world.until_begin(hours(1)).expect("it is tried again");
            assert!(is_slow_lane(wait), "{wait:?}");
            world.fail(&untrusted());
            assert_eq!(world.refresher.snapshot().phase, Phase::Expired, "and never parked");
        }
    }
}

#[test]
fn whoever_mended_the_certificate_need_not_wait() {
    let mut world = distrustful(1);
    world.pass(secs(1));
    world.refresh();
    assert!(world.is_flying());
    world.land(mins(15));
    assert_eq!(world.refresher.snapshot().phase, Phase::Fresh);
}

#[test]
fn a_live_token_is_handed_out_while_its_issuer_is_not_trusted() {
    let mut world = World::with_token(1, mins(15));
    world.until_begin(mins(15)).expect("renewal");
    world.fail(&untrusted());
    assert!(matches!(world.request(Duration::ZERO), Answer::Token(_)));
    assert_eq!(world.refresher.snapshot().phase, Phase::Degraded);
}

#[test]
fn neither_confirms_a_refusal_nor_breaks_a_row_of_suspicions() {
    for between in [untrusted(), unreached()] {
        let mut world = World::new(1);
        world.request(Duration::ZERO);
        world.fail(&rejected());
        world.until_begin(secs(5)).expect("confirmation");
        world.fail(&between);
        assert_eq!(world.refresher.snapshot().phase, Phase::Expired, "not parked");
        world.until_begin(hours(1)).expect("it is tried again");
        world.fail(&rejected());
        assert_eq!(world.refresher.snapshot().phase, Phase::Blocked);

        let mut world = World::new(1);
        world.request(Duration::ZERO);
        for failure in [suspect(), suspect(), between, suspect()] {
            world.fail(&failure);
            world.until_begin(mins(2));
        }
        assert_eq!(world.refresher.snapshot().phase, Phase::Blocked);
    }
}

#[test]
fn without_a_network_it_is_tried_every_half_minute_for_as_long_as_it_takes() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    let mut tries = 0;
    while world.oracle.truth < hours(5) {
        world.fail(&unreached());
        let wait = world.until_begin(hours(1)).expect("it is tried again");
        assert!(wait <= secs(30), "{wait:?} after {tries} tries");
        tries += 1;
    }
    assert!(tries > 5 * 60, "{tries}: more than the budget of what reaches the issuer");
}

#[test]
fn without_a_network_a_token_that_has_long_to_live_is_in_no_hurry_until_it_has_not() {
    let mut world = World::with_token(1, mins(15));
    world.until_begin(mins(15)).expect("renewal");
    for longest in [secs(1), secs(15)] {
        world.fail(&unreached());
        assert!(world.until_begin(longest).is_some());
    }
    while world.oracle.true_life_left() > secs(100) {
        world.fail(&unreached());
        let wait = world.until_begin(hours(1)).expect("it is tried again");
        assert!((secs(50)..=secs(100)).contains(&wait), "{wait:?}");
    }
    for _ in 0..10 {
        world.fail(&unreached());
        let wait = world.until_begin(hours(1)).expect("it is tried again");
        assert!((secs(15)..=secs(30)).contains(&wait), "{wait:?}");
    }
}

#[test]
fn what_the_issuer_did_not_notice_leaves_it_the_whole_budget() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    for _ in 0..100 {
        world.fail(&unreached());
        world.until_begin(hours(1)).expect("it is tried again");
    }
    for _ in 0..9 {
        world.fail(&transient());
        world.new_secret();
        world.pass(secs(1));
        assert!(world.is_flying(), "nothing but the floor is between them");
    }
}
