//! What an access token may look like.

use crate::Secret;

/// The text of a bearer token, checked: RFC 6750 §2.1's `b64token`, 20 to 8,192 characters.
///
/// A token is pasted into HTTP headers and shells; one with a line break in it would carry a header of its own.
#[derive(Debug)]
pub struct AccessToken(Secret);

impl AccessToken {
    /// The fewest characters a token may have.
    pub const SHORTEST: usize = 20;
    /// The most characters a token may have.
    pub const LONGEST: usize = 8_192;

    /// Checks the text.
    ///
    /// # Errors
    /// Says what is wrong and where, never what the text was.
    pub fn parse(text: Secret) -> Result<Self, BadAccessToken> {
        let bytes = text.expose().as_bytes();
        if bytes.len() < Self::SHORTEST {
            return Err(BadAccessToken::TooShort(bytes.len()));
        }
        if bytes.len() > Self::LONGEST {
            return Err(BadAccessToken::TooLong(bytes.len()));
        }
        let body = bytes.iter().take_while(|&&byte| is_token_byte(byte)).count();
        let padding = bytes.iter().skip(body).take_while(|&&byte| byte == b'=').count();
        if body == 0 || body + padding < bytes.len() {
            return Err(BadAccessToken::BadByte(body + padding));
        }
        Ok(Self(text))
    }

    /// The text itself. Every use is a place where it could leak.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}

/// Why a text is no bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAccessToken {
    /// It has fewer characters than any real token.
    #[error("the token has only {0} bytes")]
    TooShort(usize),
    /// It has more characters than Airbyte's servers accept in a header.
    #[error("the token has {0} bytes, more than {max}", max = AccessToken::LONGEST)]
    TooLong(usize),
    /// A byte that no bearer token may have, at this offset.
    #[error("the token has an invalid character at offset {0}")]
    BadByte(usize),
}
