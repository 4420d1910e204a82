//! What is in the daemon's memory: who can look into it, what a crash leaves of it, what of it gets to the disk, and what
//! whoever gets hold of all of it finds there.

mod crash;
mod eyes;
mod image;
mod swap;

use std::{
    ffi::{OsStr, OsString},
    process::Command,
};

use airbyte_tokend_tests::{Binary, Home};

/// A program of ours, where the home's user can run it.
fn program(home: &Home, binary: Binary) -> OsString {
    let command = home.command(binary);
    command.get_args().last().unwrap_or_else(|| command.get_program()).to_owned()
}

/// What `env(1)` is given so that it runs the daemon in this home.
fn daemon_in(home: &Home) -> Vec<OsString> {
    let command = home.command(Binary::Daemon);
    let set = |(name, value): (&OsStr, Option<&OsStr>)| {
        value.map(|value| OsString::from_iter([name, "=".as_ref(), value]))
    };
    let variables = command.get_envs().filter_map(set);
    let daemon = [program(home, Binary::Daemon), "--log".into(), "airbyte_tokend=debug".into()];
    ["-i".into()].into_iter().chain(variables).chain(daemon).collect()
}

/// The daemon in this home, run by its user, and on the way there by `root`, which is root's, with these arguments.
fn daemon_by(home: &Home, mut root: Command, arguments: &[&str]) -> Command {
    let uid = home.person().uid();
    let (user, group) = (format!("--reuid={uid}"), format!("--regid={uid}"));
    root.args(["--", "setpriv", &user, &group, "--clear-groups"]).args(arguments).args(["--", "env"]);
    root.args(daemon_in(home)).current_dir(home.path());
    root
}
