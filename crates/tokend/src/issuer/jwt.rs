//! The times in an access token, where it is a JWT (RFC 7519).
//!
//! The signature is not checked: the token is the issuer's own, it came over TLS, and what it says of its life can only
//! shorten what is believed. Airbyte with its security switched off signs nothing at all (`alg: none`).

use airbyte_token_core::token::Claims;
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

use super::fields;

const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the token says of itself; none where it is no JWT or does not say when it dies.
pub(super) fn claims(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let payload = Zeroizing::new(BASE64URL.decode(payload).ok()?);
    let fields = fields::read(&payload, ["exp", "iat"])?;
    if fields.duplicate.is_some() {
        return None;
    }
    let [expires, issued] = fields.values.map(|raw| raw.and_then(fields::number));
    Some(Claims { expires: expires?, issued })
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};

    use super::*;

    fn said(payload: &str) -> Option<Claims> {
        claims(&format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload)))
    }

    #[test]
    fn both_kinds_of_airbyte_token_are_read() {
        let core =
            r#"{"iss":"http://localhost:8000","aud":"airbyte-server","roles":["ADMIN"],"exp":1700000900}"#;
        assert_eq!(said(core), Some(Claims { expires: 1_700_000_900.0, issued: None }));
        let keycloak = r#"{"exp":1700000900,"iat":1700000000,"jti":"x","typ":"Bearer","azp":"an-id"}"#;
        assert_eq!(said(keycloak), Some(Claims { expires: 1_700_000_900.0, issued: Some(1_700_000_000.0) }));
    }

    #[test]
    fn floats_and_strings_are_tolerated() {
        let claims = said(r#"{"exp":"1700000900","iat":1700000000.5}"#);
        assert_eq!(claims, Some(Claims { expires: 1_700_000_900.0, issued: Some(1_700_000_000.5) }));
    }

    #[test]
    fn padding_does_not_matter_and_an_empty_signature_is_fine() {
        let payload = URL_SAFE.encode(r#"{"exp":12}"#);
        assert!(payload.ends_with('='), "the example must have padding");
        assert!(claims(&format!("e30.{payload}.")).is_some());
    }

    #[test]
    fn what_is_no_jwt_says_nothing() {
        for token in ["", "opaque-token-without-dots", "a.b", "a.b.c.d", "e30.!!!.c", "e30.bm90IGpzb24.c"] {
            assert_eq!(claims(token), None, "{token}");
        }
        for payload in ["{}", "[1]", r#"{"exp":"soon"}"#, r#"{"exp":null}"#, r#"{"exp":1,"exp":2}"#] {
            assert_eq!(said(payload), None, "{payload}");
        }
    }
}
