//! What each way in is for: which profiles are to be had there, and what may be asked of them. Rules only: sockets are
//! opened in `listen`, and who comes in is looked at in `service`.

use std::{collections::BTreeSet, fmt, str::FromStr};

use airbyte_token_core::ProfileName;

/// What may be asked, in the words of the configuration. No verb includes another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Tokens, and waiting for one.
    Token,
    /// How the daemon and its profiles fare.
    Status,
    /// Having a token renewed, and reporting that one was refused.
    Refresh,
    /// All that changes something for others: logins, local clients, the lock, the configuration.
    Manage,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 4] = [Self::Token, Self::Status, Self::Refresh, Self::Manage];

    /// Its name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Status => "status",
            Self::Refresh => "refresh",
            Self::Manage => "manage",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Verb {
    type Err = NoSuchVerb;

    fn from_str(text: &str) -> Result<Self, NoSuchVerb> {
        Self::ALL.into_iter().find(|verb| verb.name() == text).ok_or(NoSuchVerb)
    }
}

/// There is no verb of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are `token`, `status`, `refresh` and `manage`")]
pub struct NoSuchVerb;

/// What is to be had behind a door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// None where all profiles are.
    profiles: Option<BTreeSet<ProfileName>>,
    verbs: BTreeSet<Verb>,
}

impl Scope {
    /// Everything there is.
    #[must_use]
    pub fn everything() -> Self {
        Self { profiles: None, verbs: Verb::ALL.into() }
    }

    /// These profiles and these verbs, and nothing else.
    #[must_use]
    pub fn narrow(
        profiles: impl IntoIterator<Item = ProfileName>,
        verbs: impl IntoIterator<Item = Verb>,
    ) -> Self {
        Self { profiles: Some(profiles.into_iter().collect()), verbs: verbs.into_iter().collect() }
    }

    /// Whether this may be asked.
    #[must_use]
    pub fn allows(&self, verb: Verb) -> bool {
        self.verbs.contains(&verb)
    }

    /// Whether this profile is to be had.
    #[must_use]
    pub fn holds(&self, profile: &ProfileName) -> bool {
        self.profiles.as_ref().is_none_or(|profiles| profiles.contains(profile))
    }

    /// The only profile that is to be had, if there is just one and the door names it.
    #[must_use]
    pub fn only_profile(&self) -> Option<&ProfileName> {
        let profiles = self.profiles.as_ref().filter(|profiles| profiles.len() == 1)?;
        profiles.first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ProfileName {
        text.parse().unwrap()
    }

    #[test]
    fn a_narrow_door_gives_what_it_names_and_nothing_else() {
        let scope = Scope::narrow([name("ci")], [Verb::Token]);
        assert!(scope.allows(Verb::Token) && scope.holds(&name("ci")));
        assert!(!scope.holds(&name("production")));
        for verb in [Verb::Status, Verb::Refresh, Verb::Manage] {
            assert!(!scope.allows(verb), "{verb}");
        }
        assert_eq!(scope.only_profile(), Some(&name("ci")));
    }

    #[test]
    fn the_main_door_gives_everything() {
        let scope = Scope::everything();
        assert!(Verb::ALL.into_iter().all(|verb| scope.allows(verb)) && scope.holds(&name("ci")));
        assert_eq!(scope.only_profile(), None);
    }

    #[test]
    fn every_verb_is_read_as_it_is_written() {
        for verb in Verb::ALL {
            assert_eq!(verb.name().parse(), Ok(verb));
        }
        assert_eq!("login".parse::<Verb>(), Err(NoSuchVerb));
    }
}
