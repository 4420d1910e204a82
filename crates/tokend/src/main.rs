//! `airbyte-tokend`: arguments, logs, runtime, exit status.

mod arguments;

use std::{fmt::Display, process::ExitCode};

use airbyte_tokend::{
    daemon::{self, Daemon, Places},
    harden::{self, WipingAllocator},
    logs,
};
use arguments::Arguments;
use clap::Parser as _;

#[global_allocator]
static WIPING: WipingAllocator = WipingAllocator;

const TRY_AGAIN: u8 = 75;
const CONFIG: u8 = 78;

fn main() -> ExitCode {
    let hardened = harden::harden();
    let arguments = Arguments::parse();
    logs::begin(&arguments.log);
    harden::report_panics_without_their_text();
    harden::keep_out_of_swap();
    let outcome = hardened.map_err(|error| fail(&error, TRY_AGAIN)).and_then(|()| run(arguments));
    outcome.map_or_else(ExitCode::from, |()| ExitCode::SUCCESS)
}

fn run(arguments: Arguments) -> Result<(), u8> {
    let only_check = arguments.check;
    let places = arguments.places().map_err(|error| fail(&error, CONFIG))?;
    if only_check {
        return check(&places);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| fail(&error, TRY_AGAIN))?;
    let outcome = runtime.block_on(serve(places));
    // A thread that hangs in the disk or in a name server does not hold up the end.
    runtime.shutdown_background();
    outcome
}

fn check(places: &Places) -> Result<(), u8> {
    let config = daemon::check(places).map_err(|wrong| {
        wrong.iter().map(|error| fail(error, error.exit_status())).max().unwrap_or(CONFIG)
    })?;
    tracing::info!(config = %places.config.display(), profiles = config.profiles.len(), "the configuration is in order");
    Ok(())
}

async fn serve(places: Places) -> Result<(), u8> {
    let daemon = Daemon::build(places).await.map_err(|error| fail(&error, error.exit_status()))?;
    daemon.run().await.map_err(|error| fail(&error, TRY_AGAIN))
}

fn fail(error: &dyn Display, status: u8) -> u8 {
    error.to_string().lines().for_each(|line| tracing::error!("{line}"));
    status
}
