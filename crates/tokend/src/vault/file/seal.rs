//! The seal around a file: which bytes it has, and how one tells a wrong key from a torn file.
//!
//! | bytes  | what                                                                              |
//! |--------|-----------------------------------------------------------------------------------|
//! | 15     | `airbyte-tokend` and a zero                                                       |
//! | 1      | version, 1                                                                        |
//! | 32     | salt, random for each write                                                       |
//! | 12     | nonce, random for each write                                                      |
//! | 32     | key check: what only the right key material derives from the salt                |
//! | 4      | length of the body, big-endian                                                    |
//! | 32     | SHA-256 of the 96 bytes before it                                                 |
//! | length | the body: AES-256-GCM (RFC 5116), with its tag; all that stands before it is associated data |
//!
//! Key and key check are HKDF-SHA256 (RFC 5869) of the key material and the salt, each with its own info. The digest is
//! no secret: it tells a torn header from a wrong key. As the salt is fresh, so is the key, and no nonce meets the
//! same key twice.

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::{SHA256, digest},
    error::Unspecified,
    hkdf::{HKDF_SHA256, Prk, Salt},
    rand::{SecureRandom as _, SystemRandom},
};
use zeroize::Zeroizing;

/// The most bytes a sealed file may have: room for thousands of profiles, and a bound on what is read.
pub(super) const LONGEST: u64 = 1 << 20;

const MAGIC: &[u8; 15] = b"airbyte-tokend\0";
const VERSION: u8 = 1;
const SALT: usize = 32;
const CHECK: usize = 32;
const DIGESTED: usize = MAGIC.len() + 1 + SALT + NONCE_LEN + CHECK + 4;
const HEADER: usize = DIGESTED + 32;

const KEY_INFO: &[u8] = b"airbyte-tokend vault file 1: key";
const CHECK_INFO: &[u8] = b"airbyte-tokend vault file 1: key check";

/// Why bytes could not be unsealed. Each is followed by the file's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsealed {
    #[error("the vault file is sealed under another key; name the key it was sealed under, or move it away")]
    WrongKey,
    #[error("the vault file is torn or was altered; put back a copy of it, or move it away and log in again")]
    Torn,
    #[error("this is no vault file, and is left alone; name another path")]
    Foreign,
    #[error("the vault file was written by a later version, and is left alone; install that version")]
    Later,
}

/// Seals. None when the result would be longer than [`LONGEST`], or when the system gives no random bytes.
pub(super) fn seal(plain: &[u8], material: &[u8]) -> Option<Vec<u8>> {
    let length = plain.len() + AES_256_GCM.tag_len();
    if u64::try_from(HEADER + length).ok()? > LONGEST {
        return None;
    }
    let salt: [u8; SALT] = random().ok()?;
    let nonce: [u8; NONCE_LEN] = random().ok()?;
    let secrets = Secrets::derive(material, &salt).ok()?;
    let mut sealed = header(&salt, &nonce, &secrets.check, u32::try_from(length).ok()?);

    let mut body = Zeroizing::new(Vec::with_capacity(length));
    body.extend_from_slice(plain);
    let nonce = Nonce::assume_unique_for_key(nonce);
    secrets.key.seal_in_place_append_tag(nonce, Aad::from(&sealed), &mut *body).ok()?;
    sealed.extend_from_slice(&body);
    Some(sealed)
}

/// Opens what [`seal`] made with the same key material. Every other sequence of bytes is an error.
pub(super) fn open(mut sealed: Vec<u8>, material: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unsealed> {
    let header = Header::parse(&sealed)?;
    let secrets = Secrets::derive(material, &header.salt).map_err(|Unspecified| Unsealed::Torn)?;
    if secrets.check != header.check {
        return Err(Unsealed::WrongKey);
    }
    let mut body = Zeroizing::new(sealed.split_off(HEADER));
    let nonce = Nonce::assume_unique_for_key(header.nonce);
    let opened = secrets.key.open_in_place(nonce, Aad::from(&sealed), &mut body);
    let length = opened.map_err(|Unspecified| Unsealed::Torn)?.len();
    body.truncate(length);
    Ok(body)
}

fn random<const N: usize>() -> Result<[u8; N], Unspecified> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes)?;
    Ok(bytes)
}

fn header(salt: &[u8; SALT], nonce: &[u8; NONCE_LEN], check: &[u8; CHECK], length: u32) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER);
    for part in [&MAGIC[..], &[VERSION], salt, nonce, check, &length.to_be_bytes()] {
        header.extend_from_slice(part);
    }
    let sum = digest(&SHA256, &header);
    header.extend_from_slice(sum.as_ref());
    header
}

/// What one salt makes of the key material.
struct Secrets {
    key: LessSafeKey,
    check: [u8; CHECK],
}

impl Secrets {
    fn derive(material: &[u8], salt: &[u8; SALT]) -> Result<Self, Unspecified> {
        let derived: Prk = Salt::new(HKDF_SHA256, salt).extract(material);
        let key = UnboundKey::from(derived.expand(&[KEY_INFO], &AES_256_GCM)?);
        let mut check = [0; CHECK];
        derived.expand(&[CHECK_INFO], HKDF_SHA256)?.fill(&mut check)?;
        Ok(Self { key: LessSafeKey::new(key), check })
    }
}

