//! What the oracle knows that the daemon does not: what truly happened, and when.

use std::collections::HashMap;

use crate::{
    clock::Seconds,
    ledger::{Issue, Ledger},
    script,
    shifts::Shifts,
};

/// Everything that was done to the daemon's world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) ledger: Ledger,
    pub(crate) shifts: Shifts,
    /// When the daemon served: from its word that it does until it was told or made to end.
    pub(crate) runs: Vec<Span>,
    /// By profile: when it was changed, or its token was lost in another rightful way.
    pub(crate) changes: HashMap<usize, Vec<Span>>,
    /// By profile: what its Airbyte did wrong from when on.
    pub(crate) weather: HashMap<usize, Vec<(Seconds, Option<&'static str>)>>,
}

/// From when until when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) from: Seconds,
    pub(crate) until: Seconds,
}

/// How an Airbyte was while somebody asked for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// It answered as it should, all the time.
    Well,
    /// It did not answer, all the time.
    Silent,
    /// Something else, or one after the other.
    Mixed,
}

impl Span {
    fn contains(self, other: Self) -> bool {
        self.from <= other.from && other.until <= self.until
    }

    fn touches(self, other: Self) -> bool {
        self.from <= other.until && other.from <= self.until
    }
}

impl Facts {
    /// The run of the daemon that all of this was in.
    pub(crate) fn run(&self, span: Span) -> Option<usize> {
        self.runs.iter().position(|run| run.contains(span))
    }

    /// Whether the profile may have lost its token meanwhile, rightfully.
    pub(crate) fn was_changed(&self, profile: usize, span: Span) -> bool {
        self.changes.get(&profile).is_some_and(|changes| changes.iter().any(|change| change.touches(span)))
    }

    /// Whether a token may have come meanwhile that was said to live shorter than the one before. It replaces that one
    /// all the same.
    pub(crate) fn was_shortened(&self, profile: usize, span: Span) -> bool {
        let issues = self.ledger.of(profile).iter().rev().take_while(|issue| span.from <= issue.by);
        issues.filter(|issue| issue.by <= span.until).any(|issue| self.is_shortened(issue))
    }

    fn is_shortened(&self, issue: &Issue) -> bool {
        self.faults(issue.profile, Span { from: issue.by - 2.0, until: issue.by })
            .any(|fault| fault.is_some_and(script::shortens))
    }

    pub(crate) fn weather(&self, profile: usize, span: Span) -> Weather {
        let mut faults = self.faults(profile, span);
        let Some(first) = faults.next() else { return Weather::Well };
        match (first, faults.next()) {
            (None, None) => Weather::Well,
            (Some(fault), None) if script::is_silent(fault) => Weather::Silent,
            (Some(_), None) | (_, Some(_)) => Weather::Mixed,
        }
    }

    /// What its Airbyte did wrong at any time of these.
    fn faults(&self, profile: usize, span: Span) -> impl Iterator<Item = Option<&'static str>> {
        let all = self.weather.get(&profile).map(Vec::as_slice).unwrap_or_default();
        let first = all.iter().rposition(|(from, _)| *from <= span.from).unwrap_or(0);
        all[first..].iter().take_while(move |(from, _)| *from <= span.until).map(|(_, fault)| *fault)
    }
}
