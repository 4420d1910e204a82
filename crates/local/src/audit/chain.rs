//! How one line holds on to the one before it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};

use super::Event;

/// What stands between a line's text and its hash.
const BEFORE_HASH: &str = ",\"hash\":\"";
/// What stands behind its hash.
const AFTER_HASH: &str = "\"}";

/// A SHA-256, written as 64 hex digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What comes before the first line ever.
    pub const NONE: Self = Self([0; 32]);

    /// The hash of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The hash itself.
    #[must_use]
    pub const fn bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Hash {
    type Err = BadHash;

    fn from_str(text: &str) -> Result<Self, BadHash> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 64 || !text.bytes().all(is_digit) {
            return Err(BadHash);
        }
        let mut hash = [0; 32];
        for (place, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).map_err(|_| BadHash)?;
        }
        Ok(Self(hash))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The text is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash has 64 hex digits")]
pub struct BadHash;

/// The end of a chain: what the next line must hold on to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// The number of the last line; 0 where there is none.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

#[derive(Serialize)]
struct Unsealed<'a> {
    seq: u64,
    #[serde(flatten)]
    event: &'a Event,
    prev: Hash,
}

impl Chain {
    /// The next line, with its line break: a JSON object whose last member is the SHA-256 of all that stands before
    /// the comma in front of it.
    #[must_use]
    pub fn seal(&mut self, event: &Event) -> Vec<u8> {
        let seq = self.seq.saturating_add(1);
        let unsealed = Unsealed { seq, event, prev: self.hash };
        // No value of an event is one that JSON cannot say.
        let mut line = serde_json::to_vec(&unsealed).unwrap_or_default();
        line.pop();
        *self = Self { seq, hash: Hash::of(&line) };
        line.extend_from_slice(format!("{BEFORE_HASH}{}{AFTER_HASH}\n", self.hash).as_bytes());
        line
    }
}

/// The hash that a line has by its text, and the one that it says it has. None for what is not sealed at all.
pub(super) fn hashes(line: &[u8]) -> Option<(Hash, Hash)> {
    let sealed = line.strip_suffix(AFTER_HASH.as_bytes())?;
    let (text, digits) = sealed.split_at_checked(sealed.len().checked_sub(64)?)?;
    let text = text.strip_suffix(BEFORE_HASH.as_bytes())?;
    let said = str::from_utf8(digits).ok()?.parse().ok()?;
    Some((Hash::of(text), said))
}
