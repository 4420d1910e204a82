//! One request, in one piece.

use zeroize::Zeroizing;

/// What is asked.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) target: &'a str,
    pub(super) accept: Accept,
    /// JSON.
    pub(super) body: Option<&'a [u8]>,
}

#[derive(Clone, Copy)]
pub(super) enum Method {
    Get,
    Put,
    Post,
    Delete,
}

#[derive(Clone, Copy)]
pub(super) enum Accept {
    Json,
    Text,
}

impl<'a> Request<'a> {
    pub(super) const fn get(target: &'a str) -> Self {
        Self::with_method(Method::Get, target)
    }

    pub(super) const fn with_method(method: Method, target: &'a str) -> Self {
        Self { method, target, accept: Accept::Json, body: None }
    }

    /// The request as it travels (RFC 9112 §3), in one buffer, so that it takes one system call; wiped when dropped.
    pub(super) fn bytes(&self) -> Zeroizing<Vec<u8>> {
        let body = self.body.unwrap_or_default();
        let mut bytes = Zeroizing::new(Vec::with_capacity(FRAME + self.target.len() + body.len()));
        for part in [
            self.method.name(),
            self.target,
            " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: ",
            self.accept.media(),
        ] {
            bytes.extend_from_slice(part.as_bytes());
        }
        if self.body.is_some() {
            bytes.extend_from_slice(b"\r\nContent-Type: application/json\r\nContent-Length: ");
            bytes.extend_from_slice(body.len().to_string().as_bytes());
        }
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes.extend_from_slice(body);
        bytes
    }
}

/// More than everything but the target and the body takes, so that the buffer never moves and leaves a copy behind.
const FRAME: usize = 256;

impl Method {
    const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET ",
            Self::Put => "PUT ",
            Self::Post => "POST ",
            Self::Delete => "DELETE ",
        }
    }
}

impl Accept {
    const fn media(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Text => "text/plain",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(request: &Request<'_>) -> String {
        String::from_utf8(request.bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_request_without_a_body_has_no_length() {
        assert_eq!(
            text(&Request { accept: Accept::Text, ..Request::get("/v1/token") }),
            "GET /v1/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: text/plain\r\n\r\n"
        );
    }

    #[test]
    fn a_body_travels_with_its_length() {
        let request =
            Request { body: Some(b"{}"), ..Request::with_method(Method::Put, "/v1/default-profile") };
        assert_eq!(
            text(&request),
            "PUT /v1/default-profile HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        );
    }

    #[test]
    fn the_buffer_is_large_enough_from_the_start() {
        let body = vec![b'x'; 5_000];
        let request = Request { body: Some(&body), ..Request::with_method(Method::Delete, "/v1/profiles/a") };
        assert!(request.bytes().len() <= FRAME + request.target.len() + body.len());
    }
}
