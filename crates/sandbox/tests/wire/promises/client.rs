//! A client that sees bytes.

use std::{io, net::SocketAddr};

use airbyte_sandbox::Sandbox;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// One answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// How the connection ended after it.
    pub(super) end: End,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Closed,
    Reset,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let known = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.headers.iter().find(known).map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(super) fn token(&self) -> String {
        self.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// The claims of the token.
    pub(super) fn claims(&self) -> Value {
        jwt_part(&self.token(), 1)
    }

    fn parse(bytes: &[u8], end: End) -> Self {
        let end_of_head = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head");
        let head = std::str::from_utf8(&bytes[..end_of_head]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self { status, headers, body: bytes[end_of_head + 4..].to_vec(), end }
    }
}

/// The header (0) or the claims (1) of a JWT.
pub(super) fn jwt_part(token: &str, index: usize) -> Value {
    use base64::Engine as _;
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Sends a request on a connection of its own and reads to the end, whatever that is.
pub(super) async fn raw(address: SocketAddr, request: &str) -> (Vec<u8>, End) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that resets at once may do so before everything is written.
    let mut end = if stream.write_all(request.as_bytes()).await.is_ok() { End::Closed } else { End::Reset };
    let mut bytes = Vec::new();
    if let Err(error) = stream.read_to_end(&mut bytes).await {
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        end = End::Reset;
    }
    (bytes, end)
}

/// Sends a request and reads its answer.
pub(super) async fn send(
    airbyte: &Sandbox,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let (bytes, end) = raw(airbyte.address(), &request(method, path, headers, body)).await;
    Answer::parse(&bytes, end)
}

/// The bytes of a request that asks for one answer.
pub(super) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

/// Posts JSON.
pub(super) async fn post(airbyte: &Sandbox, path: &str, body: &str) -> Answer {
    send(airbyte, "POST", path, &[("Content-Type", "application/json")], body).await
}

/// Posts a form.
pub(super) async fn post_form(airbyte: &Sandbox, path: &str, body: &str) -> Answer {
    send(airbyte, "POST", path, &[("Content-Type", "application/x-www-form-urlencoded")], body).await
}

/// Gets with a bearer.
pub(super) async fn get(airbyte: &Sandbox, path: &str, bearer: &str) -> Answer {
    send(airbyte, "GET", path, &[("Authorization", &format!("Bearer {bearer}"))], "").await
}
