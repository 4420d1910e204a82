//! What the fleet is put through, and what must hold in each phase of it.

use std::{ops::Range, time::Duration};

use crate::sim::{Down, Outage, Scenario};

/// After an outage no more than this share of the fleet may ask in any one second: an issuer that has just come back
/// must not be knocked over again.
pub(crate) const HEALED_LIMIT: f64 = 0.02;
/// At any other time.
pub(crate) const LIMIT: f64 = 0.05;

/// The hosts of a fleet in its stride came up at any time within the life of its first renewals ...
const STAGGER: u64 = 585;
/// ... and by now nothing is left of that.
const STRIDE: u64 = 1_200;
/// What follows an outage, and all that follows from it.
const AFTERMATH: u64 = 1_800;

/// A scenario, in words and in phases.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) title: String,
    pub(crate) scenario: Scenario,
    pub(crate) phases: Vec<Phase>,
}

/// A part of a scenario.
#[derive(Debug)]
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    pub(crate) seconds: Range<usize>,
    /// The share of the fleet that may ask in any one second.
    pub(crate) limit: Option<f64>,
}

/// A fleet and its clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fleet {
    pub(crate) hosts: u32,
    pub(crate) seed: u64,
}

impl Fleet {
    /// All hosts come up within a second. What the issuer sees first are their clients, who find no token anywhere, and
    /// how eager those are is theirs: they are not made to wait.
    pub(crate) fn restarts(self, asks_every: u64) -> Case {
        let minutes = |from: usize, to: usize| from * 60..to * 60;
        let eager = asks_every < 60;
        let phases = vec![
            phase("first tokens", minutes(0, 9), (!eager).then_some(LIMIT)),
            phase("first renewals", minutes(9, 19), Some(LIMIT)),
            phase("afterwards", minutes(19, 79), Some(LIMIT)),
        ];
        let scenario = self.scenario(1, asks_every, None, 79 * 60);
        Case {
            title: format!("all {} hosts start at once; {}", self.hosts, clients(asks_every)),
            scenario,
            phases,
        }
    }

    /// All hosts come up within a second, and Airbyte is not up yet for so long: the power was out everywhere. Nobody has
    /// a token to live on meanwhile, so that everybody is quick at first.
    pub(crate) fn starts_before_airbyte(self, seconds: u64) -> Case {
        let outage = Outage { from: Duration::ZERO, healed: secs(seconds), answer: Down::Refused };
        let phases = vec![
            phase("outage", 0..at(seconds), None),
            phase("healed", at(seconds)..at(seconds + 300), Some(LIMIT)),
            phase("afterwards", at(seconds + 300)..at(seconds + AFTERMATH), Some(LIMIT)),
        ];
        let scenario = self.scenario(1, 60, Some(outage), seconds + AFTERMATH);
        let title = format!("all {} hosts start {seconds} s before Airbyte; {}", self.hosts, clients(60));
        Case { title, scenario, phases }
    }

    /// A fleet in its stride sees so many seconds of an outage.
    pub(crate) fn outlasts(self, seconds: u64, answer: Down, asks_every: u64) -> Case {
        let healed = STRIDE + seconds;
        let outage = Outage { from: secs(STRIDE), healed: secs(healed), answer };
        let limit = match answer {
            Down::Refused | Down::Unavailable | Down::UnavailableFor(_) | Down::WebPage | Down::Expired => {
                HEALED_LIMIT
            }
            // It knew when, or it noticed none of the tries.
            Down::UnavailableUntilHealed | Down::Unresolved => LIMIT,
        };
        let phases = vec![
            phase("all is well", at(STAGGER)..at(STRIDE), Some(LIMIT)),
            phase("outage", at(STRIDE)..at(healed), Some(LIMIT)),
            phase("healed", at(healed)..at(healed + 300), Some(limit)),
            phase("afterwards", at(healed + 300)..at(healed + AFTERMATH), Some(limit)),
        ];
        let scenario = self.scenario(STAGGER, asks_every, Some(outage), healed + AFTERMATH);
        let minutes = f64::from(u32::try_from(seconds).unwrap_or(u32::MAX)) / 60.0;
        let title =
            format!("{minutes} minutes of {}; {} hosts, {}", answer.name(), self.hosts, clients(asks_every));
        Case { title, scenario, phases }
    }

    /// As many of its hosts as show what happens, where each costs much to play.
    pub(crate) const fn fifth(self) -> Self {
        Self { hosts: self.hosts / 5, ..self }
    }

    fn scenario(self, up_within: u64, asks_every: u64, outage: Option<Outage>, lasts: u64) -> Scenario {
        let Self { hosts, seed } = self;
        let (up_within, asks_every) = (secs(up_within), secs(asks_every));
        Scenario { hosts, seed, up_within, asks_every, outage, lasts: secs(lasts) }
    }
}

impl Case {
    /// The phases with a busier second than they may have, each in a few words.
    pub(crate) fn breaches(&self, peak: impl Fn(Range<usize>) -> f64) -> Vec<String> {
        let breach = |phase: &Phase| {
            let peak = peak(phase.seconds.clone());
            let limit = phase.limit.filter(|limit| peak >= *limit)?;
            Some(format!("{}: {:.2} % of the hosts and not {:.0} %", phase.name, peak * 100.0, limit * 100.0))
        };
        self.phases.iter().filter_map(breach).collect()
    }
}

impl Down {
    fn name(self) -> String {
        match self {
            Self::Refused => "refused connections".to_owned(),
            Self::Unavailable => "503".to_owned(),
            Self::UnavailableFor(wait) => format!("503 with Retry-After: {}", wait.as_secs()),
            Self::UnavailableUntilHealed => "503 with one date for all in Retry-After".to_owned(),
            Self::WebPage => "a web page in its stead".to_owned(),
            Self::Unresolved => "a name that cannot be resolved".to_owned(),
            Self::Expired => "a certificate that has expired".to_owned(),
        }
    }
}

fn phase(name: &'static str, seconds: Range<usize>, limit: Option<f64>) -> Phase {
    Phase { name, seconds, limit }
}

fn clients(asks_every: u64) -> String {
    match asks_every {
        1 => "clients ask every second".to_owned(),
        60 => "clients ask every minute".to_owned(),
        seconds => format!("clients ask every {seconds} s"),
    }
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at(second: u64) -> usize {
    usize::try_from(second).unwrap_or(usize::MAX)
}
