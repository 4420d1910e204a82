//! Waiting that ends.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How long anything may take that should take milliseconds. Two slow cores and forty tests at once are no fault.
pub const PATIENCE: Duration = Duration::from_secs(60);

const GLANCE: Duration = Duration::from_millis(10);

/// A point in time after which waiting is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// This long from now.
    pub(crate) fn within(limit: Duration) -> Self {
        Self(now() + limit)
    }

    /// How long that still is.
    pub(crate) fn rest(self) -> Duration {
        self.0.saturating_duration_since(now())
    }

    /// Whether it is over.
    pub(crate) fn is_over(self) -> bool {
        self.rest().is_zero()
    }
}

#[expect(clippy::disallowed_methods, reason = "limits how long a test waits; no token is judged by it")]
fn now() -> Instant {
    Instant::now()
}

/// Looks until there is something to see. Only for what tells nobody when it happens.
///
/// # Panics
/// When there is nothing within `limit`.
pub fn eventually<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Deadline::within(limit);
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(!deadline.is_over(), "within {limit:?} it did not happen that {what}");
        thread::sleep(GLANCE);
    }
}

/// Does something and tells how long it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = now();
    let outcome = work();
    (outcome, now().saturating_duration_since(began))
}
