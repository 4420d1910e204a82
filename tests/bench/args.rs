//! The flags.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};

/// Times airbyte-token and airbyte-tokend, each beside a floor that is measured in the same run.
///
/// Absolute times are those of this machine at this hour; ratios to a floor hold elsewhere. Every table has a row in
/// which a floor is measured a second time: what differs there is noise.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) role: Option<Role>,

    /// Where airbyte-token, airbyte-tokend and airbyte-sandbox are [default: where this program is]
    #[arg(long, value_name = "DIR")]
    pub(crate) programs: Option<PathBuf>,

    /// A few rounds of everything: shows that it runs, and measures little
    #[arg(long)]
    pub(crate) quick: bool,

    /// Write the figures there too
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Fail where the client takes more of the C program's time than it may
    #[arg(long)]
    pub(crate) assert: bool,
}

/// What this program is when it is started by itself.
#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// The floor under the daemon: hyper alone, with one constant reply
    #[command(hide = true)]
    FloorServer {
        socket: PathBuf,
        /// The size of the reply's body, in bytes
        body: usize,
    },
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Of each client.
    pub(crate) calls: usize,
    /// Of each server under each load, and how long one is.
    pub(crate) loads: usize,
    pub(crate) load: Duration,
    /// Of each server.
    pub(crate) starts: usize,
    pub(crate) idle: Duration,
}

impl Args {
    pub(crate) const fn effort(&self) -> Effort {
        if self.quick {
            Effort {
                calls: 100,
                loads: 1,
                load: Duration::from_millis(50),
                starts: 2,
                idle: Duration::from_secs(1),
            }
        } else {
            Effort {
                calls: 2000,
                loads: 7,
                load: Duration::from_secs(1),
                starts: 41,
                idle: Duration::from_secs(60),
            }
        }
    }
}
