//! For what reason exchanges are made, so that people can be told.

use std::{fmt, str::FromStr};

use super::budget::Kind;
use crate::Moment;

/// For what reason an exchange is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// A caller wants a token and none is alive.
    NoToken,
    /// The token in hand is renewed well before it dies.
    Renewal,
    /// A caller waits because the token in hand is about to die.
    NearEnd,
    /// A client wants more life than the token in hand has.
    MoreLife,
    /// A client was refused (401) with the token in hand.
    Reported,
    /// A person asked for it.
    Asked,
    /// The last one failed, and the next may work.
    Retry,
    /// The issuer refused, and one refusal is not believed.
    Confirmation,
    /// The issuer refuses for good, and is asked now and then all the same.
    Probe,
    /// The secret could not be had, and may be by now.
    Vault,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::NoToken,
        Self::Renewal,
        Self::NearEnd,
        Self::MoreLife,
        Self::Reported,
        Self::Asked,
        Self::Retry,
        Self::Confirmation,
        Self::Probe,
        Self::Vault,
    ];

    /// The reason in a word, for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoToken => "no_token",
            Self::Renewal => "renewal",
            Self::NearEnd => "near_end",
            Self::MoreLife => "more_life",
            Self::Reported => "reported",
            Self::Asked => "asked",
            Self::Retry => "retry",
            Self::Confirmation => "confirmation",
            Self::Probe => "probe",
            Self::Vault => "vault",
        }
    }

    /// For whose sake that is.
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::NoToken
            | Self::Renewal
            | Self::NearEnd
            | Self::Retry
            | Self::Confirmation
            | Self::Probe
            | Self::Vault => Kind::Regular,
            Self::MoreLife | Self::Reported | Self::Asked => Kind::Elective,
        }
    }
}

/// What holds up an exchange that is wanted sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hold {
    /// The issuer asked to be left alone (`Retry-After`).
    Issuer,
    /// The issuer is not to be asked too often: the floor, the pace, or what may be spent in a minute and an hour.
    Budget,
}

impl Hold {
    /// Every hold.
    pub const ALL: [Self; 2] = [Self::Issuer, Self::Budget];

    /// The hold in a word, for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Budget => "budget",
        }
    }
}

/// A name that this build does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no reason of this name; bring both ends to the same version")]
pub struct UnknownReason;

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Why {
    type Err = UnknownReason;

    fn from_str(name: &str) -> Result<Self, UnknownReason> {
        Self::ALL.into_iter().find(|why| why.name() == name).ok_or(UnknownReason)
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Hold {
    type Err = UnknownReason;

    fn from_str(name: &str) -> Result<Self, UnknownReason> {
        Self::ALL.into_iter().find(|hold| hold.name() == name).ok_or(UnknownReason)
    }
}

/// The exchange that begins next if nothing else happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// When.
    pub at: Moment,
    /// For what reason.
    pub why: Why,
    /// What holds it up until then, if it is wanted sooner.
    pub held_by: Option<Hold>,
}

/// An exchange in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Underway {
    /// When it began.
    pub since: Moment,
    /// For what reason.
    pub why: Why,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_found_by_its_name() {
        assert!(Why::ALL.iter().all(|why| why.to_string().parse() == Ok(*why)));
        assert!(Hold::ALL.iter().all(|hold| hold.to_string().parse() == Ok(*hold)));
        assert_eq!("whim".parse::<Why>(), Err(UnknownReason));
        assert_eq!("whim".parse::<Hold>(), Err(UnknownReason));
    }
}
