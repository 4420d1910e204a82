//! When renewal begins, and who waits for it.

use std::time::Duration;

use airbyte_token_core::{Answer, Phase, RefreshPolicy, RefreshSettings};

use crate::{
    fixture::{hours, issued, mins, secs, transient},
    world::World,
};

/// When the renewal of a token begins, over many rolls of the dice: the earliest and the latest age.
fn renewal_ages(life: Duration) -> (Duration, Duration) {
    let ages: Vec<_> = (0..300)
        .map(|seed| World::with_token(seed, life).until_begin(life).expect("it is renewed"))
        .collect();
    (*ages.iter().min().expect("some"), *ages.iter().max().expect("some"))
}

#[test]
fn renewal_begins_with_a_third_of_the_life_left_or_five_minutes_and_up_to_a_tenth_of_that_earlier() {
    for (life, earliest, latest) in [
        (mins(15), secs(570), secs(600)),
        (mins(3), secs(114), secs(120)),
        (hours(7), hours(7) - secs(330), hours(7) - secs(300)),
        (secs(90), secs(57), secs(60)),
    ] {
        let (first, last) = renewal_ages(life);
        let sliver = (latest - earliest) / 10;
        assert!(first >= earliest && first < earliest + sliver, "{life:?}: {first:?}");
        assert!(last <= latest && last > latest - sliver, "{life:?}: {last:?}");
    }
}

#[test]
fn the_dice_are_rolled_once_for_each_token() {
    let mut world = World::with_token(1, mins(15));
    let planned = world.refresher.snapshot().refresh_at.expect("a renewal is planned");
    for _ in 0..50 {
        world.pass(secs(10));
        world.request(Duration::ZERO);
        assert_eq!(world.refresher.snapshot().refresh_at, Some(planned));
    }
}

#[test]
fn a_new_policy_keeps_the_token_and_plans_its_renewal_anew() {
    let mut world = World::with_token(1, mins(15));
    let token = world.refresher.snapshot().token.expect("it has one").fingerprint();
    let minute =
        RefreshSettings { soft_window_max: mins(1), hard_window_max: secs(30), ..RefreshSettings::default() };
    world.refresher.handle_policy(world.now(), RefreshPolicy::new(minute).expect("it is consistent"));
    let snapshot = world.refresher.snapshot();
    assert_eq!(snapshot.token.expect("it keeps it").fingerprint(), token);
    assert_eq!((snapshot.exchanges, snapshot.hard_window), (1, secs(30)));
    let planned = snapshot.refresh_at.expect("a renewal is planned").rest(world.now());
    assert!((mins(14) - secs(6)..=mins(14)).contains(&planned), "{planned:?}");
}

#[test]
fn a_caller_waits_in_the_hard_window_and_not_before() {
    for (life, hard) in [(mins(15), secs(60)), (mins(3), secs(12)), (secs(30), secs(5)), (hours(7), secs(60))]
    {
        let mut world = World::with_token(1, life);
        world.pass(life - hard);
        assert!(world.is_flying());
        assert!(matches!(world.request(Duration::ZERO), Answer::Token(_)), "{life:?}: not yet");
        world.pass(Duration::from_millis(1));
        assert!(matches!(world.request(Duration::ZERO), Answer::Pending), "{life:?}: now");
        assert_eq!(world.refresher.snapshot().hard_window, hard);
    }
}

#[test]
fn a_caller_in_the_hard_window_begins_the_exchange_that_it_waits_for() {
    let mut world = World::with_token(1, mins(15));
    world.elapse(secs(850), secs(850));
    assert!(matches!(world.request(Duration::ZERO), Answer::Pending));
    assert_eq!(world.begun(), 2);
}

#[test]
fn nobody_waits_for_a_renewal_that_fails() {
    let mut world = World::with_token(1, mins(15));
    world.pass(secs(850));
    world.fail(&transient());
    assert!(matches!(world.request(Duration::ZERO), Answer::Token(_)), "between two tries");
    world.until_begin(secs(10)).expect("it is tried again");
    assert!(matches!(world.request(Duration::ZERO), Answer::Token(_)), "during the next");
    assert_eq!(world.refresher.snapshot().phase, Phase::Degraded);
}

