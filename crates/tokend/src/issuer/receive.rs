//! A reply within bounds: 16 KiB of headers, 64 KiB of body.

use std::fmt;

use reqwest::{Response, header::HeaderMap};
use zeroize::Zeroizing;

/// The most bytes of headers, names and values with their separators. The HTTP library has bounds of its own that
/// cannot be set through `reqwest` (100 headers, some 400 KiB), so that much may be held before this one is applied.
const MOST_HEADERS: usize = 16 * 1024;
/// The most bytes of body. A token has at most 8 KiB.
const MOST_BODY: usize = 64 * 1024;

/// A whole reply, as it came: nothing in it has been believed yet.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body. There may be a token in it, so it is wiped, and it is not in the debug output.
    pub body: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({}, {} headers, {} bytes)", self.status, self.headers.len(), self.body.len())
    }
}

/// Why no whole reply came.
#[derive(Debug)]
pub(super) enum ReceiveError {
    /// The network or the HTTP library says so.
    Transport(reqwest::Error),
    /// There were too many headers, or too long ones.
    HeadersTooLarge,
    /// The body was or would have been too long.
    BodyTooLarge,
}

impl From<reqwest::Error> for ReceiveError {
    /// The URL is not a secret, but it has no place in a message either.
    fn from(error: reqwest::Error) -> Self {
        Self::Transport(error.without_url())
    }
}

impl Reply {
    /// Reads a response to its end, or to the bounds.
    pub(super) async fn receive(mut response: Response) -> Result<Self, ReceiveError> {
        if size(response.headers()) > MOST_HEADERS {
            return Err(ReceiveError::HeadersTooLarge);
        }
        if response.content_length().is_some_and(|length| length > MOST_BODY as u64) {
            return Err(ReceiveError::BodyTooLarge);
        }
        // As long as it can get, so that growing leaves no half of a token behind.
        let mut body = Zeroizing::new(Vec::with_capacity(MOST_BODY));
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MOST_BODY {
                return Err(ReceiveError::BodyTooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let status = response.status().as_u16();
        Ok(Self { status, headers: std::mem::take(response.headers_mut()), body })
    }
}

/// The headers as they were on the wire: `name: value` and a line break each.
fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}
