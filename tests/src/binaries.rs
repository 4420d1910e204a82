//! Where the programs are that the suites drive.

use std::{env, path::PathBuf};

/// A program of this workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// The daemon.
    Daemon,
    /// The client.
    Client,
    /// The stand-in Airbyte.
    Sandbox,
}

impl Binary {
    /// The file's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Daemon => "airbyte-tokend",
            Self::Client => "airbyte-token",
            Self::Sandbox => "airbyte-sandbox",
        }
    }

    /// The file, in the directory that cargo puts this profile's programs in.
    ///
    /// # Panics
    /// When it was not built.
    #[must_use]
    pub fn path(self) -> PathBuf {
        let test = env::current_exe().expect("a test knows its own file");
        let beside = test.ancestors().skip(1).take(2).map(|directory| directory.join(self.name()));
        let found = beside.into_iter().find(|path| path.is_file());
        found.unwrap_or_else(|| panic!("{} is not built; run: cargo build --workspace --bins", self.name()))
    }
}
