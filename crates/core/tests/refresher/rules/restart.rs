//! A restart does not open the flood gates, and a memory from a strange clock does not close them.

use std::time::Duration;

use airbyte_token_core::{
    Memory, Moment, Phase, RefreshPolicy, Refresher,
    refresher::{PastExchange, PastTrouble, Standing},
};

use crate::{
    fixture::{hours, mins, rejected, secs, throttled, transient, vault},
    world::World,
};

/// How long a refresher with this memory waits before it makes an exchange that somebody wants.
fn first_wait(memory: Memory, wall: Duration) -> Duration {
    let now = Moment::new(secs(5), wall);
    let mut refresher = Refresher::new(RefreshPolicy::default(), 1, now);
    refresher.remember(now, memory);
    refresher.request(now, Duration::ZERO);
    match refresher.poll_command() {
        Some(_) => Duration::ZERO,
        None => refresher.poll_timeout().map_or(Duration::MAX, |at| at.left(now)),
    }
}

fn trouble(standing: Standing, retry_at: u64) -> Memory {
    let failure = rejected();
    let trouble = PastTrouble { failure, standing, rungs: 2, suspects: 0, retry_at };
    Memory { trouble: Some(trouble), ..Memory::default() }
}

fn exchanges(at: impl IntoIterator<Item = u64>) -> Memory {
    let exchanges = at.into_iter().map(|at| PastExchange { at, elective: false }).collect();
    Memory { exchanges, ..Memory::default() }
}

#[test]
fn parked_credentials_stay_parked_over_a_restart() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.fail(&rejected());
    world.until_begin(secs(5)).expect("confirmation");
    world.fail(&rejected());
    world.pass(mins(1));
    world.restart(secs(30));
    assert_eq!(world.refresher.snapshot().phase, Phase::Blocked);
    assert_eq!(world.refresher.snapshot().failure, Some(rejected()));
    assert_eq!(world.until_begin(hours(1)), None, "nobody has asked since");
    world.request(Duration::ZERO);
    assert_eq!(world.until_begin(hours(1)), Some(mins(5) - secs(90)));
    world.fail(&rejected());
    assert_eq!(world.until_begin(hours(1)), Some(mins(15)), "the probes go on where they were");
}

#[test]
fn a_first_refusal_and_a_row_of_suspicions_are_remembered() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.fail(&rejected());
    world.restart(secs(1));
    world.request(Duration::ZERO);
    assert_eq!(world.until_begin(mins(1)), Some(secs(4)));
    world.fail(&rejected());
    assert_eq!(world.refresher.snapshot().phase, Phase::Blocked);
}

#[test]
fn the_issuers_wish_is_remembered() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.fail(&throttled(Some(mins(15))));
    world.pass(mins(1));
    world.restart(mins(1));
    world.request(Duration::ZERO);
    assert_eq!(world.until_begin(hours(1)), Some(mins(13)));
}

#[test]
fn a_daemon_that_crashes_over_and_over_keeps_the_budget() {
    let mut world = World::new(1);
    while world.oracle.truth < hours(2) {
        world.request(Duration::ZERO);
        world.restart(secs(20));
    }
    assert!((100..=120).contains(&world.begun()), "{}", world.begun());
    assert_eq!(world.oracle.breaches_of(crate::oracle::Promise::Budget), Vec::<&str>::new());
}

#[test]
fn clients_share_of_the_budget_is_remembered() {
    let mut world = World::with_token(1, hours(24));
    while world.oracle.truth < secs(20) {
        world.refresh();
        world.land(hours(24));
        world.pass(secs(1));
    }
    let spent = world.refresher.memory().exchanges.iter().filter(|past| past.elective).count();
    assert_eq!(spent, 5);
    world.restart(secs(1));
    world.request(Duration::ZERO);
    world.land(hours(24));
    world.pass(secs(2));
    world.refresh();
    assert!(!world.is_flying(), "five in this minute are enough");
}

#[test]
fn a_healthy_refresher_remembers_only_its_exchanges_and_only_for_an_hour() {
    let mut world = World::with_token(1, mins(15));
    world.pass(mins(1));
    let memory = world.refresher.memory();
    assert_eq!(memory, exchanges([1_750_000_000]));
    let mut world = World::with_token(1, hours(3));
    world.pass(hours(1));
    world.refresh();
    assert_eq!(world.refresher.memory().exchanges.len(), 1);
}

#[test]
fn times_are_rounded_up_so_that_nothing_happens_too_soon() {
    let mut world = World::new(1);
    world.pass(Duration::from_millis(400));
    world.request(Duration::ZERO);
    world.fail(&throttled(Some(mins(15))));
    let memory = world.refresher.memory();
    assert_eq!(memory.told_until, Some(1_750_000_901));
    assert_eq!(memory.exchanges, exchanges([1_750_000_001]).exchanges);
}

