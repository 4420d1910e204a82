//! What the refresher says: to a caller, to the machinery around it, and to whoever looks on.

use std::{sync::Arc, time::Duration};

use super::why::{Plan, Underway};
use crate::{Failure, Moment, Token};

/// What the machinery around the refresher is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make one exchange, and say how it went with `handle_issued` or `handle_failed`.
    Exchange,
}

/// What a caller gets.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A live token with at least the life that was asked for.
    Token(Arc<Token>),
    /// An exchange is in flight; ask again when it is done.
    Pending,
    /// There is no such token now, and none under way.
    Failed {
        /// Why not.
        reason: Reason,
        /// When the next exchange will begin; `None` if waiting does not help.
        retry_at: Option<Moment>,
        /// A token that lives, though not as long as was asked for.
        alive: Option<Arc<Token>>,
    },
}

/// Why there is no token with as much life as was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Renewal fails.
    Failure(Failure),
    /// No token of this issuer lives that long.
    MinTtl {
        /// How long the last one lived when it came.
        longest: Duration,
    },
    /// The issuer is not asked again so soon: the budget, or its own `Retry-After`.
    Paced,
    /// It is locked.
    Locked,
}

/// How a profile is doing, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No token, and nobody wants one.
    Idle,
    /// A token lives and all is well.
    Fresh,
    /// An exchange is in flight and nothing has failed.
    Refreshing,
    /// A token lives, but its renewal fails.
    Degraded,
    /// No token lives though one is wanted.
    Expired,
    /// The issuer refused the credentials, or is not the issuer: somebody must act. A token may still live.
    Blocked,
    /// The secret cannot be had from its vault. A token may still live.
    VaultTrouble,
    /// It is locked: no token, and no exchange until somebody unlocks it.
    Locked,
}

/// What onlookers see: cheap to take, free of secrets but for the token itself.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The live token, if there is one.
    pub token: Option<Arc<Token>>,
    /// How the profile is doing.
    pub phase: Phase,
    /// Why renewal fails, if it does.
    pub failure: Option<Failure>,
    /// When the next renewal begins, if nothing fails and one is planned.
    pub refresh_at: Option<Moment>,
    /// When the next try begins, if renewal fails and one is planned.
    pub retry_at: Option<Moment>,
    /// The next exchange, whatever it is for; none while one is in flight or nothing is planned.
    pub plan: Option<Plan>,
    /// The exchange in flight.
    pub underway: Option<Underway>,
    /// How many exchanges have been begun.
    pub exchanges: u64,
    /// How many of them have ended, one way or the other.
    pub landed: u64,
    /// A caller rather waits for the successor of a token with less than this left, as long as nothing fails.
    pub hard_window: Duration,
}

impl Snapshot {
    /// The token, where a caller can have it at once and nothing else need be done: it has at least `min_ttl` left
    /// and is outside its hard window. The refresher must hear of such callers by `handle_used`.
    #[must_use]
    pub fn at_once(&self, now: Moment, min_ttl: Duration) -> Option<&Arc<Token>> {
        let enough = min_ttl.max(self.hard_window);
        self.token.as_ref().filter(|token| token.is_alive(now) && token.remaining(now) >= enough)
    }
}