#[test]
fn tokens_too_short_to_be_renewed_ahead_are_fetched_on_demand_five_seconds_apart() {
    let mut world = World::with_token(1, secs(10));
    assert_eq!(world.until_begin(hours(1)), None, "nobody asks");
    let before = world.begun();
    for _ in 0..600 {
        world.request(Duration::ZERO);
        world.land(secs(10));
        world.pass(Duration::from_millis(100));
    }
    let made = world.begun() - before;
    assert!((6..=12).contains(&made), "{made} exchanges in a minute");
    assert_eq!(world.oracle.breaches_of(crate::oracle::Promise::Floor), Vec::<&str>::new());
}

#[test]
fn a_little_longer_and_they_are_renewed_ahead() {
    let mut world = World::with_token(1, secs(11));
    assert!(world.until_begin(secs(11)).is_some_and(|age| age < secs(8)));
}

#[test]
fn a_refresher_that_nobody_asked_does_nothing() {
    let mut world = World::new(1);
    assert_eq!(world.refresher.poll_timeout(), None);
    world.pass(hours(100));
    world.new_secret();
    assert_eq!(world.begun(), 0);
    assert_eq!(world.refresher.snapshot().phase, Phase::Idle);
}

#[test]
fn an_unused_profile_goes_quiet_after_eight_hours_and_refills_on_demand() {
    let mut world = World::with_token(1, mins(15));
    let mut renewals = 0;
    while world.until_begin(hours(1)).is_some() {
        world.land(mins(15));
        renewals += 1;
    }
    assert!((48..=51).contains(&renewals), "{renewals} in eight hours");
    assert_eq!(world.refresher.snapshot().phase, Phase::Idle);
    assert!(matches!(world.request(Duration::ZERO), Answer::Pending));
}

#[test]
fn eight_hours_are_counted_from_the_last_use_and_end_on_the_second() {
    for (unused, renews) in [(hours(8) - secs(1), true), (hours(8), false)] {
        let mut world = World::with_token(1, hours(24));
        world.elapse(hours(23), hours(23));
        let now = world.now();
        world.oracle.used();
        world.refresher.handle_used(now);
        world.elapse(unused, unused);
        world.tick();
        assert_eq!(world.is_flying(), renews, "{unused:?}");
    }
}

#[test]
fn a_token_that_nobody_commanded_is_taken_and_lives_from_now() {
    let mut world = World::new(1);
    let now = world.now();
    world.refresher.handle_issued(now, issued(9, mins(15)));
    world.refresher.handle_failed(now, transient());
    let snapshot = world.refresher.snapshot();
    assert_eq!(snapshot.token.map(|token| token.remaining(now)), Some(mins(15)));
    assert_eq!(snapshot.phase, Phase::Fresh, "a failure that nobody commanded is ignored");
}

#[test]
fn a_token_that_was_dead_on_arrival_is_a_failure_and_the_old_one_is_kept() {
    let mut world = World::with_token(1, mins(15));
    world.refresh();
    world.pass(secs(1));
    world.pass(secs(2));
    world.land(secs(2));
    let snapshot = world.refresher.snapshot();
    assert_eq!(snapshot.phase, Phase::Degraded);
    assert_eq!(snapshot.token.map(|token| token.remaining(world.now())), Some(mins(15) - secs(3)));
    assert!(snapshot.failure.is_some_and(|failure| failure.detail().as_str().contains("expired")));
    for _ in 0..100 {
        world.until_begin(hours(1)).expect("it is tried again");
        world.land(Duration::ZERO);
    }
    assert_eq!(world.oracle.breaches_of(crate::oracle::Promise::Budget), Vec::<&str>::new());
}

