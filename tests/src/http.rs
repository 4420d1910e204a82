//! HTTP/1.1 over the daemon's socket, by hand: what a test sends is what arrives.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::deadline::PATIENCE;

/// Whoever serves a socket.
#[derive(Clone, Debug)]
pub struct Http {
    socket: PathBuf,
}

/// A request before it is sent.
#[derive(Clone, Debug)]
pub struct Call {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Http {
    /// Whoever serves this one.
    #[must_use]
    pub fn over(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// A connection on which nothing was sent yet.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn connect(&self) -> io::Result<UnixStream> {
        let stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// Sends these bytes and gives back all that comes until the other end closes.
    ///
    /// # Panics
    /// When nobody listens or the other end never closes.
    #[must_use]
    pub fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect().expect("somebody listens");
        // A server may refuse and hang up before it has read everything.
        stream.write_all(bytes).unwrap_or(());
        read_all(&mut stream)
    }

    /// Sends a request and waits for the reply.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn send(&self, call: &Call) -> Reply {
        let bytes = self.raw(&call.bytes());
        Reply::parse(&bytes).unwrap_or_else(|| panic!("no reply to {} {}", call.method, call.target))
    }

    /// `GET` this target.
    #[must_use]
    pub fn get(&self, target: &str) -> Reply {
        self.send(&Call::new("GET", target))
    }

    /// `POST` to this target, without a body.
    #[must_use]
    pub fn post(&self, target: &str) -> Reply {
        self.send(&Call::new("POST", target))
    }

    /// `PUT` this there.
    #[must_use]
    pub fn put(&self, target: &str, body: &Value) -> Reply {
        self.send(&Call::new("PUT", target).json(body))
    }

    /// The token of the profile that is meant by default.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn token(&self) -> String {
        let reply = self.get("/v1/token");
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["access_token"].as_str().expect("it is text").to_owned()
    }

    /// How the profile fares.
    ///
    /// # Panics
    /// When there is no such profile.
    #[must_use]
    pub fn status_of(&self, profile: &str) -> Value {
        let status = self.get("/v1/status").json();
        let all = status["profiles"].as_array().expect("it is a list");
        all.iter().find(|entry| entry["name"] == profile).expect("there is such a profile").clone()
    }
}

impl Call {
    /// A request without a body.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        let host = ("host".to_owned(), "localhost".to_owned());
        Self { method: method.to_owned(), target: target.to_owned(), headers: vec![host], body: Vec::new() }
    }

    /// The same with one header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same without any header so far.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.headers.clear();
        self
    }

    /// The same with a body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        Self { body: body.to_string().into_bytes(), ..self }
    }

    /// The same with a body of these bytes.
    #[must_use]
    pub fn body(self, body: Vec<u8>) -> Self {
        Self { body, ..self }
    }

    /// As it goes over the wire.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !self.body.is_empty() {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        [format!("{head}connection: close\r\n\r\n").as_bytes(), &self.body].concat()
    }
}

impl Reply {
    /// The reply in these bytes; none when they end before it does.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        let header = |line: &str| {
            line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let reply =
            Self { status, headers: lines.filter_map(header).collect(), body: bytes[end + 4..].to_vec() };
        let length = reply.header("content-length").map_or(Ok(0), str::parse::<usize>).ok()?;
        (reply.body.len() == length).then_some(reply)
    }

    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What the daemon calls the error that this reply tells.
    #[must_use]
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// All that comes until the other end closes; a reset closes too.
///
/// # Panics
/// When nothing comes for too long.
fn read_all(stream: &mut UnixStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("neither an answer nor an end: {error}"),
    }
    bytes
}
