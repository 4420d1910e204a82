//! The files: read when nobody else could have written them, replaced as a whole.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use airbyte_token_local::wire::BadJson;

use crate::trust::{self, Fault};

/// The whole file; none where there is none.
pub(super) fn read(path: &Path, largest: u64) -> Result<Option<Vec<u8>>, Damage> {
    let file = trust::open(path).map_err(|untrusted| Damage::Untrusted(untrusted.fault))?;
    let Some(file) = file else { return Ok(None) };
    let mut text = Vec::new();
    let length = file.take(largest + 1).read_to_end(&mut text).map_err(Damage::Unread)?;
    if length as u64 > largest { Err(Damage::TooLong) } else { Ok(Some(text)) }
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
    /// Others could have written it.
    #[error("is not believed: {0}")]
    Untrusted(Fault),
    /// The disk refused.
    #[error("cannot be read: {0}")]
    Unread(io::Error),
}
