//! Why an exchange brought no token: only what a caller must tell apart.

use std::{fmt, time::Duration};

/// Why an exchange brought no token.
///
/// The variants are what the rules and the callers must tell apart; the [`Detail`] is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It may work later: the network, a server error, an unreadable answer.
    Transient {
        /// How long the issuer asked us to wait, if it did.
        retry_after: Option<Duration>,
        /// What happened.
        detail: Detail,
    },
    /// There is no way to the issuer: no network, or no name server that knows it. The issuer noticed nothing.
    Unreached {
        /// What happened.
        detail: Detail,
    },
    /// Whatever answers cannot prove to be the host that the URL names: its certificate has expired, is for another
    /// host, or is from nobody who is trusted. It was sent nothing, and it heals when somebody mends it and not before.
    Untrusted {
        /// What happened.
        detail: Detail,
    },
    /// The issuer says that we ask too often.
    Throttled {
        /// How long the issuer asked us to wait, if it did.
        retry_after: Option<Duration>,
        /// What happened.
        detail: Detail,
    },
    /// An answer that some editions of Airbyte give to wrong credentials and also to plain accidents
    /// (500 with an `errorId`). Said again and again, it counts as [`Failure::Rejected`].
    Suspect {
        /// What happened.
        detail: Detail,
    },
    /// The issuer refuses this client id and secret.
    Rejected {
        /// What happened.
        detail: Detail,
    },
    /// Whatever answers at this URL is not Airbyte's token endpoint.
    Misdirected {
        /// What led astray.
        by: Misdirection,
        /// What happened.
        detail: Detail,
    },
    /// The secret could not be had from where it is kept.
    Vault {
        /// Which trouble it was.
        trouble: VaultTrouble,
        /// What happened.
        detail: Detail,
    },
}

impl Failure {
    /// What happened, for people.
    #[must_use]
    pub fn detail(&self) -> &Detail {
        match self {
            Self::Transient { detail, .. }
            | Self::Unreached { detail }
            | Self::Untrusted { detail }
            | Self::Throttled { detail, .. }
            | Self::Suspect { detail }
            | Self::Rejected { detail }
            | Self::Misdirected { detail, .. }
            | Self::Vault { detail, .. } => detail,
        }
    }

    /// Whether the issuer noticed nothing of the exchange, so that none of its patience was used up.
    #[must_use]
    pub const fn went_unnoticed(&self) -> bool {
        match self {
            Self::Unreached { .. } | Self::Vault { .. } => true,
            Self::Transient { .. }
            | Self::Untrusted { .. }
            | Self::Throttled { .. }
            | Self::Suspect { .. }
            | Self::Rejected { .. }
            | Self::Misdirected { .. } => false,
        }
    }
}

/// What keeps exchanges from Airbyte's token endpoint, as far as the remedy differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misdirection {
    /// The URL: nothing there is the token endpoint, and nothing will be until somebody mends the one or the other.
    Address,
    /// Something in between that answers in its stead: a captive portal, a login page, a redirect, a proxy that asks
    /// for a password. It usually steps aside within minutes, without anything being mended here.
    Interception,
}

/// What a vault can be in trouble with, as far as the remedy differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultTrouble {
    /// It is locked and somebody must unlock it.
    Locked,
    /// Nothing answers where it should be.
    Absent,
    /// It did not answer within the deadline.
    Slow,
    /// It refused us.
    Denied,
    /// It holds no secret for this profile.
    Empty,
    /// The secret it holds was stored for another origin (scheme, host, port).
    OtherOrigin,
    /// What it is made of is missing or not as it must be: a file, or the key to it.
    Unreadable,
    /// What it holds cannot be understood: torn, or sealed under another key.
    Damaged,
}

/// One line for people about a failure: printable ASCII, at most [`Detail::LIMIT`] characters, whatever it was made
/// from. Text from upstream is hostile input; what is not printable ASCII becomes `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail(String);

impl Detail {
    /// The most characters it holds; the rest is cut and `...` says so.
    pub const LIMIT: usize = 200;

    /// Makes any text fit to be shown and logged.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let shown = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
        if text.chars().nth(Self::LIMIT).is_none() {
            return Self(text.chars().map(shown).collect());
        }
        let kept = text.chars().take(Self::LIMIT - 3).map(shown);
        Self(kept.chain("...".chars()).collect())
    }

    /// The line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_its_detail() {
        let detail = Detail::new("made up");
        let own = || detail.clone();
        for failure in [
            Failure::Transient { retry_after: None, detail: own() },
            Failure::Unreached { detail: own() },
            Failure::Untrusted { detail: own() },
            Failure::Throttled { retry_after: None, detail: own() },
            Failure::Suspect { detail: own() },
            Failure::Rejected { detail: own() },
            Failure::Misdirected { by: Misdirection::Address, detail: own() },
            Failure::Vault { trouble: VaultTrouble::Locked, detail: own() },
        ] {
            assert_eq!(failure.detail(), &detail);
        }
    }

    #[test]
    fn a_detail_shows_printable_ascii_only() {
        let hostile = "caf\u{e9} \u{1b}[31m\r\n\0~ !\u{7f}";
        assert_eq!(Detail::new(hostile).as_str(), "caf? ?[31m???~ !?");
    }

    #[test]
    fn a_detail_of_two_hundred_characters_is_whole_and_a_longer_one_says_that_it_was_cut() {
        let whole = "x".repeat(200);
        assert_eq!(Detail::new(&whole).to_string(), whole);
        let cut = format!("{}...", "x".repeat(197));
        assert_eq!(Detail::new(&"x".repeat(201)).to_string(), cut);
        let cut = format!("{}...", "?".repeat(197));
        assert_eq!(Detail::new(&"\u{e9}".repeat(201)).to_string(), cut, "characters, not bytes");
    }
}
