//! A browser as people have it: Chromium without a window.

mod port;
mod web;

use std::{fs, os::unix::ffi::OsStrExt as _, path::Path, thread};

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
    process: Option<Process>,
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
        Self { process: Some(Process::start(&mut command, b"")), profile }
    }

    /// What it says of itself.
    #[must_use]
    pub fn said(&self) -> String {
        self.process.as_ref().map(|process| process.stderr().to_string()).unwrap_or_default()
    }
}

impl Drop for Browser {
    /// Its helpers (zygotes, renderers, who catches crashes) are no children of ours, but all have its environment.
    fn drop(&mut self) {
        drop(self.process.take());
        let deadline = Deadline::within(PATIENCE);
        while !deadline.is_over() {
            let left = processes_at(self.profile.path());
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

/// Those whose `HOME` this is.
fn processes_at(home: &Path) -> Vec<Pid> {
    let mark = [b"HOME=", home.as_os_str().as_bytes(), b"\0"].concat();
    let lives_there = |process: &Path| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        environment.windows(mark.len()).any(|window| window == mark)
    };
    let number = |process: &Path| process.file_name()?.to_str()?.parse().ok().and_then(Pid::from_raw);
    let processes = fs::read_dir("/proc").expect("there is a /proc").flatten().map(|entry| entry.path());
    processes.filter(|process| lives_there(process)).filter_map(|process| number(&process)).collect()
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
        let profile = browser.profile.path().to_owned();
        assert!(processes_at(&profile).len() > 1, "it has helpers");
        drop(browser);
        assert_eq!(processes_at(&profile), [], "they ended");
        assert!(!profile.exists());
    }
}
