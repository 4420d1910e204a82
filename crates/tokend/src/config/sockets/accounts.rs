//! Users and groups as the system knows them: names to numbers, once, when the configuration is read.

use std::collections::BTreeSet;

use nix::unistd::{Gid, Group, User};

use crate::door::ANYBODY;

/// A group, as of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Members {
    pub(super) gid: u32,
    /// Those whom the system lists: not those who have it as their first group, whom the kernel shows with it.
    pub(super) members: BTreeSet<u32>,
}

/// The number of the user who has this name or number.
pub(super) fn user(text: &str) -> Result<u32, BadAccount> {
    let known = |name: &str| match User::from_name(name) {
        Ok(found) => found.map(|user| user.uid.as_raw()).ok_or_else(|| BadAccount::NoUser(name.to_owned())),
        Err(error) => Err(BadAccount::Unknown(name.to_owned(), error)),
    };
    let uid = number(text).map_or_else(|| known(text), Ok)?;
    if uid == ANYBODY { Err(BadAccount::Anybody) } else { Ok(uid) }
}

/// The group that has this name or number. A number that the system has no group for has no members beside those whom
/// the kernel shows with it.
pub(super) fn group(text: &str) -> Result<Members, BadAccount> {
    let unknown = |error| BadAccount::Unknown(text.to_owned(), error);
    let (found, gid) = match number(text) {
        Some(gid) => (Group::from_gid(Gid::from_raw(gid)).map_err(unknown)?, gid),
        None => {
            let found = Group::from_name(text).map_err(unknown)?;
            let group = found.ok_or_else(|| BadAccount::NoGroup(text.to_owned()))?;
            let gid = group.gid.as_raw();
            (Some(group), gid)
        }
    };
    if gid == ANYBODY {
        return Err(BadAccount::Anybody);
    }
    let names = found.map(|group| group.mem).unwrap_or_default();
    // A member whom the system does not know cannot connect, and who may be anybody is let in nowhere.
    let members = names.iter().filter_map(|name| user(name).ok()).collect();
    Ok(Members { gid, members })
}

/// The number that this is, if it is written as one.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Why nobody can be let in by this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadAccount {
    #[error("there is no user `{0}`")]
    NoUser(String),
    #[error("there is no group `{0}`")]
    NoGroup(String),
    #[error("{ANYBODY} stands for whomever the kernel cannot name, and is let in nowhere")]
    Anybody,
    #[error("`{0}` cannot be looked up: {1}")]
    Unknown(String, nix::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_the_same_user() {
        assert_eq!((user("root"), user("0"), user("61501")), (Ok(0), Ok(0), Ok(61_501)));
        assert_eq!(group("root").unwrap().gid, 0);
        assert_eq!(group("61501"), Ok(Members { gid: 61_501, members: BTreeSet::new() }));
    }

    #[test]
    fn who_is_not_there_is_named() {
        assert_eq!(user("no such user"), Err(BadAccount::NoUser("no such user".into())));
        assert_eq!(group("+7"), Err(BadAccount::NoGroup("+7".into())));
        assert_eq!(user("4294967296"), Err(BadAccount::NoUser("4294967296".into())));
    }

    #[test]
    fn who_may_be_anybody_is_refused_by_number_and_by_name() {
        assert_eq!(user("65534"), Err(BadAccount::Anybody));
        assert_eq!(group("65534"), Err(BadAccount::Anybody));
        if let Ok(Some(nobody)) = User::from_uid(nix::unistd::Uid::from_raw(ANYBODY)) {
            assert_eq!(user(&nobody.name), Err(BadAccount::Anybody));
        }
    }
}
