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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<AccessToken, BadAccessToken> {
        AccessToken::parse(Secret::new(text.to_owned()))
    }

    fn refusal(text: &str) -> BadAccessToken {
        parse(text).expect_err("it is refused")
    }

    #[test]
    fn a_bearer_token_is_taken_as_it_is() {
        let alphabet = "abcxyzABCXYZ0189-._~+/";
        let padded = format!("{alphabet}==");
        let (shortest, longest) = ("x".repeat(20), "x".repeat(8192));
        for text in [alphabet, &padded, &shortest, &longest] {
            assert_eq!(parse(text).map(|token| token.expose().to_owned()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_token_has_twenty_to_eight_thousand_and_some_bytes() {
        assert_eq!(refusal(""), BadAccessToken::TooShort(0));
        assert_eq!(refusal(&"x".repeat(19)), BadAccessToken::TooShort(19));
        assert_eq!(refusal(&"x".repeat(8193)), BadAccessToken::TooLong(8193));
    }

    #[test]
    fn a_foreign_byte_is_refused_by_its_place() {
        let body = "x".repeat(20);
        for foreign in ["\r\n", " ", "\"", "\0", "{", "\u{e9}", "=x", ",", "@", "[", "`"] {
            let refused = refusal(&format!("{body}{foreign}{body}"));
            let place = 20 + usize::from(foreign.starts_with('='));
            assert_eq!(refused, BadAccessToken::BadByte(place), "{foreign:?}");
        }
        assert_eq!(refusal(&"=".repeat(20)), BadAccessToken::BadByte(20), "padding alone is no token");
    }

    #[test]
    fn a_refusal_tells_the_place_and_not_the_text() {
        let text = "canary-canary-canary\r\nX-Evil: 1";
        assert_eq!(refusal(text).to_string(), "the token has an invalid character at offset 20");
        assert_eq!(refusal(&"x".repeat(9000)).to_string(), "the token has 9000 bytes, more than 8192");
    }
}
