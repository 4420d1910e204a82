//! How callers get in: one Unix socket, either the one that systemd opened for us or one that is bound here, under a
//! lock, in a directory that nobody else can enter.

mod directory;
mod lock;

pub use directory::DirectoryError;
pub use lock::LockError;

use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
};

use lock::Lock;

/// How many callers may wait to be accepted; beyond that `connect(2)` says `EAGAIN`.
const BACKLOG: i32 = 4096;

/// A socket that callers can connect to, and the lock that makes it ours alone.
#[derive(Debug)]
pub struct Listening {
    listener: UnixListener,
    path: PathBuf,
    bound: Option<Inode>,
    _lock: Lock,
}

#[derive(Debug, PartialEq, Eq)]
struct Inode {
    device: u64,
    number: u64,
}

impl Listening {
    /// Takes systemd's socket if there is one (`sd_listen_fds(3)`), else binds `path`: makes its directory 0700,
    /// takes the lock beside it, and only then replaces a stale socket.
    ///
    /// # Errors
    /// When the directory is not ours alone, another daemon holds the lock, or the socket cannot be bound.
    pub fn open(path: &Path, inherited: Option<UnixListener>) -> Result<Self, ListenError> {
        let directory = path.parent().ok_or(ListenError::NoDirectory)?;
        let forbidden = if inherited.is_some() { directory::UNWRITABLE } else { directory::PRIVATE };
        directory::prepare(directory, forbidden)?;
        let lock = Lock::take(&path.with_extension("lock"))?;
        let failed = |source| ListenError::Socket { path: path.to_owned(), source };
        let (listener, bound) = match inherited {
            Some(listener) => (listener, None),
            None => bind(path).map(|(listener, inode)| (listener, Some(inode))).map_err(failed)?,
        };
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self { listener, path: path.to_owned(), bound, _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A second handle to the socket, for the loop that accepts.
    ///
    /// # Errors
    /// When the process has no file descriptor left.
    pub fn listener(&self) -> io::Result<UnixListener> {
        self.listener.try_clone()
    }
}

impl Drop for Listening {
    /// Takes the socket's name away while the lock is still held, unless it is systemd's or somebody replaced it.
    fn drop(&mut self) {
        let still_ours =
            fs::symlink_metadata(&self.path).is_ok_and(|now| Some(Inode::of(&now)) == self.bound);
        if still_ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, "the socket's name could not be removed");
        }
    }
}

impl Inode {
    fn of(metadata: &fs::Metadata) -> Self {
        Self { device: metadata.dev(), number: metadata.ino() }
    }
}

/// The first Unix socket that systemd passed, if it passed any.
///
/// # Errors
/// When what it passed first is no listening Unix socket.
pub fn inherited() -> io::Result<Option<UnixListener>> {
    listenfd::ListenFd::from_env().take_unix_listener(0)
}

/// Binds under another name and renames over the old socket: there is no moment without a socket. Between `bind` and
/// `chmod` the mode is seen by no one: the directory is 0700 and ours.
fn bind(path: &Path) -> io::Result<(UnixListener, Inode)> {
    let fresh = path.with_extension("new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&fresh)?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600))?;
    rustix::net::listen(&listener, BACKLOG)?;
    fs::rename(&fresh, path)?;
    let inode = Inode::of(&fs::symlink_metadata(path)?);
    Ok((listener, inode))
}

/// Why there is no socket to serve on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The socket's path has no directory.
    #[error("the socket's path must be absolute and have a directory")]
    NoDirectory,
    /// The directory cannot be trusted.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The lock is not to be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The socket itself.
    #[error("the socket {path} cannot be bound: {source}", path = path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
