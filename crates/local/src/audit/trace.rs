//! Who had to do with a token, put together from the log. Pure.

use serde::Serialize;

use super::{Event, Process, Record, Stamp, Verb, Who};

/// What the log says of one token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// Its public name.
    pub fingerprint: String,
    /// When it was asked of Airbyte, if the log says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued: Option<Stamp>,
    /// The time of the oldest record: nothing is known from before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_begins: Option<Stamp>,
    /// Who had to do with it, in the order of the first time.
    pub given: Vec<Given>,
}

/// Somebody who had to do with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Given {
    /// What they did: for [`Verb::Token`], they were given it.
    pub verb: Verb,
    /// What came of it.
    pub outcome: String,
    /// Whose token it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Who. Without a process's number where there were several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<Who>,
    /// The way in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub door: Option<String>,
    /// The first time.
    pub first: Stamp,
    /// The last time.
    pub last: Stamp,
    /// How often.
    pub times: u64,
}

impl Trace {
    /// Nothing is known yet of the token with this public name.
    #[must_use]
    pub const fn of(fingerprint: String) -> Self {
        Self { fingerprint, issued: None, log_begins: None, given: Vec::new() }
    }

    /// Reads the next record.
    pub fn read(&mut self, record: &Record) {
        let event = &record.event;
        self.log_begins = self.log_begins.or(Some(event.first()));
        if event.fingerprint.as_deref() != Some(&*self.fingerprint) {
            return;
        }
        self.issued = self.issued.or(event.issued);
        match self.given.iter_mut().find(|given| given.is_alike(event)) {
            Some(given) => given.add(event),
            None => self.given.push(Given::of(event)),
        }
    }

    /// Whether somebody was given it.
    #[must_use]
    pub fn was_given(&self) -> bool {
        self.given.iter().any(|given| given.verb == Verb::Token)
    }
}

impl Given {
    fn of(event: &Event) -> Self {
        Self {
            verb: event.verb,
            outcome: event.outcome.clone().into_owned(),
            profile: event.profile.clone(),
            who: event.who.clone(),
            door: event.door.clone(),
            first: event.first(),
            last: event.time,
            times: event.times,
        }
    }

    fn is_alike(&self, event: &Event) -> bool {
        self.verb == event.verb
            && self.outcome == event.outcome
            && self.profile == event.profile
            && self.door == event.door
            && self.who.as_ref().map(nameless) == event.who.as_ref().map(nameless)
    }

    fn add(&mut self, event: &Event) {
        self.first = self.first.min(event.first());
        self.last = self.last.max(event.time);
        self.times = self.times.saturating_add(event.times);
        let pid = event.who.as_ref().and_then(|who| who.process.pid);
        if let Some(who) = self.who.as_mut().filter(|who| who.process.pid != pid) {
            who.process.pid = None;
        }
    }
}

/// The same asker, whatever the number of its process.
fn nameless(who: &Who) -> Who {
    Who { process: Process { pid: None, ..who.process.clone() }, ..who.clone() }
}
