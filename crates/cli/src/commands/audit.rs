//! `audit`: what the audit log says, read from the files themselves.

mod reading;
mod time;
mod words;

pub(super) use reading::{Directory, Reader};
pub(super) use time::Zone;
pub(super) use words::{way_in, who};

use std::{thread, time::Duration};

use airbyte_token_local::audit::{DONE, Event, Record, Stamp, Verb};

use super::table::Table;
use crate::{args::AuditArgs, failure::Failure, output, terminal::Paint};

/// How long to wait before the files are looked at again.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) fn run(args: AuditArgs) -> Result<(), Failure> {
    let AuditArgs { profile, since, json, follow, state_dir } = args;
    let mut reader = Reader::open(&Directory::of(state_dir)?)?;
    let since = since.map(|span| time::ago(span.length()));
    let profile = profile.map(|profile| profile.to_string());
    let is_wanted = |event: &Event| {
        let is_of_profile = profile.is_none() || event.profile == profile;
        is_of_profile && since.is_none_or(|since| event.time >= since)
    };
    let mut page = if json { Page::Lines } else { Page::table() };
    loop {
        let mut records = Vec::new();
        reader.read(|record, line| {
            if is_wanted(&record.event) {
                records.push((record, line));
            }
        })?;
        let is_last = !follow;
        if is_last {
            reader.finish(|record, line| {
                if is_wanted(&record.event) {
                    records.push((record, line));
                }
            })?;
        }
        if !output::stream(&page.of(records))? || is_last {
            return reader.verdict();
        }
        thread::sleep(PAUSE);
    }
}

/// How records are shown.
enum Page {
    /// As they stand in the log.
    Lines,
    /// In columns, which have had their heading or not.
    Table { zone: Zone, paint: Paint, has_heading: bool },
}

impl Page {
    fn table() -> Self {
        Self::Table { zone: Zone::here(), paint: Paint::for_stdout(), has_heading: false }
    }

    fn of(&mut self, records: Vec<(Record, String)>) -> String {
        match self {
            Self::Lines => records.into_iter().map(|(_, line)| line + "\n").collect(),
            Self::Table { .. } if records.is_empty() => String::new(),
            Self::Table { zone, paint, has_heading } => {
                let events: Vec<_> = records.into_iter().map(|(record, _)| record.event).collect();
                let skip = usize::from(std::mem::replace(has_heading, true));
                let lines = table(&events, zone).lines();
                let painted = lines.iter().enumerate().map(|(row, line)| match row.checked_sub(1) {
                    Some(row) => painted(line, &events[row], *paint),
                    None => line.clone(),
                });
                painted.skip(skip).map(|line| line + "\n").collect()
            }
        }
    }
}

fn table(events: &[Event], zone: &Zone) -> Table<6> {
    let mut table = Table::new(["TIME", "EVENT", "PROFILE", "TOKEN", "TIMES", "WHO"]);
    for event in events {
        let absent = || "-".to_owned();
        table.row([
            zone.tell(event.time),
            words::what(event),
            event.profile.clone().unwrap_or_else(absent),
            event.fingerprint.clone().unwrap_or_else(absent),
            event.times.to_string(),
            words::by_whom(event),
        ]);
    }
    table
}

fn painted(line: &str, event: &Event, paint: Paint) -> String {
    match event.verb {
        Verb::Lost | Verb::Torn | Verb::Damaged => paint.bad(line),
        Verb::Refused => paint.warning(line),
        Verb::Begin | Verb::Start | Verb::Stop => paint.faint(line),
        Verb::Token
        | Verb::Refresh
        | Verb::Reject
        | Verb::Login
        | Verb::Logout
        | Verb::Use
        | Verb::Reload
        | Verb::Lock
        | Verb::Unlock
        | Verb::ClientAdd
        | Verb::ClientRm
        | Verb::Other => {
            if event.outcome == DONE {
                line.to_owned()
            } else {
                paint.warning(line)
            }
        }
    }
}

/// When the log begins, in words.
pub(super) fn since_when(begins: Option<Stamp>, zone: &Zone) -> String {
    begins.map_or_else(|| "its beginning".to_owned(), |begins| zone.tell(begins))
}
