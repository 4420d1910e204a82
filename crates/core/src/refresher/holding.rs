//! The token in hand.

use std::{sync::Arc, time::Duration};

use crate::{Moment, Token};

/// The token in hand, and how long before its end its renewal begins.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    token: Arc<Token>,
    lead: Duration,
}

impl Holding {
    pub(super) fn new(token: Token, lead: Duration) -> Self {
        Self { token: Arc::new(token), lead }
    }

    /// The same token, to be renewed with another lead.
    pub(super) fn led(self, lead: Duration) -> Self {
        Self { lead, ..self }
    }

    pub(super) const fn token(&self) -> &Arc<Token> {
        &self.token
    }

    /// How long until its renewal begins; zero once it is due.
    pub(super) fn until_renewal(&self, now: Moment) -> Duration {
        self.token.remaining(now).saturating_sub(self.lead)
    }

    /// Gives it no more life when a clock was turned back from `before` to `now`.
    pub(super) fn turn_back(&mut self, before: Moment, now: Moment) {
        let left = self.token.remaining(before).min(self.token.remaining(now));
        self.token = Arc::new(self.token.ending(now.after(left)));
    }
}
