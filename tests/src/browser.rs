//! A browser as people have it: Chromium without a window.

mod port;
mod web;

use std::{
    fs,
    os::unix::{ffi::OsStrExt as _, process::CommandExt as _},
    path::Path,
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub use self::{
    port::free_port,
    web::{Answer, Asked, Web},
};
use crate::{PATIENCE, Person, Process, deadline::Deadline};

/// A browser with a new profile, in which every name under `.example` (RFC 2606) is this machine and no other name is
/// known. It ends, with all of its processes, when this is dropped; then its profile is removed.
///
/// What it has of its own against pages that reach for this machine is off, as far as it can be turned off: it is not
/// what is tested, and the next browser has other ideas.
#[derive(Debug)]
pub struct Browser {
    process: Process,
    group: u32,
    profile: TempDir,
}

/// What keeps it quiet, and what it would do itself against attacks on this machine.
const FLAGS: [&str; 17] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-dev-shm-usage",
    "--disable-popup-blocking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--host-resolver-rules=MAP *.example 127.0.0.1, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE ::1, EXCLUDE 0.0.0.0, MAP * ~NOTFOUND",
    "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets,\
     LocalNetworkAccessChecksWebTransport,LocalNetworkAccessForWorkers,LocalNetworkAccessForNavigations,\
     LocalNetworkAccessForSubframeNavigations,LocalNetworkAccessForFencedFrameNavigations,\
     BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights,MediaRouter,OptimizationHints",
];

impl Browser {
    /// Opens this page. Pages of this origin may use all that is kept for pages that came over TLS, as those of an attacker
    /// with a certificate.
    #[must_use]
    pub fn open(origin: &str, path: &str) -> Self {
        let profile =
            tempfile::Builder::new().prefix("airbyte-browser-").tempdir().expect("there is room in /tmp");
        let mut command = Person::me().command("setpriv");
        command.args(["--pdeathsig", "KILL", "chromium"]).args(FLAGS);
        command.arg(format!("--unsafely-treat-insecure-origin-as-secure={origin}"));
        command.arg(format!("--user-data-dir={}", profile.path().join("profile").display()));
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", profile.path());
        command.env("TMPDIR", profile.path()).current_dir(profile.path());
        command.arg(format!("{origin}{path}"));
        let process = Process::start(command.process_group(0), b"");
        Self { group: process.pid(), process, profile }
    }

    /// What it says of itself.
    #[must_use]
    pub fn said(&self) -> String {
        self.process.stderr().to_string()
    }
}

impl Browser {
    /// It and its helpers: zygotes, renderers, who loads and who catches crashes. Most are no children of ours. They are in
    /// a group of their own, or have its environment where they left that; some write over theirs.
    fn processes(&self) -> Vec<Pid> {
        let processes = fs::read_dir("/proc").expect("there is a /proc").flatten().map(|entry| entry.path());
        let number = |process: &Path| process.file_name()?.to_str()?.parse().ok().and_then(Pid::from_raw);
        processes.filter(|process| self.owns(process)).filter_map(|process| number(&process)).collect()
    }

    fn owns(&self, process: &Path) -> bool {
        let mark = [b"HOME=", self.profile.path().as_os_str().as_bytes(), b"\0"].concat();
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        group_of(process) == Some(self.group) || environment.windows(mark.len()).any(|window| window == mark)
    }
}

/// The process group of a process that has not ended (proc_pid_stat(5)).
fn group_of(process: &Path) -> Option<u32> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    let group = fields.nth(1)?.parse().ok()?;
    (!["Z", "X"].contains(&state)).then_some(group)
}

impl Drop for Browser {
    fn drop(&mut self) {
        let deadline = Deadline::within(PATIENCE);
        while !deadline.is_over() {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            for pid in left {
                // It may have ended by itself.
                kill_process(pid, Signal::KILL).unwrap_or(());
            }
            thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn it_leaves_neither_processes_nor_files_behind() {
        let (listener, port) = free_port();
        let (tell, asked) = channel();
        let _site = Web::at(listener, move |_| {
            tell.send(()).unwrap_or(());
            Answer::page("text/html", "<p>Hello")
        });
        let browser = Browser::open(&format!("http://a.example:{port}"), "/");
        assert!(asked.recv_timeout(PATIENCE).is_ok(), "it opens the page: {}", browser.said());
        let (profile, group) = (browser.profile.path().to_owned(), browser.group);
        assert!(browser.processes().len() > 3, "it has helpers");
        drop(browser);
        let processes = fs::read_dir("/proc").expect("there is a /proc").flatten();
        let mut left = processes.filter(|process| group_of(&process.path()) == Some(group));
        assert!(left.next().is_none(), "they ended");
        assert!(!profile.exists());
    }
}
