//! A directory of our own, and programs that know no other.

use std::{
    fs, io,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    clock::Stopwatch,
    trouble::{Trouble, While as _},
};

/// Longer than anything here takes to start, on however busy a machine.
const START_LIMIT: Duration = Duration::from_secs(30);

/// What programs are told of places, and where under ours they are.
const HOMES: [(&str, &str); 4] = [
    ("HOME", "home"),
    ("XDG_RUNTIME_DIR", "run"),
    ("XDG_CONFIG_HOME", "config"),
    ("XDG_STATE_HOME", "state"),
];

/// Gone, with all that is in it, when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Result<Self, Trouble> {
        let made = tempfile::Builder::new().prefix("airbyte-bench.").tempdir();
        let place = Self(made.when("make a private directory")?);
        for (_, directory) in HOMES {
            fs::create_dir(place.path(directory)).when("make a private directory")?;
        }
        Ok(place)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Where a daemon that runs here listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path("run/airbyte-tokend/api.sock")
    }

    /// A program that sees nothing of this process's environment.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("AIRBYTE_TOKEND_SOCKET", self.socket()).stdin(Stdio::null());
        command.envs(HOMES.map(|(variable, directory)| (variable, self.path(directory))));
        command
    }

    /// Starts a server and waits until it says `READY=1` (sd_notify(3)); tells how long that took.
    pub(crate) fn start(&self, mut command: Command) -> Result<(Running, Duration), Trouble> {
        let path = self.path("notify");
        let manager = UnixDatagram::bind(&path).when("listen for READY=1")?;
        manager.set_read_timeout(Some(START_LIMIT)).when("listen for READY=1")?;
        let log = fs::File::create(self.path("log")).when("make a log")?;
        command.env("NOTIFY_SOCKET", &path).stdout(Stdio::null()).stderr(log);
        let program = command.get_program().to_string_lossy().into_owned();
        let begun = Stopwatch::start();
        let running = Running(command.spawn().when(format!("start {program}"))?);
        let ready = await_ready(&manager).map(|()| begun.elapsed());
        fs::remove_file(&path).when("stop listening for READY=1")?;
        ready.map(|after| (running, after)).map_err(|error| {
            let said = fs::read_to_string(self.path("log")).unwrap_or_default();
            Trouble::program(&program, format!("never said that it was ready ({error}); it said: {said}"))
        })
    }
}

fn await_ready(manager: &UnixDatagram) -> io::Result<()> {
    let mut message = [0; 4096];
    loop {
        let length = manager.recv(&mut message)?;
        if message[..length].split(|byte| *byte == b'\n').any(|line| line == b"READY=1") {
            return Ok(());
        }
    }
}

/// A process that does not outlive its owner.
#[derive(Debug)]
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Stops it at once, and waits until its socket is nobody's.
    pub(crate) fn stop(&mut self) -> io::Result<ExitStatus> {
        self.0.kill()?;
        self.0.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone.
        drop(self.stop());
    }
}
