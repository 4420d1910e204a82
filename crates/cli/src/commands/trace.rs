//! `trace`: who was given a token.

use airbyte_token_core::{AccessToken, Fingerprint, Secret};
use airbyte_token_local::{
    ExitStatus,
    audit::{Given, Hash, Trace, Verb},
};

use super::{
    audit::{Directory, Reader, Zone, since_when, way_in, who},
    table::Table,
};
use crate::{args::TraceArgs, failure::Failure, output, terminal};

pub(super) fn run(args: TraceArgs) -> Result<(), Failure> {
    let TraceArgs { fingerprint, json, state_dir } = args;
    let mut reader = Reader::open(&Directory::of(state_dir)?)?;
    let fingerprint = fingerprint.map_or_else(typed, Ok)?;
    let mut trace = Trace::of(fingerprint.to_string());
    reader.read(|record, _| trace.read(&record))?;
    reader.finish(|record, _| trace.read(&record))?;
    if json {
        output::json(&trace)?
    } else {
        output::text(&page(&trace, &Zone::here()))?
    }
    reader.verdict()
}

/// The public name of the token on standard input; or that name itself, since whoever has it may pipe it in as well.
fn typed() -> Result<Fingerprint, Failure> {
    let text = terminal::token("Token (not shown): ")?;
    if let Ok(fingerprint) = text.expose().trim().parse() {
        return Ok(fingerprint);
    }
    let bare = text.expose().trim();
    let bare = bare.strip_prefix("Authorization: ").unwrap_or(bare);
    let bare = Secret::new(bare.strip_prefix("Bearer ").unwrap_or(bare).to_owned());
    let token = AccessToken::parse(bare).map_err(|error| {
        let hint = "pipe exactly the token in: `airbyte-token trace < FILE`";
        Failure::new(ExitStatus::Usage, format!("this is no access token: {error}"), hint)
    })?;
    Ok(Fingerprint::from_sha256(Hash::of(token.expose().as_bytes()).bytes()))
}

fn page(trace: &Trace, zone: &Zone) -> String {
    let Trace { fingerprint, issued, log_begins, given } = trace;
    let issued =
        issued.map_or_else(String::new, |issued| format!(", asked of Airbyte at {}", zone.tell(issued)));
    let mut page = if trace.was_given() {
        format!("token {fingerprint}{issued}, was given to:\n")
    } else {
        let begins = since_when(*log_begins, zone);
        format!("nobody was given token {fingerprint}{issued}, as far as the log goes back: to {begins}\n")
    };
    let (given, others): (Vec<_>, Vec<_>) = given.iter().partition(|given| given.verb == Verb::Token);
    page += &table("PROFILE", &given, zone, |given| given.profile.clone().unwrap_or_default());
    if !others.is_empty() {
        page += "what else was asked with it:\n";
        page += &table("EVENT", &others, zone, |given| given.verb.to_string());
    }
    page
}

fn table(about: &str, given: &[&Given], zone: &Zone, what: impl Fn(&Given) -> String) -> String {
    if given.is_empty() {
        return String::new();
    }
    let mut table = Table::new(["  FIRST", "LAST", "TIMES", about, "WHO"]);
    for given in given {
        let asker = given.who.as_ref().map_or_else(|| "the daemon".to_owned(), who);
        let asker = asker + &way_in(given.door.as_deref());
        let first = format!("  {}", zone.tell(given.first));
        table.row([first, zone.tell(given.last), given.times.to_string(), what(given), asker]);
    }
    table.to_string()
}
