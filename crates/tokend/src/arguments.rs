//! The daemon's command line.

use std::path::{Path, PathBuf};

use airbyte_token_local::paths::{Env, NoPlace, Paths};
use airbyte_tokend::{
    daemon::Places,
    logs::{DEFAULT_FILTER, Filter},
};

/// Keeps Airbyte client secrets in the keyring and serves live access tokens over a Unix socket.
#[derive(Debug, clap::Parser)]
#[command(version, after_help = HELP)]
pub(crate) struct Arguments {
    /// The configuration [default: $XDG_CONFIG_HOME/airbyte-tokend/config.toml]
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// The socket [default: $XDG_RUNTIME_DIR/airbyte-tokend/api.sock]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// What to log: error, warn, info, debug, trace, or a filter such as airbyte_tokend=debug
    #[arg(long, value_name = "FILTER", default_value = DEFAULT_FILTER)]
    pub(crate) log: Filter,
    /// Check the configuration and the files that it names, and exit
    #[arg(long)]
    pub(crate) check: bool,
}

const HELP: &str = "Examples:
  airbyte-tokend                 serve, in the foreground
  airbyte-tokend --check         is the configuration in order?
  airbyte-tokend --log debug     say more

SIGHUP reloads the configuration, SIGTERM stops.

Exit statuses:
   0  stopped as told
   2  the command line cannot be understood
  75  try again: another one is running, or the system refused
  77  the socket's directory is somebody else's or open to others
  78  the configuration has mistakes";

impl Arguments {
    /// Where everything is: as the arguments say, and for the rest as the environment says.
    ///
    /// # Errors
    /// When neither says where something is.
    pub(crate) fn places(self) -> Result<Places, NoPlace> {
        let mut env = Env::of_this_process();
        if let Some(directory) = self.socket.as_deref().and_then(Path::parent) {
            env.service_runtime = Some(directory.to_owned());
        }
        let paths = Paths::of_daemon(&env)?;
        Ok(Places {
            config: self.config.unwrap_or(paths.config),
            socket: self.socket.unwrap_or(paths.socket),
            state: paths.state,
        })
    }
}
