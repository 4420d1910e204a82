//! A reply's status line and headers (RFC 9112 §4–§6), as far as we need them.

use super::{BODY_LIMIT, BadReply, Media};

/// More headers than hyper and every proxy together would add.
const MOST_HEADERS: usize = 64;

/// What a reply's status line and headers say.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) media: Media,
    /// How many bytes the head itself takes.
    pub(super) length: usize,
    /// How many bytes of body come after it.
    pub(super) body_length: usize,
}

impl Head {
    /// Reads a head from the beginning of these bytes; none where it has not wholly come yet.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, BadReply> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let length = match response.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(BadReply::HeadTooLong),
            Err(_) => return Err(BadReply::NotHttp),
        };
        let status = response.code.ok_or(BadReply::NotHttp)?;
        let mut framing = Framing { length: None, media: Media::Other };
        for header in response.headers.iter() {
            framing.take(header)?;
        }
        Ok(Some(Self { status, media: framing.media, length, body_length: framing.body_length(status)? }))
    }
}

struct Framing {
    length: Option<usize>,
    media: Media,
}

impl Framing {
    fn take(&mut self, header: &httparse::Header<'_>) -> Result<(), BadReply> {
        if header.name.eq_ignore_ascii_case("content-length") {
            if self.length.is_some() {
                return Err(BadReply::NoLength);
            }
            self.length = Some(content_length(header.value)?);
        } else if header.name.eq_ignore_ascii_case("content-type") {
            self.media = media(header.value);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(BadReply::NoLength);
        }
        Ok(())
    }

    /// RFC 9110 §15.3.5: a 204 has no body and no length. An interim reply (1xx) is nothing that we asked for.
    fn body_length(&self, status: u16) -> Result<usize, BadReply> {
        match (status, self.length) {
            (..200, _) => Err(BadReply::NotHttp),
            (204, None | Some(0)) => Ok(0),
            (204, Some(_)) => Err(BadReply::Overlong),
            (_, Some(length)) => Ok(length),
            (_, None) => Err(BadReply::NoLength),
        }
    }
}

fn content_length(value: &[u8]) -> Result<usize, BadReply> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(BadReply::NoLength);
    }
    let digits = std::str::from_utf8(value).map_err(|_| BadReply::NoLength)?;
    let length = digits.parse().map_err(|_| BadReply::BodyTooLong)?;
    if length > BODY_LIMIT { Err(BadReply::BodyTooLong) } else { Ok(length) }
}

fn media(value: &[u8]) -> Media {
    let kind = value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    if kind.eq_ignore_ascii_case(b"application/json") {
        Media::Json
    } else if kind.eq_ignore_ascii_case(b"text/plain") {
        Media::Text
    } else {
        Media::Other
    }
}
