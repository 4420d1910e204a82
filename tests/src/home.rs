//! Directories of one's own.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{Binary, Person, random};

/// A user's directories, private and empty, removed when dropped.
#[derive(Debug)]
pub struct Home {
    directory: TempDir,
    person: Person,
}

const OURS: &str = "airbyte-tokend";

impl Home {
    /// Directories of whoever runs the tests.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Person::me())
    }

    /// Directories of this user.
    #[must_use]
    pub fn of(person: Person) -> Self {
        let directory = tempfile::Builder::new().prefix("airbyte-").tempdir().expect("there is room in /tmp");
        let home = Self { directory, person };
        person.own(home.path());
        for name in ["home", "config", "state", "data", "cache", "run"] {
            home.make_directory(&home.path().join(name));
        }
        home
    }

    /// The directory that all others are in.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Whose it is.
    #[must_use]
    pub const fn person(&self) -> Person {
        self.person
    }

    /// `XDG_RUNTIME_DIR`.
    #[must_use]
    pub fn run(&self) -> PathBuf {
        self.path().join("run")
    }

    /// Where the daemon puts its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.run().join(OURS).join("api.sock")
    }

    /// The daemon's configuration.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.path().join("config").join(OURS).join("config.toml")
    }

    /// What the configuration says.
    #[must_use]
    pub fn config(&self) -> String {
        fs::read_to_string(self.config_file()).expect("there is a configuration")
    }

    /// The daemon's state directory.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.path().join("state").join(OURS)
    }

    /// Writes the configuration.
    pub fn write_config(&self, text: &str) {
        let file = self.config_file();
        let directory = file.parent().expect("it is in a directory");
        if !directory.exists() {
            self.make_directory(directory);
        }
        self.write(&file, text.as_bytes());
    }

    /// Sets up a `file` vault with a key of its own, in an otherwise empty configuration.
    #[must_use]
    pub fn with_file_vault(self) -> Self {
        self.write_config(&self.file_vault());
        self
    }

    /// The part of a configuration that sets up a `file` vault; its key is made if it is not there.
    #[must_use]
    pub fn file_vault(&self) -> String {
        let key = self.path().join("key");
        if !key.exists() {
            self.write(&key, &random::bytes::<32>());
        }
        format!("[vault.file]\nkey_file = \"{}\"\n", key.display())
    }

    /// Writes a file of mode 0600.
    pub fn write(&self, path: &Path, bytes: &[u8]) {
        fs::write(path, bytes).expect("there is room in /tmp");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("it is ours");
        self.person.own(path);
    }

    /// Makes a directory of mode 0700.
    pub fn make_directory(&self, path: &Path) {
        fs::create_dir(path).expect("there is room in /tmp");
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).expect("it is ours");
        self.person.own(path);
    }

    /// A program of ours, to be run in these directories and with nothing else in its environment.
    #[must_use]
    pub fn command(&self, binary: Binary) -> Command {
        self.command_of(self.person, &self.reachable(binary))
    }

    /// Any program, run by this user in these directories.
    #[must_use]
    pub fn command_of(&self, person: Person, program: &Path) -> Command {
        let mut command = person.command(program);
        command.env_clear().current_dir(self.path());
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin").env("LC_ALL", "C.UTF-8");
        for (variable, name) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_RUNTIME_DIR", "run"),
        ] {
            command.env(variable, self.path().join(name));
        }
        command
    }

    /// The target directory may be closed to other users: they get a copy.
    fn reachable(&self, binary: Binary) -> PathBuf {
        let built = binary.path();
        if self.person.is_me() {
            return built;
        }
        let copy = self.path().join(binary.name());
        if !copy.exists() {
            fs::copy(&built, &copy).expect("there is room in /tmp");
            self.person.own(&copy);
        }
        copy
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}
