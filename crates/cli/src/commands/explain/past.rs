//! What happened, an event to a line or two, oldest first.

use airbyte_token_local::wire::{ExchangeResult, Happening, LastError, TimelineEvent, TimelineReply};

use super::words;
use crate::{commands::table::lasting, output::shown, terminal::Paint};

/// The daemon keeps no more; from anybody else, the newest.
const MOST_SHOWN: usize = 50;

/// How long ago the exchange began that is under way.
pub(super) fn under_way(events: &[TimelineEvent]) -> Option<u64> {
    let ended_by = |event: &&TimelineEvent| !matches!(event.what, Happening::ClockSet { .. });
    let last = events.iter().rev().find(ended_by)?;
    matches!(last.what, Happening::Exchange { result: None, .. }).then_some(last.ago)
}

pub(super) fn told(reply: &TimelineReply, paint: Paint) -> String {
    let newest = &reply.events[reply.events.len().saturating_sub(MOST_SHOWN)..];
    let ago_width = newest.iter().map(|event| ago(event).len()).max().unwrap_or_default();
    let mut page = "what happened, oldest first:\n".to_owned();
    let mut day = day_of(&reply.now);
    for (place, event) in newest.iter().enumerate() {
        let its_day = day_of(&event.at);
        if its_day != day {
            page += &format!("  on {its_day}:\n");
            day = its_day;
        }
        let time = time_of_day(&event.at);
        let ago = paint.faint(&format!("{:>ago_width$}", ago(event)));
        let (what, result) = lines(&event.what, &newest[place + 1..]);
        page += &format!("  {time}  {ago}  {what}\n");
        let indent = " ".repeat(2 + time.len() + 2 + ago_width + 2);
        page += &result.map(|result| format!("{indent}{}\n", result.painted(paint))).unwrap_or_default();
    }
    page
}

/// `2030-01-31` of `2030-01-31T23:59:59+01:00`: the daemon tells the time of the place.
fn day_of(rfc3339: &str) -> &str {
    let day = rfc3339.get(..10).filter(|day| day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'));
    day.unwrap_or("????-??-??")
}

/// `23:59:59` of the same.
fn time_of_day(rfc3339: &str) -> &str {
    let time =
        rfc3339.get(11..19).filter(|time| time.bytes().all(|byte| byte.is_ascii_digit() || byte == b':'));
    time.unwrap_or("??:??:??")
}

fn ago(event: &TimelineEvent) -> String {
    format!("{} ago", lasting(event.ago))
}

/// What came of something.
enum Ending {
    Good(String),
    Bad(String),
    Open(String),
}

impl Ending {
    fn painted(&self, paint: Paint) -> String {
        match self {
            Self::Good(text) => paint.good(text),
            Self::Bad(text) => paint.bad(text),
            Self::Open(text) => text.clone(),
        }
    }
}

/// What happened, and what came of it.
fn lines(what: &Happening, later: &[TimelineEvent]) -> (String, Option<Ending>) {
    match what {
        Happening::Started { remembered } => {
            let remembered = remembered.as_ref().map(|error| Ending::Bad(remembered_from(error)));
            ("the daemon began to serve this profile".to_owned(), remembered)
        }
        Happening::Changed => ("the profile was changed in the configuration".to_owned(), None),
        Happening::LoggedIn { fingerprint, lifetime } => {
            let result = format!("got token {fingerprint} for {}", lasting(*lifetime));
            ("somebody logged in, and Airbyte took the secret".to_owned(), Some(Ending::Good(result)))
        }
        Happening::Locked => ("somebody locked the daemon: its tokens were wiped".to_owned(), None),
        Happening::Unlocked => ("somebody unlocked the daemon".to_owned(), None),
        Happening::ClockSet { seconds } => (clock_set(*seconds), None),
        Happening::Exchange { why, result } => {
            let result = result.as_ref().map_or_else(|| unended(later), ended);
            (words::reason(*why).to_owned(), Some(result))
        }
    }
}

fn remembered_from(LastError { code, message, .. }: &LastError) -> String {
    format!("and remembered from before: {} ({code})", shown(message))
}

fn clock_set(seconds: i64) -> String {
    let length = lasting(seconds.unsigned_abs());
    if seconds < 0 {
        format!("this machine's clock was set back by {length}")
    } else {
        format!("this machine's clock was set ahead by {length}, or the machine was paused")
    }
}

/// An exchange ends with the profile that it was made for: a changed one makes its own.
fn unended(later: &[TimelineEvent]) -> Ending {
    let is_given_up = later.iter().any(|event| match event.what {
        Happening::Changed | Happening::LoggedIn { .. } | Happening::Locked | Happening::Exchange { .. } => {
            true
        }
        Happening::Started { .. } | Happening::Unlocked | Happening::ClockSet { .. } => false,
    });
    Ending::Open(if is_given_up { "given up" } else { "no answer yet" }.to_owned())
}

fn ended(result: &ExchangeResult) -> Ending {
    match result {
        ExchangeResult::Token { fingerprint, lifetime, took_ms } => Ending::Good(format!(
            "got token {fingerprint} for {}, in {}",
            lasting(*lifetime),
            words::span(*took_ms)
        )),
        ExchangeResult::Failed { code, message, took_ms } => {
            Ending::Bad(format!("failed after {}: {} ({code})", words::span(*took_ms), shown(message)))
        }
    }
}
