//! How a profile fares, in a word that is the same everywhere: in `status`, in errors, in metrics and in the log.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ErrorCode;

/// How a profile fares. Where something is wrong that a caller without a live token is told, both have the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileState {
    /// Nobody asks; a token comes on demand.
    Idle,
    /// A live token, and all is well.
    Fresh,
    /// An exchange is in flight, and nothing has failed.
    Renewing,
    /// A live token, but Airbyte is out of reach or in trouble.
    Degraded,
    /// No live token, and Airbyte is out of reach or in trouble.
    Expired,
    /// Airbyte refuses the client id and secret.
    Rejected,
    /// Airbyte asked for fewer requests, or was asked as often as may be.
    Throttled,
    /// What answers at the profile's URL is not Airbyte's token endpoint.
    Misdirected,
    /// Somebody locked the daemon.
    Locked,
    /// The keyring is locked.
    KeyringLocked,
    /// No keyring answers.
    KeyringMissing,
    /// The keyring refused the daemon.
    KeyringDenied,
    /// The vault did not answer in time.
    VaultSlow,
    /// The vault's file or its key cannot be read.
    VaultUnreadable,
    /// What the vault holds cannot be understood.
    VaultDamaged,
    /// The vault holds no secret for the profile.
    NoSecret,
    /// The secret was stored for another origin than the profile has now.
    LogInAgain,
    /// All is well, but this machine's clock and Airbyte's are minutes apart.
    ClockSuspect,
}

impl ProfileState {
    /// Every state.
    pub const ALL: [Self; 18] = [
        Self::Idle,
        Self::Fresh,
        Self::Renewing,
        Self::Degraded,
        Self::Expired,
        Self::Rejected,
        Self::Throttled,
        Self::Misdirected,
        Self::Locked,
        Self::KeyringLocked,
        Self::KeyringMissing,
        Self::KeyringDenied,
        Self::VaultSlow,
        Self::VaultUnreadable,
        Self::VaultDamaged,
        Self::NoSecret,
        Self::LogInAgain,
        Self::ClockSuspect,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Fresh => "fresh",
            Self::Renewing => "renewing",
            Self::Degraded => "degraded",
            Self::Expired => "expired",
            Self::ClockSuspect => "clock_suspect",
            Self::Rejected
            | Self::Throttled
            | Self::Misdirected
            | Self::Locked
            | Self::KeyringLocked
            | Self::KeyringMissing
            | Self::KeyringDenied
            | Self::VaultSlow
            | Self::VaultUnreadable
            | Self::VaultDamaged
            | Self::NoSecret
            | Self::LogInAgain => match self.code() {
                Some(code) => code.name(),
                None => "",
            },
        }
    }

    /// What it means, in half a line, for people who use Airbyte.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Idle => "nobody asks; a token is fetched when somebody does",
            Self::Fresh => "a token lives, and all is well",
            Self::Renewing => "a token is being fetched, and nothing has failed",
            Self::Degraded => "a token lives, but its renewal fails: Airbyte is out of reach or in trouble",
            Self::Expired => "no token lives: Airbyte is out of reach or in trouble",
            Self::Rejected => "Airbyte refuses the client id and secret",
            Self::Throttled => "Airbyte asked for patience, or was asked as often as it may be",
            Self::Misdirected => "what answers at the profile's URL is not Airbyte's token endpoint",
            Self::Locked => "somebody locked the daemon: it holds no token and fetches none",
            Self::KeyringLocked => "the keyring is locked",
            Self::KeyringMissing => "no keyring answers",
            Self::KeyringDenied => "the keyring refused the daemon",
            Self::VaultSlow => "the vault did not answer in time",
            Self::VaultUnreadable => "the vault's file or its key is missing, or not as it must be",
            Self::VaultDamaged => "what the vault holds cannot be understood",
            Self::NoSecret => "the vault holds no secret for the profile",
            Self::LogInAgain => "the secret was stored for another URL than the profile has now",
            Self::ClockSuspect => "a token lives, but this machine's clock and Airbyte's are minutes apart",
        }
    }

    /// What a caller is told who gets no token in this state; none where one gets a token, or nobody asked.
    #[must_use]
    pub const fn code(self) -> Option<ErrorCode> {
        Some(match self {
            Self::Idle | Self::Fresh | Self::Renewing | Self::ClockSuspect => return None,
            Self::Degraded | Self::Expired => ErrorCode::UpstreamUnavailable,
            Self::Rejected => ErrorCode::Rejected,
            Self::Throttled => ErrorCode::Throttled,
            Self::Misdirected => ErrorCode::Misdirected,
            Self::Locked => ErrorCode::Locked,
            Self::KeyringLocked => ErrorCode::KeyringLocked,
            Self::KeyringMissing => ErrorCode::KeyringMissing,
            Self::KeyringDenied => ErrorCode::KeyringDenied,
            Self::VaultSlow => ErrorCode::VaultSlow,
            Self::VaultUnreadable => ErrorCode::VaultUnreadable,
            Self::VaultDamaged => ErrorCode::VaultDamaged,
            Self::NoSecret => ErrorCode::NoSecret,
            Self::LogInAgain => ErrorCode::LogInAgain,
        })
    }

    /// One thing to do about it; none where all is well.
    #[must_use]
    pub const fn remedy(self) -> Option<&'static str> {
        match (self, self.code()) {
            (Self::ClockSuspect, _) => Some("set this machine's clock: `timedatectl set-ntp true`"),
            (_, Some(code)) => Some(code.remedy()),
            (_, None) => None,
        }
    }
}

impl fmt::Display for ProfileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_state_has_a_name_of_its_own_by_which_it_travels() {
        let names: HashSet<_> = ProfileState::ALL.iter().map(|state| state.name()).collect();
        assert_eq!(names.len(), ProfileState::ALL.len());
        assert_eq!(
            ProfileState::ALL.len(),
            ProfileState::ClockSuspect as usize + 1,
            "a state is missing from ALL"
        );
        for state in ProfileState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
    }

    #[test]
    fn a_state_that_is_an_error_has_the_name_of_that_error() {
        for state in ProfileState::ALL {
            let is_named_alike = state.code().is_none_or(|code| code.name() == state.name());
            let is_upstream = state.code() == Some(ErrorCode::UpstreamUnavailable);
            assert!(is_named_alike || is_upstream, "{state}");
        }
    }

    #[test]
    fn every_state_means_something_of_its_own() {
        let meanings: HashSet<_> = ProfileState::ALL.iter().map(|state| state.meaning()).collect();
        assert_eq!(meanings.len(), ProfileState::ALL.len());
        assert!(meanings.iter().all(|meaning| !meaning.is_empty() && !meaning.ends_with('.')));
    }

    #[test]
    fn whatever_is_wrong_has_one_remedy() {
        for state in ProfileState::ALL {
            let is_well = matches!(state, ProfileState::Idle | ProfileState::Fresh | ProfileState::Renewing);
            assert_eq!(state.remedy().is_none(), is_well, "{state}");
        }
    }
}
