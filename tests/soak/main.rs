//! `airbyte-soak`, behind `make soak`: a day of the real daemon in a few minutes, with everything going wrong that can,
//! and an oracle that knows every token's true life and judges every answer.
//!
//! The programs are the real ones, in a home of their own: a keyring, stand-in Airbytes, the client. Their clocks are
//! moved, so that a day passes while the tokens live for seconds.

mod args;
mod budget;
mod clients;
mod clock;
mod conductor;
mod dice;
mod facts;
mod ledger;
mod oracle;
mod outputs;
mod recovery;
mod report;
mod script;
mod search;
mod shifts;
mod talk;
mod trouble;
mod world;

use std::process::ExitCode;

use clap::Parser as _;

use args::Args;
use report::{Stage, Verdict, complain, say};
use script::Script;
use trouble::Trouble;

fn main() -> ExitCode {
    match soak(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            complain(&trouble);
            ExitCode::from(2)
        }
    }
}

/// Whether every promise was kept.
fn soak(args: &Args) -> Result<bool, Trouble> {
    let script = Script::of(args.seed(), args.size());
    Stage::open(&script)?;
    if args.script {
        return say(&script.to_string()).map(|()| true);
    }
    let outcome = conductor::play(&script, &mut Stage::default())?;
    let verdict = Verdict::of(&script, &outcome);
    verdict.print(&script, &outcome)?;
    if let Some(file) = &args.json {
        verdict.write(file)?;
    }
    Ok(verdict.is_kept())
}
