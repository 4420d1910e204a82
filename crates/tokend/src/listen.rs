//! How callers get in: the main Unix socket, either the one that systemd opened for us or one that is bound here, under a
//! lock, in a directory that nobody else can enter; and others, each in a directory that nobody else can write.

mod descriptors;
mod directory;
mod lock;
mod loopback;
mod vigil;

pub use descriptors::{Descriptors, FEWEST_SEATS, MOST_SEATS, TooFewDescriptors};
pub use directory::DirectoryError;
pub use lock::LockError;
pub use loopback::{PortError, open as open_port};
pub use vigil::Vigil;

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
    os::unix::net::{SocketAddr, UnixListener},
    path::{Path, PathBuf},
};

use crate::trust;
use directory::Demand;
use lock::Lock;

/// How many callers may wait to be accepted; beyond that `connect(2)` says `EAGAIN`.
const BACKLOG: i32 = 4096;

/// A claim to the place where callers connect: the lock that makes it ours alone, and the socket's name.
#[derive(Debug)]
pub struct Listening {
    path: PathBuf,
    bound: Option<Inode>,
    _lock: Lock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Inode {
    device: u64,
    number: u64,
}

/// Who may connect to a socket, as far as its mode says. The kernel says who does, and that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The daemon's own user, and root.
    Owner,
    /// Others, too.
    Others,
}

impl Access {
    /// `connect(2)` asks for write permission (`unix(7)`).
    const fn mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::Others => 0o666,
        }
    }

    const fn demand(self) -> Demand {
        match self {
            Self::Owner => Demand::Unwritable,
            Self::Others => Demand::Passable,
        }
    }
}

impl Listening {
    /// Takes systemd's socket if there is one (`sd_listen_fds(3)`), wherever it is, else binds `path`: makes its
    /// directory 0700, takes the lock beside it, and only then replaces a stale socket.
    ///
    /// # Errors
    /// When the directory is not ours alone, another daemon holds the lock, or the socket cannot be bound.
    pub fn open(path: &Path, inherited: Option<UnixListener>) -> Result<(UnixListener, Self), ListenError> {
        match inherited {
            None => Self::bind(path, Demand::Private, Access::Owner),
            Some(listener) => {
                let path = path_of(&listener)?;
                let lock = Self::claim(&path, Demand::Unwritable)?;
                listener.set_nonblocking(true).map_err(|source| failed(&path, source))?;
                Ok((listener, Self { path, bound: None, _lock: lock }))
            }
        }
    }

    /// Binds a socket apart from the main one, for these callers. Its directory must be ours, nobody else may write it,
    /// and where others may connect they must be able to pass it; it is made if it is missing, 0711.
    ///
    /// # Errors
    /// When the directory is otherwise, another daemon holds the lock, or the socket cannot be bound.
    pub fn beside(path: &Path, access: Access) -> Result<(UnixListener, Self), ListenError> {
        Self::bind(path, access.demand(), access)
    }

    fn bind(path: &Path, demand: Demand, access: Access) -> Result<(UnixListener, Self), ListenError> {
        let lock = Self::claim(path, demand)?;
        refuse_what_is_no_socket_of_ours(path)?;
        let (listener, inode) = bind(path, access).map_err(|source| failed(path, source))?;
        listener.set_nonblocking(true).map_err(|source| failed(path, source))?;
        Ok((listener, Self { path: path.to_owned(), bound: Some(inode), _lock: lock }))
    }

    fn claim(path: &Path, demand: Demand) -> Result<Lock, ListenError> {
        let directory = path.parent().filter(|_| path.is_absolute()).ok_or(ListenError::NoDirectory)?;
        directory::prepare(directory, demand)?;
        Ok(Lock::take(&path.with_extension("lock"))?)
    }

    /// Checks what [`beside`](Self::beside) would, and makes nothing.
    ///
    /// # Errors
    /// When the directory is not fit for such a socket, or something else stands in its place.
    pub fn could_be(path: &Path, access: Access) -> Result<(), ListenError> {
        let directory = path.parent().filter(|_| path.is_absolute()).ok_or(ListenError::NoDirectory)?;
        if directory.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Ok(trust::check(directory).map_err(DirectoryError::from)?);
        }
        directory::check(directory, access.demand())?;
        refuse_what_is_no_socket_of_ours(path)
    }

    /// Checks that its directory is still fit for it, and would be for these callers.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(&self, access: Access) -> Result<(), ListenError> {
        let directory = self.path.parent().ok_or(ListenError::NoDirectory)?;
        Ok(directory::check(directory, access.demand())?)
    }

    /// Lets these callers connect from now on, as far as it is the mode's to decide.
    ///
    /// # Errors
    /// When the system refuses; then all is as before.
    pub fn admit(&self, access: Access) -> io::Result<()> {
        fs::set_permissions(&self.path, fs::Permissions::from_mode(access.mode()))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Somebody to watch over the socket's name; nobody where it is systemd's, or where the system has no watch left:
    /// then a socket that is removed stays so. Must be called on the runtime.
    #[must_use]
    pub fn vigil(&self) -> Option<Vigil> {
        let vigil = Vigil::over(&self.path, &spare(&self.path), self.bound?);
        vigil.inspect_err(|error| tracing::debug!(%error, "the socket's name is not watched")).ok()
    }
}

