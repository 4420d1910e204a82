//! Clocks that leap, and time that passed unnoticed.

use std::time::Duration;

use airbyte_tokend_tests::{Airbyte, Clocks, Daemon, Home, PATIENCE, Recipe, eventually};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A daemon under clocks of its own, with one token of 15 minutes in hand that cost the one exchange so far.
struct Warm {
    daemon: Daemon,
    clocks: Clocks,
    airbyte: Airbyte,
    _home: Home,
}

impl Warm {
    fn new() -> Self {
        let (home, airbyte) = (Home::new(), Airbyte::start());
        let clocks = Clocks::still(&home);
        let daemon = Recipe::of(&home).clocks(&clocks).start();
        daemon.log_in("main", &airbyte, "memory");
        Self { daemon, clocks, airbyte, _home: home }
    }

    fn seconds(&self, field: &str) -> u64 {
        self.daemon.http().status_of("main")[field].as_u64().unwrap_or_default()
    }
}

/// Fault 33: the machine slept for an hour and nobody asks.
#[test]
fn a_renewal_that_came_due_during_suspend_happens_by_itself() {
    let warm = Warm::new();
    warm.clocks.suspend(HOUR);
    warm.airbyte.wait_for_exchanges(2);
    eventually("the new token is there", PATIENCE, || (warm.seconds("expires_in") > 880).then_some(()));
    assert_eq!(warm.airbyte.exchanges(), 2);
}

/// Fault 34: the virtual machine was stopped for an hour and nobody asks.
#[test]
fn a_renewal_that_came_due_while_the_virtual_machine_stood_still_happens_by_itself() {
    let warm = Warm::new();
    warm.clocks.pause(HOUR);
    warm.airbyte.wait_for_exchanges(2);
    eventually("the new token is there", PATIENCE, || (warm.seconds("expires_in") > 880).then_some(()));
    assert_eq!(warm.airbyte.exchanges(), 2);
}
