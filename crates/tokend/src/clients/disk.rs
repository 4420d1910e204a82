//! The files: read when nobody else could have written them, replaced as a whole.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use airbyte_token_local::wire::BadJson;
use rustix::{fs::OFlags, io::Errno, process::geteuid};

/// The whole file; none where there is none.
pub(super) fn read(path: &Path, largest: u64) -> Result<Option<Vec<u8>>, Damage> {
    // A pipe that somebody put there must not hold the daemon up.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return Err(Damage::NotAFile);
        }
        Err(error) => return Err(Damage::Unread(error)),
    };
    check(&file)?;
    let mut text = Vec::new();
    let length = file.take(largest + 1).read_to_end(&mut text).map_err(Damage::Unread)?;
    if length as u64 > largest { Err(Damage::TooLong) } else { Ok(Some(text)) }
}

/// Looks at the open file and not at its name, under which another may stand by now.
fn check(file: &File) -> Result<(), Damage> {
    let found = file.metadata().map_err(Damage::Unread)?;
    let (owner, mode) = (found.uid(), found.mode() & 0o7777);
    if !found.is_file() {
        return Err(Damage::NotAFile);
    }
    if owner != geteuid().as_raw() {
        return Err(Damage::NotOurs { owner });
    }
    if mode & 0o022 != 0 {
        return Err(Damage::TooOpen { mode });
    }
    Ok(())
}

/// Puts this in place of the file, or leaves the old one as it is: after a power cut, too, it is one of them.
pub(super) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    let fresh = path.with_extension("new");
    discard(&fresh)?;
    let written = write_new(&fresh, text).and_then(|()| fs::rename(&fresh, path));
    match &written {
        // The new file is in force; a disk that fails only now can at worst bring the old one back after a power cut.
        Ok(()) => drop(File::open(parent).and_then(|parent| parent.sync_all())),
        // What went wrong is worth more than that nothing was there to be removed.
        Err(_) => drop(discard(&fresh)),
    }
    written
}

/// One that is there already was left by a daemon that was killed, or is somebody's link to somewhere else.
fn discard(fresh: &Path) -> io::Result<()> {
    match fs::remove_file(fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// In what way the file cannot be understood or trusted. Never quotes it.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// It is not the JSON that we write.
    #[error("is damaged: {0}")]
    Json(BadJson),
    /// A newer daemon wrote it.
    #[error("is of version {0}, which this daemon does not know")]
    Version(u32),
    /// It has more clients than a daemon has.
    #[error("is damaged: it has more clients than a daemon makes")]
    TooMany,
    /// One of its clients is none, counted from 1.
    #[error("is damaged: what stands there of client number {0} is not as it must be")]
    Client(usize),
    /// Two of its clients are not to be told apart.
    #[error("is damaged: two clients share a name, an id or a secret")]
    Twice,
    /// It is longer than any that we write.
    #[error("is damaged: it is longer than a daemon makes it")]
    TooLong,
    /// It is a directory, a link or a device.
    #[error("is not a file")]
    NotAFile,
    /// Somebody else wrote it.
    #[error("belongs to user {owner}, not to this one")]
    NotOurs {
        /// The owner's uid.
        owner: u32,
    },
    /// Others can write it.
    #[error("has mode {mode:o} and may have been written by others")]
    TooOpen {
        /// Its mode.
        mode: u32,
    },
    /// The disk refused.
    #[error("cannot be read: {0}")]
    Unread(io::Error),
}
