//! A socket's directory: ours, and closed to whoever has no business there, before anything is put into it.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use crate::trust::{self, Untrusted};

/// Whom a directory must keep out, and whom it must let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// Nobody but us may enter: for a socket that we bind for ourselves.
    Private,
    /// Nobody but us may put anything in: for a socket that systemd bound, with the access that its unit says, and for
    /// one that we bind apart from the main one.
    Unwritable,
    /// The same, and others must get to what is in it.
    Passable,
}

impl Demand {
    const fn forbidden(self) -> u32 {
        match self {
            Self::Private => 0o077,
            Self::Unwritable | Self::Passable => 0o022,
        }
    }

    const fn lets_pass(self, mode: u32) -> bool {
        match self {
            Self::Private | Self::Unwritable => true,
            Self::Passable => mode & 0o011 != 0,
        }
    }

    /// What a directory gets that is made for it. One that is for no others is still passable for them: a reload may let
    /// them in, and until then the socket in it is closed to them.
    const fn made(self) -> u32 {
        match self {
            Self::Private => 0o700,
            Self::Unwritable | Self::Passable => 0o711,
        }
    }

    /// What to do with a directory that is too open.
    const fn remedy(self) -> &'static str {
        match self {
            Self::Private => "700",
            Self::Unwritable | Self::Passable => "go-w",
        }
    }
}

/// Makes the directory, or checks that the one that is there is as demanded and that nobody else can replace it. What is
/// too open is refused, not mended: whoever opened it may have put something in.
pub(super) fn prepare(path: &Path, demand: Demand) -> Result<(), DirectoryError> {
    let failed = |source| DirectoryError::Io { path: path.to_owned(), source };
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(demand.made())).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    check(path, demand)
}

/// Checks that the directory is as demanded, and that nobody else can replace it.
pub(super) fn check(path: &Path, demand: Demand) -> Result<(), DirectoryError> {
    let failed = |source| DirectoryError::Io { path: path.to_owned(), source };
    let found = fs::symlink_metadata(path).map_err(failed)?;
    judge(path, &found, demand)?;
    Ok(trust::check(path)?)
}

fn judge(path: &Path, found: &fs::Metadata, demand: Demand) -> Result<(), DirectoryError> {
    let (path, owner, mode) = (path.to_owned(), found.uid(), found.mode() & 0o7777);
    if !found.is_dir() {
        return Err(DirectoryError::NotADirectory { path, owner, mode });
    }
    if owner != rustix::process::geteuid().as_raw() {
        return Err(DirectoryError::NotOurs { path, owner, mode });
    }
    if mode & demand.forbidden() != 0 {
        return Err(DirectoryError::TooOpen { path, owner, mode, remedy: demand.remedy() });
    }
    if !demand.lets_pass(mode) {
        return Err(DirectoryError::TooClosed { path, owner, mode });
    }
    Ok(())
}

/// Why the directory cannot be trusted with a socket.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A file or a symbolic link stands there.
    #[error("{path} is not a directory; remove it and start again (owner {owner}, mode {mode:o})", path = path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
        /// The owner's uid.
        owner: u32,
        /// Its mode.
        mode: u32,
    },
    /// Somebody else made it.
    #[error(
        "{path} belongs to user {owner}, not to this one (mode {mode:o}); remove it and start again",
        path = path.display()
    )]
    NotOurs {
        /// The path.
        path: PathBuf,
        /// The owner's uid.
        owner: u32,
        /// Its mode.
        mode: u32,
    },
    /// Others can put sockets of their own there, or get to one that is not for them.
    #[error(
        "{path} has mode {mode:o} and is open to others (owner {owner}); run: chmod {remedy} {path}",
        path = path.display()
    )]
    TooOpen {
        /// The path.
        path: PathBuf,
        /// The owner's uid.
        owner: u32,
        /// Its mode.
        mode: u32,
        /// The mode that it should have.
        remedy: &'static str,
    },
    /// Others cannot get to a socket that is for them.
    #[error(
        "{path} has mode {mode:o} and is closed to those who may use the socket in it (owner {owner}); \
         run: chmod 711 {path}", path = path.display()
    )]
    TooClosed {
        /// The path.
        path: PathBuf,
        /// The owner's uid.
        owner: u32,
        /// Its mode.
        mode: u32,
    },
    /// Others can replace it, or something on the way to it.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// The system refused.
    #[error("the directory {path} cannot be made: {source}", path = path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a directory of this mode: its mode then, or why it is refused.
    fn prepared(mode: Option<u32>, demand: Demand) -> String {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("d");
        if let Some(mode) = mode {
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        match prepare(&path, demand) {
            Ok(()) => format!("{:o}", fs::symlink_metadata(&path).unwrap().mode() & 0o7777),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_directory_is_made_for_those_who_are_to_pass() {
        assert_eq!(prepared(None, Demand::Private), "700");
        assert_eq!(prepared(None, Demand::Unwritable), "711");
        assert_eq!(prepared(None, Demand::Passable), "711");
    }

    #[test]
    fn a_directory_that_others_can_write_is_refused_and_one_that_they_cannot_pass_where_they_must() {
        use Demand::{Passable, Private, Unwritable};
        for (mode, demand, outcome) in [
            (0o700, Private, "700"),
            (0o710, Private, "run: chmod 700"),
            (0o755, Unwritable, "755"),
            (0o700, Unwritable, "700"),
            (0o770, Unwritable, "run: chmod go-w"),
            (0o1777, Unwritable, "run: chmod go-w"),
            (0o711, Passable, "711"),
            (0o710, Passable, "710"),
            (0o700, Passable, "run: chmod 711"),
            (0o702, Passable, "run: chmod go-w"),
        ] {
            let found = prepared(Some(mode), demand);
            assert!(found.contains(outcome), "{mode:o} {demand:?}: {found}");
        }
    }
}
