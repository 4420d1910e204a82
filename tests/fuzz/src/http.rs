//! A second, tiny reader of HTTP/1.1 (RFC 9112), to hold against the ones that the product uses. It gives up where it is in
//! doubt, and takes a line for ended by a line feed, with or without a carriage return before it.

use std::borrow::Cow;

/// The first line and the headers of a message, and what comes after them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    pub(crate) line: Cow<'a, str>,
    /// Names in lower case, values without the space around them.
    headers: Vec<(String, &'a [u8])>,
    pub(crate) rest: &'a [u8],
}

impl<'a> Head<'a> {
    /// None where there is no whole head, or one with a line that is none.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (line, mut rest) = line(bytes)?;
        let mut headers = Vec::new();
        loop {
            let (header, after) = self::line(rest)?;
            rest = after;
            if header.is_empty() {
                return Some(Self { line: String::from_utf8_lossy(line), headers, rest });
            }
            let colon = header.iter().position(|&byte| byte == b':')?;
            let name = std::str::from_utf8(&header[..colon]).ok()?.to_ascii_lowercase();
            headers.push((name, header[colon + 1..].trim_ascii()));
        }
    }

    pub(crate) fn values(&self, name: &str) -> Vec<&'a [u8]> {
        self.headers.iter().filter(|(header, _)| header == name).map(|(_, value)| *value).collect()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(name, _)| name.as_str())
    }

    /// How long the body is by its plain `Content-Length`; 0 where it has none. None where it is in doubt: several that say
    /// the same leave none (RFC 9110 §8.6).
    fn content_length(&self) -> Option<usize> {
        let lengths = self.values("content-length");
        let Some(digits) = lengths.first() else { return Some(0) };
        let is_plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        let is_sure = is_plain && lengths.iter().all(|other| other == digits);
        is_sure.then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
    }
}

/// A line without its end, and what comes after it.
fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
    Some((line, &bytes[end + 1..]))
}

/// A request and all that comes after it; none where it is in doubt where it ends.
pub(crate) fn request(mut bytes: &[u8]) -> Option<(Head<'_>, Option<&[u8]>)> {
    while let Some(rest) = bytes.strip_prefix(b"\r\n").or_else(|| bytes.strip_prefix(b"\n")) {
        bytes = rest;
    }
    let head = Head::read(bytes)?;
    let after = match head.values("transfer-encoding")[..] {
        [] => head.content_length().and_then(|length| head.rest.get(length..)),
        [coding] if coding.eq_ignore_ascii_case(b"chunked") => after_chunks(head.rest),
        _ => None,
    };
    Some((head, after))
}

/// What comes after a chunked body (RFC 9112 §7.1).
fn after_chunks(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        let (size, rest) = line(bytes)?;
        let digits = size.split(|&byte| byte == b';').next()?.trim_ascii();
        let size = usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        bytes = rest;
        if size == 0 {
            break;
        }
        bytes = bytes.get(size..)?;
        let (end, rest) = line(bytes)?;
        bytes = end.is_empty().then_some(rest)?;
    }
    loop {
        let (trailer, rest) = line(bytes)?;
        bytes = rest;
        if trailer.is_empty() {
            return Some(bytes);
        }
    }
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply<'a> {
    pub(crate) status: u16,
    pub(crate) head: Head<'a>,
    pub(crate) body: &'a [u8],
    pub(crate) rest: &'a [u8],
}

/// A reply and all that comes after it; where the request was a `HEAD`, without the body that its length is about.
pub(crate) fn reply(bytes: &[u8], to_head: bool) -> Option<Reply<'_>> {
    let head = Head::read(bytes)?;
    let (version, rest) = head.line.split_once(' ')?;
    let is_http = matches!(version, "HTTP/1.1" | "HTTP/1.0");
    let status = rest.get(..3).filter(|_| is_http)?.parse().ok()?;
    let has_body = !to_head && !matches!(status, 100..=199 | 204 | 304);
    if !head.values("transfer-encoding").is_empty() {
        return None;
    }
    let length = if has_body { head.content_length()? } else { 0 };
    let (body, rest) = head.rest.split_at_checked(length)?;
    Some(Reply { status, head, body, rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_follow_each_other_are_told_apart() {
        let bytes = b"\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\nPUT /b HTTP/1.1\nContent-Length: 3\n\nabc\
            POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\nt: u\r\n\r\nrest";
        let (first, after) = request(bytes).unwrap();
        assert_eq!((&*first.line, first.values("host")), ("GET /a HTTP/1.1", vec![&b"x"[..]]));
        let (second, after) = request(after.unwrap()).unwrap();
        assert_eq!(second.line, "PUT /b HTTP/1.1");
        let (third, after) = request(after.unwrap()).unwrap();
        assert_eq!((&*third.line, after), ("POST /c HTTP/1.1", Some(&b"rest"[..])));
    }

    #[test]
    fn what_is_in_doubt_is_no_request() {
        for bytes in ["", "GET / HTTP/1.1\r\nHost: x\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n"] {
            assert_eq!(request(bytes.as_bytes()), None, "{bytes}");
        }
        for rest in [
            "Content-Length: 1\r\nContent-Length: 01\r\n\r\na",
            "Content-Length: 2\r\n\r\na",
            "Transfer-Encoding: gzip\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\nx\r\n",
        ] {
            let bytes = format!("GET / HTTP/1.1\r\n{rest}");
            assert_eq!(request(bytes.as_bytes()).unwrap().1, None, "{rest}");
        }
    }

    #[test]
    fn a_reply_has_the_body_that_its_length_says() {
        let reply = reply(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nabc", false).unwrap();
        assert_eq!((reply.status, reply.body, reply.rest), (200, &b"ab"[..], &b"c"[..]));
        let to_head = super::reply(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nabc", true).unwrap();
        assert_eq!((to_head.body, to_head.rest), (&b""[..], &b"abc"[..]));
        assert_eq!(super::reply(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabc", false), None);
        assert_eq!(super::reply(b"ICY 200 OK\r\n\r\n", false), None);
    }
}
