//! What is kept of those whom loopback HTTP sent away: how many, and a line in the log now and then. Anybody on the
//! machine can send as many requests there as it likes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{clock::Clock, logs::Condenser};

/// Why somebody was sent away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The request is addressed to another host.
    Host,
    /// It has a header of browsers or proxies, is of another version of HTTP, or has a body.
    Shape,
    /// It asks for what is not to be had there.
    Route,
    /// It shows no valid credential.
    Credential,
    /// The credential is for something else.
    Scope,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 5] = [Self::Host, Self::Shape, Self::Route, Self::Credential, Self::Scope];

    /// Its name in the metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Shape => "shape",
            Self::Route => "route",
            Self::Credential => "credential",
            Self::Scope => "scope",
        }
    }

    const fn told(self) -> &'static str {
        match self {
            Self::Host => "for another host",
            Self::Shape => "as no local program sends",
            Self::Route => "for what is not to be had there",
            Self::Credential => "without a valid credential",
            Self::Scope => "for what its local client may not have",
        }
    }
}

/// The counts, since the daemon started, and what was said of them.
#[derive(Debug, Default)]
pub struct Rebuffs(Mutex<[Row; Why::ALL.len()]>);

#[derive(Debug, Default)]
struct Row {
    count: u64,
    said: Condenser,
}

impl Rebuffs {
    /// Somebody was sent away. Of each reason the log tells once a minute at most, with the detail of the request that it
    /// is told of.
    pub(in crate::service) fn note(&self, why: Why, detail: &str) {
        let mut rows = self.rows();
        let row = &mut rows[why as usize];
        row.count += 1;
        if let Some(line) = row.said.heard(Clock.now(), why.told()) {
            tracing::warn!("loopback HTTP refused a request {line}: {detail}");
        }
    }

    /// How many were sent away, by reason.
    #[must_use]
    pub fn counts(&self) -> [(Why, u64); Why::ALL.len()] {
        let rows = self.rows();
        Why::ALL.map(|why| (why, rows[why as usize].count))
    }

    fn rows(&self) -> MutexGuard<'_, [Row; Why::ALL.len()]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_counted_by_itself() {
        let rebuffs = Rebuffs::default();
        for why in Why::ALL {
            (0..=why as usize).for_each(|_| rebuffs.note(why, "a detail"));
        }
        let counts = rebuffs.counts().map(|(why, count)| (why.name(), count));
        assert_eq!(counts, [("host", 1), ("shape", 2), ("route", 3), ("credential", 4), ("scope", 5)]);
    }
}