#[test]
fn an_issuer_that_hands_out_the_same_token_again_does_not_make_it_live_longer() {
    let mut world = World::new(1);
    let again = |world: &mut World| {
        let now = world.now();
        world.refresher.handle_issued(now, issued(1, mins(15)));
        world.refresher.snapshot().token.map(|token| token.remaining(now))
    };
    assert_eq!(again(&mut world), Some(mins(15)));
    world.elapse(secs(700), secs(700));
    assert_eq!(again(&mut world), Some(secs(200)));
    let now = world.now();
    world.refresher.handle_used(now);
    let renewal = world.refresher.poll_timeout().expect("a renewal is planned");
    assert_eq!(renewal.left(now), secs(100), "half of what is left, not at once");
}

#[test]
fn a_snapshot_answers_at_once_outside_the_hard_window_only() {
    let world = World::with_token(1, mins(15));
    let snapshot = world.refresher.snapshot();
    let start = world.now();
    let at = |age: u64, min_ttl: u64| snapshot.at_once(start.after(secs(age)), secs(min_ttl)).is_some();
    assert!(at(0, 0) && at(0, 900) && at(840, 0) && at(800, 100));
    assert!(!at(0, 901) && !at(841, 0) && !at(801, 100) && !at(900, 0) && !at(5000, 0));
}

#[test]
fn the_phase_says_in_one_word_how_the_profile_is_doing() {
    let phase = |world: &World| world.refresher.snapshot().phase;
    let mut world = World::new(1);
    assert_eq!(phase(&world), Phase::Idle);
    world.request(Duration::ZERO);
    assert_eq!(phase(&world), Phase::Refreshing);
    world.fail(&transient());
    assert_eq!(phase(&world), Phase::Expired);
    world.until_begin(secs(2));
    world.land(mins(15));
    assert_eq!(phase(&world), Phase::Fresh);
    world.pass(mins(14));
    assert_eq!(phase(&world), Phase::Refreshing);
    world.fail(&transient());
    assert_eq!(phase(&world), Phase::Degraded);
    world.elapse(mins(2), mins(2));
    world.tick();
    assert_eq!(phase(&world), Phase::Expired);
}

#[test]
fn a_profile_that_waits_for_its_budget_is_called_expired() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.land(secs(10));
    world.request(hours(1));
    world.pass(Duration::from_millis(5_001));
    world.request(Duration::ZERO);
    world.land(secs(1));
    world.pass(secs(2));
    assert!(matches!(world.request(Duration::ZERO), Answer::Failed { .. }));
    assert_eq!(world.refresher.snapshot().phase, Phase::Expired);
}

#[test]
fn a_snapshot_counts_exchanges_and_dates_the_next() {
    let mut world = World::with_token(1, mins(15));
    let snapshot = world.refresher.snapshot();
    assert_eq!((snapshot.exchanges, snapshot.landed), (1, 1));
    assert!(snapshot.refresh_at.is_some() && snapshot.retry_at.is_none());
    world.until_begin(mins(15)).expect("renewal");
    let snapshot = world.refresher.snapshot();
    assert_eq!((snapshot.exchanges, snapshot.landed), (2, 1));
    assert!(snapshot.refresh_at.is_none() && snapshot.retry_at.is_none());
    world.fail(&transient());
    let snapshot = world.refresher.snapshot();
    assert_eq!((snapshot.exchanges, snapshot.landed), (2, 2));
    assert!(snapshot.refresh_at.is_none() && snapshot.retry_at.is_some());
    assert_eq!(snapshot.failure, Some(transient()));
}

#[test]
fn the_refresher_wakes_when_its_token_dies() {
    let mut world = World::with_token(1, mins(15));
    world.pass(secs(880));
    let left = world.refresher.poll_timeout().map(|at| at.left(world.now()));
    assert_eq!(left, Some(secs(20)));
    world.pass(secs(20));
    assert!(world.refresher.snapshot().token.is_none());
    assert_eq!(world.refresher.poll_timeout(), None, "the exchange in flight has its own deadline");
}
