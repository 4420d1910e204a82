//! What each way in is for: which profiles are to be had there, and what may be asked of them. Rules only: sockets are
//! opened in `listen`, and who comes in is looked at in `service`.

use std::{collections::BTreeSet, fmt, str::FromStr};

use airbyte_token_core::ProfileName;

use crate::config::LoopbackAddress;

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

/// How callers reach a door. It decides which requests may be meant for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Over a Unix socket: the kernel says who connects.
    Socket,
    /// Over TCP from this machine: the kernel does not say who connects, so callers must show who they are.
    Loopback(LoopbackAddress),
}

/// Whose door it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// The one for the daemon's own user. Nobody who comes in elsewhere takes a seat from those who come in here.
    Main,
    /// One for others, with seats of its own.
    Side,
}

/// The user that the kernel says where it cannot say which one it is: every user whom the daemon's user namespace does
/// not map (`user_namespaces(7)`). The group of this number is the same for groups.
pub const ANYBODY: u32 = 65_534;

/// Who may come in at a door where the kernel says who connects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    uids: BTreeSet<u32>,
    gids: BTreeSet<u32>,
}

impl People {
    /// The daemon's own user and root alone.
    #[must_use]
    pub fn owner() -> Self {
        Self::default()
    }

    /// These users and the members of these groups, beside the daemon's own user and root.
    #[must_use]
    pub fn with(uids: impl IntoIterator<Item = u32>, gids: impl IntoIterator<Item = u32>) -> Self {
        Self { uids: uids.into_iter().collect(), gids: gids.into_iter().collect() }
    }

    /// Whether a process of this user, with this as its first group, may come in. [`ANYBODY`] never may.
    #[must_use]
    pub fn admit(&self, uid: u32, gid: u32) -> bool {
        self.admit_beside(rustix::process::geteuid().as_raw(), uid, gid)
    }

    /// Whether they are only whom the kernel lets pass a file of mode 0600, too.
    #[must_use]
    pub fn are_owner_alone(&self) -> bool {
        let owner = rustix::process::geteuid().as_raw();
        self.gids.is_empty() && self.uids.iter().all(|uid| [owner, 0].contains(uid))
    }

    fn admit_beside(&self, owner: u32, uid: u32, gid: u32) -> bool {
        let is_listed = self.uids.contains(&uid) || (gid != ANYBODY && self.gids.contains(&gid));
        uid != ANYBODY && (uid == owner || uid == 0 || is_listed)
    }
}

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

    /// Whether nothing is kept from whoever comes in there.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::everything()
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
        assert!(!scope.is_everything() && Scope::everything().is_everything());
    }

    #[test]
    fn only_the_owner_root_and_those_who_are_listed_come_in() {
        let owner = People::owner();
        let open = People::with([1_501], [1_600]);
        for (uid, gid, alone, with_others) in [
            (1_500, 1_500, true, true),
            (0, 0, true, true),
            (1_501, 1_501, false, true),
            (1_502, 1_600, false, true),
            (1_502, 1_502, false, false),
            (ANYBODY, ANYBODY, false, false),
            (ANYBODY, 1_600, false, false),
        ] {
            assert_eq!(owner.admit_beside(1_500, uid, gid), alone, "{uid}:{gid}");
            assert_eq!(open.admit_beside(1_500, uid, gid), with_others, "{uid}:{gid}");
        }
    }

    #[test]
    fn who_may_be_anybody_is_nobody_even_where_it_is_listed_or_owns_the_daemon() {
        let careless = People::with([ANYBODY], [ANYBODY]);
        assert!(!careless.admit_beside(1_500, ANYBODY, ANYBODY));
        assert!(!careless.admit_beside(ANYBODY, ANYBODY, 0));
        assert!(!careless.admit_beside(1_500, 1_501, ANYBODY));
    }

    #[test]
    fn a_socket_for_the_owner_alone_needs_to_be_open_to_nobody_else() {
        let me = rustix::process::geteuid().as_raw();
        assert!(People::owner().are_owner_alone() && People::with([me, 0], []).are_owner_alone());
        assert!(!People::with([me + 1], []).are_owner_alone() && !People::with([], [0]).are_owner_alone());
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
