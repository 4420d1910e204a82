//! Files and directories that somebody else could put in place of the daemon's own.

mod replaced;
mod squatted;
mod tampered;

use std::path::Path;

use airbyte_tokend_tests::{Person, Process};

/// Gives what is at the path, be it a link, this owner and group.
fn give(path: &Path, uid: u32, gid: u32) {
    as_root("chown", &["--no-dereference", &format!("{uid}:{gid}")], path);
}

fn set_mode(path: &Path, mode: u32) {
    as_root("chmod", &[&format!("{mode:o}")], path);
}

fn as_root(program: &str, arguments: &[&str], path: &Path) {
    let ended = Process::start(Person::root().command(program).args(arguments).arg(path), b"").wait();
    assert_eq!(ended.code(), Some(0), "{program}: {}", ended.stderr);
}
