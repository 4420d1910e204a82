//! What the clock on the wall says where the person is: by `TZ`, else by the machine's zone (tzset(3)).
//!
//! By hand, because a library for time is a quarter more program to load on every call, for one command.

mod civil;
mod rule;
mod tzif;

use std::{env, ffi::OsStr, fs::File, io::Read as _, path::Path};

use civil::Civil;
use rule::Rule;

/// Where zones are named (tzset(3)).
const ZONES: &str = "/usr/share/zoneinfo";
/// The machine's own (localtime(5)).
const MACHINE: &str = "/etc/localtime";

/// Larger than any zone's file, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// By how many seconds a place is ahead of UTC, and when.
#[derive(Debug, Default)]
pub(super) struct Zone {
    /// Before the first change.
    before: i64,
    /// Since when, in seconds of the Unix epoch, and from then on; the earliest first.
    changes: Vec<(i64, i64)>,
    /// After the last change.
    after: Option<Rule>,
}

impl Zone {
    /// The zone of whoever runs this.
    pub(super) fn of_this_process() -> Self {
        Self::named(env::var_os("TZ").as_deref())
    }

    /// The zone that `TZ` names; UTC where it names none that there is.
    fn named(variable: Option<&OsStr>) -> Self {
        let Some(name) = variable else { return Self::in_file(Path::new(MACHINE)).unwrap_or_default() };
        let name = name.to_str().unwrap_or_default();
        let name = name.strip_prefix(':').unwrap_or(name);
        let by_rule = Rule::parse(name).map(|rule| Self { after: Some(rule), ..Self::default() });
        by_rule.or_else(|| Self::in_file(&Path::new(ZONES).join(name))).unwrap_or_default()
    }

    fn in_file(path: &Path) -> Option<Self> {
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes));
        read.ok().and_then(|_| tzif::parse(&bytes))
    }

    /// `2030-01-31`.
    pub(super) fn day(&self, rfc3339: &str) -> String {
        self.at(rfc3339).map_or_else(|| "?".to_owned(), |at| at.day())
    }

    /// `23:59:59`.
    pub(super) fn time_of_day(&self, rfc3339: &str) -> String {
        self.at(rfc3339).map_or_else(|| "??:??:??".to_owned(), |at| at.time_of_day())
    }

    fn at(&self, rfc3339: &str) -> Option<Civil> {
        let utc = Civil::parse(rfc3339)?;
        Some(utc.later(self.ahead_at(utc.epoch())))
    }

    fn ahead_at(&self, epoch: i64) -> i64 {
        let past = self.changes.partition_point(|(since, _)| *since <= epoch);
        match (&self.after, past.checked_sub(1)) {
            (Some(rule), _) if past == self.changes.len() => rule.ahead_at(epoch),
            (_, Some(last)) => self.changes[last].1,
            (_, None) => self.before,
        }
    }
}

#[cfg(test)]
mod tests;
