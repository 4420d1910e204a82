//! A web server of a test's own: what it answers is a function of what it is asked, and it forgets nothing.

use std::{
    fmt,
    io::{self, Read, Write},
    net::TcpListener,
    os::{
        fd::{AsFd as _, BorrowedFd},
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use crate::{PATIENCE, deadline::Deadline, process::wait_readable};

/// A request that arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Its method.
    pub method: String,
    /// What it asks for, as it stands in the request line.
    pub target: String,
    /// The minor version of HTTP/1 that it speaks.
    pub version: u8,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Asked {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// What it is answered. The connection is closed after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// With this status and nothing else.
    #[must_use]
    pub const fn of(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// A page, a script or the like.
    #[must_use]
    pub fn page(kind: &str, text: impl Into<Vec<u8>>) -> Self {
        Self::of(200).header("content-type", kind).body(text)
    }

    /// The same with one header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with this body.
    #[must_use]
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    fn bytes(&self, asked: &Asked) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Whatever\r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n", self.body.len());
        let body = if asked.method == "HEAD" { &[][..] } else { &self.body };
        [head.as_bytes(), body].concat()
    }
}

/// A server on threads of its own, each caller with one. When it is dropped nobody listens there any more.
#[derive(Debug)]
pub struct Web {
    asked: Arc<Mutex<Vec<Asked>>>,
    /// Hung up to end it.
    stop: Option<UnixStream>,
    accepting: Option<JoinHandle<()>>,
}

impl Web {
    /// Serves here. An answer may take its time: other callers do not wait for it.
    pub fn at(listener: TcpListener, answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::serve(Ear::Tcp(listener), Arc::new(answer))
    }

    /// Serves a Unix socket that is made here.
    pub fn at_socket(path: &Path, answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = UnixListener::bind(path).expect("there is room in /tmp");
        Self::serve(Ear::Unix(listener), Arc::new(answer))
    }

    /// All that it was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn serve(ear: Ear, answer: Arc<Answering>) -> Self {
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let (stop, stopped) = UnixStream::pair().expect("there are file descriptors");
        let heard = Arc::clone(&asked);
        let accepting = thread::spawn(move || {
            while ear.waits_for_caller(&stopped) {
                let (asked, answer) = (Arc::clone(&heard), Arc::clone(&answer));
                // A caller may be gone before it was let in, or in the middle of its request.
                if let Ok(caller) = ear.accept() {
                    thread::spawn(move || drop(attend(caller, &asked, &*answer)));
                }
            }
        });
        Self { asked, stop: Some(stop), accepting: Some(accepting) }
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
    }
}

type Answering = dyn Fn(&Asked) -> Answer + Send + Sync;

/// What it listens on.
enum Ear {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Ear {
    /// Waits until somebody connects; false when it was told to stop.
    fn waits_for_caller(&self, stopped: &UnixStream) -> bool {
        loop {
            match wait_readable(&[stopped.as_fd(), self.fd()], Deadline::within(PATIENCE)) {
                Some(0) => return false,
                Some(_) => return true,
                None => {}
            }
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        }
    }

    fn accept(&self) -> io::Result<Box<dyn Caller>> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Ok(Box::new(stream))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Ok(Box::new(stream))
            }
        }
    }
}

impl fmt::Debug for Ear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an ear")
    }
}

trait Caller: Read + Write + Send {}
impl<T: Read + Write + Send> Caller for T {}

fn attend(mut caller: Box<dyn Caller>, heard: &Mutex<Vec<Asked>>, answer: &Answering) -> io::Result<()> {
    let Some(asked) = read(&mut *caller)? else { return Ok(()) };
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
    caller.write_all(&answer(&asked).bytes(&asked))
}

/// The request; none when the caller hangs up before it is whole.
fn read(caller: &mut dyn Caller) -> io::Result<Option<Asked>> {
    let (mut bytes, mut room) = (Vec::new(), [0; 16 * 1024]);
    loop {
        match caller.read(&mut room)? {
            0 => return Ok(None),
            count => bytes.extend_from_slice(&room[..count]),
        }
        if let Some(asked) = parse(&bytes)? {
            return Ok(Some(asked));
        }
    }
}

fn parse(bytes: &[u8]) -> io::Result<Option<Asked>> {
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = request.parse(bytes).map_err(io::Error::other)? else {
        return Ok(None);
    };
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let mut asked = Asked {
        method: text(request.method),
        target: text(request.path),
        version: request.version.unwrap_or_default(),
        ..Asked::default()
    };
    for header in request.headers.iter() {
        let value = String::from_utf8_lossy(header.value).into_owned();
        asked.headers.push((header.name.to_ascii_lowercase(), value));
    }
    let length =
        asked.header("content-length").map_or(Ok(0), str::parse::<usize>).map_err(io::Error::other)?;
    let Some(body) = bytes.get(head..head + length) else { return Ok(None) };
    asked.body = body.to_vec();
    Ok(Some(asked))
}
