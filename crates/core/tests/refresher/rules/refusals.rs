//! Refused credentials are tried once more, then left alone until somebody acts.

use std::time::Duration;

use airbyte_token_core::{Answer, Failure, Phase, Reason, VaultTrouble};

use crate::{
    fixture::{hours, mins, misdirected, rejected, secs, suspect, throttled, transient, vault},
    world::World,
};

/// A profile whose credentials were refused, and refused again.
fn parked() -> World {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    refuse_twice(&mut world, &rejected());
    world
}

fn refuse_twice(world: &mut World, failure: &Failure) {
    world.fail(failure);
    assert_eq!(world.until_begin(hours(1)), Some(secs(5)));
    world.fail(failure);
}

fn is_parked(world: &World) -> bool {
    world.refresher.snapshot().phase == Phase::Blocked
}

fn failure(world: &World) -> Option<Failure> {
    world.refresher.snapshot().failure
}

#[test]
fn a_refusal_is_confirmed_after_five_seconds_then_probed_after_5_15_60_and_60_minutes() {
    for refusal in [rejected(), misdirected()] {
        let mut world = World::new(1);
        world.request(Duration::ZERO);
        world.fail(&refusal);
        assert_eq!(world.refresher.snapshot().phase, Phase::Expired, "not yet confirmed");
        assert_eq!(world.until_begin(hours(2)), Some(secs(5)));
        world.fail(&refusal);
        assert!(is_parked(&world));
        for probe in [mins(5), mins(15), mins(60), mins(60)] {
            assert_eq!(world.until_begin(hours(2)), Some(probe));
            world.fail(&refusal);
            assert_eq!(failure(&world), Some(refusal.clone()));
        }
    }
}

#[test]
fn a_probe_that_works_ends_it() {
    let mut world = parked();
    world.until_begin(hours(2)).expect("a probe");
    world.land(mins(15));
    assert_eq!(world.refresher.snapshot().phase, Phase::Fresh);
    assert_eq!(failure(&world), None);
    world.until_begin(mins(15)).expect("renewal");
    world.fail(&rejected());
    assert_eq!(world.until_begin(hours(1)), Some(secs(5)), "the next refusal is confirmed again");
}

#[test]
fn one_spurious_refusal_parks_nothing() {
    let mut world = World::with_token(1, mins(15));
    world.until_begin(mins(15)).expect("renewal");
    world.fail(&rejected());
    assert_eq!(world.refresher.snapshot().phase, Phase::Degraded);
    world.until_begin(secs(5)).expect("confirmation");
    world.land(mins(15));
    assert_eq!(world.refresher.snapshot().phase, Phase::Fresh);
}

#[test]
fn a_crowd_that_asks_for_ten_minutes_causes_no_more_than_four_exchanges() {
    let mut world = parked();
    for _ in 0..10 * 60 * 10 {
        assert!(matches!(world.request(Duration::ZERO), Answer::Failed { .. } | Answer::Pending));
        world.fail(&rejected());
        world.pass(Duration::from_millis(100));
    }
    assert!(world.begun() <= 4, "{}", world.begun());
    world.new_secret();
    assert!(world.is_flying(), "a new secret unblocks at once");
}

#[test]
fn callers_get_the_old_token_to_its_end_and_then_the_refusal() {
    let mut world = World::with_token(1, mins(15));
    world.until_begin(mins(15)).expect("renewal");
    refuse_twice(&mut world, &rejected());
    assert!(is_parked(&world));
    let left = world.oracle.true_life_left();
    world.pass(left - secs(1));
    assert!(matches!(world.request(Duration::ZERO), Answer::Token(_)));
    world.fail(&rejected());
    world.pass(secs(1));
    let Answer::Failed { reason, retry_at, .. } = world.request(Duration::ZERO) else { panic!("failed") };
    assert_eq!(reason, Reason::Failure(rejected()));
    assert!(retry_at.is_some());
}

#[test]
fn clients_cannot_wake_parked_credentials() {
    let mut world = World::with_token(1, hours(2));
    world.refresh();
    world.pass(secs(1));
    refuse_twice(&mut world, &rejected());
    let begun = world.begun();
    let held = world.refresher.snapshot().token.expect("it lives").fingerprint();
    let now = world.now();
    assert!(world.refresher.handle_rejected(now, held));
    let answer = world.request(hours(2) - secs(1));
    assert!(
        matches!(answer, Answer::Failed { reason: Reason::Failure(_), alive: Some(_), .. }),
        "{answer:?}"
    );
    assert_eq!(world.until_begin(hours(1)), Some(mins(5)), "the probe, and nothing before it");
    world.land(hours(2));
    assert_eq!(world.begun(), begun + 1);
    assert_eq!(world.until_begin(mins(30)), None, "what clients asked for meanwhile is forgotten");
}

#[test]
fn what_a_client_reported_while_parked_is_made_good_with_a_new_secret() {
    let mut world = World::with_token(1, hours(2));
    world.refresh();
    world.pass(secs(1));
    refuse_twice(&mut world, &rejected());
    world.pass(secs(2));
    let held = world.refresher.snapshot().token.expect("it lives").fingerprint();
    let now = world.now();
    world.refresher.handle_rejected(now, held);
    world.tick();
    assert!(!world.is_flying());
    world.new_secret();
    assert!(world.is_flying());
}

