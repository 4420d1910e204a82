//! What a caller on loopback shows to say which local client it is: `Authorization` and nothing else.

use std::fmt;

use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// The longest that is looked at, in bytes: ids and secrets of ours have a few dozen.
const LONGEST: usize = 1024;

/// A credential as it was presented, not yet compared with anything. Wiped when dropped.
pub(in crate::service) enum Credential {
    /// `Bearer SECRET` (RFC 6750 §2.1).
    Bearer(Zeroizing<Vec<u8>>),
    /// `Basic base64(ID:SECRET)` (RFC 7617 §2).
    Pair {
        /// The id.
        id: Vec<u8>,
        /// The secret.
        secret: Zeroizing<Vec<u8>>,
    },
}

impl Credential {
    /// The credential of the request; none where there is not exactly one that can be read. Nothing tells those apart
    /// whose credential is missing, torn or of another scheme.
    pub(in crate::service) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let value = value.as_bytes();
        let (scheme, credential) = value.split_at_checked(value.iter().position(|byte| *byte == b' ')?)?;
        let credential = credential.trim_ascii_start();
        if credential.is_empty() || credential.len() > LONGEST {
            return None;
        }
        // Schemes are told apart whatever their case (RFC 9110 §11.1).
        if scheme.eq_ignore_ascii_case(b"bearer") {
            Some(Self::Bearer(credential.to_vec().into()))
        } else if scheme.eq_ignore_ascii_case(b"basic") {
            Self::pair(credential)
        } else {
            None
        }
    }

    fn pair(encoded: &[u8]) -> Option<Self> {
        let decoded = Zeroizing::new(STANDARD.decode(encoded).ok()?);
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        let (id, secret) = (decoded[..colon].to_vec(), decoded[colon + 1..].to_vec());
        Some(Self::Pair { id, secret: secret.into() })
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(...)")
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    /// What is read of these values of `Authorization`: the id, if it is a pair, and the secret.
    fn read(values: &[&str]) -> Option<(Option<String>, String)> {
        let value = |text: &&str| (header::AUTHORIZATION, HeaderValue::from_str(text).unwrap());
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        match Credential::of(&values.iter().map(value).collect())? {
            Credential::Bearer(secret) => Some((None, text(&secret))),
            Credential::Pair { id, secret } => Some((Some(text(&id)), text(&secret))),
        }
    }

    #[test]
    fn a_bearer_or_a_pair_is_read_whatever_the_case_of_its_scheme() {
        for value in ["Bearer s3cret", "bearer s3cret", "BEARER  s3cret"] {
            assert_eq!(read(&[value]), Some((None, "s3cret".into())), "{value}");
        }
        let pair = format!("Basic {}", STANDARD.encode("an-id:s3cret:with:colons"));
        assert_eq!(read(&[&pair]), Some((Some("an-id".into()), "s3cret:with:colons".into())));
    }

    #[test]
    fn what_is_missing_doubled_torn_or_of_another_scheme_is_nothing() {
        let long = format!("Bearer {}", "x".repeat(LONGEST + 1));
        for values in [
            &[][..],
            &["Bearer a", "Bearer a"],
            &[""],
            &["Bearer"],
            &["Bearer "],
            &["Bearers3cret"],
            &["s3cret"],
            &["Basic s3cret"],
            &["Basic YW4taWQ"],
            &["Basic YW4taWQ="],
            &["Digest username=\"a\""],
            &[&long],
        ] {
            assert_eq!(read(values), None, "{values:?}");
        }
    }

    #[test]
    fn no_credential_is_shown() {
        let headers = [(header::AUTHORIZATION, HeaderValue::from_static("Bearer s3cret"))];
        let shown = format!("{:?}", Credential::of(&headers.into_iter().collect()).unwrap());
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
