//! A secret that cannot be read is waited for; a secret that is not there must be brought.

use std::time::Duration;

use airbyte_token_core::{Answer, Phase, Reason, VaultTrouble};

use crate::{
    fixture::{hours, mins, rejected, secs, transient, vault},
    world::World,
};

fn failed_with(trouble: VaultTrouble) -> World {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.fail(&vault(trouble));
    assert_eq!(world.refresher.snapshot().phase, Phase::VaultTrouble);
    world
}

#[test]
fn a_vault_that_may_open_is_looked_at_every_ten_seconds() {
    for trouble in [
        VaultTrouble::Locked,
        VaultTrouble::Absent,
        VaultTrouble::Slow,
        VaultTrouble::Denied,
        VaultTrouble::Unreadable,
    ] {
        let mut world = failed_with(trouble);
        for _ in 0..500 {
            assert_eq!(world.until_begin(hours(1)), Some(secs(10)), "{trouble:?}");
            world.fail(&vault(trouble));
        }
        assert_eq!(world.begun(), 0, "none of that reached the issuer");
    }
}

#[test]
fn a_vault_without_a_usable_secret_is_left_alone_but_for_slow_probes() {
    for trouble in [VaultTrouble::Empty, VaultTrouble::OtherOrigin, VaultTrouble::Damaged] {
        let mut world = failed_with(trouble);
        for probe in [mins(5), mins(15), mins(60), mins(60)] {
            assert_eq!(world.until_begin(hours(2)), Some(probe), "{trouble:?}");
            world.fail(&vault(trouble));
        }
        world.pass(secs(1));
        world.new_secret();
        assert!(world.is_flying());
    }
}

#[test]
fn a_caller_may_have_a_vault_looked_at_without_delay_that_somebody_may_just_have_mended() {
    for trouble in [VaultTrouble::Locked, VaultTrouble::Absent, VaultTrouble::Unreadable] {
        let mut world = failed_with(trouble);
        let Answer::Failed { reason, retry_at, .. } = world.request(Duration::ZERO) else { panic!("failed") };
        assert_eq!(reason, Reason::Failure(vault(trouble)));
        assert_eq!(retry_at, Some(world.now().after(secs(1))), "the floor");
        assert_eq!(world.until_begin(mins(1)), Some(secs(1)));
        world.fail(&vault(trouble));
        world.pass(secs(3));
        assert!(matches!(world.request(Duration::ZERO), Answer::Pending), "{trouble:?}");
    }
}

#[test]
fn a_caller_who_wants_more_life_has_a_locked_vault_looked_at_too() {
    let mut world = World::with_token(1, mins(15));
    world.until_begin(mins(15)).expect("renewal");
    world.fail(&vault(VaultTrouble::Locked));
    world.pass(secs(2));
    assert!(matches!(world.request(Duration::ZERO), Answer::Token(_)));
    assert!(!world.is_flying(), "who is content hastens nothing");
    assert!(matches!(world.request(mins(10)), Answer::Pending));
}

#[test]
fn a_caller_does_not_hasten_a_vault_that_is_slow_or_denies() {
    for trouble in [VaultTrouble::Slow, VaultTrouble::Denied, VaultTrouble::Empty] {
        let mut world = failed_with(trouble);
        world.pass(secs(3));
        assert!(matches!(world.request(Duration::ZERO), Answer::Failed { .. }), "{trouble:?}");
    }
}

#[test]
fn what_never_reached_the_issuer_costs_nothing_of_the_budget() {
    let mut world = failed_with(VaultTrouble::Locked);
    for _ in 0..200 {
        world.pass(secs(1));
        world.request(Duration::ZERO);
        world.fail(&vault(VaultTrouble::Locked));
    }
    world.pass(secs(1));
    world.request(Duration::ZERO);
    world.fail(&transient());
    assert!(world.until_begin(mins(1)).is_some_and(|wait| wait <= secs(1)), "the ladder starts at its foot");
}

#[test]
fn an_unlocked_vault_forgets_that_it_was_empty_and_an_issuers_verdict_starts_afresh() {
    let mut world = failed_with(VaultTrouble::Empty);
    world.until_begin(hours(1)).expect("a probe");
    world.fail(&vault(VaultTrouble::Locked));
    assert_eq!(world.until_begin(hours(1)), Some(secs(10)), "an unlock is noticed");
    world.fail(&rejected());
    assert_eq!(world.until_begin(hours(1)), Some(secs(5)), "a first refusal");
    world.fail(&vault(VaultTrouble::Empty));
    assert_eq!(world.refresher.snapshot().failure, Some(vault(VaultTrouble::Empty)));
    assert_eq!(world.until_begin(hours(1)), Some(mins(5)));
}

#[test]
fn a_person_may_have_an_empty_vault_looked_at_and_what_then_fails_is_tried_again_soon() {
    let mut world = failed_with(VaultTrouble::Empty);
    world.pass(secs(2));
    world.refresh();
    assert!(world.is_flying());
    world.fail(&vault(VaultTrouble::Empty));
    assert_eq!(world.until_begin(hours(1)), Some(mins(5)), "still empty: the probes start over");
}

#[test]
fn a_live_token_is_served_whatever_the_vault_does() {
    let mut world = World::with_token(1, mins(15));
    world.until_begin(mins(15)).expect("renewal");
    world.fail(&vault(VaultTrouble::Empty));
    assert!(matches!(world.request(Duration::ZERO), Answer::Token(_)));
    assert_eq!(world.refresher.snapshot().phase, Phase::VaultTrouble);
}
