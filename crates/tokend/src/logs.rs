//! What the daemon says of itself: to the journal when systemd started it, else to standard error.
//!
//! Levels say who must act: `error`, somebody has to repair something; `warn`, it heals by itself but somebody may want
//! to know; `info`, what an owner wants to read back later; `debug` and `trace`, for whoever works on the daemon. At no
//! level is there a secret, a token (fingerprints instead) or anything of an answer's body.
#![expect(clippy::disallowed_methods, reason = "this is where the daemon speaks")]

mod condense;

pub(crate) use condense::Condenser;

use std::{
    io::{self, IsTerminal as _},
    str::FromStr,
};

use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::ParseError, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// What is written when nobody says otherwise: our own words from `info` on, other libraries' from `warn` on.
pub const DEFAULT_FILTER: &str = "warn,airbyte_tokend=info";

/// What to write, as `tracing_subscriber::EnvFilter` reads it: `debug`, or `airbyte_tokend=trace`.
#[derive(Clone, Debug)]
pub struct Filter(String);

impl FromStr for Filter {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        EnvFilter::try_new(text).map(|_| Self(text.to_owned()))
    }
}

/// Begins to write.
pub fn begin(filter: &Filter) {
    let writer = journal().unwrap_or_else(standard_error);
    // Only a second call could fail, and it would find the first one's logs at work.
    drop(tracing_subscriber::registry().with(writer.with_filter(EnvFilter::new(&filter.0))).try_init());
}

/// The same without what stands in quotation marks: those are upstream's words, for whoever asked and not for the log.
#[must_use]
pub fn without_quotations(text: &str) -> String {
    let parts = text.split('"').enumerate();
    parts.map(|(number, part)| if number % 2 == 0 { part } else { "..." }).collect()
}

type Writer = Box<dyn Layer<Registry> + Send + Sync>;

/// systemd sets `JOURNAL_STREAM` to what standard error is when that goes to the journal (`systemd.exec(5)`). Children
/// inherit the variable, a terminal's shell for instance, and may have redirected the stream.
fn journal() -> Option<Writer> {
    let stream = std::env::var("JOURNAL_STREAM").ok()?;
    let ours = rustix::fs::fstat(io::stderr()).ok()?;
    if !names(&stream, ours.st_dev, ours.st_ino) {
        return None;
    }
    let layer = tracing_journald::layer().ok()?;
    Some(layer.with_syslog_identifier("airbyte-tokend".to_owned()).boxed())
}

/// Whether `DEVICE:INODE` is this file.
fn names(stream: &str, device: u64, inode: u64) -> bool {
    stream.split_once(':').is_some_and(|(dev, ino)| dev.parse() == Ok(device) && ino.parse() == Ok(inode))
}

fn standard_error() -> Writer {
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(colour).with_target(false).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotations_are_left_out_even_when_they_are_cut_short() {
        assert_eq!(without_quotations("no (401, \"Bad id\"); check"), "no (401, ...); check");
        assert_eq!(without_quotations("\"a\" and \"b\""), "... and ...");
        assert_eq!(without_quotations("no (401, \"a long sto..."), "no (401, ...");
        assert_eq!(without_quotations("nobody listens"), "nobody listens");
    }

    #[test]
    fn a_journal_that_somebody_elses_stream_goes_to_is_not_ours() {
        assert!(names("9:24601", 9, 24601));
        for other in ["9:24602", "8:24601", "9:", "9", "", "9:24601:1", "24601:9"] {
            assert!(!names(other, 9, 24601), "{other}");
        }
    }
}
