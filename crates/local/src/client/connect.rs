//! Getting to the daemon: a connection to a socket whose owner may be believed.

use std::{
    io,
    os::{
        fd::OwnedFd,
        unix::{fs::MetadataExt as _, net::UnixStream},
    },
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with, sockopt},
};

use super::{
    Client, Distrust,
    trust::{check_directory, check_server},
};
use crate::{ExitStatus, paths::SYSTEM_SOCKET};

/// What to do while nothing listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Say so at once.
    None,
    /// Try again for about a second: the daemon may be starting.
    Starting,
}

impl Patience {
    /// How long to wait before each further try.
    fn pauses(self) -> impl Iterator<Item = Duration> {
        let millis: &[u64] = match self {
            Self::None => &[],
            Self::Starting => &[10, 20, 40, 80, 160, 320, 400],
        };
        millis.iter().copied().map(Duration::from_millis)
    }
}

/// Connects to the daemon's socket. No single read or write will take longer than `timeout` (at least a millisecond).
///
/// # Errors
/// Where nothing listens, or somebody who must not be believed: see [`ConnectError`].
pub fn connect(
    socket: &Path,
    patience: Patience,
    timeout: Duration,
) -> Result<Client<UnixStream>, ConnectError> {
    connect_served_by(socket, None, patience, timeout)
}

/// The same, where the user with this uid may serve it, too: for a socket that another user's daemon has for this one.
///
/// # Errors
/// As for [`connect`].
pub fn connect_served_by(
    socket: &Path,
    server: Option<u32>,
    patience: Patience,
    timeout: Duration,
) -> Result<Client<UnixStream>, ConnectError> {
    let address = SocketAddrUnix::new(socket).map_err(|_| ConnectError::PathTooLong(socket.to_owned()))?;
    let timeout = timeout.max(Duration::from_millis(1));
    persist(patience, thread::sleep, || attempt(socket, &address, server, timeout)).map(Client::over)
}

fn persist<T>(
    patience: Patience,
    mut sleep: impl FnMut(Duration),
    mut attempt: impl FnMut() -> Result<T, ConnectError>,
) -> Result<T, ConnectError> {
    let mut pauses = patience.pauses();
    loop {
        match (attempt(), pauses.next()) {
            (Err(failure), Some(pause)) if failure.may_be_starting() => sleep(pause),
            (outcome, _) => return outcome,
        }
    }
}

fn attempt(
    path: &Path,
    address: &SocketAddrUnix,
    server: Option<u32>,
    timeout: Duration,
) -> Result<UnixStream, ConnectError> {
    check_directory(path, server).map_err(|error| ConnectError::of(path, error))??;
    let stream = dial(address, timeout).map_err(|errno| ConnectError::of(path, errno.into()))?;
    check_server(&stream, path, server).map_err(|error| ConnectError::of(path, error))??;
    Ok(stream)
}

/// The time limit for sending stands before the connection is made: it is also how long `connect` waits for a place in
/// the queue of a daemon that takes nobody in (unix(7)), which otherwise is for ever.
fn dial(address: &SocketAddrUnix, timeout: Duration) -> Result<UnixStream, Errno> {
    let socket: OwnedFd = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(timeout))?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(timeout))?;
    rustix::io::retry_on_intr(|| rustix::net::connect(&socket, address))?;
    Ok(socket.into())
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no socket.
    #[error("no daemon answers: there is no socket at {}", .0.display())]
    Absent(PathBuf),
    /// There is a socket that nobody listens on.
    #[error("no daemon answers: nobody listens on {}", .0.display())]
    Deserted(PathBuf),
    /// Somebody listens, and takes nobody in.
    #[error("the daemon takes no more callers on {}", .0.display())]
    Crowded(PathBuf),
    /// The socket is not for this user.
    #[error("you may not use the socket {} ({owner})", path.display())]
    Denied {
        /// The socket.
        path: PathBuf,
        /// Whose it is, as far as one may see.
        owner: String,
    },
    /// No Unix socket can have such a path (unix(7): 107 bytes).
    #[error("the path {} is longer than a socket's may be (107 bytes)", .0.display())]
    PathTooLong(PathBuf),
    /// Whoever listens is not believed.
    #[error(transparent)]
    Distrusted(#[from] Distrust),
    /// Something else.
    #[error("cannot connect to {}: {source}", path.display())]
    Other {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl ConnectError {
    fn of(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match Errno::from_io_error(&source) {
            Some(Errno::NOENT | Errno::NOTDIR) => Self::Absent(path),
            Some(Errno::CONNREFUSED) => Self::Deserted(path),
            Some(Errno::AGAIN) => Self::Crowded(path),
            Some(Errno::ACCESS | Errno::PERM) => Self::Denied { owner: owner(&path), path },
            Some(_) | None => Self::Other { path, source },
        }
    }

    const fn may_be_starting(&self) -> bool {
        match self {
            Self::Absent(_) | Self::Deserted(_) | Self::Crowded(_) => true,
            Self::Denied { .. } | Self::PathTooLong(_) | Self::Distrusted(_) | Self::Other { .. } => false,
        }
    }

    /// What the command line exits with.
    #[must_use]
    pub const fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Absent(_) | Self::Deserted(_) | Self::Other { .. } => ExitStatus::Unreachable,
            Self::Crowded(_) => ExitStatus::TryAgain,
            Self::Denied { .. } | Self::Distrusted(_) => ExitStatus::Refused,
            Self::PathTooLong(_) => ExitStatus::Usage,
        }
    }

    /// One thing to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Absent(path) | Self::Deserted(path) | Self::Other { path, .. }
                if path == Path::new(SYSTEM_SOCKET) =>
            {
                "systemctl start airbyte-tokend.socket".to_owned()
            }
            Self::Absent(_) | Self::Deserted(_) | Self::Other { .. } => {
                "systemctl --user start airbyte-tokend.socket".to_owned()
            }
            Self::Crowded(_) => "try again in a moment".to_owned(),
            Self::Denied { .. } => "run this as the user that the daemon serves".to_owned(),
            Self::PathTooLong(_) => "name a shorter path with --socket".to_owned(),
            Self::Distrusted(distrust) => distrust.hint(),
        }
    }
}

fn owner(path: &Path) -> String {
    match path.symlink_metadata() {
        Ok(found) => format!("owner {}, mode {:04o}", found.uid(), found.mode() & 0o7777),
        Err(_) => "its directory is closed to you".to_owned(),
    }
}

#[cfg(test)]
mod tests;
