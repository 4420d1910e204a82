//! A network of one's own: names and routes that break, for what runs inside, and nobody else notices.
//!
//! It is a network namespace and a mount namespace (namespaces(7)). Programs inside see the same files as those outside,
//! but for the three that the C library looks names up in, and are reached over the same Unix sockets.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Ended, Home, Person, Process};

/// Arguments: the directory of the three files.
///
/// One end of a cable is the way out. Nothing is connected to the other end, but the neighbours on it seem to be there:
/// what is sent to them is lost, as on a network that drops everything.
const PREPARE: &str = r#"
set -eu
for file in hosts resolv.conf nsswitch.conf; do mount --bind "$1/$file" "/etc/$file"; done
ip link add out type veth peer name nowhere
ip link set lo up
ip link set nowhere up
ip link set out up
ip address add 192.0.2.2/24 dev out
for neighbour in 192.0.2.10 192.0.2.53; do ip neighbour add "$neighbour" lladdr 02:00:00:00:00:99 dev out; done
echo ready
exec setpriv --pdeathsig KILL sleep infinity
"#;

/// Namespaces with nothing in them but a loopback device and a way out that loses everything: the addresses 192.0.2.10
/// and 192.0.2.53 (RFC 5737) are there and never answer. They end when this is dropped.
#[derive(Debug)]
pub struct Island {
    holder: Process,
    files: PathBuf,
    person: Person,
}

impl Island {
    /// Where names are looked up as `hosts` says: `files`, or `files dns` (nsswitch.conf(5)). No name is known, and the
    /// name server is 192.0.2.53: the C library waits for it for minutes (resolv.conf(5)).
    ///
    /// # Panics
    /// When root is not to be had.
    #[must_use]
    pub fn new(home: &Home, hosts: &str) -> Self {
        let files = home.path().join("island");
        home.make_directory(&files);
        for (name, text) in [
            ("hosts", ""),
            ("resolv.conf", "nameserver 192.0.2.53\noptions timeout:30 attempts:5\n"),
            ("nsswitch.conf", &format!("hosts: {hosts}\n")),
        ] {
            home.write(&files.join(name), text.as_bytes());
        }
        let mut unshare = Person::root().command("unshare");
        unshare.args(["--net", "--mount", "sh", "-c", PREPARE, "island"]).arg(&files);
        let holder = Process::start(&mut unshare, b"");
        holder.stdout().wait_for("ready");
        Self { holder, files, person: home.person() }
    }

    /// Says something else in `hosts` or `resolv.conf`.
    ///
    /// # Panics
    /// When there is no room.
    pub fn say(&self, file: &str, text: &str) {
        // In place: another file of the same name would not be seen inside.
        std::fs::write(self.files.join(file), text).expect("there is room in /tmp");
    }

    /// Runs `ip(8)` inside, as root.
    ///
    /// # Panics
    /// When it fails.
    pub fn ip(&self, arguments: &[&str]) {
        let ended = self.run(&[&["ip"], arguments].concat());
        assert_eq!(ended.code(), Some(0), "ip {arguments:?}: {}", ended.stderr);
    }

    /// Runs a program inside, as root.
    #[must_use]
    pub fn run(&self, command: &[&str]) -> Ended {
        Process::start(self.enter().args(command), b"").wait()
    }

    /// Lays the cable from here to that island. There is another machine on it from then on: `192.0.2.77`.
    ///
    /// # Panics
    /// When one of them has been laid somewhere already.
    pub fn lay_cable(&self, other: &Self) {
        let other_end = other.process().to_string();
        self.ip(&["link", "set", "nowhere", "netns", &other_end, "name", "cable"]);
        other.ip(&["address", "del", "192.0.2.2/24", "dev", "out"]);
        other.ip(&["address", "add", "192.0.2.77/24", "dev", "cable"]);
        other.ip(&["link", "set", "cable", "up"]);
    }

    /// The same command, run inside by the user whose home it is. It gets no environment but what was set for it.
    #[must_use]
    pub fn command(&self, command: &Command) -> Command {
        let mut inside = self.enter();
        let uid = self.person.uid();
        inside.args(["setpriv", &format!("--reuid={uid}"), &format!("--regid={uid}"), "--clear-groups"]);
        inside.args(["--pdeathsig", "KILL", "env", "-i"]);
        let set = |(name, value): (&OsStr, Option<&OsStr>)| {
            value.map(|value| OsString::from_iter([name, "=".as_ref(), value]))
        };
        inside.args(command.get_envs().filter_map(set));
        inside.arg(command.get_program()).args(command.get_args());
        inside.current_dir(command.get_current_dir().unwrap_or_else(|| Path::new("/")));
        inside
    }

    fn enter(&self) -> Command {
        let mut command = Person::root().command("nsenter");
        command.args(["-t", &self.process().to_string(), "-n", "-m", "--"]);
        command
    }

    /// What is inside: below `sudo(8)`, if it needs that, and the same process otherwise.
    fn process(&self) -> u32 {
        let mut process = self.holder.pid();
        while let Some(child) = only_child(process) {
            process = child;
        }
        process
    }
}

impl Drop for Island {
    /// What `sudo(8)` runs does not end with it.
    fn drop(&mut self) {
        let ended = Person::root().command("kill").args(["-KILL", &self.process().to_string()]).status();
        drop(ended);
    }
}

fn only_child(parent: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}
