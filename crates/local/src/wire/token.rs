//! Tokens: asked for, renewed, reported as refused.

use std::borrow::Borrow;

use airbyte_token_core::{AccessToken, Fingerprint, ProfileName};
use serde::{Deserialize, Serialize};

use super::as_text;

/// The answer to `GET /v1/token`. The daemon lends its token (`TokenReply<&AccessToken>`), the client owns it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "A: Borrow<AccessToken>", deserialize = "A: From<AccessToken>"))]
pub struct TokenReply<A = AccessToken> {
    /// The token.
    #[serde(with = "as_access_token")]
    pub access_token: A,
    /// How it is presented.
    pub token_type: TokenType,
    /// The whole seconds that it still lives, rounded down.
    pub expires_in: u64,
    /// Whose it is.
    #[serde(with = "as_text")]
    pub profile: ProfileName,
    /// Its public name.
    #[serde(with = "as_text")]
    pub fingerprint: Fingerprint,
}

/// How a token is presented. Airbyte knows one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenType {
    /// RFC 6750.
    #[default]
    Bearer,
}

/// The answer to `POST /v1/token/refresh` and to `GET /v1/ready`: a token's public name, never the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshReply {
    /// Whose token it is.
    #[serde(with = "as_text")]
    pub profile: ProfileName,
    /// Its public name.
    #[serde(with = "as_text")]
    pub fingerprint: Fingerprint,
    /// The whole seconds that it still lives, rounded down.
    pub expires_in: u64,
}

/// The body of `POST /v1/token/reject`: Airbyte answered 401 to this token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RejectRequest {
    /// Its public name.
    #[serde(with = "as_text")]
    pub fingerprint: Fingerprint,
}

/// The answer to `POST /v1/token/reject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectReply {
    /// Whether it was the token that the daemon serves now; then a renewal is under way.
    pub current: bool,
}

mod as_access_token {
    use std::borrow::Borrow;

    use airbyte_token_core::AccessToken;
    use serde::{Deserializer, Serializer, de::Error as _};

    use crate::wire::as_secret;

    pub(super) fn serialize<A, S>(token: &A, serializer: S) -> Result<S::Ok, S::Error>
    where
        A: Borrow<AccessToken>,
        S: Serializer,
    {
        serializer.serialize_str(token.borrow().expose())
    }

    pub(super) fn deserialize<'de, A, D>(deserializer: D) -> Result<A, D::Error>
    where
        A: From<AccessToken>,
        D: Deserializer<'de>,
    {
        let text = as_secret::deserialize(deserializer)?;
        AccessToken::parse(text).map(A::from).map_err(D::Error::custom)
    }
}
