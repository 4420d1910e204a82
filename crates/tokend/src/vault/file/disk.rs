//! The bytes of the sealed file: read when nobody else could have touched them, replaced as a whole.

use std::{
    ffi::{OsStr, OsString},
    fs::{DirBuilder, File},
    io::{self, Read as _, Write as _},
    os::{fd::OwnedFd, unix::fs::DirBuilderExt as _},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{
        AtFlags, FileType, FlockOperation, Mode, OFlags, fchmod, flock, fstat, open, openat, renameat,
        unlinkat,
    },
    io::Errno,
    process::geteuid,
};

use super::{seal, trouble::FileTrouble};
use crate::trust;

/// Whether there is nothing at this path.
pub(super) fn is_missing(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// The whole file, or nothing when there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, FileTrouble> {
    let Some(file) = trust::open_by(path, || open_own(path))? else { return Ok(None) };
    let mut bytes = Vec::new();
    // A longer file is cut after one byte too many: no header allows for that byte, so it is found.
    file.take(seal::LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed("read the vault file", path, error))?;
    Ok(Some(bytes))
}

fn open_own(path: &Path) -> Result<Option<File>, FileTrouble> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        // A symlink, and a socket.
        Err(Errno::LOOP | Errno::NXIO) => return Err(FileTrouble::NotAFile(path.to_owned())),
        Err(errno) => return Err(failed("read the vault file", path, errno.into())),
    };
    check(&file, path)?;
    Ok(Some(file))
}

/// Looks at the open file and not at its name, under which another may stand by now.
fn check(file: &File, path: &Path) -> Result<(), FileTrouble> {
    let stat = fstat(file).map_err(|errno| failed("look at the vault file", path, errno.into()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(FileTrouble::NotAFile(path.to_owned()));
    }
    if stat.st_uid != geteuid().as_raw() {
        return Err(FileTrouble::NotOurs(path.to_owned()));
    }
    if stat.st_mode & 0o077 != 0 {
        return Err(FileTrouble::TooOpen(path.to_owned()));
    }
    Ok(())
}

/// The directory of the sealed file, locked against other daemons until dropped.
pub(super) struct Folder {
    folder: OwnedFd,
    path: PathBuf,
    _lock: OwnedFd,
}

impl Folder {
    /// Waits for the lock. Makes the directory, for this user alone, if it is missing.
    pub(super) fn lock(path: &Path) -> Result<Self, FileTrouble> {
        Self::try_lock(path).map_err(|error| failed("lock the vault file", path, error))
    }

    fn try_lock(path: &Path) -> io::Result<Self> {
        let parent = path.parent().unwrap_or(Path::new("/"));
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        let folder = open(parent, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        // A file of its own: the sealed one is replaced, and NFS locks no directory.
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let lock = openat(&folder, beside("", path, ".lock"), flags, OWNER_ONLY)?;
        flock(&lock, FlockOperation::LockExclusive)?;
        Ok(Self { folder, path: path.to_owned(), _lock: lock })
    }

    /// Puts these bytes in the file's place: after a crash there is the old file or the new one.
    pub(super) fn replace(&self, bytes: &[u8]) -> Result<(), FileTrouble> {
        self.try_replace(bytes).map_err(|error| failed("write the vault file", &self.path, error))
    }

    fn try_replace(&self, bytes: &[u8]) -> io::Result<()> {
        let successor = beside(".", &self.path, ".new");
        // Whoever holds the lock is the only writer, so one that is already there is what a crash left.
        self.discard(&successor)?;
        let written = self.write_successor(&successor, bytes).and_then(|()| self.promote(&successor));
        written.or_else(|error| self.discard(&successor).and(Err(error)))
    }

    fn discard(&self, successor: &OsStr) -> io::Result<()> {
        match unlinkat(&self.folder, successor, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn write_successor(&self, successor: &OsStr, bytes: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.folder, successor, flags, OWNER_ONLY)?);
        // The umask may have taken rights from the owner.
        fchmod(&file, OWNER_ONLY)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn promote(&self, successor: &OsStr) -> io::Result<()> {
        let name = self.path.file_name().unwrap_or_default();
        renameat(&self.folder, successor, &self.folder, name)?;
        rustix::fs::fsync(&self.folder)?;
        Ok(())
    }
}

const OWNER_ONLY: Mode = Mode::from_raw_mode(0o600);

fn beside(before: &str, path: &Path, after: &str) -> OsString {
    let mut name = OsString::from(before);
    name.push(path.file_name().unwrap_or_default());
    name.push(after);
    name
}

fn failed(doing: &'static str, path: &Path, error: io::Error) -> FileTrouble {
    FileTrouble::Io { doing, path: path.to_owned(), cause: error.kind() }
}
