//! A program that runs: what it says, when it ends, and that it does end.

use std::{
    fmt,
    io::{Read, Write as _},
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

use crate::{
    Person,
    deadline::{Deadline, PATIENCE},
};

/// A running program, killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pidfd: OwnedFd,
    stdout: Text,
    stderr: Text,
}

/// How a program ended and all it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Ended {
    /// What it exited with; none when a signal ended it.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that ended it.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Whether it left a core.
    #[must_use]
    pub fn dumped_core(&self) -> bool {
        self.status.core_dumped()
    }

    /// What it wrote to standard output, as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).expect("it writes UTF-8")
    }
}

impl Process {
    /// Starts it, gives it `input`, and closes its standard input.
    pub fn start(command: &mut Command, input: &[u8]) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (pipe, input) = (child.stdin.take(), input.to_vec());
        thread::spawn(move || {
            // A program that does not read its input to the end may hang up on us.
            pipe.expect("it is piped").write_all(&input).unwrap_or(());
        });
        let stdout = Text::of(child.stdout.take().expect("it is piped"));
        let stderr = Text::of(child.stderr.take().expect("it is piped"));
        let pid = Pid::from_child(&child);
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).expect("a child that nobody waited for has a pid");
        Self { child, pidfd, stdout, stderr }
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it writes to standard output.
    #[must_use]
    pub const fn stdout(&self) -> &Text {
        &self.stdout
    }

    /// What it writes to standard error.
    #[must_use]
    pub const fn stderr(&self) -> &Text {
        &self.stderr
    }

    /// Sends it a signal, if it still runs.
    pub fn signal(&self, signal: Signal) {
        match pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(_) => end_as_root(self.pid()),
        }
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    #[must_use]
    pub fn wait(mut self) -> Ended {
        let ended = wait_readable(&[self.pidfd.as_fd()], Deadline::within(PATIENCE));
        assert!(ended.is_some(), "process {} does not end; it said:\n{}", self.pid(), self.stderr);
        let status = self.child.wait().expect("it is our child");
        self.stdout.wait_for_end();
        self.stderr.wait_for_end();
        Ended { status, stdout: self.stdout.bytes(), stderr: self.stderr.to_string() }
    }

    /// Becomes readable when it ends.
    pub(crate) fn end(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// What `sudo(8)` runs is not ours to end, but sudo passes this signal on.
fn end_as_root(pid: u32) {
    let ended = Person::root().command("kill").arg(pid.to_string()).status();
    assert!(ended.is_ok_and(|status| status.success()), "root ends process {pid}");
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        drop(self.child.wait());
    }
}

/// The index of the first of these that can be read; none when the deadline comes first.
pub(crate) fn wait_readable(sources: &[BorrowedFd<'_>], deadline: Deadline) -> Option<usize> {
    let mut watched: Vec<_> = sources.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    loop {
        let rest = Timespec::try_from(deadline.rest()).expect("a test waits no centuries");
        match poll(&mut watched, Some(&rest)) {
            Ok(0) => return None,
            Ok(_) => return watched.iter().position(|fd| !fd.revents().is_empty()),
            Err(Errno::INTR) => {}
            Err(error) => panic!("poll: {error}"),
        }
    }
}

/// What a program writes, while it writes it.
#[derive(Clone)]
pub struct Text(Arc<Shared>);

#[derive(Default)]
struct Shared {
    written: Mutex<Written>,
    news: Condvar,
}

#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    ended: bool,
}

impl Text {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let text = Self(Arc::default());
        let writer = text.clone();
        thread::spawn(move || {
            let mut room = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut room) {
                writer.written().bytes.extend_from_slice(&room[..count]);
                writer.0.news.notify_all();
            }
            writer.written().ended = true;
            writer.0.news.notify_all();
        });
        text
    }

    /// Everything so far.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.written().bytes.clone()
    }

    /// Waits until this is among it, and gives everything so far.
    ///
    /// # Panics
    /// When it does not come.
    pub fn wait_for(&self, wanted: &str) -> String {
        self.wait_until(wanted, |text| text.contains(wanted))
    }

    /// Waits until there is this much of `wanted` in it.
    ///
    /// # Panics
    /// When it does not come.
    pub fn wait_for_count(&self, wanted: &str, count: usize) -> String {
        self.wait_until(wanted, |text| text.matches(wanted).count() >= count)
    }

    fn wait_until(&self, wanted: &str, is_there: impl Fn(&str) -> bool) -> String {
        let found = self.wait(|written| {
            let text = String::from_utf8_lossy(&written.bytes);
            (is_there(&text) || written.ended).then(|| text.into_owned())
        });
        let text = found.filter(|text| is_there(text));
        text.unwrap_or_else(|| panic!("`{wanted}` was not written; what was:\n{self}"))
    }

    fn wait_for_end(&self) {
        assert!(self.wait(|written| written.ended.then_some(())).is_some(), "somebody still writes:\n{self}");
    }

    fn wait<T>(&self, look: impl Fn(&Written) -> Option<T>) -> Option<T> {
        let deadline = Deadline::within(PATIENCE);
        let mut written = self.written();
        loop {
            if let Some(seen) = look(&written) {
                return Some(seen);
            }
            if deadline.is_over() {
                return None;
            }
            let waited = self.0.news.wait_timeout(written, deadline.rest());
            written = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.0.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.written().bytes))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