impl Drop for Listening {
    /// Takes the socket's names away while the lock is still held, unless it is systemd's or somebody replaced it.
    fn drop(&mut self) {
        let still_ours =
            fs::symlink_metadata(&self.path).is_ok_and(|now| Some(Inode::of(&now)) == self.bound);
        let names = [still_ours.then(|| self.path.clone()), self.bound.map(|_| spare(&self.path))];
        for name in names.into_iter().flatten() {
            if let Err(error) = fs::remove_file(name) {
                tracing::debug!(%error, "a name of the socket could not be removed");
            }
        }
    }
}

impl Inode {
    fn of(metadata: &fs::Metadata) -> Self {
        Self { device: metadata.dev(), number: metadata.ino() }
    }
}

/// The Unix socket that systemd passed, if it passed any.
///
/// # Errors
/// When what it passed is no listening Unix socket, or more than one: callers of the second would wait for ever.
pub fn inherited() -> io::Result<Option<UnixListener>> {
    let mut passed = listenfd::ListenFd::from_env();
    if passed.len() > 1 {
        let text = format!("there are {}, and one is served; leave one ListenStream=", passed.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let listener = passed.take_unix_listener(0)?;
    match listener.as_ref().map(rustix::net::sockopt::socket_acceptconn).transpose()? {
        Some(false) => {
            let text = "it is a caller's connection; set Accept=no";
            Err(io::Error::new(io::ErrorKind::InvalidInput, text))
        }
        Some(true) | None => Ok(listener),
    }
}

/// Where systemd bound it. A socket without a name in the file system has no directory to keep others out.
fn path_of(listener: &UnixListener) -> Result<PathBuf, ListenError> {
    let address = listener.local_addr().ok();
    address.as_ref().and_then(SocketAddr::as_pathname).map(Path::to_owned).ok_or(ListenError::NoDirectory)
}

/// The second name of the socket at this path: from it, the first can be made again.
fn spare(path: &Path) -> PathBuf {
    path.with_extension("spare")
}

fn failed(path: &Path, source: io::Error) -> ListenError {
    ListenError::Socket { path: path.to_owned(), source }
}

/// A socket that a killed daemon of ours left is replaced. Anything else was put there by somebody for something.
fn refuse_what_is_no_socket_of_ours(path: &Path) -> Result<(), ListenError> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(()) };
    let is_ours = found.file_type().is_socket() && found.uid() == rustix::process::geteuid().as_raw();
    let (path, owner, mode) = (path.to_owned(), found.uid(), found.mode() & 0o7777);
    if is_ours { Ok(()) } else { Err(ListenError::Squatted { path, owner, mode }) }
}

/// Binds under another name and renames over the old socket: there is no moment without a socket. Whatever its mode is
/// between `bind` and `chmod`, nobody is served who should not be: the peer is looked at, too.
fn bind(path: &Path, access: Access) -> io::Result<(UnixListener, Inode)> {
    let fresh = path.with_extension("new");
    discard(&fresh)?;
    let listener = UnixListener::bind(&fresh)?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(access.mode()))?;
    rustix::net::listen(&listener, BACKLOG)?;
    discard(&spare(path))?;
    if let Err(error) = fs::hard_link(&fresh, spare(path)) {
        tracing::debug!(%error, "the socket has no second name: one that is removed stays so");
    }
    fs::rename(&fresh, path)?;
    let inode = Inode::of(&fs::symlink_metadata(path)?);
    Ok((listener, inode))
}

