//! The users that things are done as.
//!
//! Whoever runs the tests is the owner of most homes. What only another user can show (a stranger is refused, the owner
//! of a process cannot look into it) is done as a user without a name, through `setpriv(1)`; where the tests do not
//! run as root, through `sudo -n`.

use std::{ffi::OsStr, os::unix::fs::MetadataExt as _, path::Path, process::Command};

/// Nobody has this uid on a usual machine: system users are below 1000, people count up from there.
const OWNER: u32 = 61_500;
const STRANGER: u32 = 61_501;

/// A user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person(Who);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Me,
    Other(u32),
}

impl Person {
    /// Whoever runs the tests.
    #[must_use]
    pub const fn me() -> Self {
        Self(Who::Me)
    }

    /// A user without any privilege, whose daemon it is: whoever runs the tests, unless that is root.
    #[must_use]
    pub fn owner() -> Self {
        if am_root() { Self(Who::Other(OWNER)) } else { Self::me() }
    }

    /// Another user without any privilege.
    #[must_use]
    pub const fn stranger() -> Self {
        Self(Who::Other(STRANGER))
    }

    /// The administrator.
    #[must_use]
    pub fn root() -> Self {
        if am_root() { Self::me() } else { Self(Who::Other(0)) }
    }

    /// The user's number.
    #[must_use]
    pub fn uid(self) -> u32 {
        match self.0 {
            Who::Me => rustix::process::geteuid().as_raw(),
            Who::Other(uid) => uid,
        }
    }

    /// Whether it is whoever runs the tests.
    #[must_use]
    pub const fn is_me(self) -> bool {
        matches!(self.0, Who::Me)
    }

    /// The program, run as this user. Its process is the one that is started: nothing stands between.
    #[must_use]
    pub fn command(self, program: impl AsRef<OsStr>) -> Command {
        let Who::Other(uid) = self.0 else { return Command::new(program) };
        let mut command = if am_root() { Command::new("setpriv") } else { sudo() };
        let (user, group) = (format!("--reuid={uid}"), format!("--regid={uid}"));
        command.args([&user, &group, "--clear-groups", "--"]).arg(program);
        command
    }

    /// Gives the file or directory itself to this user.
    ///
    /// # Panics
    /// When root is not to be had.
    pub fn own(self, path: &Path) {
        if path.symlink_metadata().expect("it is there").uid() == self.uid() {
            return;
        }
        let mut chown = Self::root().command("chown");
        let status = chown.args(["--no-dereference", &self.uid().to_string()]).arg(path).status();
        assert!(status.is_ok_and(|status| status.success()), "root gives things away");
    }
}

fn sudo() -> Command {
    let mut command = Command::new("sudo");
    command.args(["-n", "setpriv"]);
    command
}

fn am_root() -> bool {
    rustix::process::geteuid().is_root()
}
