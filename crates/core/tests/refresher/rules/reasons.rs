//! For what reason each exchange is made, and what holds it up.

use std::time::Duration;

use airbyte_token_core::{
    VaultTrouble,
    refresher::{Hold, Plan, Why},
};

use crate::{
    fixture::{mins, rejected, secs, throttled, transient, vault},
    world::World,
};

fn flying(world: &World) -> Option<Why> {
    world.refresher.snapshot().underway.map(|underway| underway.why)
}

fn planned(world: &World) -> Plan {
    world.refresher.snapshot().plan.expect("one is planned")
}

/// Waits for the next exchange and says why it began.
fn next(world: &mut World) -> Option<Why> {
    world.until_begin(mins(120))?;
    flying(world)
}

#[test]
fn a_caller_without_a_token_is_the_reason_for_the_first() {
    let mut world = World::new(1);
    assert_eq!((flying(&world), world.refresher.snapshot().plan), (None, None));
    let asked = world.now();
    world.request(Duration::ZERO);
    world.pass(secs(3));
    let underway = world.refresher.snapshot().underway.expect("it began");
    assert_eq!((underway.why, underway.since), (Why::NoToken, asked));
    assert_eq!(world.refresher.snapshot().plan, None, "one at a time");
}

#[test]
fn renewal_is_planned_and_made_for_its_own_sake() {
    let mut world = World::with_token(1, mins(15));
    let plan = planned(&world);
    assert_eq!((plan.why, plan.held_by), (Why::Renewal, None));
    assert_eq!(Some(plan.at), world.refresher.snapshot().refresh_at);
    assert_eq!(next(&mut world), Some(Why::Renewal));
    world.pass(mins(6));
    assert_eq!(flying(&world), Some(Why::Renewal), "a token that dies meanwhile changes nothing");
}

#[test]
fn what_clients_and_people_want_is_told_apart() {
    let mut world = World::with_token(1, mins(15));
    world.pass(mins(2));
    world.request(mins(14));
    assert_eq!(flying(&world), Some(Why::MoreLife));
    world.land(mins(15));
    world.pass(mins(2));
    world.apply(&crate::event::Event::Reject);
    assert_eq!(flying(&world), Some(Why::Reported));
    world.land(mins(15));
    world.pass(mins(2));
    world.refresh();
    assert_eq!(flying(&world), Some(Why::Asked));
}

#[test]
fn of_several_reasons_the_most_pressing_is_told() {
    let mut world = World::with_token(1, mins(15));
    world.request(mins(15));
    world.pass(Duration::from_millis(100));
    world.request(mins(15));
    world.apply(&crate::event::Event::Reject);
    assert_eq!(planned(&world).why, Why::Reported);
    world.refresh();
    assert_eq!(planned(&world).why, Why::Asked);
    world.request(mins(15));
    assert_eq!(planned(&world).why, Why::Asked, "a wish of less weight changes nothing");
}

#[test]
fn a_caller_who_waits_near_the_end_is_a_reason_too() {
    let life = secs(8);
    let mut world = World::with_token(1, life);
    world.pass(secs(6));
    world.request(Duration::ZERO);
    assert_eq!(flying(&world), Some(Why::NearEnd));
}

#[test]
fn failures_are_tried_again_confirmed_probed_or_looked_after() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.fail(&transient());
    assert_eq!(next(&mut world), Some(Why::Retry));
    world.fail(&rejected());
    assert_eq!(next(&mut world), Some(Why::Confirmation));
    world.fail(&rejected());
    assert_eq!(next(&mut world), Some(Why::Probe));
    world.fail(&vault(VaultTrouble::Locked));
    assert_eq!(
        next(&mut world),
        Some(Why::Probe),
        "what is known of the issuer outlasts the vault's trouble"
    );
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.fail(&vault(VaultTrouble::Locked));
    assert_eq!(next(&mut world), Some(Why::Vault));
}

#[test]
fn what_holds_an_exchange_up_is_told() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.fail(&throttled(Some(mins(15))));
    let plan = planned(&world);
    assert_eq!((plan.why, plan.held_by), (Why::Retry, Some(Hold::Issuer)));
    assert_eq!(plan.at, world.now().after(mins(15)));

    let mut world = World::with_token(1, mins(15));
    world.refresh();
    let plan = planned(&world);
    assert_eq!((plan.why, plan.held_by), (Why::Asked, Some(Hold::Budget)), "the floor");
    assert_eq!(plan.at, world.now().after(secs(1)));
}

#[test]
fn a_longer_wait_of_its_own_is_held_up_by_nothing() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.fail(&rejected());
    let plan = planned(&world);
    assert_eq!((plan.why, plan.held_by, plan.at), (Why::Confirmation, None, world.now().after(secs(5))));
    world.until_begin(mins(1)).expect("it is confirmed");
    world.fail(&rejected());
    assert_eq!((planned(&world).why, planned(&world).held_by), (Why::Probe, None));
}
