//! Tokens, with the claims that each family of editions puts into them.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::hmac;

use crate::{
    dice,
    edition::{Edition, Family},
    settings::Settings,
};

/// A JWT as this family makes it. Times are seconds since 1970.
///
/// HS256 signatures are true, under a key of their own each: Core's claims alone would make two tokens of the
/// same second one. The RS256 signature is noise of the right length, for clients cannot and must not verify.
pub(super) fn sign(family: Family, settings: &Settings, issued_at: i64, expires_at: i64) -> String {
    let claims = claims(family, settings, issued_at, expires_at);
    match family {
        Family::Core | Family::Agents => hs256(&claims),
        Family::Keycloak => {
            let header = format!(r#"{{"alg":"RS256","typ":"JWT","kid":"{}"}}"#, base64(&dice::bytes::<32>()));
            format!(
                "{}.{}.{}",
                base64(header.as_bytes()),
                base64(claims.as_bytes()),
                base64(&dice::bytes::<256>())
            )
        }
    }
}

/// A token that is no JWT.
pub(super) fn opaque() -> String {
    base64(&dice::bytes::<48>())
}

fn claims(family: Family, settings: &Settings, issued_at: i64, expires_at: i64) -> String {
    let client_id = serde_json::Value::from(settings.client_id.as_str());
    match family {
        Family::Core => format!(
            r#"{{"iss":"{issuer}","aud":"airbyte-server","sub":"00000000-0000-0000-0000-000000000000","roles":["ADMIN","EDITOR","READER","AUTHENTICATED_USER","WORKSPACE_ADMIN","ORGANIZATION_ADMIN"],"exp":{expires_at}}}"#,
            issuer = core_issuer(settings.edition),
        ),
        Family::Keycloak => format!(
            r#"{{"exp":{expires_at},"iat":{issued_at},"jti":"{}","iss":"https://cloud.airbyte.com/auth/realms/_airbyte-application-clients","sub":"{}","typ":"Bearer","azp":{client_id},"scope":"openid profile email","user_id":"{}"}}"#,
            dice::uuid(),
            dice::uuid(),
            dice::uuid(),
        ),
        Family::Agents => {
            format!(r#"{{"sub":{client_id},"iat":{issued_at},"exp":{expires_at},"jti":"{}"}}"#, dice::uuid())
        }
    }
}

/// Up to 1.5 the issuer was a word, since then it is `AIRBYTE_URL`.
fn core_issuer(edition: Edition) -> &'static str {
    match edition {
        Edition::Core180 | Edition::CoreBare => "airbyte-server",
        Edition::Cloud
        | Edition::Core
        | Edition::Keycloak
        | Edition::Keycloak500
        | Edition::KeycloakException
        | Edition::Agents => "http://localhost:8000",
    }
}

fn hs256(claims: &str) -> String {
    let signed = format!("{}.{}", base64(br#"{"alg":"HS256"}"#), base64(claims.as_bytes()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, &dice::bytes::<32>());
    let signature = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", base64(signature.as_ref()))
}

fn base64(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
