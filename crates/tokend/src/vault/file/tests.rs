//! The store as a whole, on a real file system.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown, symlink},
};

use airbyte_token_core::{Secret, VaultTrouble};
use tempfile::TempDir;

use super::*;
use crate::vault::BACKGROUND;

struct Bench {
    folder: TempDir,
    store: SealedFile,
}

fn bench() -> Bench {
    let folder = TempDir::new().unwrap();
    let key = write_key(&folder, "key", b'k');
    let settings = FileSettings { path: folder.path().join("made/vault"), key: KeySource::File(key) };
    Bench { folder, store: SealedFile::new(settings).unwrap() }
}

fn write_key(folder: &TempDir, name: &str, byte: u8) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, [byte; 32]).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

#[test]
fn no_secret_is_put_where_others_could_replace_it() {
    let Bench { folder, mut store } = bench();
    let made = folder.path().join("made");
    fs::create_dir(&made).unwrap();
    fs::set_permissions(&made, fs::Permissions::from_mode(0o777)).unwrap();
    let refused = store.write(&name("a"), &stored("s3cret"), BACKGROUND).unwrap_err();
    assert_eq!(refused.trouble, VaultTrouble::Unreadable);
    assert!(refused.to_string().contains("mode 0777) can be changed by everybody"), "{refused}");
    assert_eq!(fs::read_dir(&made).unwrap().count(), 0);
    fs::set_permissions(&made, fs::Permissions::from_mode(0o755)).unwrap();
    store.write(&name("a"), &stored("s3cret"), BACKGROUND).unwrap();
}

fn name(text: &str) -> ProfileName {
    text.parse().unwrap()
}

fn stored(client_secret: &str) -> StoredSecret {
    let origin = "https://api.airbyte.com".parse().unwrap();
    StoredSecret { origin, client_secret: Secret::new(client_secret.into()) }
}

impl Bench {
    fn path(&self) -> &Path {
        &self.store.settings.path
    }

    fn put(&mut self, profile: &str, client_secret: &str) -> Result<(), VaultError> {
        self.store.write(&name(profile), &stored(client_secret), BACKGROUND)
    }

    fn get(&mut self, profile: &str) -> Result<String, VaultError> {
        let secret = self.store.read(&name(profile), BACKGROUND)?;
        Ok(secret.client_secret.expose().to_owned())
    }

    fn trouble(&mut self, profile: &str) -> VaultTrouble {
        self.get(profile).unwrap_err().trouble
    }

