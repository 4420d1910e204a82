//! `airbyte-tokend`: arguments, logs, runtime, exit status.

use std::{io, path::PathBuf, process::ExitCode};

use airbyte_token_local::paths::{Env, Paths};
use airbyte_tokend::{
    config::Config,
    daemon::{Daemon, Places},
    harden::{self, WipingAllocator},
    logs,
};
use clap::Parser as _;

#[global_allocator]
static WIPING: WipingAllocator = WipingAllocator;

/// Keeps Airbyte client secrets in the keyring and serves live access tokens over a Unix socket.
#[derive(Debug, clap::Parser)]
#[command(version, after_help = HELP)]
struct Arguments {
    /// The configuration [default: $XDG_CONFIG_HOME/airbyte-tokend/config.toml]
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// The socket [default: $XDG_RUNTIME_DIR/airbyte-tokend/api.sock]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// What to log: error, warn, info, debug, trace, or a filter such as airbyte_tokend=debug
    #[arg(long, value_name = "FILTER", default_value = logs::DEFAULT_FILTER)]
    log: String,
    /// Check the configuration and exit
    #[arg(long)]
    check: bool,
}

const HELP: &str = "Examples:
  airbyte-tokend                 serve, in the foreground
  airbyte-tokend --check         is the configuration in order?
  airbyte-tokend --log debug     say more

SIGHUP reloads the configuration, SIGTERM stops.
Exit status: 0 stopped as told, 2 usage, 75 try again (another one is running), 77 somebody else's socket is in the way,
78 the configuration has mistakes.";

const CONFIG: u8 = 78;
const TRY_AGAIN: u8 = 75;

fn main() -> ExitCode {
    let hardened = harden::harden();
    let arguments = Arguments::parse();
    if let Err(error) = logs::begin(&arguments.log) {
        tracing::error!(%error, "the log filter cannot be read");
        return ExitCode::from(2);
    }
    harden::report_panics_without_their_text();
    if let Err(error) = hardened {
        tracing::error!(%error, "core dumps and tracing cannot be turned off");
        return ExitCode::from(TRY_AGAIN);
    }
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => ExitCode::from(code),
    }
}

fn run(arguments: Arguments) -> Result<(), u8> {
    let places = places(&arguments).map_err(|error| fail(&error, CONFIG))?;
    if arguments.check {
        return check(&places);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| fail(&error, TRY_AGAIN))?;
    runtime.block_on(serve(places))
}

fn check(places: &Places) -> Result<(), u8> {
    let config = Config::load(&places.config).map_err(|error| fail(&error, CONFIG))?;
    tracing::info!(config = %places.config.display(), profiles = config.profiles.len(), "the configuration is in order");
    Ok(())
}

async fn serve(places: Places) -> Result<(), u8> {
    let daemon = Daemon::build(places).map_err(|error| fail(&error, error.exit_status()))?;
    daemon.run().await.map_err(|error: io::Error| fail(&error, TRY_AGAIN))
}

fn places(arguments: &Arguments) -> Result<Places, Box<dyn std::error::Error>> {
    let mut env = Env::of_this_process();
    if let Some(directory) = arguments.socket.as_deref().and_then(std::path::Path::parent) {
        env.service_runtime.get_or_insert_with(|| directory.to_owned());
    }
    let paths = Paths::of_daemon(&env)?;
    Ok(Places {
        config: arguments.config.clone().unwrap_or(paths.config),
        socket: arguments.socket.clone().unwrap_or(paths.socket),
        state: paths.state,
    })
}

fn fail(error: &dyn std::fmt::Display, code: u8) -> u8 {
    for line in error.to_string().lines() {
        tracing::error!("{line}");
    }
    code
}
