//! May what a path names be replaced by somebody else?
//!
//! Whoever can rename a directory on the way to the configuration chooses where the client secret is sent. So before a
//! file is believed, the way to it is walked as the kernel walks it, from `/` and through every symbolic link, and each
//! directory on it must be one that only root and this user can change. What is asked of each is in [`judge`]; what it
//! is asked of, in [`Tree`], so that the rules can be held against trees that are only imagined.
//!
//! May not enter here: what a file is for, what is in it, and who may read it. A secret's own file has stricter rules,
//! and whoever reads it knows them.
//!
//! The walk is not one step of the kernel's, and need not be: a name is looked at only once all that stands before it
//! was found to be out of the reach of others, so none of them can change what that look goes through. That says
//! nothing of a file which was opened before its way was judged. There, the way is judged after the opening, and what it
//! ends at is compared with the open file: one that was slipped in for the moment of opening is another one.

mod fault;
mod tree;
mod walk;

pub use fault::{Fault, Place, Untrusted};
pub use tree::{Disk, Kind, Node, Tree};
pub use walk::judge;

use std::{
    fs::File,
    io,
    path::{Path, absolute},
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
    process::geteuid,
};

/// Checks that nobody but root and this user can replace what is at this path, or make it where it is missing. A path
/// that is not absolute begins at the working directory.
///
/// What cannot be looked at is not refused: whoever opens it fails, and says why.
///
/// # Errors
/// Which component others can replace, whose it is, its mode, and what to do.
pub fn check(path: &Path) -> Result<(), Untrusted> {
    match judge_here(path) {
        Err(Untrusted { fault: Fault::Unseen { .. }, .. }) | Ok(_) => Ok(()),
        Err(untrusted) => Err(untrusted),
    }
}

