//! What a local client is known by: an id and a secret of the system's random numbers, and the hash that is kept.

use std::{fmt::Write as _, hint::black_box, mem};

use airbyte_token_core::{ClientId, Secret};
use ring::{
    digest::{SHA256, SHA256_OUTPUT_LEN, digest},
    rand::{SecureRandom as _, SystemRandom},
};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::ClientsError;

/// 43 of 62 letters: 256.03 bits.
const SECRET_LENGTH: usize = 43;
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A random UUID (RFC 9562 §5.4), in lower case, as Airbyte writes its ids.
pub(super) fn id() -> Result<ClientId, ClientsError> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| ClientsError::NoRandom)?;
    let random = u128::from_be_bytes(bytes);
    let version_and_variant = random & !(0xf << 76) & !(0b11 << 62) | (0x4 << 76) | (0b10 << 62);
    let digits = format!("{version_and_variant:032x}");
    let groups = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    groups.join("-").parse().map_err(|_| ClientsError::NoRandom)
}

/// Whether this could be an id of ours.
pub(super) fn is_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    let fits = |(place, byte): (usize, &u8)| match place {
        8 | 13 | 18 | 23 => *byte == b'-',
        14 => *byte == b'4',
        19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    bytes.len() == 36 && bytes.iter().enumerate().all(fits)
}

/// Letters and digits, each as likely as any other.
pub(super) fn secret() -> Result<Secret, ClientsError> {
    let random = SystemRandom::new();
    let mut text = Zeroizing::new(String::with_capacity(SECRET_LENGTH));
    let mut bytes = Zeroizing::new([0; 64]);
    while text.len() < SECRET_LENGTH {
        random.fill(&mut *bytes).map_err(|_| ClientsError::NoRandom)?;
        let missing = SECRET_LENGTH - text.len();
        text.extend(bytes.iter().filter_map(|byte| letter(*byte)).take(missing));
    }
    Ok(Secret::new(mem::take(&mut text)))
}

/// Of the 256 bytes the last 8 are thrown away, since 62 does not divide 256: with them some letters would be likelier.
fn letter(byte: u8) -> Option<char> {
    let count = LETTERS.len();
    let place = usize::from(byte);
    (place < 256 / count * count).then(|| char::from(LETTERS[place % count]))
}

/// The SHA-256 of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SecretHash([u8; SHA256_OUTPUT_LEN]);

impl SecretHash {
    /// Ring leaves the last block of what it hashes on the stack, where nothing wipes it. A second round over zeros, at
    /// the same depth, takes its place.
    pub(super) fn of(secret: &[u8]) -> Self {
        let hash = sha256(secret);
        black_box(sha256(&[0; BLOCK][..secret.len().min(BLOCK)]));
        Self(hash)
    }

    /// In lower case hexadecimal digits.
    pub(super) fn to_hex(self) -> String {
        self.0.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap_or(());
            text
        })
    }

    /// Reads back what [`SecretHash::to_hex`] writes, and nothing else.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 2 * SHA256_OUTPUT_LEN || !text.bytes().all(is_digit) {
            return None;
        }
        let mut hash = [0; SHA256_OUTPUT_LEN];
        for (byte, digits) in hash.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(text.get(digits..digits + 2)?, 16).ok()?;
        }
        Some(Self(hash))
    }
}

/// The bytes that SHA-256 takes at once (FIPS 180-4 §1).
const BLOCK: usize = 64;

/// Never inlined, so that two calls from one place use the same piece of the stack.
#[inline(never)]
fn sha256(bytes: &[u8]) -> [u8; SHA256_OUTPUT_LEN] {
    let mut hash = [0; SHA256_OUTPUT_LEN];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

impl ConstantTimeEq for SecretHash {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.as_slice().ct_eq(other.0.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn every_letter_is_as_likely_as_any_other() {
        let mut counts = HashMap::new();
        for letter in (0..=u8::MAX).filter_map(letter) {
            *counts.entry(letter).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), LETTERS.len());
        assert!(counts.values().all(|count| *count == 4), "{counts:?}");
    }

    #[test]
    fn a_secret_has_43_letters_and_digits_and_is_another_one_every_time() {
        let secrets: Vec<_> = (0..100).map(|_| secret().unwrap().expose().to_owned()).collect();
        for secret in &secrets {
            assert_eq!(secret.len(), 43);
            assert!(secret.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{secret}");
        }
        let different: std::collections::HashSet<_> = secrets.iter().collect();
        assert_eq!(different.len(), secrets.len());
    }

    #[test]
    fn an_id_is_a_random_uuid_of_version_4() {
        for _ in 0..100 {
            let id = id().unwrap();
            assert!(is_id(id.as_str()), "{id}");
        }
        assert_ne!(id().unwrap(), id().unwrap());
        for other in [
            "",
            "6f1c2d3e-4b5a-1c7d-8e9f-0a1b2c3d4e5f",
            "6f1c2d3e-4b5a-4c7d-ce9f-0a1b2c3d4e5f",
            "6F1C2D3E-4b5a-4c7d-8e9f-0a1b2c3d4e5f",
            "6f1c2d3e-4b5a-4c7d-8e9f-0a1b2c3d4e5",
            "6f1c2d3e-4b5a-4c7d-8e9f-0a1b2c3d4e5ff",
            "6f1c2d3e04b5a-4c7d-8e9f-0a1b2c3d4e5f",
        ] {
            assert!(!is_id(other), "{other}");
        }
        assert!(is_id("6f1c2d3e-4b5a-4c7d-8e9f-0a1b2c3d4e5f"));
    }

    #[test]
    fn a_hash_reads_back_as_it_was_written_and_in_no_other_way() {
        // FIPS 180-2, appendix B.1.
        let hash = SecretHash::of(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((hash.to_hex().as_str(), SecretHash::from_hex(text)), (text, Some(hash)));
        let upper = text.to_uppercase();
        for other in ["", "ba", &upper, &text[1..], &format!("{text}0"), &text.replace('b', "g")] {
            assert_eq!(SecretHash::from_hex(other), None, "{other}");
        }
    }
}
