//! Requests by hand, to either kind of door: what a test writes is what arrives.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
};

use airbyte_tokend_tests::{PATIENCE, Reply};

/// A request for the token, and whatever is changed about it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) version: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Ask {
    /// A good one for whoever goes by this name.
    pub(crate) fn token(host: &str) -> Self {
        let mut ask = Self {
            method: "GET".into(),
            target: "/v1/token".into(),
            version: "HTTP/1.1".into(),
            headers: Vec::new(),
            body: String::new(),
        };
        ask.set("Host", host);
        ask.set("Connection", "close");
        ask
    }

    /// Shows a local client's secret.
    pub(crate) fn bearer(mut self, secret: &str) -> Self {
        self.set("Authorization", &format!("Bearer {secret}"));
        self
    }

    /// Gives the header this one value.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.unset(name);
        self.add(name, value);
    }

    /// Adds a header, also if there is one of the name.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        self.headers.push((name.into(), value.into()));
    }

    /// Takes the header away.
    pub(crate) fn unset(&mut self, name: &str) {
        self.headers.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
    }

    /// As it goes over the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let headers: String =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("{} {} {}\r\n{headers}\r\n{}", self.method, self.target, self.version, self.body).into_bytes()
    }
}

/// A way in.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    Socket(PathBuf),
    Loopback(SocketAddr),
}

impl Way {
    /// Sends these bytes and gives back all that comes until the other end closes.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Socket(path) => {
                let stream = UnixStream::connect(path).expect("it listens");
                stream.set_read_timeout(Some(PATIENCE)).expect("it is not zero");
                exchange(stream, bytes)
            }
            Self::Loopback(address) => exchange(connect(*address), bytes),
        }
    }

    /// Sends a request and waits for the reply.
    pub(crate) fn send(&self, ask: &Ask) -> Reply {
        let mut bytes = self.raw(&ask.bytes());
        // What is asked in HTTP/1.0 is answered in it.
        if let Some(version) = bytes.get_mut(..8) {
            version.copy_from_slice(b"HTTP/1.1");
        }
        Reply::parse(&bytes).expect("it is a whole reply")
    }
}

/// A connection to a port of this machine.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("it is not zero");
    stream
}

/// Whoever refuses may hang up before it has read everything.
fn exchange(mut stream: impl Read + Write, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).unwrap_or(());
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => answer,
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "neither an answer nor an end: {error}");
            answer
        }
    }
}
