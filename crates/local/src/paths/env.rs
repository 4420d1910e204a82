//! What the environment says about places.

use std::{
    env,
    path::{Path, PathBuf},
};

use directories::BaseDirs;

/// What a daemon's environment says about places. Every path is absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Env {
    /// `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`, or `.config` in the home directory.
    pub config_home: Option<PathBuf>,
    /// `XDG_STATE_HOME`, or `.local/state` in the home directory.
    pub state_home: Option<PathBuf>,
    /// The first of `RUNTIME_DIRECTORY`, which systemd sets for `RuntimeDirectory=`.
    pub service_runtime: Option<PathBuf>,
    /// The first of `CONFIGURATION_DIRECTORY`, which systemd sets for `ConfigurationDirectory=`.
    pub service_config: Option<PathBuf>,
    /// The first of `STATE_DIRECTORY`, which systemd sets for `StateDirectory=`.
    pub service_state: Option<PathBuf>,
}

impl Env {
    /// This process's environment. Relative paths count as not set, as the XDG Base Directory Specification asks.
    #[must_use]
    pub fn of_this_process() -> Self {
        let dirs = BaseDirs::new();
        let dirs = dirs.as_ref();
        Self {
            runtime_dir: dirs.and_then(BaseDirs::runtime_dir).map(Path::to_owned),
            config_home: dirs.map(BaseDirs::config_dir).map(Path::to_owned),
            state_home: dirs.and_then(BaseDirs::state_dir).map(Path::to_owned),
            service_runtime: first_of("RUNTIME_DIRECTORY"),
            service_config: first_of("CONFIGURATION_DIRECTORY"),
            service_state: first_of("STATE_DIRECTORY"),
        }
    }
}

/// What a client's environment says about the socket: all that it needs, so that it need not look for a home directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientEnv {
    /// `AIRBYTE_TOKEND_SOCKET`.
    pub socket: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
    /// `AIRBYTE_TOKEND_UID`: who serves the socket, where that is neither this user nor root. What is no number names
    /// nobody.
    pub server: Option<u32>,
}

impl ClientEnv {
    /// This process's environment. Variables that are empty count as not set, and so does a relative `XDG_RUNTIME_DIR`.
    #[must_use]
    pub fn of_this_process() -> Self {
        let named = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            socket: named("AIRBYTE_TOKEND_SOCKET"),
            runtime_dir: named("XDG_RUNTIME_DIR").filter(|path| path.is_absolute()),
            server: env::var("AIRBYTE_TOKEND_UID").ok().and_then(|uid| uid.parse().ok()),
        }
    }
}

/// Systemd joins several directories with colons.
fn first_of(variable: &str) -> Option<PathBuf> {
    let value = env::var_os(variable)?;
    env::split_paths(&value).next().filter(|path| path.is_absolute())
}