#[test]
fn what_says_nothing_about_the_credentials_does_not_hide_a_refusal() {
    for silence in [throttled(None), transient(), suspect(), vault(VaultTrouble::Locked)] {
        let mut world = World::new(1);
        world.request(Duration::ZERO);
        world.fail(&rejected());
        world.until_begin(secs(5)).expect("confirmation");
        world.fail(&silence);
        assert_eq!(failure(&world), Some(rejected()), "{silence:?}");
        assert!(!is_parked(&world));
        let wait = world.until_begin(mins(5)).expect("confirmation");
        assert!(wait <= secs(38), "{silence:?}: {wait:?}");
        world.fail(&rejected());
        assert!(is_parked(&world));
        world.until_begin(mins(5)).expect("a probe");
        world.fail(&silence);
        assert!(is_parked(&world), "{silence:?}");
        assert_eq!(failure(&world), Some(rejected()));
        assert_eq!(world.until_begin(hours(1)), Some(mins(15)), "{silence:?}");
    }
}

#[test]
fn a_suspicion_counts_as_a_refusal_the_third_time_in_a_row() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    for _ in 0..2 {
        world.fail(&suspect());
        assert!(!is_parked(&world));
        world.until_begin(secs(2)).expect("retry");
    }
    world.fail(&suspect());
    assert!(is_parked(&world));
    let detail = suspect().detail().clone();
    assert_eq!(failure(&world), Some(Failure::Rejected { detail }));
    assert_eq!(world.until_begin(hours(1)), Some(mins(5)));
}

#[test]
fn only_an_answer_breaks_a_row_of_suspicions() {
    for (between, breaks) in
        [(transient(), true), (throttled(Some(secs(1))), false), (vault(VaultTrouble::Locked), false)]
    {
        let mut world = World::new(1);
        world.request(Duration::ZERO);
        for failure in [suspect(), suspect(), between.clone(), suspect()] {
            world.fail(&failure);
            world.until_begin(mins(1));
        }
        assert_eq!(is_parked(&world), !breaks, "{between:?}");
    }
}

#[test]
fn a_refusal_between_suspicions_breaks_their_row_but_stands_itself() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    for failure in [suspect(), suspect(), misdirected(), suspect()] {
        world.fail(&failure);
        world.until_begin(mins(1)).expect("retry");
    }
    assert!(!is_parked(&world));
    assert_eq!(failure(&world), Some(misdirected()));
}

#[test]
fn a_person_may_try_at_once_and_a_refusal_then_parks_at_once() {
    let mut world = parked();
    world.pass(secs(30));
    world.refresh();
    assert!(world.is_flying());
    world.fail(&rejected());
    assert!(is_parked(&world));
    assert_eq!(world.until_begin(hours(2)), Some(mins(5)), "the probes start over");
}

#[test]
fn what_a_person_asked_for_is_not_forgotten_because_a_client_asks_for_less() {
    let mut world = World::with_token(1, hours(2));
    world.refresh();
    world.pass(secs(1));
    refuse_twice(&mut world, &rejected());
    world.refresh();
    assert!(!world.is_flying(), "the floor after the last refusal is not over");
    world.request(hours(2) - secs(1));
    world.until_begin(secs(1)).expect("the person's try begins as soon as the floor allows");
}

#[test]
fn a_person_who_tries_during_an_outage_unparks_for_good() {
    let mut world = parked();
    world.pass(secs(30));
    world.refresh();
    world.fail(&transient());
    assert!(!is_parked(&world));
    assert!(world.until_begin(mins(1)).is_some_and(|wait| wait <= secs(4)));
    assert_eq!(failure(&world), Some(rejected()), "until something better is known");
}

#[test]
fn a_person_does_not_get_past_what_the_issuer_asked_for() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.fail(&throttled(Some(mins(15))));
    world.refresh();
    assert!(!world.is_flying());
    assert_eq!(world.until_begin(hours(1)), Some(mins(15)));
}

#[test]
fn a_person_does_not_wait_for_the_back_off() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    for _ in 0..4 {
        world.fail(&transient());
        world.until_begin(mins(1));
    }
    world.pass(secs(2));
    world.fail(&transient());
    world.refresh();
    assert!(world.is_flying());
}

#[test]
fn a_person_cannot_spend_what_the_renewal_needs() {
    let mut world = parked();
    while world.oracle.truth < mins(4) {
        world.refresh();
        world.fail(&rejected());
        world.pass(secs(1));
    }
    let spent = world.begun();
    assert!(spent <= 2 + 13, "{spent}");
    world.new_secret();
    assert!(world.is_flying(), "and the new secret is tried at once");
}

#[test]
fn how_an_exchange_with_the_old_secret_fails_says_nothing_about_the_new_one() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.new_secret();
    world.pass(secs(2));
    world.fail(&rejected());
    assert_eq!(failure(&world), None);
    assert!(world.is_flying(), "the new one is tried at once");
}

#[test]
fn an_old_secret_still_gets_its_patience_heeded() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.new_secret();
    world.fail(&throttled(Some(mins(15))));
    assert_eq!(world.until_begin(hours(1)), Some(mins(15)));
}
