//! What the command line exits with.

/// What the command line exits with. Part of the interface: scripts branch on it. From 69 on the numbers are those
/// of BSD's `sysexits.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExitStatus {
    /// What was asked for is done; for `print` and `header`, the token was written.
    Done,
    /// The command line cannot be understood.
    Usage,
    /// No daemon answers (`EX_UNAVAILABLE`).
    Unreachable,
    /// It may work later: Airbyte or the keyring is in trouble, or `--min-ttl` cannot be met now (`EX_TEMPFAIL`).
    TryAgain,
    /// The two ends do not understand each other: their versions differ (`EX_PROTOCOL`).
    Mismatch,
    /// Somebody refuses: Airbyte the credentials, the daemon this caller, or this client that daemon (`EX_NOPERM`).
    Refused,
    /// Something must be set up first: a profile, its secret, its URL, or the daemon's file (`EX_CONFIG`).
    Config,
}

impl ExitStatus {
    /// Every status, from the smallest number up.
    pub const ALL: [Self; 7] = [
        Self::Done,
        Self::Usage,
        Self::Unreachable,
        Self::TryAgain,
        Self::Mismatch,
        Self::Refused,
        Self::Config,
    ];

    /// The number that the process exits with.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Usage => 2,
            Self::Unreachable => 69,
            Self::TryAgain => 75,
            Self::Mismatch => 76,
            Self::Refused => 77,
            Self::Config => 78,
        }
    }

    /// What it means, in half a line.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done; for print and header: the token was written",
            Self::Usage => "the command line cannot be understood",
            Self::Unreachable => "no daemon answers",
            Self::TryAgain => "try again later (Airbyte or keyring in trouble, --min-ttl unmet)",
            Self::Mismatch => "protocol mismatch: the versions of client and daemon differ",
            Self::Refused => "refused (credentials rejected, or peer not trusted)",
            Self::Config => "set up something first (no such profile, no secret stored, bad file)",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_documented_ones() {
        assert_eq!(ExitStatus::ALL.map(ExitStatus::code), [0, 2, 69, 75, 76, 77, 78]);
    }
}
