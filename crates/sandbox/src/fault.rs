//! What can go wrong on request, as plain data.
//!
//! A [`Fault`] is built in code ([`Fault::status`], [`Fault::hang`], …) or read from the text of a flag or of
//! the control endpoint, `status=503,retry-after=7,times=2`.

mod canned;
mod parse;
mod queue;
mod trouble;

use std::{fmt, time::Duration};

pub(crate) use self::queue::FaultQueue;
pub use self::{
    canned::{Canned, UnknownAnswer},
    parse::BadFault,
    trouble::{Lie, OddToken, Reply, Trouble, Wire},
};
use crate::settings::ExpiresIn;

/// One thing that goes wrong: what, to which requests, and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What happens.
    pub trouble: Trouble,
    /// How long nothing happens before it. A token in the answer is already ageing meanwhile.
    pub delay: Duration,
    /// A `Retry-After` to add to the answer.
    pub retry_after: Option<RetryAfter>,
    /// How many requests it strikes.
    pub times: Times,
    /// The chance that it strikes a request it could strike, 0 to 1.
    pub probability: f64,
    /// Which requests it can strike.
    pub on: Scope,
}

/// How many requests a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// This many, then it is gone.
    Count(u32),
    /// All of them until it is cleared.
    Forever,
}

/// Which requests a fault can strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Requests to the token endpoint, in any spelling.
    Token,
    /// All others, the control endpoint excepted.
    Api,
    /// Both.
    Any,
}

/// What a `Retry-After` header says (RFC 9110 §10.2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// This text, sensible or not.
    Text(String),
    /// The HTTP date so many seconds after the answer, or before it.
    Date(i64),
}

impl Fault {
    /// This trouble, once, on the token endpoint.
    #[must_use]
    pub fn new(trouble: Trouble) -> Self {
        Self {
            trouble,
            delay: Duration::ZERO,
            retry_after: None,
            times: Times::Count(1),
            probability: 1.0,
            on: Scope::Token,
        }
    }

    /// An answer with this status and a short JSON body.
    #[must_use]
    pub fn status(code: u16) -> Self {
        Self::new(Trouble::Reply(Reply::Status { code, content: None }))
    }

    /// One of the answers that Airbyte, or what stands in front of it, has been seen to give.
    #[must_use]
    pub fn answer(canned: Canned) -> Self {
        Self::new(Trouble::Reply(Reply::Canned(canned)))
    }

    /// A redirect to this address.
    #[must_use]
    pub fn redirect(code: u16, to: impl Into<String>) -> Self {
        Self::new(Trouble::Reply(Reply::Redirect { code, to: to.into() }))
    }

    /// The true answer, this much later.
    #[must_use]
    pub fn delay(delay: Duration) -> Self {
        Self { delay, ..Self::new(Trouble::Late) }
    }

    /// Never an answer; the connection stays open.
    #[must_use]
    pub fn hang() -> Self {
        Self::new(Trouble::Wire(Wire::Hang))
    }

    /// The request is read, then the connection is reset.
    #[must_use]
    pub fn reset() -> Self {
        Self::new(Trouble::Wire(Wire::Reset))
    }

    /// A true token whose `expires_in` says something else.
    #[must_use]
    pub fn expires_in(said: ExpiresIn) -> Self {
        Self::new(Trouble::Lie(Lie::ExpiresIn(said)))
    }

    /// A success whose token is odd.
    #[must_use]
    pub fn token(odd: OddToken) -> Self {
        Self::new(Trouble::Lie(Lie::AccessToken(odd)))
    }

    /// The same, this many times.
    #[must_use]
    pub fn times(self, count: u32) -> Self {
        Self { times: Times::Count(count), ..self }
    }

    /// The same, until cleared.
    #[must_use]
    pub fn forever(self) -> Self {
        Self { times: Times::Forever, ..self }
    }

    /// The same, on these requests.
    #[must_use]
    pub fn on(self, scope: Scope) -> Self {
        Self { on: scope, ..self }
    }

    /// The same, this much later.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// The same, with this `Retry-After`.
    #[must_use]
    pub fn retry_after(self, said: impl Into<String>) -> Self {
        Self { retry_after: Some(RetryAfter::Text(said.into())), ..self }
    }

    /// The same, with this chance (0 to 1) of striking.
    #[must_use]
    pub fn with_probability(self, probability: f64) -> Self {
        Self { probability, ..self }
    }
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        Self::new(trouble)
    }
}

impl Scope {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Api => "api",
            Self::Any => "any",
        }
    }

    pub(crate) fn covers(self, asked: Self) -> bool {
        self == Self::Any || self == asked
    }
}

impl fmt::Display for Times {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(formatter, "{count}"),
            Self::Forever => formatter.write_str("forever"),
        }
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::Date(seconds) => write!(formatter, "date{seconds:+}"),
        }
    }
}

/// The text of a flag. What holds a comma does not read back.
impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.trouble)?;
        if !self.delay.is_zero() {
            write!(formatter, ",delay={}", humantime::format_duration(self.delay))?;
        }
        if let Some(retry_after) = &self.retry_after {
            write!(formatter, ",retry-after={retry_after}")?;
        }
        if self.probability < 1.0 {
            write!(formatter, ",probability={}", self.probability)?;
        }
        write!(formatter, ",on={},times={}", self.on.name(), self.times)
    }
}
