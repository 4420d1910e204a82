//! Whether whoever owns a socket may be believed.
//!
//! A process of another user that listens where the daemon should could hand out tokens of its own account, and have
//! this user's work done there. So the socket's directory must be one that only this user and root can change, and the
//! kernel must say (`SO_PEERCRED`, unix(7)) that the one who listens is this user or root. A socket that systemd
//! listens on has the identity of the systemd that did. Whoever was given a socket by another user names that user, who
//! then counts like root.

use std::{
    io,
    os::{fd::AsFd, unix::fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use rustix::{net::sockopt::socket_peercred, process::geteuid};

/// What the kernel says of every user that this user namespace does not know (user_namespaces(7)): it may be anybody.
const ANYBODY: u32 = 65_534;

const ROOT: u32 = 0;

/// Why whoever owns a socket is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// Another user owns the socket's directory, and could put another socket there.
    #[error("the socket's directory {} belongs to uid {owner} (mode {mode:04o}), neither you nor root", path.display())]
    DirectoryOwner {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Its permissions.
        mode: u32,
    },
    /// Others may write the socket's directory, and could put another socket there.
    #[error("the socket's directory {} (owner {owner}, mode {mode:04o}) can be written by others", path.display())]
    DirectoryMode {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Its permissions.
        mode: u32,
    },
    /// Another user listens on the socket.
    #[error("the socket {} is served by uid {uid}, neither you nor root", path.display())]
    Server {
        /// The socket.
        path: PathBuf,
        /// Who listens.
        uid: u32,
    },
}

impl Distrust {
    /// One thing to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::DirectoryMode { path, .. } => {
                format!("`chmod go-w {}`, or name another socket with --socket", path.display())
            }
            Self::DirectoryOwner { .. } => {
                "name a socket in a directory of your own with --socket; who was given one by another user sets AIRBYTE_TOKEND_UID".to_owned()
            }
            Self::Server { uid: ANYBODY, .. } => {
                "name your own daemon's socket with --socket; from inside a container, nobody can tell whose this is".to_owned()
            }
            Self::Server { uid, .. } => format!("run this as uid {uid}, or name your own daemon's socket with --socket"),
        }
    }
}

/// Checks the directory that the socket is in. `server` is another user who may own it.
pub(super) fn check_directory(socket: &Path, server: Option<u32>) -> io::Result<Result<(), Distrust>> {
    let parent = socket.parent().filter(|parent| !parent.as_os_str().is_empty());
    let path = parent.unwrap_or(Path::new("."));
    let found = path.metadata()?;
    Ok(judge_directory(path, found.uid(), found.mode() & 0o7777, geteuid().as_raw(), server))
}

/// Checks who listens at the other end of a connected socket. `server` is another user who may.
pub(super) fn check_server(
    stream: &impl AsFd,
    socket: &Path,
    server: Option<u32>,
) -> io::Result<Result<(), Distrust>> {
    let peer = socket_peercred(stream)?;
    Ok(judge_server(socket, peer.uid.as_raw(), geteuid().as_raw(), server))
}

fn judge_directory(path: &Path, owner: u32, mode: u32, me: u32, server: Option<u32>) -> Result<(), Distrust> {
    let path = path.to_owned();
    if !is_trusted(owner, me, server) {
        return Err(Distrust::DirectoryOwner { path, owner, mode });
    }
    if mode & 0o022 != 0 {
        return Err(Distrust::DirectoryMode { path, owner, mode });
    }
    Ok(())
}

fn judge_server(path: &Path, uid: u32, me: u32, server: Option<u32>) -> Result<(), Distrust> {
    if is_trusted(uid, me, server) {
        return Ok(());
    }
    Err(Distrust::Server { path: path.to_owned(), uid })
}

fn is_trusted(uid: u32, me: u32, server: Option<u32>) -> bool {
    uid != ANYBODY && (uid == me || uid == ROOT || server == Some(uid))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: u32 = 1_500;

    fn directory(owner: u32, mode: u32) -> Result<(), Distrust> {
        judge_directory(Path::new("/d"), owner, mode, ME, None)
    }

    fn server(uid: u32, me: u32) -> bool {
        judge_server(Path::new("/d/s"), uid, me, None).is_ok()
    }

    #[test]
    fn a_directory_that_only_this_user_or_root_can_change_is_believed() {
        for (owner, mode) in [(1_500, 0o700), (1_500, 0o755), (0, 0o755), (0, 0o2_750)] {
            assert_eq!(directory(owner, mode), Ok(()), "{owner} {mode:o}");
        }
    }

    #[test]
    fn a_directory_that_others_can_write_is_not() {
        for mode in [0o770, 0o702, 0o777, 0o1_777] {
            let refused = directory(0, mode).unwrap_err();
            assert!(matches!(refused, Distrust::DirectoryMode { .. }), "{mode:o}");
            assert!(refused.hint().contains("chmod go-w /d"));
        }
    }

    #[test]
    fn a_directory_of_another_user_is_not() {
        for owner in [1_501, 65_534] {
            let refused = directory(owner, 0o700).unwrap_err();
            assert_eq!(refused, Distrust::DirectoryOwner { path: "/d".into(), owner, mode: 0o700 });
            assert!(refused.to_string().contains(&format!("/d belongs to uid {owner} (mode 0700)")));
        }
    }

    #[test]
    fn only_this_user_and_root_may_listen() {
        assert!(server(1_500, ME));
        assert!(server(0, ME));
        assert!(!server(1_501, ME));
        assert!(!server(1_500, ROOT));
    }

    #[test]
    fn whoever_was_named_may_own_and_listen_and_nobody_else_may() {
        let (named, other) = (Some(1_501), Path::new("/d/s"));
        assert!(judge_server(other, 1_501, ME, named).is_ok() && judge_server(other, ME, ME, named).is_ok());
        assert!(judge_server(other, 1_502, ME, named).is_err());
        assert!(judge_directory(other, 1_501, 0o711, ME, named).is_ok());
        assert!(judge_directory(other, 1_501, 0o731, ME, named).is_err());
        assert!(judge_server(other, ANYBODY, ME, Some(ANYBODY)).is_err());
    }

    #[test]
    fn nobody_is_told_to_become_nobody() {
        let hint = |uid| Distrust::Server { path: "/d/s".into(), uid }.hint();
        assert!(hint(1_501).contains("run this as uid 1501"));
        assert!(!hint(ANYBODY).contains("run this as"));
    }

    #[test]
    fn the_uid_that_stands_for_anybody_is_nobody_s_friend() {
        assert!(!server(65_534, ME));
        assert!(!server(65_534, ANYBODY));
    }
}