/// Opens the file at this path to be read, if nobody but root and this user can replace or change it; none, where there
/// is none and nobody else can make one.
///
/// # Errors
/// As for [`check`], and where it cannot be opened or is neither a file nor a directory: a pipe has no end, and a
/// device is no file of anybody's.
pub fn open(path: &Path) -> Result<Option<File>, Untrusted> {
    let unseen = |source| Untrusted::new(path, Fault::Unseen { at: path.to_owned(), source });
    // Without this flag a pipe that nobody writes to would hold the daemon up.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opened = open_by(path, || match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => Ok(Some(File::from(file))),
        Err(Errno::NOENT) => Ok(None),
        // Why it may not be opened is worth less than that it should not be.
        Err(errno) => Err(check(path).err().unwrap_or_else(|| unseen(errno.into()))),
    })?;
    let Some(file) = opened else { return check(path).map(|()| None) };
    let kind = file.metadata().map_err(unseen)?.file_type();
    if kind.is_file() || kind.is_dir() {
        return Ok(Some(file));
    }
    Err(unseen(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")))
}

/// Opens the file at this path as `open` does, and checks that it is what stands there and that nobody but root and this
/// user can replace or change it. One that is replaced just then, as by an editor, is opened anew.
///
/// # Errors
/// As `open` says; as for [`check`], and where the path of an open file cannot be looked at.
pub fn open_by<E: From<Untrusted>>(
    path: &Path,
    open: impl Fn() -> Result<Option<File>, E>,
) -> Result<Option<File>, E> {
    let mut tries = 1..MOST_TRIES;
    loop {
        let Some(file) = open()? else { return Ok(None) };
        match verify(&file, path) {
            Err(Untrusted { fault: Fault::Swapped, .. }) if tries.next().is_some() => {}
            verified => return verified.map(|()| Some(file)).map_err(E::from),
        }
    }
}

/// How often a file is opened that is another one each time.
const MOST_TRIES: u32 = 16;

/// Judges the way after the file was opened: see the module's own words on why.
fn verify(file: &File, path: &Path) -> Result<(), Untrusted> {
    let unseen = |source| Untrusted::new(path, Fault::Unseen { at: path.to_owned(), source });
    let opened = Node::of(&file.metadata().map_err(unseen)?);
    let named = judge_here(path)?;
    if named.is_some_and(|named| named.inode == opened.inode) {
        return Ok(());
    }
    Err(Untrusted::new(path, Fault::Swapped))
}

fn judge_here(path: &Path) -> Result<Option<Node>, Untrusted> {
    let unseen = |source| Untrusted::new(path, Fault::Unseen { at: path.to_owned(), source });
    judge(&Disk, &absolute(path).map_err(unseen)?, geteuid().as_raw())
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, fs, io::Read as _, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn opened(path: &Path) -> Option<File> {
        Some(File::open(path).unwrap())
    }

    #[test]
    fn a_file_that_is_replaced_while_it_is_opened_is_opened_anew() {
        let home = tempfile::tempdir().unwrap();
        let (path, next) = (home.path().join("file"), home.path().join("next"));
        fs::write(&path, "old").unwrap();
        fs::write(&next, "new").unwrap();
        let file = open_by(&path, || {
            let file = opened(&path);
            if next.exists() {
                fs::rename(&next, &path).unwrap();
            }
            Ok::<_, Untrusted>(file)
        });
        let mut text = String::new();
        file.unwrap().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "new");
    }

    #[test]
    fn a_file_that_was_slipped_in_for_the_opening_is_not_read() {
        let home = tempfile::tempdir().unwrap();
        let (path, other) = (home.path().join("file"), home.path().join("other"));
        fs::write(&path, "right").unwrap();
        fs::write(&other, "wrong").unwrap();
        let tries = Cell::new(0);
        let refused = open_by(&path, || {
            tries.set(tries.get() + 1);
            Ok(opened(&other))
        });
        assert!(matches!(refused, Err(Untrusted { fault: Fault::Swapped, .. })));
        assert_eq!(tries.get(), MOST_TRIES, "it is not tried for ever");
    }

    #[test]
    fn what_cannot_be_looked_at_is_left_to_whoever_opens_it() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        let beyond = file.join("beyond");
        assert!(check(&beyond).is_ok());
        assert!(matches!(open(&beyond), Err(Untrusted { fault: Fault::Unseen { .. }, .. })));
    }

    #[test]
    fn pipes_and_devices_are_no_files() {
        let home = tempfile::tempdir().unwrap();
        let pipe = home.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg("--mode=600").arg(&pipe).status();
        assert!(made.unwrap().success());
        assert!(open(&pipe).unwrap_err().to_string().contains("no regular file"));
        assert!(open(Path::new("/dev/null")).is_err());
    }

    #[test]
    fn a_missing_file_is_none_where_nobody_else_can_make_it() {
        let home = tempfile::tempdir().unwrap();
        let missing = home.path().join("not/there");
        assert!(open(&missing).unwrap().is_none());
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        let Err(Untrusted { fault: Fault::Shared { at }, .. }) = open(&missing) else {
            panic!("anybody can make it")
        };
        assert_eq!(at.path, fs::canonicalize(home.path()).unwrap());
        assert!(open(home.path()).is_err());
    }

    #[test]
    fn as_many_links_are_followed_as_the_kernel_follows() {
        let home = tempfile::tempdir().unwrap();
        let at = |number: usize| home.path().join(number.to_string());
        fs::write(at(0), "").unwrap();
        for number in 1..=41 {
            std::os::unix::fs::symlink(at(number - 1), at(number)).unwrap();
            assert_eq!(judge_here(&at(number)).is_ok(), File::open(at(number)).is_ok(), "{number} links");
        }
        assert!(judge_here(&at(40)).is_ok() && judge_here(&at(41)).is_err());
    }

    #[test]
    fn a_path_begins_where_the_process_is() {
        let here = std::env::current_dir().unwrap();
        let verdict = |path: &Path| format!("{:?}", judge_here(path));
        for name in ["Cargo.toml", "src/../not-there"] {
            assert_eq!(verdict(Path::new(name)), verdict(&here.join(name)));
        }
    }
}