struct Header {
    salt: [u8; SALT],
    nonce: [u8; NONCE_LEN],
    check: [u8; CHECK],
}

impl Header {
    /// Reads the header of a whole file.
    fn parse(sealed: &[u8]) -> Result<Self, Unsealed> {
        let begins_alike = sealed.iter().zip(MAGIC).all(|(byte, magic)| byte == magic);
        if !begins_alike {
            return Err(Unsealed::Foreign);
        }
        match sealed.get(MAGIC.len()) {
            Some(&VERSION) => Self::parse_fields(sealed).ok_or(Unsealed::Torn),
            Some(&version) if version > VERSION => Err(Unsealed::Later),
            Some(_) | None => Err(Unsealed::Torn),
        }
    }

    fn parse_fields(sealed: &[u8]) -> Option<Self> {
        let (digested, rest) = sealed.split_at_checked(DIGESTED)?;
        let (sum, body) = rest.split_at_checked(HEADER - DIGESTED)?;
        if digest(&SHA256, digested).as_ref() != sum {
            return None;
        }
        let (salt, rest) = digested.get(MAGIC.len() + 1..)?.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (check, length) = rest.split_first_chunk()?;
        let length = u32::from_be_bytes(length.try_into().ok()?);
        if usize::try_from(length).ok()? != body.len() {
            return None;
        }
        Some(Self { salt: *salt, nonce: *nonce, check: *check })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MATERIAL: [u8; 32] = [7; 32];
    const PLAIN: &[u8] = b"what must not be read in part";

    fn sealed() -> Vec<u8> {
        seal(PLAIN, &MATERIAL).unwrap()
    }

    fn opened(bytes: &[u8]) -> Result<Vec<u8>, Unsealed> {
        open(bytes.to_vec(), &MATERIAL).map(|plain| plain.to_vec())
    }

    #[test]
    fn what_was_sealed_opens() {
        assert_eq!(opened(&sealed()), Ok(PLAIN.to_vec()));
    }

    #[test]
    fn what_was_sealed_cannot_be_seen() {
        assert!(!sealed().windows(4).any(|part| PLAIN.windows(4).any(|plain| plain == part)));
    }

    #[test]
    fn no_two_seals_share_salt_nonce_or_body() {
        let (one, two) = (sealed(), sealed());
        for range in [16..48, 48..60, 60..92, HEADER..one.len()] {
            assert_ne!(one[range.clone()], two[range]);
        }
    }

    #[test]
    fn another_key_is_told_from_a_torn_file() {
        assert_eq!(open(sealed(), &[8; 32]).unwrap_err(), Unsealed::WrongKey);
        let mut torn = sealed();
        torn.pop();
        assert_eq!(open(torn, &[8; 32]).unwrap_err(), Unsealed::Torn);
    }

    #[test]
    fn a_foreign_file_and_a_later_version_are_told_apart() {
        assert_eq!(opened(b"PNG"), Err(Unsealed::Foreign));
        let mut later = sealed();
        later[15] = 2;
        assert_eq!(opened(&later), Err(Unsealed::Later));
        later[15] = 0;
        assert_eq!(opened(&later), Err(Unsealed::Torn));
    }

    #[test]
    fn every_truncation_is_torn() {
        let sealed = sealed();
        for length in 0..sealed.len() {
            assert_eq!(opened(&sealed[..length]), Err(Unsealed::Torn), "{length} bytes");
        }
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let sealed = sealed();
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let expected = match bit / 8 {
                0..15 => [Unsealed::Foreign].as_slice(),
                15 => &[Unsealed::Later, Unsealed::Torn],
                _ => &[Unsealed::Torn],
            };
            let error = opened(&flipped).unwrap_err();
            assert!(expected.contains(&error), "bit {bit}: {error:?}");
        }
    }

    #[test]
    fn what_would_be_too_long_to_read_is_not_sealed() {
        let longest = usize::try_from(LONGEST).unwrap();
        let most = longest - HEADER - AES_256_GCM.tag_len();
        assert_eq!(seal(&vec![0; most], &MATERIAL).map(|sealed| sealed.len()), Some(longest));
        assert_eq!(seal(&vec![0; most + 1], &MATERIAL), None);
    }

    proptest! {
        #[test]
        fn anything_sealed_opens_under_its_key_only(plain: Vec<u8>, material: [u8; 32], other: [u8; 32]) {
            let sealed = seal(&plain, &material).unwrap();
            let opened = open(sealed.clone(), &material).map(|plain| plain.to_vec());
            prop_assert_eq!(opened, Ok(plain));
            prop_assume!(material != other);
            prop_assert_eq!(open(sealed, &other).unwrap_err(), Unsealed::WrongKey);
        }

        #[test]
        fn spliced_files_do_not_open(at in 0usize..150, keep in 0usize..200, noise: Vec<u8>) {
            let mut bytes = sealed();
            let end = (at + keep).min(bytes.len());
            let whole = bytes.clone();
            bytes.splice(at.min(end)..end, noise);
            prop_assume!(bytes != whole);
            prop_assert!(opened(&bytes).is_err());
        }
    }
}
