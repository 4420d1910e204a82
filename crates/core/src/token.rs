//! An access token: what it may look like, how long it lives, and what may be said of it in public.

mod access_token;
mod fingerprint;
mod lifetime;

pub use access_token::{AccessToken, BadAccessToken};
pub use fingerprint::{BadFingerprint, Fingerprint};
pub use lifetime::{Claims, LifetimeEvidence, NoLifetime, lifetime};

use std::{sync::Arc, time::Duration};

use crate::Moment;

/// A token that an issuer gave us, and how long it lives.
#[derive(Debug)]
pub struct Token {
    access_token: Arc<AccessToken>,
    fingerprint: Fingerprint,
    expires: Moment,
    lifetime: Duration,
}

impl Token {
    /// A token whose request left at `requested`: its life is counted from then, not from when the reply came.
    #[must_use]
    pub fn new(issued: Issued, requested: Moment) -> Self {
        let expires = requested.after(issued.lifetime);
        Self::until(issued, expires)
    }

    /// A token that dies at `expires`.
    pub(crate) fn until(issued: Issued, expires: Moment) -> Self {
        let Issued { access_token, fingerprint, lifetime } = issued;
        Self { access_token: Arc::new(access_token), fingerprint, expires, lifetime }
    }

    /// The same token with another end, for when a clock was turned.
    pub(crate) fn ending(&self, expires: Moment) -> Self {
        Self { access_token: Arc::clone(&self.access_token), expires, ..*self }
    }

    /// The token itself, for the one who asked for it.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    /// Its public name.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// How long it lived when it was issued.
    #[must_use]
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// When it dies.
    #[must_use]
    pub const fn expires(&self) -> Moment {
        self.expires
    }

    /// How long it still lives, by whichever clock says less; zero when it is dead.
    #[must_use]
    pub fn remaining(&self, now: Moment) -> Duration {
        self.expires.left(now)
    }

    /// Whether it lives at all.
    #[must_use]
    pub fn is_alive(&self, now: Moment) -> bool {
        !self.expires.is_reached(now)
    }
}

/// What an exchange brings when it succeeds.
#[derive(Debug)]
pub struct Issued {
    /// The token.
    pub access_token: AccessToken,
    /// Its public name.
    pub fingerprint: Fingerprint,
    /// How long it lives, counted from when the request left.
    pub lifetime: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    const START: Moment = Moment::new(Duration::from_secs(100), Duration::from_secs(1_000_000));

    fn token() -> Token {
        let access_token = AccessToken::parse(Secret::new("canary-canary-canary".into())).unwrap();
        let fingerprint = Fingerprint::from_sha256([7; 32]);
        Token::new(Issued { access_token, fingerprint, lifetime: Duration::from_secs(900) }, START)
    }

    #[test]
    fn a_token_lives_from_when_it_was_requested() {
        let token = token();
        assert_eq!(token.access_token().expose(), "canary-canary-canary");
        assert_eq!(token.fingerprint(), Fingerprint::from_sha256([7; 32]));
        assert_eq!(token.lifetime(), Duration::from_secs(900));
        assert_eq!(token.expires(), START.after(Duration::from_secs(900)));
        assert_eq!(token.remaining(START.after(Duration::from_secs(2))), Duration::from_secs(898));
    }

    #[test]
    fn a_token_is_dead_when_nothing_remains() {
        let token = token();
        assert!(token.is_alive(START.after(Duration::from_millis(899_999))));
        assert!(!token.is_alive(START.after(Duration::from_secs(900))));
        assert_eq!(token.remaining(START.after(Duration::from_secs(901))), Duration::ZERO);
    }

    #[test]
    fn debug_output_of_a_token_does_not_hold_it() {
        let shown = format!("{:?}", token());
        assert!(shown.contains("0707070707070707") && !shown.contains("canary"), "{shown}");
    }
}
