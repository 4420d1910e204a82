//! Requests as they arrive.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The longest head that is read, in bytes: what Airbyte's server takes (`NETTY_MAX_HEADER_SIZE`), doubled.
const MAX_HEAD: usize = 64 * 1024;
/// The longest body that is read, in bytes.
const MAX_BODY: usize = 4 * 1024 * 1024;
const MAX_HEADERS: usize = 100;

/// One request, whole.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    /// Names in lower case, in order of arrival.
    pub(crate) headers: Vec<(String, String)>,
    /// The head as it came.
    pub(crate) head: Vec<u8>,
    pub(crate) body: Vec<u8>,
    /// Whether the client lets the connection live on.
    pub(crate) keep_alive: bool,
}

/// What came of waiting for a request.
#[derive(Debug)]
pub(crate) enum Received {
    /// A request.
    Request(Request),
    /// Something that is none, and the status that says so.
    Refused(u16),
    /// The client is done.
    Closed,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The media type without parameters, in lower case.
    pub(crate) fn content_type(&self) -> Option<String> {
        let whole = self.header("content-type")?;
        Some(whole.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// The value of a query parameter, if it is there and reads as one.
    pub(crate) fn parameter<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        let pairs = form_urlencoded::parse(self.query.as_deref()?.as_bytes());
        pairs.into_iter().find(|(key, _)| key == name)?.1.parse().ok()
    }

    /// What stands after `Bearer` in `Authorization`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    }

    fn from_head(head: &[u8]) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        parsed.parse(head).ok()?.is_complete().then_some(())?;
        let (path, query) = match parsed.path?.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (parsed.path?, None),
        };
        let mut request = Self {
            method: parsed.method?.to_owned(),
            path: path.to_owned(),
            query,
            headers: parsed
                .headers
                .iter()
                .map(|header| {
                    (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned())
                })
                .collect(),
            head: head.to_vec(),
            body: Vec::new(),
            keep_alive: parsed.version == Some(1),
        };
        request.keep_alive &=
            !request.header("connection").is_some_and(|said| said.eq_ignore_ascii_case("close"));
        Some(request)
    }
}

/// Reads one request; what came after it stays in `buffer` for the next call.
pub(crate) async fn read_request(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    buffer: &mut Vec<u8>,
) -> io::Result<Received> {
    let end_of_head = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if buffer.len() > MAX_HEAD {
            return Ok(Received::Refused(431));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(Received::Closed);
        }
    };
    let head: Vec<u8> = buffer.drain(..end_of_head).collect();
    let Some(request) = Request::from_head(&head) else { return Ok(Received::Refused(400)) };
    match body_length(&request) {
        Ok(length) => read_body(stream, buffer, request, length).await,
        Err(status) => Ok(Received::Refused(status)),
    }
}

fn body_length(request: &Request) -> Result<usize, u16> {
    if request.header("transfer-encoding").is_some() {
        return Err(411);
    }
    let length = request.header("content-length").map_or(Ok(0), str::parse).map_err(|_| 400_u16)?;
    if length > MAX_BODY { Err(413) } else { Ok(length) }
}

async fn read_body(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    buffer: &mut Vec<u8>,
    mut request: Request,
    length: usize,
) -> io::Result<Received> {
    let asks_first = request.header("expect").is_some_and(|said| said.eq_ignore_ascii_case("100-continue"));
    if asks_first && buffer.len() < length {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        stream.flush().await?;
    }
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(Received::Closed);
        }
    }
    request.body = buffer.drain(..length).collect();
    Ok(Received::Request(request))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt as _, duplex};

    use super::{Received, read_request};

    async fn received(bytes: &[u8]) -> Vec<Received> {
        let (mut client, mut server) = duplex(1 << 20);
        client.write_all(bytes).await.unwrap();
        client.shutdown().await.unwrap();
        let mut buffer = Vec::new();
        let mut all = Vec::new();
        loop {
            match read_request(&mut server, &mut buffer).await.unwrap() {
                Received::Closed => return all,
                Received::Refused(status) => {
                    all.push(Received::Refused(status));
                    return all;
                }
                request @ Received::Request(_) => all.push(request),
            }
        }
    }

    #[tokio::test]
    async fn requests_on_one_connection_are_told_apart() {
        let all = received(
            b"POST /a?x=1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiGET /b HTTP/1.1\r\nConnection: close\r\n\r\n",
        )
        .await;
        let [Received::Request(first), Received::Request(second)] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((first.path.as_str(), first.body.as_slice()), ("/a", b"hi".as_slice()));
        assert_eq!(first.parameter::<u8>("x"), Some(1));
        assert!(first.keep_alive && !second.keep_alive);
    }

    #[tokio::test]
    async fn what_is_no_request_is_refused() {
        for (bytes, status) in [
            ("nonsense\r\n\r\n".to_owned(), 400),
            ("POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n".to_owned(), 400),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), 411),
            ("POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n".to_owned(), 413),
            (format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(70_000)), 431),
        ] {
            let all = received(bytes.as_bytes()).await;
            assert!(matches!(all.as_slice(), [Received::Refused(said)] if *said == status), "{all:?}");
        }
    }

    #[tokio::test]
    async fn a_request_cut_short_is_no_request() {
        assert!(received(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhi").await.is_empty());
    }
}
