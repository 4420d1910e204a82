//! The stand-in as a program: flags in, one line out, then it serves until it is told to stop.
#![expect(clippy::disallowed_methods, reason = "says where it listens, or why it does not")]

mod args;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use airbyte_sandbox::{Sandbox, Settings, StartError};
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{Args, BadArgs};

/// Why the stand-in cannot run.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Args(#[from] BadArgs),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("cannot listen for signals or write to standard output: {0}")]
    System(#[from] io::Error),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when standard error is closed too.
            drop(writeln!(io::stderr(), "airbyte-sandbox: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), RunError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let sandbox = Sandbox::try_start(Settings::try_from(args)?)?;
    let mut out = io::stdout().lock();
    writeln!(out, "airbyte-sandbox listening on {}", sandbox.url())?;
    out.flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
