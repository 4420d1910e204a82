//! The secret where it must not be: in answers, logs, arguments, panics and files. What the daemon's memory holds is
//! another matter.

mod answers;
mod disk;
mod output;

use airbyte_tokend_tests::{Airbyte, Canary};

/// The vaults that there are, each with a profile of its own name.
const VAULTS: [&str; 3] = ["memory", "file", "keyring"];

/// A stand-in Airbyte for each vault, with a secret of its own.
fn airbytes() -> Vec<(&'static str, Airbyte)> {
    VAULTS.map(|vault| (vault, Airbyte::start())).into()
}

/// Those lines of a trace that hold it, in whatever disguise.
fn holding<'trace>(trace: &'trace str, canary: &Canary) -> Vec<&'trace str> {
    trace.lines().filter(|line| canary.found_in(line.as_bytes()).is_some()).collect()
}
