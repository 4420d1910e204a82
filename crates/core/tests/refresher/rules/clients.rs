//! What clients may ask for, and what they cannot cause.

use std::time::Duration;

use airbyte_token_core::{Answer, Reason};

use crate::{
    fixture::{fingerprint, hours, mins, secs, transient},
    world::World,
};

#[test]
fn a_crowd_at_a_cold_start_causes_one_exchange() {
    let mut world = World::new(1);
    for _ in 0..1000 {
        assert!(matches!(world.request(Duration::ZERO), Answer::Pending));
    }
    assert_eq!(world.begun(), 1);
}

#[test]
fn a_wish_for_more_life_than_is_left_gets_a_new_token() {
    let mut world = World::with_token(1, mins(15));
    world.pass(mins(2));
    assert!(matches!(world.request(mins(13)), Answer::Token(_)), "exactly what is left");
    assert!(matches!(world.request(mins(13) + secs(1)), Answer::Pending));
    assert!(matches!(world.request(mins(13)), Answer::Token(_)), "others do not wait for it");
    world.land(mins(15));
    assert!(matches!(world.request(mins(13) + secs(1)), Answer::Token(_)));
    assert_eq!(world.begun(), 2);
}

#[test]
fn a_wish_for_more_life_than_tokens_have_is_refused_at_once_and_causes_nothing() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.pass(secs(3));
    world.land(mins(15));
    let longest = mins(15) - secs(3);
    assert!(matches!(world.request(longest), Answer::Token(_)));
    let Answer::Failed { reason, retry_at, alive } = world.request(longest + secs(1)) else {
        panic!("failed")
    };
    assert_eq!(reason, Reason::MinTtl { longest });
    assert!(retry_at.is_none() && alive.is_some());
    assert_eq!(world.begun(), 1);
}

#[test]
fn a_wish_that_cannot_be_met_now_is_refused_with_the_token_that_lives() {
    let mut world = World::with_token(1, mins(15));
    world.pass(mins(2));
    world.request(mins(14));
    world.fail(&transient());
    let Answer::Failed { reason, retry_at, alive } = world.request(mins(14)) else { panic!("failed") };
    assert_eq!(reason, Reason::Failure(transient()));
    assert!(retry_at.is_some_and(|at| at.left(world.now()) <= secs(1)));
    assert_eq!(alive.map(|token| token.remaining(world.now())), Some(mins(13)));
    world.until_begin(secs(2)).expect("what was asked for is tried again");
}

#[test]
fn an_impatient_client_gets_five_exchanges_a_minute_and_a_date() {
    let mut world = World::with_token(1, mins(15));
    while world.oracle.truth < secs(50) {
        world.refresh();
        world.land(mins(15));
        world.pass(secs(1));
    }
    assert_eq!(world.begun(), 1 + 5);
    let Answer::Failed { reason, retry_at, alive } = world.request(mins(15)) else { panic!("failed") };
    assert_eq!(reason, Reason::Paced);
    assert!(retry_at.is_some_and(|at| at.left(world.now()) <= secs(11)));
    assert!(alive.is_some());
}

#[test]
fn an_impatient_client_is_held_to_thirty_exchanges_an_hour() {
    let mut world = World::with_token(1, hours(24));
    while world.oracle.truth < mins(59) {
        world.refresh();
        world.land(hours(24));
        world.pass(secs(1));
    }
    assert_eq!(world.begun(), 1 + 30);
}

#[test]
fn clients_leave_half_of_the_sprints_to_the_renewal() {
    let mut world = World::with_token(1, mins(15));
    for _ in 0..30 {
        world.refresh();
        world.land(mins(15));
        world.pass(secs(13));
    }
    assert!(world.begun() <= 1 + 12 + 4, "{}", world.begun());
    world.pass(mins(11));
    world.fail(&transient());
    assert!(world.until_begin(mins(2)).is_some_and(|wait| wait <= secs(1)), "its retries come quickly");
}

#[test]
fn a_thousand_reports_of_a_401_cause_one_exchange() {
    let mut world = World::with_token(1, mins(15));
    world.pass(secs(5));
    let now = world.now();
    let held = world.refresher.snapshot().token.expect("it lives").fingerprint();
    assert!(!world.refresher.handle_rejected(now, fingerprint(77)), "not the current one");
    assert_eq!(world.refresher.poll_command(), None);
    for _ in 0..1000 {
        assert!(world.refresher.handle_rejected(now, held));
    }
    world.tick();
    assert_eq!(world.begun(), 2);
    assert!(
        matches!(world.request(Duration::ZERO), Answer::Token(_)),
        "it lives until the next one is there"
    );
    world.land(mins(15));
    let now = world.now();
    assert!(!world.refresher.handle_rejected(now, held), "reports of the old one are late");
}

#[test]
fn a_report_of_a_401_is_a_use() {
    let mut world = World::with_token(1, hours(24));
    world.elapse(hours(9), hours(9));
    let held = world.refresher.snapshot().token.expect("it lives").fingerprint();
    let now = world.now();
    assert!(world.refresher.handle_rejected(now, held));
    assert!(world.refresher.poll_command().is_some());
}

#[test]
fn an_early_renewal_is_granted_once_for_any_number_of_wishes() {
    let mut world = World::with_token(1, mins(15));
    world.pass(secs(5));
    for _ in 0..10 {
        world.refresh();
    }
    world.land(mins(15));
    world.pass(mins(5));
    assert_eq!(world.begun(), 2);
}

#[test]
fn what_was_asked_for_waits_for_the_floor() {
    let mut world = World::with_token(1, mins(15));
    world.refresh();
    assert!(!world.is_flying());
    assert_eq!(world.until_begin(mins(1)), Some(secs(1)));
}

#[test]
fn what_was_asked_for_is_not_made_good_when_nobody_is_there_any_more() {
    let mut world = World::with_token(1, mins(15));
    world.refresh();
    world.elapse(hours(8), hours(8));
    world.tick();
    assert!(!world.is_flying());
    assert_eq!(world.refresher.poll_timeout(), None);
}

#[test]
fn a_patient_wish_does_not_take_the_place_of_an_urgent_one() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    for _ in 0..6 {
        world.fail(&transient());
        world.until_begin(mins(1));
    }
    world.land(mins(15));
    world.pass(mins(5));
    world.refresh();
    world.fail(&transient());
    world.refresh();
    assert!(matches!(world.request(mins(12)), Answer::Failed { .. }));
    assert_eq!(world.until_begin(mins(1)), Some(secs(1)));
}
