//! Somebody who listens to the whole bus.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
};

use zbus::blocking::Connection;

/// A `dbus-monitor`, which writes out all that is said.
pub(crate) struct Monitor {
    child: Child,
    heard: BufReader<ChildStdout>,
}

impl Monitor {
    /// Returns when it hears.
    pub(crate) fn start() -> Self {
        let mut child = Command::new("dbus-monitor").arg("--session").stdout(Stdio::piped()).spawn().unwrap();
        let heard = BufReader::new(child.stdout.take().unwrap());
        let mut monitor = Self { child, heard };
        // The bus takes its name away when it has become a monitor.
        monitor.until("member=NameLost");
        monitor
    }

    /// All it heard from here to the first line with this word. Waits for it.
    pub(crate) fn until(&mut self, word: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.heard.read_line(&mut line).unwrap(), 0, "the bus ended before it said {word}");
            all.push_str(&line);
            if line.contains(word) {
                return all;
            }
        }
    }

    /// All it has heard up to now.
    pub(crate) fn so_far(&mut self) -> String {
        let bus = Connection::session().unwrap();
        bus.emit_signal(None::<&str>, "/", "test.Marker", "EndOfListening", &()).unwrap();
        self.until("member=EndOfListening")
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
