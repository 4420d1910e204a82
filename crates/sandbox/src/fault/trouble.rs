//! The kinds of trouble.

use std::{fmt, time::Duration};

use super::Canned;
use crate::settings::ExpiresIn;

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing but a delay: the true answer follows.
    Late,
    /// Another answer than the true one.
    Reply(Reply),
    /// The true answer of a successful exchange with one field wrong. Other answers stay as they are.
    Lie(Lie),
    /// Something happens to the connection or to the bytes.
    Wire(Wire),
}

/// A whole answer that takes the place of the true one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A bare status.
    Status {
        /// The HTTP status, 200 to 599.
        code: u16,
        /// A content type and a body; without them a short JSON message.
        content: Option<(String, String)>,
    },
    /// An answer seen in the wild.
    Canned(Canned),
    /// A redirect.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        code: u16,
        /// The `Location`.
        to: String,
    },
    /// A few hundred KiB of gzip that unpack to 64 MiB of JSON white space.
    GzipBomb,
    /// JSON that opens twenty thousand arrays, in 40 KB.
    DeepJson,
}

/// What is wrong in the reply to a successful exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lie {
    /// `expires_in`.
    ExpiresIn(ExpiresIn),
    /// `access_token`.
    AccessToken(OddToken),
    /// `token_type`.
    TokenType(String),
    /// Every field stands there twice, the first time with another value.
    DuplicateKeys,
}

/// What a reply holds in place of a good token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OddToken {
    /// No field.
    Missing,
    /// `""`.
    Empty,
    /// `null`.
    Null,
    /// A number.
    Number,
    /// A token with CR LF and a header in it.
    Crlf,
    /// A token with a terminal escape in it.
    Esc,
    /// A token with a NUL in it.
    Nul,
    /// A token with U+202E, which turns the writing direction.
    Bidi,
    /// A token of 1 MB.
    Huge,
    /// Not a JWT, yet the API takes it.
    Opaque,
}

/// What happens on the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// The request is read and never answered.
    Hang,
    /// The connection is reset as soon as it is there, before TLS and before any request: one to the control
    /// endpoint too.
    ResetOnAccept,
    /// The request is read, then the connection is reset.
    Reset,
    /// Head and half of the body, then a reset.
    ResetMidBody,
    /// The request is read, then the sending side is closed with nothing sent.
    HalfClose,
    /// A `Content-Length` larger than what follows, then a close.
    TornBody,
    /// The head at once, then the body byte by byte, one each interval.
    Drip(Duration),
    /// Headers without end.
    EndlessHeaders,
    /// A body without end.
    EndlessBody,
}

impl OddToken {
    pub(super) const ALL: [Self; 10] = [
        Self::Missing,
        Self::Empty,
        Self::Null,
        Self::Number,
        Self::Crlf,
        Self::Esc,
        Self::Nul,
        Self::Bidi,
        Self::Huge,
        Self::Opaque,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Empty => "empty",
            Self::Null => "null",
            Self::Number => "number",
            Self::Crlf => "crlf",
            Self::Esc => "esc",
            Self::Nul => "nul",
            Self::Bidi => "bidi",
            Self::Huge => "huge",
            Self::Opaque => "opaque",
        }
    }
}

impl Trouble {
    /// The word that names this trouble in a flag.
    pub(super) fn key(&self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Reply(Reply::Status { .. }) => "status",
            Self::Reply(Reply::Canned(_)) => "answer",
            Self::Reply(Reply::Redirect { .. }) => "redirect",
            Self::Reply(Reply::GzipBomb) => "gzip-bomb",
            Self::Reply(Reply::DeepJson) => "deep-json",
            Self::Lie(Lie::ExpiresIn(_)) => "expires-in",
            Self::Lie(Lie::AccessToken(_)) => "token",
            Self::Lie(Lie::TokenType(_)) => "token-type",
            Self::Lie(Lie::DuplicateKeys) => "duplicate-keys",
            Self::Wire(wire) => wire.key(),
        }
    }
}

impl Wire {
    fn key(self) -> &'static str {
        match self {
            Self::Hang => "hang",
            Self::ResetOnAccept => "reset-on-accept",
            Self::Reset => "reset",
            Self::ResetMidBody => "reset-mid-body",
            Self::HalfClose => "half-close",
            Self::TornBody => "torn-body",
            Self::Drip(_) => "drip",
            Self::EndlessHeaders => "endless-headers",
            Self::EndlessBody => "endless-body",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.key())?;
        match self {
            Self::Reply(Reply::Status { code, content: None }) => write!(formatter, "={code}"),
            Self::Reply(Reply::Status { code, content: Some((content_type, body)) }) => {
                write!(formatter, "={code},content-type={content_type},body={body}")
            }
            Self::Reply(Reply::Canned(canned)) => write!(formatter, "={}", canned.name()),
            Self::Reply(Reply::Redirect { code, to }) => write!(formatter, "={code},to={to}"),
            Self::Lie(Lie::ExpiresIn(said)) => write!(formatter, "={said}"),
            Self::Lie(Lie::AccessToken(odd)) => write!(formatter, "={}", odd.name()),
            Self::Lie(Lie::TokenType(said)) => write!(formatter, "={said}"),
            Self::Wire(Wire::Drip(interval)) => {
                write!(formatter, "={}", humantime::format_duration(*interval))
            }
            Self::Late
            | Self::Reply(Reply::GzipBomb | Reply::DeepJson)
            | Self::Lie(Lie::DuplicateKeys)
            | Self::Wire(
                Wire::Hang
                | Wire::ResetOnAccept
                | Wire::Reset
                | Wire::ResetMidBody
                | Wire::HalfClose
                | Wire::TornBody
                | Wire::EndlessHeaders
                | Wire::EndlessBody,
            ) => Ok(()),
        }
    }
}
