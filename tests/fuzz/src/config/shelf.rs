//! A place for one configuration file, and a daemon that serves what it says.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use airbyte_tokend::{
    cache::Remembering,
    config::Config,
    daemon::{Places, State},
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::broken::{Broken, ensure};

/// Keeps no file on a disk where the system has a place in memory: a fuzzer writes thousands in a second.
const IN_MEMORY: &str = "/dev/shm";

/// One for each thread, for as long as it lives.
pub(super) struct Shelf {
    state: State,
    runtime: Runtime,
    home: TempDir,
}

impl Shelf {
    pub(super) fn new() -> Self {
        let home = tempfile::Builder::new().prefix("airbyte-tokend-checks-").tempdir_in(place());
        let home = home.expect("there is room for a directory");
        let path = |name: &str| home.path().join(name);
        let places = Places { config: path("config.toml"), socket: path("api.sock"), state: path("state") };
        let runtime = Builder::new_current_thread().enable_all().build().expect("the system has threads");
        let state = runtime.block_on(async {
            let config = Config::load(&places.config).expect("no file means the defaults");
            State::new(places, config, Remembering::load(path("memory.json"))).expect("no profile can fail")
        });
        Self { state, runtime, home }
    }

    /// Where the file is.
    pub(super) fn path(&self) -> PathBuf {
        self.home.path().join("config.toml")
    }

    pub(super) fn put(&self, bytes: &[u8]) -> io::Result<()> {
        fs::write(self.path(), bytes)
    }

    /// A reload of what is refused says so and changes nothing.
    pub(super) fn refuses_to_reload(&self) -> Result<(), Broken> {
        let before = self.state.config();
        let outcome = self.runtime.block_on(self.state.reload());
        ensure!(outcome.is_err(), "what is refused is reloaded");
        ensure!(
            std::sync::Arc::ptr_eq(&before, &self.state.config()),
            "a refused file changed what is in force"
        );
        Ok(())
    }
}

fn place() -> PathBuf {
    let in_memory = Path::new(IN_MEMORY);
    if in_memory.is_dir() { in_memory.to_owned() } else { std::env::temp_dir() }
}
