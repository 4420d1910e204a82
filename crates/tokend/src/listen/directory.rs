//! The socket's directory: ours, and closed to everybody else, before anything is put into it.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

/// Nobody but us may enter: for a socket that we bind.
pub(super) const PRIVATE: u32 = 0o077;
/// Nobody but us may put anything in: for a socket that systemd bound, with the access that its unit says.
pub(super) const UNWRITABLE: u32 = 0o022;

/// Makes the directory with mode 0700, or checks that the one that is there has none of the `forbidden` mode bits.
/// What is too open is refused, not mended: whoever opened it may have put something in.
pub(super) fn prepare(path: &Path, forbidden: u32) -> Result<(), DirectoryError> {
    let failed = |source| DirectoryError::Io { path: path.to_owned(), source };
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let found = fs::symlink_metadata(path).map_err(failed)?;
    let (owner, mode) = (found.uid(), found.mode() & 0o7777);
    if !found.is_dir() {
        return Err(DirectoryError::NotADirectory { path: path.to_owned() });
    }
    if owner != rustix::process::geteuid().as_raw() {
        return Err(DirectoryError::NotOurs { path: path.to_owned(), owner });
    }
    if mode & forbidden != 0 {
        return Err(DirectoryError::TooOpen { path: path.to_owned(), mode });
    }
    Ok(())
}

/// Why the directory cannot be trusted with a socket.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A file or a symbolic link stands there.
    #[error("{path} is not a directory; remove it and start again", path = path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// Somebody else made it.
    #[error("{path} belongs to user {owner}, not to this one; remove it and start again", path = path.display())]
    NotOurs {
        /// The path.
        path: PathBuf,
        /// The owner's uid.
        owner: u32,
    },
    /// Others can put sockets of their own there.
    #[error("{path} has mode {mode:o} and is open to others; run: chmod 700 {path}", path = path.display())]
    TooOpen {
        /// The path.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The system refused.
    #[error("the directory {path} cannot be made: {source}", path = path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
