//! The lock: no token in hand and no exchange, whoever asks, until it is taken off.

use super::Refresher;
use crate::Moment;

impl Refresher {
    /// Drops the token in hand and the exchange in flight, which whoever makes it gives up, and begins none until
    /// [`Refresher::unlock`]. What was spent stays spent, and what failed is remembered.
    pub fn lock(&mut self, now: Moment) {
        self.observe(now);
        (self.holding, self.flight) = (None, None);
        (self.used, self.demanded, self.asked) = (None, false, None);
        self.locked = true;
    }

    /// Goes on as after a start: on demand.
    pub fn unlock(&mut self, now: Moment) {
        self.observe(now);
        self.locked = false;
        self.decide();
    }

    /// Whether it is locked.
    #[must_use]
    pub const fn is_locked(&self) -> bool {
        self.locked
    }
}
