//! As long as the issuer answers, a new token lands before the old one dies, whatever clients do.

use std::time::Duration;

use proptest::prelude::*;

use crate::{
    event::{Event, client_events},
    fixture::{hours, mins, secs},
    world::World,
};

/// A world whose issuer always answers.
struct Service {
    world: World,
    life: Duration,
    latency: Duration,
    in_flight_for: Duration,
    /// The least life that was left at any time.
    nearest_death: Duration,
}

impl Service {
    fn new(seed: u64, life: Duration, latency: Duration) -> Self {
        let mut world = World::new(seed);
        world.request(Duration::ZERO);
        world.elapse(latency, latency);
        world.land(life);
        Self { world, life, latency, in_flight_for: Duration::ZERO, nearest_death: life }
    }

    fn apply(&mut self, event: &Event) {
        if let Event::Pass(time) = event { self.pass(*time) } else { self.world.apply(event) }
    }

    fn pass(&mut self, time: Duration) {
        let mut left = time;
        let mut wakes = 0..10 + 2 * time.as_secs();
        while !left.is_zero() {
            wakes.next().expect("no busy loop");
            let step = self.until_next().min(left);
            self.world.elapse(step, step);
            self.nearest_death = self.nearest_death.min(self.world.oracle.true_life_left());
            self.arrive(step);
            left -= step;
        }
    }

    fn until_next(&self) -> Duration {
        let wake = self.world.refresher.poll_timeout().map(|at| at.left(self.world.now()));
        let landing = self.world.oracle.flight.map(|_| self.latency - self.in_flight_for);
        wake.into_iter().chain(landing).min().expect("a profile in use has something to wait for")
    }

    fn arrive(&mut self, step: Duration) {
        if self.world.oracle.flight.is_none() {
            return self.world.tick();
        }
        self.in_flight_for += step;
        if self.in_flight_for >= self.latency {
            self.in_flight_for = Duration::ZERO;
            self.world.land(self.life);
        }
    }
}

fn long_enough_lives() -> impl Strategy<Value = Duration> {
    prop_oneof![
        2 => (120..200_u64).prop_map(secs),
        1 => (200..2_000_u64).prop_map(secs),
        1 => Just(mins(15)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_new_token_lands_before_the_old_one_dies_whatever_clients_do(
        seed: u64,
        life in long_enough_lives(),
        latency in (1..10_000_u64).prop_map(Duration::from_millis),
        clients in prop::collection::vec(client_events(), 1..200),
    ) {
        let mut service = Service::new(seed, life, latency);
        clients.iter().for_each(|event| service.apply(event));
        prop_assert!(!service.nearest_death.is_zero());
    }

    #[test]
    fn clients_alone_use_half_of_the_budget_at_most(
        seed: u64,
        latency in (1..3_000_u64).prop_map(Duration::from_millis),
        clients in prop::collection::vec(client_events(), 1..200),
    ) {
        let mut service = Service::new(seed, hours(24), latency);
        for event in &clients {
            service.apply(event);
            service.world.refresh();
        }
        let begun = service.world.oracle.begun.get(1..).unwrap_or_default();
        let most = |window| begun.iter().map(|end| {
            begun.iter().filter(|at| *at <= end && *end - **at < window).count()
        }).max();
        prop_assert!(most(mins(1)) <= Some(5), "{:?} in a minute", most(mins(1)));
        prop_assert!(most(hours(1)) <= Some(30), "{:?} in an hour", most(hours(1)));
    }

    #[test]
    fn sixty_second_tokens_come_as_often_as_the_budget_can_promise(
        seed: u64,
        latency in (1..500_u64).prop_map(Duration::from_millis),
    ) {
        let mut service = Service::new(seed, mins(1), latency);
        let mut longest = Duration::ZERO;
        for _ in 0..2 * 60 * 12 {
            service.world.request(Duration::ZERO);
            service.pass(secs(5));
        }
        for pair in service.world.oracle.begun.windows(2) {
            longest = longest.max(pair[1] - pair[0]);
        }
        prop_assert!(longest <= secs(72) + latency, "{longest:?}");
    }
}

#[test]
fn a_fortnight_of_fifteen_minute_tokens_has_no_gap_and_no_hurry() {
    let mut service = Service::new(7, mins(15), secs(1));
    for _ in 0..14 * 24 {
        service.world.request(Duration::ZERO);
        service.pass(hours(1));
    }
    let exchanges = service.world.oracle.begun.len();
    let fortnight = 14 * 24 * 60;
    assert!(
        (fortnight / 10..fortnight / 9).contains(&exchanges),
        "{exchanges} renewals, a little over one in ten minutes"
    );
    assert!(service.nearest_death >= secs(298), "{:?}", service.nearest_death);
}