/// What a daemon that was killed has left.
fn discard(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Why there is no socket to serve on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The socket's path has no directory.
    #[error("the socket's path must be absolute and have a directory")]
    NoDirectory,
    /// It is where the main socket is.
    #[error("{path} is the main socket, where everything is to be had; choose another path", path = path.display())]
    Main {
        /// Where.
        path: PathBuf,
    },
    /// The directory cannot be trusted.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The lock is not to be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Something else stands where the socket should.
    #[error(
        "{path} is no socket of this user's; remove it and start again (owner {owner}, mode {mode:o})",
        path = path.display()
    )]
    Squatted {
        /// Where the socket should be.
        path: PathBuf,
        /// The owner's uid.
        owner: u32,
        /// Its mode.
        mode: u32,
    },
    /// The socket itself.
    #[error("the socket {path} cannot be bound: {source}", path = path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inherited_socket_is_claimed_where_it_is_and_left_there() {
        let home = tempfile::tempdir().unwrap();
        let (ours, systemds) = (home.path().join("a/api.sock"), home.path().join("other.sock"));
        let inherited = UnixListener::bind(&systemds).unwrap();
        let (_listener, listening) = Listening::open(&ours, Some(inherited)).unwrap();
        assert_eq!(listening.path(), systemds);
        let again = Some(UnixListener::bind(home.path().join("other.socket")).unwrap());
        assert!(matches!(Listening::open(&ours, again), Err(ListenError::Lock(LockError::Held { .. }))));
        drop(listening);
        assert!(systemds.exists());
    }

    #[test]
    fn a_socket_without_a_name_is_refused() {
        use std::os::linux::net::SocketAddrExt as _;
        let name = format!("airbyte-tokend-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name).unwrap();
        let inherited = UnixListener::bind_addr(&address).unwrap();
        let refused = Listening::open("/nowhere/api.sock".as_ref(), Some(inherited));
        assert!(matches!(refused, Err(ListenError::NoDirectory)));
    }

    /// Whether somebody who watches over this socket puts its name back after this.
    async fn is_put_back_after(change: impl FnOnce(&Path)) -> bool {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("run/api.sock");
        let (_listener, listening) = Listening::open(&path, None).unwrap();
        let watching = tokio::spawn(listening.vigil().unwrap().keep());
        tokio::task::yield_now().await;
        change(&path);
        while !watching.is_finished() && std::os::unix::net::UnixStream::connect(&path).is_err() {
            tokio::task::yield_now().await;
        }
        let put_back = !watching.is_finished();
        watching.abort();
        put_back && std::os::unix::net::UnixStream::connect(&path).is_ok()
    }

    #[tokio::test]
    async fn a_name_that_is_removed_or_moved_away_is_put_back() {
        assert!(is_put_back_after(|path| fs::remove_file(path).unwrap()).await);
        assert!(is_put_back_after(|path| fs::rename(path, path.with_extension("away")).unwrap()).await);
    }

    #[tokio::test]
    async fn a_directory_that_is_removed_is_not_made_again() {
        assert!(!is_put_back_after(|path| fs::remove_dir_all(path.parent().unwrap()).unwrap()).await);
    }

    #[test]
    fn no_name_is_left_at_the_end() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("run/api.sock");
        drop(Listening::open(&path, None).unwrap());
        let left: Vec<_> = fs::read_dir(home.path().join("run")).unwrap().flatten().collect();
        assert_eq!(left.iter().map(fs::DirEntry::file_name).collect::<Vec<_>>(), ["api.lock"]);
    }

    #[test]
    fn a_socket_for_others_is_open_to_them_and_can_be_closed_again_in_place() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("ci/api.sock");
        let mode = || fs::symlink_metadata(&path).unwrap().mode() & 0o777;
        let (_listener, listening) = Listening::beside(&path, Access::Others).unwrap();
        let inode = Inode::of(&fs::symlink_metadata(&path).unwrap());
        assert_eq!(mode(), 0o666);
        listening.admit(Access::Owner).unwrap();
        assert_eq!((mode(), Inode::of(&fs::symlink_metadata(&path).unwrap())), (0o600, inode));
        fs::set_permissions(home.path().join("ci"), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(listening.check(Access::Owner).is_ok());
        let unfit = listening.check(Access::Others);
        assert!(matches!(unfit, Err(ListenError::Directory(DirectoryError::TooClosed { .. }))));
    }

    #[test]
    fn what_is_no_socket_of_ours_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("run/api.sock");
        drop(Listening::open(&path, None).unwrap());
        let precious = home.path().join("precious");
        fs::write(&precious, "precious").unwrap();
        std::os::unix::fs::symlink(&precious, &path).unwrap();
        let refused = Listening::open(&path, None).unwrap_err();
        assert!(matches!(refused, ListenError::Squatted { .. }), "{refused}");
        fs::remove_file(&path).unwrap();
        let lock = path.with_extension("lock");
        fs::remove_file(&lock).unwrap();
        std::os::unix::fs::symlink(&precious, &lock).unwrap();
        let refused = Listening::open(&path, None).unwrap_err();
        assert!(matches!(refused, ListenError::Lock(LockError::Squatted { .. })), "{refused}");
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    }

    #[test]
    fn whoever_connects_after_the_end_is_refused_at_once() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("run/api.sock");
        let (listener, listening) = Listening::open(&path, None).unwrap();
        assert!(std::os::unix::net::UnixStream::connect(&path).is_ok());
        drop(listener);
        let refused = std::os::unix::net::UnixStream::connect(&path).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        drop(listening);
        assert!(!path.exists());
    }
}