#[test]
fn a_fulfilled_wish_is_not_remembered() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    world.fail(&throttled(Some(mins(15))));
    world.pass(mins(15));
    assert_eq!(world.refresher.memory().told_until, None);
}

#[test]
fn a_wall_clock_that_was_set_back_parks_nothing_for_longer_than_its_bound() {
    let now = 1_000_000;
    let later = now + 1_000_000;
    let wait = |memory| first_wait(memory, secs(now));
    assert_eq!(wait(trouble(Standing::Parked { probes: 7 }, later)), mins(60));
    assert_eq!(wait(trouble(Standing::Accused, later)), secs(100));
    assert_eq!(wait(trouble(Standing::Trying, later)), secs(100));
    assert_eq!(wait(Memory { told_until: Some(later), ..Memory::default() }), mins(15));
    assert_eq!(wait(Memory { told_until: Some(u64::MAX), ..Memory::default() }), mins(15));
    assert_eq!(wait(exchanges([later])), secs(1));
    assert_eq!(wait(exchanges([later; 10])), mins(1));
    assert_eq!(wait(exchanges([later; 60])), hours(1), "a full hour's worth, made just now for all we know");
}

#[test]
fn a_wall_clock_that_was_set_forward_finds_everything_past() {
    let now = 1_000_000;
    let wait = |memory| first_wait(memory, secs(now));
    assert_eq!(wait(trouble(Standing::Parked { probes: 7 }, 1)), Duration::ZERO);
    assert_eq!(wait(Memory { told_until: Some(1), ..Memory::default() }), Duration::ZERO);
    assert_eq!(wait(exchanges([1; 60])), Duration::ZERO);
    assert_eq!(wait(Memory::default()), Duration::ZERO);
}

#[test]
fn a_memory_that_is_far_too_long_does_no_more_than_a_full_one() {
    let now = 1_000_000;
    assert_eq!(first_wait(exchanges(vec![now; 1_000_000]), secs(now)), hours(1));
    let late = (0..1_000_000).map(|nth| if nth < 999_999 { 1 } else { now });
    assert_eq!(first_wait(exchanges(late), secs(now)), secs(1), "the last ones count");
}

#[test]
fn a_memory_in_its_time_is_kept_to_the_second() {
    let now = 1_000_000;
    let wait = |memory| first_wait(memory, secs(now));
    assert_eq!(wait(trouble(Standing::Parked { probes: 0 }, now + 77)), secs(77));
    assert_eq!(wait(Memory { told_until: Some(now + 77), ..Memory::default() }), secs(77));
    assert_eq!(wait(exchanges((0..60).map(|nth| now - 3_540 + nth))), mins(1), "a whole hour is kept");
    assert_eq!(wait(exchanges((0..10).map(|nth| now - 50 + nth))), secs(10));
}

#[test]
fn how_often_it_failed_is_remembered_with_what_failed() {
    let mut world = World::new(1);
    world.request(Duration::ZERO);
    for failure in [transient(), transient(), vault(airbyte_token_core::VaultTrouble::Slow)] {
        world.fail(&failure);
        world.until_begin(mins(1));
    }
    let memory = world.refresher.memory().trouble.expect("it fails");
    assert_eq!((memory.rungs, memory.suspects, memory.standing), (2, 0, Standing::Trying));
    assert_eq!(memory.failure, vault(airbyte_token_core::VaultTrouble::Slow));
}

#[test]
fn a_memory_that_is_handed_on_over_and_over_puts_nothing_off() {
    let start = 1_000_000;
    let mut memory = Memory { told_until: Some(start + 500), ..trouble(Standing::Trying, start + 80) };
    let handed = memory.clone();
    for nth in 0..50 {
        let now = Moment::new(secs(5), secs(start) + Duration::from_millis(700 * nth));
        let mut refresher = Refresher::new(RefreshPolicy::default(), 1, now);
        refresher.remember(now, memory);
        let a_hair = Duration::from_micros(20);
        let later = now.after(Duration::from_millis(300));
        refresher.handle_timeout(Moment::new(later.since_boot(), later.since_epoch() + a_hair));
        memory = refresher.memory();
    }
    assert_eq!(memory, handed);
}

#[test]
fn a_hair_past_the_second_is_not_rounded_up() {
    let mut world = World::new(1);
    world.pass(Duration::from_millis(1));
    world.request(Duration::ZERO);
    world.fail(&throttled(Some(mins(15))));
    assert_eq!(world.refresher.memory().told_until, Some(1_750_000_900));
}
