//! The file that a memory is in: read with a bound, replaced as a whole.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use super::record::Record;

/// The largest file that is read, in bytes: more than the records of all profiles and failed logins take.
pub(super) const LARGEST_FILE: u64 = 8 * 1024 * 1024;

/// What the file says; nothing, where there is none.
pub(super) fn read(path: &Path) -> io::Result<BTreeMap<String, Record>> {
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        opened => opened?,
    };
    let mut text = Vec::new();
    file.take(LARGEST_FILE).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// Puts this in place of the file, or leaves the old one as it is. The daemon may be killed at any moment; what the
/// machine's own end does to a file that was just written costs a memory and no more, so nothing waits for `fsync(2)`.
pub(super) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    let fresh = path.with_extension("new");
    discard(&fresh)?;
    let written = write_new(&fresh, text).and_then(|()| fs::rename(&fresh, path));
    // What went wrong is worth more than that nothing was there to be removed.
    written.inspect_err(|_| drop(discard(&fresh)))
}

/// One that is there already was left by a daemon that was killed, or is somebody's link to somewhere else.
fn discard(fresh: &Path) -> io::Result<()> {
    match fs::remove_file(fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_in_the_way_is_replaced_and_what_it_leads_to_stays() {
        let home = tempfile::tempdir().unwrap();
        let (path, victim) = (home.path().join("memory.json"), home.path().join("victim"));
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, &path).unwrap();
        symlink(&victim, path.with_extension("new")).unwrap();
        replace(&path, b"{}").unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert!(path.is_file() && !path.is_symlink());
        assert!(!path.with_extension("new").exists());
    }

    #[test]
    fn what_cannot_be_replaced_is_left_with_nothing_beside_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("memory.json");
        fs::create_dir(&path).unwrap();
        assert!(replace(&path, b"{}").is_err());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_directory_that_was_removed_is_made_again() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state/airbyte-tokend/memory.json");
        replace(&path, b"{}").unwrap();
        assert!(read(&path).unwrap().is_empty());
    }
}
