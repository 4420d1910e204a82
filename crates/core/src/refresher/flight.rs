//! An exchange under way.

use std::time::Duration;

use super::why::{Underway, Why};
use crate::{Issued, Moment, Token};

/// An exchange under way, and how long it has been.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    since: Moment,
    why: Why,
    /// Its age when a clock was last turned back.
    spent: Duration,
    /// Whether the machinery around us has been told to make it.
    commanded: bool,
    /// Whether the secret it carries has been replaced since.
    stale: bool,
}

impl Flight {
    pub(super) const fn new(since: Moment, why: Why) -> Self {
        Self { since, why, spent: Duration::ZERO, commanded: false, stale: false }
    }

    /// As onlookers see it.
    pub(super) const fn underway(&self) -> Underway {
        Underway { since: self.since, why: self.why }
    }

    /// Whether the command has been given.
    pub(super) const fn is_commanded(&self) -> bool {
        self.commanded
    }

    /// The command is given now.
    pub(super) const fn command(&mut self) {
        self.commanded = true;
    }

    /// Its outcome will say nothing about the secret we have now.
    pub(super) const fn make_stale(&mut self) {
        self.stale = true;
    }

    pub(super) const fn is_stale(&self) -> bool {
        self.stale
    }

    /// The token it brought, which lived from when the request left.
    pub(super) fn land(self, issued: Issued) -> Token {
        let expires = self.since.after(issued.lifetime.saturating_sub(self.spent));
        Token::until(issued, expires)
    }

    /// Keeps its age when a clock was turned back from `before` to `now`.
    pub(super) fn turn_back(&mut self, before: Moment, now: Moment) {
        let age = before.since(self.since).max(now.since(self.since));
        self.spent = self.spent.saturating_add(age);
        self.since = now;
    }
}
