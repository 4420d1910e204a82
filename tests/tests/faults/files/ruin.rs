//! Directories that cannot be written to, each in its own way.

use std::{
    cell::Cell,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use airbyte_tokend_tests::{Home, Person, Process};

/// A file system of its own, of 64 KiB, mounted where a directory is; gone when dropped.
pub(super) struct Disk {
    path: PathBuf,
    is_read_only: Cell<bool>,
}

impl Disk {
    /// Empty, and its owner's alone. What was in the directory is hidden meanwhile.
    pub(super) fn mount(home: &Home, path: &Path) -> Self {
        let options = format!("size=64k,mode=0700,uid={}", home.person().uid());
        as_root(
            "mount",
            &["-t".as_ref(), "tmpfs".as_ref(), "-o".as_ref(), options.as_ref(), "tmpfs".as_ref(), path],
        );
        Self { path: path.to_owned(), is_read_only: Cell::new(false) }
    }

    /// Not a byte more fits on it (`ENOSPC`).
    pub(super) fn fill(&self) {
        let mut filler = fs::File::create(self.filler()).expect("it can be written to");
        while filler.write_all(&[0; 4096]).is_ok() {}
    }

    /// There is room again.
    pub(super) fn make_room(&self) {
        fs::remove_file(self.filler()).expect("it is there");
    }

    /// Nothing can be written by its name (`EROFS`), or again: a read-only view of it lies over it. The disk itself cannot
    /// be made so while the daemon has a log open on it.
    pub(super) fn set_read_only(&self, read_only: bool) {
        if self.is_read_only.replace(read_only) == read_only {
            return;
        }
        if read_only {
            as_root("mount", &["--bind".as_ref(), &self.path, &self.path]);
            as_root("mount", &["-o".as_ref(), "remount,bind,ro".as_ref(), &self.path]);
        } else {
            as_root("umount", &["--lazy".as_ref(), &self.path]);
        }
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.set_read_only(false);
        as_root("umount", &["--lazy".as_ref(), &self.path]);
    }
}

/// Nothing can be made in the directory by a user without privileges (`EACCES`), or again.
pub(super) fn set_closed(directory: &Path, closed: bool) {
    let mode = if closed { 0o500 } else { 0o700 };
    let mut chmod = Person::root().command("chmod");
    let ended = Process::start(chmod.arg(format!("{mode:o}")).arg(directory), b"").wait();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert_eq!(directory.metadata().expect("it is there").permissions().mode() & 0o777, mode);
}

/// All that is in a directory, by name, but for what fills it.
pub(super) fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("it can be listed").flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name != "filler");
    names.sort();
    names
}

fn as_root(program: &str, arguments: &[&Path]) {
    let ended = Process::start(Person::root().command(program).args(arguments), b"").wait();
    assert_eq!(ended.code(), Some(0), "{program}: {}", ended.stderr);
}
