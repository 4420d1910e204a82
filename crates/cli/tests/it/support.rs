//! A daemon that knows its lines, and a client that is run like anybody would run it.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use tempfile::TempDir;

/// A token that a test may look for.
pub(crate) const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.e30.canary-token";

/// One answer, as it travels.
pub(crate) struct Reply(Vec<u8>);

impl Reply {
    pub(crate) fn raw(bytes: &str) -> Self {
        Self(bytes.as_bytes().to_vec())
    }

    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::sized(status, "application/json", body)
    }

    pub(crate) fn text(body: &str) -> Self {
        Self::sized(200, "text/plain; charset=utf-8", body)
    }

    pub(crate) fn done() -> Self {
        Self::raw("HTTP/1.1 204 No Content\r\n\r\n")
    }

    fn sized(status: u16, media: &str, body: &str) -> Self {
        let length = body.len();
        Self::raw(&format!(
            "HTTP/1.1 {status} Whatever\r\ncontent-type: {media}\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    }
}

/// One request, as it was heard.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) line: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Answers one connection after the other with its replies, in a directory of its own. A caller who connects and says
/// nothing uses a reply up, and is not among those who were heard.
pub(crate) struct Daemon {
    pub(crate) directory: TempDir,
    pub(crate) socket: PathBuf,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Daemon {
    pub(crate) fn with(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::prepared(replies, |_| {})
    }

    /// The same, where the thread that serves does something with its socket first.
    pub(crate) fn prepared(
        replies: impl IntoIterator<Item = Reply>,
        prepare: impl FnOnce(&UnixListener) + Send + 'static,
    ) -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let socket = directory.path().join("api.sock");
        let listener = UnixListener::bind(&socket).expect("a socket can be bound");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let replies: VecDeque<_> = replies.into_iter().collect();
        let log = Arc::clone(&heard);
        let (tell, ready) = std::sync::mpsc::channel();
        thread::spawn(move || {
            prepare(&listener);
            tell.send(()).expect("the test waits");
            for reply in replies {
                let (stream, _) = listener.accept().expect("a caller can be let in");
                answer(stream, &reply, &log);
            }
        });
        ready.recv().expect("the thread is ready");
        Self { directory, socket, heard }
    }

    /// A place without a daemon.
    pub(crate) fn absent() -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let socket = directory.path().join("api.sock");
        Self { directory, socket, heard: Arc::default() }
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs the client against this daemon, with nothing on standard input.
    pub(crate) fn run(&self, line: &str) -> Told {
        self.run_with(line, "")
    }

    /// Runs the client against this daemon, with this on standard input.
    pub(crate) fn run_with(&self, line: &str, input: &str) -> Told {
        run(client(line).arg("--socket").arg(&self.socket), input)
    }
}

fn answer(stream: UnixStream, reply: &Reply, log: &Mutex<Vec<Heard>>) {
    let mut reader = BufReader::new(&stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).expect("a request is text") == 0 {
            return; // the client left without a word
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let mut body = vec![0; length.map_or(0, |digits| digits.parse().expect("a length is a number"))];
    reader.read_exact(&mut body).expect("a body is as long as it says");
    let line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    let body = String::from_utf8(body).expect("a body is text");
    log.lock().unwrap_or_else(PoisonError::into_inner).push(Heard { line, head, body });
    (&stream).write_all(&reply.0).expect("the client listens");
}

/// The client with these arguments and an empty environment.
pub(crate) fn client(line: &str) -> Command {
    let mut command = Command::new(path());
    command.args(line.split_whitespace()).env_clear();
    command
}

pub(crate) fn path() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_airbyte-token"))
}

/// Runs the client to its end.
pub(crate) fn run(command: &mut Command, input: &str) -> Told {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().expect("the client starts");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    // A client that does not read its input may be gone already.
    stdin.write_all(input.as_bytes()).unwrap_or(());
    drop(stdin);
    Told::from(child.wait_with_output().expect("the client ends"))
}

/// What the client said.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Told {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().expect("the client is not killed"),
            out: String::from_utf8(output.stdout).expect("the client writes text"),
            err: String::from_utf8(output.stderr).expect("the client writes text"),
        }
    }
}

impl Told {
    /// Asserts success and gives what was written.
    pub(crate) fn done(self) -> String {
        assert_eq!((self.status, self.err.as_str()), (0, ""), "{self:?}");
        self.out
    }

    /// Asserts a failure that is told as failures are: nothing on standard output, and two lines for people.
    pub(crate) fn failed(self, status: i32) -> (String, String) {
        assert_eq!((self.status, self.out.as_str()), (status, ""), "{self:?}");
        let lines: Vec<_> = self.err.lines().collect();
        assert_eq!(lines.len(), 2, "{self:?}");
        let (what, hint) = (lines[0], lines[1]);
        let what = what.strip_prefix("airbyte-token: error: ").expect("the first line is the error");
        let hint = hint.strip_prefix("hint: ").expect("the second line is the hint");
        assert!(!what.ends_with('.') && !hint.ends_with('.'), "{self:?}");
        assert!(self.err.chars().all(|c| c == '\n' || !c.is_control()), "{self:?}");
        (what.to_owned(), hint.to_owned())
    }
}
