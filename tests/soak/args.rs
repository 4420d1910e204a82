//! The flags.

use std::path::PathBuf;

use clap::Parser;

use crate::{clock, script::Size};

/// A day in the life of airbyte-tokend in a few minutes, and an oracle that judges every answer.
///
/// Everything that happens is a function of the seed: which fault when, which kill, which leap of the clocks, and what each
/// client asks. What the programs make of it is not, so a rare fault of timing may need several runs.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// The seed of an earlier run, to have its script again
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// How long it takes, about
    #[arg(long, value_name = "MINUTES", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=600))]
    minutes: u64,

    /// Half a minute, with fewer profiles and clients
    #[arg(long, conflicts_with = "minutes")]
    short: bool,

    /// Show the script and its digest, and play nothing
    #[arg(long)]
    pub(crate) script: bool,

    /// Write the figures there too
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// So many acts take a minute, with what is between them.
const ACTS_A_MINUTE: u64 = 8;

impl Args {
    pub(crate) const fn size(&self) -> Size {
        if self.short {
            return Size { profiles: 8, clients: 60, acts: 4 };
        }
        Size { profiles: 20, clients: 200, acts: (self.minutes * ACTS_A_MINUTE) as usize }
    }

    /// The one that was given, or another one each time.
    pub(crate) fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(|| (clock::now() * 1e6) as u64 % 1_000_000_007)
    }
}
