//! Locked: nothing in hand, nothing in flight, nothing planned, whoever asks.

use std::time::Duration;

use airbyte_token_core::{Answer, Command, Phase, Reason};

use crate::{
    fixture::{hours, issued, mins, rejected, secs},
    world::World,
};

fn lock(world: &mut World) {
    let now = world.now();
    world.refresher.lock(now);
}

fn unlock(world: &mut World) {
    let now = world.now();
    world.refresher.unlock(now);
}

#[test]
fn a_lock_drops_the_token_and_the_exchange_in_flight_and_whoever_asks_is_told() {
    let mut world = World::with_token(1, mins(15));
    world.pass(secs(2));
    world.refresh();
    assert!(world.is_flying());
    lock(&mut world);
    let snapshot = world.refresher.snapshot();
    assert!(snapshot.token.is_none() && snapshot.underway.is_none() && snapshot.plan.is_none());
    assert_eq!((snapshot.phase, snapshot.exchanges), (Phase::Locked, snapshot.landed));
    let now = world.now();
    for min_ttl in [Duration::ZERO, hours(1)] {
        let answer = world.refresher.request(now, min_ttl);
        assert!(matches!(answer, Answer::Failed { reason: Reason::Locked, retry_at: None, alive: None }));
    }
}

#[test]
fn nothing_begins_while_it_is_locked_whatever_happens() {
    let mut world = World::with_token(1, mins(15));
    lock(&mut world);
    let mut now = world.now();
    for _ in 0..1000 {
        now = now.after(secs(60));
        world.refresher.handle_used(now);
        world.refresher.refresh(now);
        world.refresher.handle_secret_changed(now);
        world.refresher.handle_timeout(now);
        assert_eq!((world.refresher.poll_command(), world.refresher.poll_timeout()), (None, None));
    }
}

#[test]
fn a_token_that_comes_too_late_is_not_kept() {
    let mut world = World::with_token(1, mins(15));
    let token = world.refresher.snapshot().token.expect("there is one");
    lock(&mut world);
    let now = world.now();
    let issued = issued(2, token.lifetime());
    world.refresher.handle_issued(now, issued);
    unlock(&mut world);
    assert!(world.refresher.snapshot().token.is_none());
}

#[test]
fn unlocked_it_begins_on_demand_as_after_a_start() {
    let mut world = World::with_token(1, mins(15));
    world.pass(mins(1));
    lock(&mut world);
    unlock(&mut world);
    let snapshot = world.refresher.snapshot();
    assert_eq!((snapshot.phase, world.refresher.poll_command()), (Phase::Idle, None));
    let now = world.now();
    assert!(matches!(world.refresher.request(now, Duration::ZERO), Answer::Pending));
    assert_eq!(world.refresher.poll_command(), Some(Command::Exchange));
}

#[test]
fn locking_over_and_over_forgives_no_refusal_and_no_budget() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.fail(&rejected());
    let mut begun = 0;
    for _ in 0..50 {
        let now = world.now();
        world.refresher.lock(now);
        world.refresher.unlock(now);
        drop(world.refresher.request(now, Duration::ZERO));
        begun += usize::from(world.refresher.poll_command().is_some());
    }
    assert_eq!(begun, 0, "the refusal is remembered");

    let mut world = World::new(1);
    let mut now = world.now();
    for _ in 0..50 {
        drop(world.refresher.request(now, Duration::ZERO));
        begun += usize::from(world.refresher.poll_command().is_some());
        world.refresher.lock(now);
        world.refresher.unlock(now);
        now = now.after(secs(1));
    }
    assert!((1..=10).contains(&begun), "{begun} exchanges in a minute");
}
