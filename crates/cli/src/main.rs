//! `airbyte-token`: prints a live Airbyte access token. The thin client of `airbyte-tokend`.
//!
//! It holds no secret for longer than it takes to hand it to the daemon, and starts as fast as a C program: no async
//! runtime, no TLS and no keyring may enter. On failure nothing is ever written to standard output, but for what can be
//! read of an audit log that somebody changed.

mod args;
mod commands;
mod failure;
mod output;
mod terminal;

use std::process::ExitCode;

use airbyte_token_local::ExitStatus;

fn main() -> ExitCode {
    let outcome = args::of_this_process().map_err(Into::into).and_then(commands::run);
    let status = match outcome {
        Ok(()) => ExitStatus::Done,
        Err(failure) => {
            output::failure(&failure);
            failure.status()
        }
    };
    ExitCode::from(status.code())
}
