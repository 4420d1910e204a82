//! A daemon under a tracer, which writes down what it asks the kernel for.

use std::{fs, path::PathBuf};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Binary, Ended, Home, Http, Process};

/// A daemon whose system calls are written down, with the other end of every file descriptor: strace(1). It runs as
/// whoever runs the tests.
#[derive(Debug)]
pub struct Traced<'home> {
    home: &'home Home,
    /// The tracer; none once it was told to stop.
    process: Option<Process>,
    trace: PathBuf,
}

impl<'home> Traced<'home> {
    /// Every way to write bytes somewhere.
    pub const WRITES: &'static str =
        "write,writev,pwrite64,pwritev,pwritev2,send,sendto,sendmsg,sendmmsg,splice,sendfile";

    /// One that serves and logs everything, with these variables, and of which these system calls are written down.
    ///
    /// # Panics
    /// When it does not serve.
    #[must_use]
    pub fn start(home: &'home Home, calls: &str, variables: &[(&str, &str)]) -> Self {
        let trace = home.path().join("trace");
        let mut command = home.command_of(home.person(), "strace".as_ref());
        command.args(["-f", "-qq", "-yy", "-s", "100000", "-e"]).arg(format!("trace={calls}"));
        command.arg("-o").arg(&trace).arg(Binary::Daemon.path()).args(["--log", "trace"]);
        command.envs(variables.iter().copied());
        let process = Process::start(&mut command, b"");
        process.stderr().wait_for("serving");
        Self { home, process: Some(process), trace }
    }

    /// Its API.
    #[must_use]
    pub fn http(&self) -> Http {
        Http::over(&self.home.socket())
    }

    /// Its own process number, which is not the tracer's.
    ///
    /// # Panics
    /// When it holds no lock.
    #[must_use]
    pub fn pid(&self) -> u32 {
        let holder = fs::read_to_string(self.home.socket().with_extension("lock"));
        holder.expect("the lock says who holds it").trim().parse().expect("it is a number")
    }

    /// Tells it to stop, and gives back how it ended and what it asked the kernel for, a line for each.
    ///
    /// # Panics
    /// When it does not end.
    #[must_use]
    pub fn stop(mut self) -> (Ended, String) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("it is not zero");
        kill_process(pid, Signal::TERM).expect("it is ours");
        let ended = self.process.take().expect("it was not stopped before").wait();
        (ended, fs::read_to_string(&self.trace).expect("strace wrote it"))
    }
}

/// A tracer that is killed leaves what it traced behind.
impl Drop for Traced<'_> {
    fn drop(&mut self) {
        if self.process.is_none() {
            return;
        }
        let holder = fs::read_to_string(self.home.socket().with_extension("lock")).unwrap_or_default();
        if let Some(pid) = holder.trim().parse().ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::KILL).unwrap_or(());
        }
    }
}
