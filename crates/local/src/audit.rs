//! The audit log: who was given which token, and who changed what.
//!
//! The daemon writes it, and the command line reads the files themselves, so that it can be read while the daemon is
//! down. One JSON object a line; each names the hash of the one before it, so that nobody can change, take out, put in
//! or move a line without breaking the chain. The log is in [`MOST_FILES`] files of at most [`LARGEST_FILE`] bytes: the
//! newest is `audit.log`, the one before it `audit.1.log`, and so on; the first line of each says that a file begins
//! there. No secret and no token is in it: fingerprints instead.
//!
//! What the chain does not show: that the newest lines were cut off while no daemon ran (the next start tells that the
//! daemon had not stopped by itself, which a power cut looks like, too), or that somebody who may write the files wrote
//! all of them anew. Whoever needs to know that keeps the hash of the newest line elsewhere.

mod chain;
mod event;
mod files;
mod log;
mod stamp;
mod trace;
mod verify;

pub use chain::{Chain, Hash};
pub use event::{DONE, Event, Process, Record, Verb, Who};
pub use files::{CURRENT, LARGEST_FILE, MOST_FILES, name};
pub use log::{Log, LogError};
pub use stamp::Stamp;
pub use trace::{Given, Trace};
pub use verify::{Finding, Flaw, Line, Trouble, Verifier};

#[cfg(test)]
mod tests;