    fn chmod(&self, mode: u32) {
        fs::set_permissions(self.path(), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Every operation is refused with these words, and the file is byte for byte what it was.
    fn assert_refuses_all(&mut self, trouble: VaultTrouble, words: &str) {
        let before = fs::read(self.path()).ok();
        let refusals = [
            self.get("a").map(drop),
            self.put("a", "other"),
            self.put("new", "other"),
            self.store.delete(&name("a"), BACKGROUND),
        ];
        for refusal in refusals {
            let error = refusal.unwrap_err();
            assert_eq!(error.trouble, trouble, "{error}");
            assert!(error.detail.as_str().contains(words), "{error}");
        }
        assert_eq!(fs::read(self.path()).ok(), before);
    }
}

#[test]
fn secrets_are_stored_replaced_and_deleted_one_by_one() {
    let mut bench = bench();
    bench.put("a", "one").unwrap();
    bench.put("b", "two").unwrap();
    bench.put("a", "three").unwrap();
    assert_eq!(bench.get("a").unwrap(), "three");
    assert_eq!(bench.get("b").unwrap(), "two");
    bench.store.delete(&name("a"), BACKGROUND).unwrap();
    assert_eq!(bench.trouble("a"), VaultTrouble::Empty);
    assert_eq!(bench.get("b").unwrap(), "two");
}

#[test]
fn where_there_is_no_file_there_are_no_secrets() {
    let mut bench = bench();
    assert_eq!(bench.trouble("a"), VaultTrouble::Empty);
    bench.store.delete(&name("a"), BACKGROUND).unwrap();
    assert!(!bench.path().parent().unwrap().exists(), "reading and deleting make nothing");
}

#[test]
fn the_file_and_its_directory_are_for_the_owner_alone() {
    let mut bench = bench();
    bench.put("a", "one").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(bench.path()), 0o600);
    assert_eq!(mode(bench.path().parent().unwrap()), 0o700);
}

#[test]
fn neither_secret_nor_name_nor_origin_can_be_read_in_the_file() {
    let mut bench = bench();
    bench.put("some-profile", "s3cret-in-clear").unwrap();
    let bytes = fs::read(bench.path()).unwrap();
    for word in ["some-profile", "s3cret-in-clear", "api.airbyte.com"] {
        assert!(!bytes.windows(word.len()).any(|part| part == word.as_bytes()), "{word}");
    }
}

#[test]
fn a_new_handle_reads_what_another_wrote() {
    let mut bench = bench();
    bench.put("a", "one").unwrap();
    bench.store = SealedFile::new(bench.store.settings.clone()).unwrap();
    assert_eq!(bench.get("a").unwrap(), "one");
}

#[test]
fn a_credential_opens_what_the_same_bytes_in_a_key_file_sealed() {
    let mut bench = bench();
    bench.put("a", "one").unwrap();
    bench.store.settings.key = KeySource::Credential("key".into());
    bench.store.credentials = Some(bench.folder.path().to_owned());
    assert_eq!(bench.get("a").unwrap(), "one");
    bench.store.credentials = None;
    bench.assert_refuses_all(VaultTrouble::Unreadable, "systemd credential key");
}

#[test]
fn under_another_key_nothing_is_read_or_replaced() {
    let mut bench = bench();
    bench.put("a", "one").unwrap();
    let right = bench.store.settings.key.clone();
    bench.store.settings.key = KeySource::File(write_key(&bench.folder, "other", b'o'));
    bench.assert_refuses_all(VaultTrouble::Damaged, "sealed under another key");
    bench.store.settings.key = right;
    assert_eq!(bench.get("a").unwrap(), "one");
}

#[test]
fn without_its_key_nothing_is_read_or_replaced() {
    let mut bench = bench();
    bench.put("a", "one").unwrap();
    bench.store.settings.key = KeySource::File(bench.folder.path().join("lost"));
    bench.assert_refuses_all(VaultTrouble::Unreadable, "no key file");
}

#[test]
fn a_key_that_others_may_read_is_not_used() {
    let mut bench = bench();
    bench.put("a", "one").unwrap();
    let key = bench.folder.path().join("key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    bench.assert_refuses_all(VaultTrouble::Unreadable, "may touch the key file; run: chmod 600 /");
}

#[test]
fn a_short_key_is_not_used() {
    let mut bench = bench();
    bench.put("a", "one").unwrap();
    fs::write(bench.folder.path().join("key"), [b'k'; 31]).unwrap();
    bench.assert_refuses_all(VaultTrouble::Damaged, "fewer than 32");
}

#[test]
fn a_short_key_seals_no_first_file() {
    let mut bench = bench();
    fs::write(bench.folder.path().join("key"), [b'k'; 31]).unwrap();
    assert_eq!(bench.put("a", "one").unwrap_err().trouble, VaultTrouble::Damaged);
    assert!(!bench.path().exists());
}

#[test]
fn a_torn_file_is_neither_read_nor_replaced() {
    let mut bench = bench();
    bench.put("a", "one").unwrap();
    let whole = fs::read(bench.path()).unwrap();
    for length in [0, 10, 100, 130, whole.len() - 1] {
        fs::write(bench.path(), &whole[..length]).unwrap();
        bench.assert_refuses_all(VaultTrouble::Damaged, "torn or was altered");
    }
    fs::write(bench.path(), &whole).unwrap();
    assert_eq!(bench.get("a").unwrap(), "one");
}

#[test]
fn a_foreign_file_is_left_alone() {
    let mut bench = bench();
    bench.put("a", "one").unwrap();
    fs::write(bench.path(), "someone's notes").unwrap();
    bench.assert_refuses_all(VaultTrouble::Damaged, "no vault file");
}

#[test]
fn a_file_that_is_too_long_is_torn() {
    let mut bench = bench();
    bench.put("a", "one").unwrap();
    let mut bytes = fs::read(bench.path()).unwrap();
    bytes.resize(usize::try_from(seal::LONGEST).unwrap() + 2, 0);
    fs::write(bench.path(), bytes).unwrap();
    bench.assert_refuses_all(VaultTrouble::Damaged, "torn or was altered");
}

#[test]
fn a_file_that_others_may_touch_is_not_believed() {
    let mut bench = bench();
    bench.put("a", "one").unwrap();
    for mode in [0o640, 0o604, 0o620, 0o602, 0o666] {
        bench.chmod(mode);
        bench.assert_refuses_all(VaultTrouble::Unreadable, "may touch the vault file; run: chmod 600 /");
    }
    bench.chmod(0o600);
    assert_eq!(bench.get("a").unwrap(), "one");
}

#[test]
fn a_symlink_is_not_followed_and_a_directory_is_no_vault() {
    let mut bench = bench();
    bench.put("a", "one").unwrap();
    let moved = bench.folder.path().join("moved");
    fs::rename(bench.path(), &moved).unwrap();
    symlink(&moved, bench.path()).unwrap();
    bench.assert_refuses_all(VaultTrouble::Unreadable, "symlink");
    assert!(bench.path().is_symlink());
    fs::remove_file(bench.path()).unwrap();
    fs::create_dir(bench.path()).unwrap();
    bench.assert_refuses_all(VaultTrouble::Unreadable, "directory");
}

/// Only root can give a file away; for others, a file of root's is one that is not theirs.
#[test]
fn a_file_of_another_user_is_not_believed() {
    let mut bench = bench();
    bench.put("a", "one").unwrap();
    if rustix::process::geteuid().is_root() {
        chown(bench.path(), Some(65534), None).unwrap();
        bench.assert_refuses_all(VaultTrouble::Unreadable, "the vault file belongs to another user");
        chown(bench.folder.path().join("key"), Some(65534), None).unwrap();
        chown(bench.path(), Some(0), None).unwrap();
        bench.assert_refuses_all(VaultTrouble::Unreadable, "the key file belongs to another user");
    } else {
        bench.store.settings.path = "/etc/passwd".into();
        let error = bench.get("a").unwrap_err();
        assert!(error.detail.as_str().contains("the vault file belongs to another user"), "{error}");
    }
}

#[test]
fn what_a_crash_left_behind_is_in_nobodys_way() {
    let mut bench = bench();
    bench.put("a", "one").unwrap();
    let successor = bench.path().with_file_name(".vault.new");
    fs::write(&successor, "half a fi").unwrap();
    bench.put("a", "two").unwrap();
    assert_eq!(bench.get("a").unwrap(), "two");
    assert!(!successor.exists());
}

#[test]
fn a_write_that_fails_leaves_the_file_as_it_was() {
    let mut bench = bench();
    bench.put("a", "one").unwrap();
    fs::create_dir_all(bench.path().with_file_name(".vault.new").join("in-the-way")).unwrap();
    let error = bench.put("a", "two").unwrap_err();
    assert!(error.detail.as_str().starts_with("cannot write the vault file"), "{error}");
    assert_eq!(bench.get("a").unwrap(), "one");
}

#[test]
fn two_handles_lose_none_of_each_others_writes() {
    let bench = bench();
    let settings = bench.store.settings.clone();
    std::thread::scope(|scope| {
        for writer in ["x", "y", "z"] {
            let settings = settings.clone();
            scope.spawn(move || {
                let folder = TempDir::new().unwrap();
                let mut own = Bench { folder, store: SealedFile::new(settings).unwrap() };
                for number in 0..10 {
                    own.put(&format!("{writer}{number}"), "one").unwrap();
                }
            });
        }
    });
    let mut bench = bench;
    for writer in ["x", "y", "z"] {
        for number in 0..10 {
            assert_eq!(bench.get(&format!("{writer}{number}")).unwrap(), "one");
        }
    }
}

#[test]
fn settings_that_can_never_work_are_refused() {
    let good = FileSettings { path: "/v/vault".into(), key: KeySource::File("/k/key".into()) };
    assert!(SealedFile::new(good.clone()).is_ok());
    for path in ["vault", "./vault", "", "/", "/v/.."] {
        let settings = FileSettings { path: path.into(), ..good.clone() };
        assert_eq!(SealedFile::new(settings).unwrap_err(), BadFileSettings::Path(path.into()));
        let settings = FileSettings { key: KeySource::File(path.into()), ..good.clone() };
        assert_eq!(SealedFile::new(settings).unwrap_err(), BadFileSettings::Path(path.into()));
    }
    let longest = "n".repeat(255);
    for name in ["tokend.key", &longest] {
        let settings = FileSettings { key: KeySource::Credential(name.into()), ..good.clone() };
        assert!(SealedFile::new(settings).is_ok(), "{name}");
    }
    let too_long = "n".repeat(256);
    for name in ["", ".", "..", "a/b", "a:b", "a b", "\u{e9}", &too_long] {
        let settings = FileSettings { key: KeySource::Credential(name.into()), ..good.clone() };
        assert_eq!(SealedFile::new(settings).unwrap_err(), BadFileSettings::CredentialName(name.into()));
    }
}
