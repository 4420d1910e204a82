//! What the issuer and the callers saw, second by second.

use std::{ops::Range, time::Duration};

/// What the issuer and the callers saw.
#[derive(Debug)]
pub(crate) struct Tally {
    hosts: u32,
    exchanges: Vec<u32>,
    turned_away: Vec<u32>,
    recoveries: Vec<Recovery>,
}

/// A host that had been failing got a token again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recovery {
    /// How long after the issuer was back.
    pub(crate) after: Duration,
    /// Whether its last token had died by the time that the issuer was back: somebody may have been waiting.
    pub(crate) was_bare: bool,
}

impl Tally {
    pub(crate) fn new(hosts: u32, lasts: Duration) -> Self {
        let seconds = usize::try_from(lasts.as_secs()).unwrap_or(0) + 1;
        Self { hosts, exchanges: vec![0; seconds], turned_away: vec![0; seconds], recoveries: Vec::new() }
    }

    /// An exchange reached the issuer.
    pub(crate) fn note_exchange(&mut self, at: Duration) {
        count(&mut self.exchanges, at);
    }

    /// A caller got no token.
    pub(crate) fn note_turned_away(&mut self, at: Duration) {
        count(&mut self.turned_away, at);
    }

    pub(crate) fn note_recovery(&mut self, recovery: Recovery) {
        self.recoveries.push(recovery);
    }

    /// The share of the fleet that asked the issuer in each second.
    pub(crate) fn shares(&self, seconds: Range<usize>) -> impl Iterator<Item = f64> {
        let hosts = f64::from(self.hosts);
        let counted = self.exchanges.get(seconds).unwrap_or_default();
        counted.iter().map(move |exchanges| f64::from(*exchanges) / hosts)
    }

    /// The largest share of the fleet that asked the issuer in any one of these seconds.
    pub(crate) fn peak(&self, seconds: Range<usize>) -> f64 {
        self.shares(seconds).fold(0.0, f64::max)
    }

    /// The share of the fleet that asked the issuer in one of these seconds, on average.
    pub(crate) fn mean(&self, seconds: Range<usize>) -> f64 {
        let count = u32::try_from(seconds.len().max(1)).unwrap_or(u32::MAX);
        self.shares(seconds).sum::<f64>() / f64::from(count)
    }

    /// How many callers got no token in these seconds.
    pub(crate) fn turned_away(&self, seconds: Range<usize>) -> u64 {
        self.turned_away.get(seconds).unwrap_or_default().iter().copied().map(u64::from).sum()
    }

    /// How long hosts waited for a token after the issuer was back: on average, and the one that waited longest.
    /// Bare: only those without a token.
    pub(crate) fn recovery(&self, bare: bool) -> Option<(Duration, Duration)> {
        let waits = self.recoveries.iter().filter(|one| one.was_bare || !bare).map(|one| one.after);
        let longest = waits.clone().max()?;
        let count = u32::try_from(waits.clone().count()).ok()?;
        Some((waits.sum::<Duration>() / count, longest))
    }
}

fn count(seconds: &mut [u32], at: Duration) {
    let second = usize::try_from(at.as_secs()).ok();
    if let Some(counted) = second.and_then(|second| seconds.get_mut(second)) {
        *counted += 1;
    }
}
