//! What things are called: parsed once at the door, carried as types after it.

mod origin;

pub use origin::{BadOrigin, Origin};

use std::{fmt, str::FromStr};

/// The name of a profile: 1 to 64 of `a-z A-Z 0-9 . _ -`, beginning with a letter or a digit.
///
/// So a name can stand in a URL's path, a file's name and a TOML key without quoting.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProfileName(String);

impl ProfileName {
    /// The most characters a name may have.
    pub const LONGEST: usize = 64;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProfileName {
    type Err = BadProfileName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_plain(text) { Ok(Self(text.to_owned())) } else { Err(BadProfileName) }
    }
}

/// Whether the text is of the alphabet and length that names of profiles and local clients share.
fn is_plain(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let starts_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    starts_well && text.len() <= ProfileName::LONGEST && text.bytes().all(inner)
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no profile name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a profile name has 1 to 64 of a-z A-Z 0-9 . _ - and begins with a letter or a digit")]
pub struct BadProfileName;

/// The name of a local client: as a [`ProfileName`] is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientName(String);

impl ClientName {
    /// The most characters a name may have.
    pub const LONGEST: usize = ProfileName::LONGEST;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientName {
    type Err = BadClientName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_plain(text) { Ok(Self(text.to_owned())) } else { Err(BadClientName) }
    }
}

impl fmt::Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no name of a local client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a local client's name has 1 to 64 of a-z A-Z 0-9 . _ - and begins with a letter or a digit")]
pub struct BadClientName;

/// The id of an Airbyte application: 1 to 256 printable ASCII characters without spaces. Airbyte uses UUIDs, but
/// promises nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// The most characters an id may have.
    pub const LONGEST: usize = 256;

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientId {
    type Err = BadClientId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=Self::LONGEST).contains(&text.len());
        if !fits || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BadClientId);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no client id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a client id has 1 to 256 printable characters and no spaces")]
pub struct BadClientId;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_profiles_and_local_clients_stand_anywhere_without_quoting() {
        let longest = "x".repeat(64);
        for good in ["a", "7", "Work", "a.b_c-d", "0.", &longest] {
            let name: ProfileName = good.parse().unwrap();
            assert_eq!((name.as_str(), name.to_string().as_str()), (good, good));
            let name: ClientName = good.parse().unwrap();
            assert_eq!((name.as_str(), name.to_string().as_str()), (good, good));
        }
        let too_long = "x".repeat(65);
        for bad in ["", ".", ".a", "-a", "_a", "a b", "a/b", "a\n", "caf\u{e9}", "a%", &too_long] {
            assert_eq!(bad.parse::<ProfileName>(), Err(BadProfileName), "{bad:?}");
            assert_eq!(bad.parse::<ClientName>(), Err(BadClientName), "{bad:?}");
        }
    }

    #[test]
    fn a_client_id_is_printable_and_has_no_spaces() {
        let longest = "x".repeat(256);
        for good in ["a", "b6b159ce-07f4-4699-94b3-3d2f9a4a0d7c", "!~:/", &longest] {
            let id: ClientId = good.parse().unwrap();
            assert_eq!((id.as_str(), id.to_string().as_str()), (good, good));
        }
        let too_long = "x".repeat(257);
        for bad in ["", "a b", "a\n", "a\t", "caf\u{e9}", "\u{7f}", &too_long] {
            assert_eq!(bad.parse::<ClientId>(), Err(BadClientId), "{bad:?}");
        }
    }
}
