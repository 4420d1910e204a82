//! From a reply to a token and its lifetime, or to the reason why there is none.

use std::time::Duration;

use airbyte_token_core::{
    AccessToken, Detail, Failure, Fingerprint, Issued, Misdirection, Secret,
    token::{BadAccessToken, LifetimeEvidence, NoLifetime, lifetime},
};
use reqwest::Url;
use ring::digest::{SHA256, digest};
use serde_json::value::RawValue;

use super::{classify::classify, fields, headers, jwt, quote::Quoter, receive::Reply};

const OK: u16 = 200;
/// Enough of a digest for a fingerprint and of a fixed size.
const DIGEST: usize = 32;

/// What the reply to an exchange means.
pub(super) fn judge(reply: &Reply, requested: &Url, quoter: Quoter<'_>) -> Result<Issued, Failure> {
    if reply.status != OK {
        return Err(classify(reply, requested, &quoter));
    }
    issued(reply, &quoter).map_err(|fault| fault.failure(headers::retry_after(&reply.headers)))
}

fn issued(reply: &Reply, quoter: &Quoter<'_>) -> Result<Issued, BadReply> {
    let media_type = headers::media_type(&reply.headers);
    let unlike = || BadReply::NotAToken(quoter.name(&media_type).to_owned());
    if headers::is_compressed(&reply.headers) {
        return Err(BadReply::Compressed);
    }
    if media_type.contains("html") {
        return Err(unlike());
    }
    let names = ["access_token", "token_type", "expires_in"];
    let is_json = media_type.is_empty() || media_type.contains("json");
    let fields =
        fields::read(&reply.body, names).ok_or_else(|| if is_json { BadReply::NotJson } else { unlike() })?;
    if let Some(name) = fields.duplicate {
        return Err(BadReply::Duplicate(name));
    }
    let [access_token, token_type, expires_in] = fields.values;
    check_type(token_type)?;
    let access_token = parse_token(access_token)?;
    let evidence = LifetimeEvidence {
        expires_in: expires_in.and_then(fields::number),
        claims: jwt::claims(access_token.expose()),
        date: headers::server_time(&reply.headers).map(|time| time.as_secs_f64()),
    };
    let lifetime = lifetime(&evidence)?;
    Ok(Issued { fingerprint: fingerprint(&access_token), access_token, lifetime })
}

/// RFC 6749 §7.1 compares it without regard to case; Airbyte's internal path leaves it out.
fn check_type(token_type: Option<&RawValue>) -> Result<(), BadReply> {
    let Some(raw) = token_type else { return Ok(()) };
    let is_bearer = fields::text(raw).is_some_and(|text| text.eq_ignore_ascii_case("bearer"));
    is_bearer.then_some(()).ok_or(BadReply::TokenType)
}

fn parse_token(raw: Option<&RawValue>) -> Result<AccessToken, BadReply> {
    let text = fields::text(raw.ok_or(BadReply::NoToken)?).ok_or(BadReply::TokenNotText)?;
    Ok(AccessToken::parse(Secret::new(text))?)
}

fn fingerprint(token: &AccessToken) -> Fingerprint {
    let digest = digest(&SHA256, token.expose().as_bytes());
    let bytes: [u8; DIGEST] = digest.as_ref().try_into().expect("SHA-256 has 32 bytes");
    Fingerprint::from_sha256(bytes)
}

/// Why a reply with status 200 brings no token. None of it proves that the credentials are bad, so all of it is taken
/// to pass: a captive portal, a page of maintenance, a server that is just starting.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum BadReply {
    #[error("not an Airbyte token endpoint: got {0}; a wrong url, a login page, or a captive portal")]
    NotAToken(String),
    #[error("the reply is compressed, though that was not asked for; a proxy in between changes replies")]
    Compressed,
    #[error("the reply is not one whole JSON object")]
    NotJson,
    #[error("the reply has {0} twice")]
    Duplicate(&'static str),
    #[error("the reply is JSON, but has no access_token; not an Airbyte token endpoint?")]
    NoToken,
    #[error("the reply's access_token is not text")]
    TokenNotText,
    #[error("the reply's token_type is not Bearer")]
    TokenType,
    #[error("the reply's access_token cannot be one: {0}")]
    BadToken(#[from] BadAccessToken),
    #[error("{0}; is the server's clock right?")]
    NoLifetime(#[from] NoLifetime),
}

impl BadReply {
    fn failure(&self, retry_after: Option<Duration>) -> Failure {
        let detail = Detail::new(&self.to_string());
        match self {
            Self::NotAToken(_) => Failure::Misdirected { by: Misdirection::Interception, detail },
            Self::Compressed
            | Self::NotJson
            | Self::Duplicate(_)
            | Self::NoToken
            | Self::TokenNotText
            | Self::TokenType
            | Self::BadToken(_)
            | Self::NoLifetime(_) => Failure::Transient { retry_after, detail },
        }
    }
}

#[cfg(test)]
mod tests;
