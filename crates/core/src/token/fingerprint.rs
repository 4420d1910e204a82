//! The public name of a token.

use std::{fmt, str::FromStr};

/// The first 16 hex digits of a token's SHA-256: enough to tell tokens apart, useless as a token, safe to log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 8]);

impl Fingerprint {
    /// The fingerprint of the token with this SHA-256 digest.
    #[must_use]
    pub const fn from_sha256(digest: [u8; 32]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = digest;
        Self([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = BadFingerprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BadFingerprint);
        }
        u64::from_str_radix(text, 16).map(|bits| Self(bits.to_be_bytes())).map_err(|_| BadFingerprint)
    }
}

/// The text is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint has 16 hex digits")]
pub struct BadFingerprint;

#[cfg(test)]
mod tests {
    use super::*;

    fn digest() -> [u8; 32] {
        std::array::from_fn(
            |at| if at < 8 { [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef][at] } else { 0xff },
        )
    }

    #[test]
    fn a_fingerprint_is_the_first_sixteen_hex_digits_of_the_digest() {
        let fingerprint = Fingerprint::from_sha256(digest());
        assert_eq!(fingerprint.to_string(), "0123456789abcdef");
        assert_eq!(format!("{fingerprint:?}"), "Fingerprint(0123456789abcdef)");
    }

    #[test]
    fn a_fingerprint_reads_back_in_either_case() {
        for text in ["0123456789abcdef", "0123456789ABCDEF"] {
            assert_eq!(text.parse(), Ok(Fingerprint::from_sha256(digest())));
        }
    }

    #[test]
    fn what_is_not_sixteen_hex_digits_is_no_fingerprint() {
        for text in ["", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeg", "+123456789abcdef"] {
            assert_eq!(text.parse::<Fingerprint>(), Err(BadFingerprint), "{text}");
        }
    }
}
