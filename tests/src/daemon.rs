//! The daemon, run as a service manager runs it.

use std::{ffi::OsString, fs, os::fd::AsFd as _, os::unix::net::UnixDatagram, path::PathBuf};

use rustix::process::Signal;

use crate::{
    Airbyte, Binary, Clocks, Ended, Home, Http, Island, PATIENCE, Process, Reply, Text, deadline::Deadline,
    process::wait_readable, random,
};

/// How a daemon is to be started.
#[derive(Debug)]
pub struct Recipe<'home> {
    home: &'home Home,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    island: Option<&'home Island>,
}

impl<'home> Recipe<'home> {
    /// With no arguments, in this home.
    #[must_use]
    pub const fn of(home: &'home Home) -> Self {
        Self { home, arguments: Vec::new(), variables: Vec::new(), island: None }
    }

    /// The same with more arguments.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(OsString::from));
        self
    }

    /// The same with one variable more.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// The same under these clocks.
    #[must_use]
    pub fn clocks(mut self, clocks: &Clocks) -> Self {
        self.variables.extend(clocks.variables().map(|(name, path)| (name.into(), path)));
        self
    }

    /// The same on this island.
    #[must_use]
    pub const fn on(mut self, island: &'home Island) -> Self {
        self.island = Some(island);
        self
    }

    /// Starts it and waits until it says that it serves.
    ///
    /// # Panics
    /// When it ends instead.
    #[must_use]
    pub fn start(&self) -> Daemon {
        match self.begin().await_ready() {
            Ok(daemon) => daemon,
            Err(ended) => panic!("the daemon did not start, {:?}:\n{}", ended.code(), ended.stderr),
        }
    }

    /// Starts it, expects that it does not serve, and gives back what it exited with and what it said.
    ///
    /// # Panics
    /// When it serves.
    #[must_use]
    pub fn fail(&self) -> Ended {
        match self.begin().await_ready() {
            Ok(_) => panic!("the daemon started"),
            Err(ended) => ended,
        }
    }

    /// Starts it and does not wait: see [`Daemon::await_ready`].
    #[must_use]
    pub fn begin(&self) -> Daemon {
        let news = self.home.path().join(format!("notify-{}", random::hex::<4>()));
        let manager = UnixDatagram::bind(&news).expect("there is room in /tmp");
        self.home.person().own(&news);
        let mut command = self.home.command(Binary::Daemon);
        command.args(&self.arguments).env("NOTIFY_SOCKET", &news);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(island) = self.island {
            command = island.command(&command);
        }
        let process = Process::start(&mut command, b"");
        Daemon { process, manager, news, socket: self.home.socket() }
    }
}

/// A daemon that runs, killed when dropped.
#[derive(Debug)]
pub struct Daemon {
    process: Process,
    manager: UnixDatagram,
    news: PathBuf,
    socket: PathBuf,
}

impl Daemon {
    /// One with no arguments, in this home, that serves.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn start(home: &Home) -> Self {
        Recipe::of(home).start()
    }

    /// One that knows the secret of its one profile `main`, in the `file` vault, and has no token yet. Airbyte's counts
    /// begin at zero.
    ///
    /// # Panics
    /// When it does not start, or cannot log in.
    #[must_use]
    pub fn start_cold(home: &Home, airbyte: &Airbyte) -> Self {
        let warm = Self::start(home);
        warm.log_in("main", airbyte, "file");
        assert_eq!(warm.stop().code(), Some(0));
        airbyte.forget_requests();
        Self::start(home)
    }

    /// Waits until it says that it serves, or ends.
    ///
    /// # Errors
    /// How it ended.
    ///
    /// # Panics
    /// When it does neither.
    pub fn await_ready(self) -> Result<Self, Ended> {
        match self.await_news("READY=1") {
            Some(_) => Ok(self),
            None => Err(self.process.wait()),
        }
    }

    /// Its process number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What it says of itself.
    #[must_use]
    pub const fn log(&self) -> &Text {
        self.process.stderr()
    }

    /// Its API.
    #[must_use]
    pub fn http(&self) -> Http {
        Http::over(&self.socket)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Has it read its configuration anew, and gives back what it then tells the service manager.
    ///
    /// # Panics
    /// When it does not.
    pub fn reload(&self) -> String {
        self.signal(Signal::HUP);
        self.await_reload()
    }

    /// Waits for the end of a reload, and gives back what it then tells the service manager.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn await_reload(&self) -> String {
        assert!(self.await_news("RELOADING=1").is_some(), "it ended:\n{}", self.log());
        self.await_news("READY=1").expect("it is still there")
    }

    /// Tells it to stop and waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    pub fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Kills it without a word.
    pub fn kill(self) -> Ended {
        self.signal(Signal::KILL);
        self.wait()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    #[must_use]
    pub fn wait(self) -> Ended {
        drop(fs::remove_file(&self.news));
        self.process.wait()
    }

    /// Makes a profile of this Airbyte.
    ///
    /// # Panics
    /// When it is refused.
    pub fn log_in(&self, name: &str, airbyte: &Airbyte, vault: &str) {
        let reply = self.try_log_in(name, airbyte, vault);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// Asks for a profile of this Airbyte.
    #[must_use]
    pub fn try_log_in(&self, name: &str, airbyte: &Airbyte, vault: &str) -> Reply {
        self.http().put(&format!("/v1/profiles/{name}"), &airbyte.profile(vault))
    }

    /// The next thing that it tells the service manager in which this stands; none when it ends.
    fn await_news(&self, wanted: &str) -> Option<String> {
        let deadline = Deadline::within(PATIENCE);
        loop {
            match wait_readable(&[self.manager.as_fd(), self.process.end()], deadline) {
                Some(0) => {}
                Some(_) => return None,
                None => panic!("it does not say {wanted}; its log:\n{}", self.log()),
            }
            let mut room = [0; 4096];
            let length = self.manager.recv(&mut room).expect("there is something to read");
            let text = String::from_utf8_lossy(&room[..length]).into_owned();
            if text.lines().any(|line| line == wanted) {
                return Some(text);
            }
        }
    }
}
