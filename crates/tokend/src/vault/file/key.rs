//! Key material, from where the user keeps it.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FileType, Mode, OFlags, fstat, open},
    process::geteuid,
};
use zeroize::Zeroizing;

use super::{KeySource, trouble::FileTrouble};
use crate::trust;

/// Fewer bytes than the key they make could be guessed.
const SHORTEST: usize = 32;
/// More are somebody's mistake: no key, but another file.
const LONGEST: usize = 4096;

/// Reads the key material. `credentials` is `$CREDENTIALS_DIRECTORY`.
pub(super) fn material(
    source: &KeySource,
    credentials: Option<&Path>,
) -> Result<Zeroizing<Vec<u8>>, FileTrouble> {
    let (path, missing) = match source {
        KeySource::File(path) => (path.clone(), FileTrouble::NoKeyFile(path.clone())),
        KeySource::Credential(name) => {
            let missing = FileTrouble::NoCredential(name.clone());
            let Some(folder) = credentials else { return Err(missing) };
            (folder.join(name), missing)
        }
    };
    let file = trust::open_by(&path, || open_own(&path, source))?.ok_or(missing)?;
    read(file, path)
}

fn open_own(path: &Path, source: &KeySource) -> Result<Option<File>, FileTrouble> {
    let file = match open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(unreadable(path.to_owned(), errno.into())),
    };
    check(&file, path, source)?;
    Ok(Some(file))
}

/// Looks at the open file and not at its name, which may be a link that changes.
fn check(file: &File, path: &Path, source: &KeySource) -> Result<(), FileTrouble> {
    let path = || path.to_owned();
    let stat = fstat(file).map_err(|errno| unreadable(path(), errno.into()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(FileTrouble::KeyNotAFile(path()));
    }
    if stat.st_uid != 0 && stat.st_uid != geteuid().as_raw() {
        return Err(FileTrouble::KeyNotOurs(path()));
    }
    match source {
        KeySource::File(_) if stat.st_mode & 0o077 != 0 => Err(FileTrouble::KeyTooOpen(path())),
        // systemd lets the service's user read by an access control list, whose mask shows as the group's bits: 0440.
        KeySource::Credential(_) if stat.st_mode & 0o037 != 0 => Err(FileTrouble::CredentialTooOpen(path())),
        KeySource::File(_) | KeySource::Credential(_) => Ok(()),
    }
}

/// Reads into a buffer that never grows: a growing one leaves copies in freed memory.
fn read(mut file: File, path: PathBuf) -> Result<Zeroizing<Vec<u8>>, FileTrouble> {
    let mut bytes = Zeroizing::new(vec![0; LONGEST + 1]);
    let mut length = 0;
    loop {
        match file.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(path, error)),
        }
    }
    bytes.truncate(length);
    match length {
        0..SHORTEST => Err(FileTrouble::KeyLength { path, length: "fewer than 32" }),
        SHORTEST..=LONGEST => Ok(bytes),
        _ => Err(FileTrouble::KeyLength { path, length: "more than 4096" }),
    }
}

fn unreadable(path: PathBuf, error: io::Error) -> FileTrouble {
    FileTrouble::Io { doing: "read the key", path, cause: error.kind() }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use tempfile::TempDir;

    use super::*;

    fn key_in(folder: &TempDir, length: usize, mode: u32) -> PathBuf {
        let path = folder.path().join("key");
        if path.exists() {
            fs::remove_file(&path).unwrap();
        }
        fs::write(&path, vec![b'k'; length]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn length(source: &KeySource, credentials: Option<&Path>) -> Result<usize, String> {
        material(source, credentials).map(|bytes| bytes.len()).map_err(|trouble| trouble.to_string())
    }

    #[test]
    fn a_key_has_32_to_4096_bytes() {
        let folder = TempDir::new().unwrap();
        for (bytes, says) in
            [(0, "fewer"), (31, "fewer"), (32, ""), (4096, ""), (4097, "more"), (9000, "more")]
        {
            let source = KeySource::File(key_in(&folder, bytes, 0o600));
            match length(&source, None) {
                Ok(read) => assert_eq!((read, says), (bytes, "")),
                Err(error) => assert!(!says.is_empty() && error.contains(says), "{bytes}: {error}"),
            }
        }
    }

    #[test]
    fn a_key_file_is_for_its_owner_alone() {
        let folder = TempDir::new().unwrap();
        for mode in [0o400, 0o600, 0o700] {
            let source = KeySource::File(key_in(&folder, 32, mode));
            assert_eq!(length(&source, None), Ok(32), "{mode:o}");
        }
        for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601] {
            let source = KeySource::File(key_in(&folder, 32, mode));
            let error = length(&source, None).unwrap_err();
            assert!(error.contains("chmod 600 /") && error.contains("key file"), "{mode:o}: {error}");
        }
    }

    #[test]
    fn a_credential_may_show_the_mask_of_an_access_control_list() {
        let folder = TempDir::new().unwrap();
        let source = KeySource::Credential("key".into());
        for mode in [0o400, 0o440, 0o600] {
            key_in(&folder, 32, mode);
            assert_eq!(length(&source, Some(folder.path())), Ok(32), "{mode:o}");
        }
        for mode in [0o404, 0o420, 0o410, 0o402, 0o401] {
            key_in(&folder, 32, mode);
            let error = length(&source, Some(folder.path())).unwrap_err();
            assert!(error.contains("LoadCredential="), "{mode:o}: {error}");
        }
    }

    #[test]
    fn a_missing_key_says_which() {
        let folder = TempDir::new().unwrap();
        let file = KeySource::File(folder.path().join("no-such-key"));
        assert!(length(&file, None).unwrap_err().contains("no-such-key"));
        let credential = KeySource::Credential("seal".into());
        for credentials in [None, Some(folder.path())] {
            assert!(length(&credential, credentials).unwrap_err().contains("systemd credential seal"));
        }
    }

    #[test]
    fn a_link_to_a_key_is_followed_and_a_directory_is_no_key() {
        let folder = TempDir::new().unwrap();
        let key = key_in(&folder, 32, 0o600);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&key, &link).unwrap();
        assert_eq!(length(&KeySource::File(link), None), Ok(32));
        let error = length(&KeySource::File(folder.path().to_owned()), None).unwrap_err();
        assert!(error.contains("no regular file"), "{error}");
    }
}
