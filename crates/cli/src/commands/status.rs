//! `status`.

use airbyte_token_core::ProfileName;
use airbyte_token_local::wire::{LastError, ProfileState, ProfileStatus, StatusReply};

use super::{
    Daemon,
    table::{NO_PROFILES, Table, lasting, no_such_profile, starred},
};
use crate::{
    failure::Failure,
    output::{self, shown},
    terminal::Paint,
};

pub(super) fn run(only: Option<&ProfileName>, json: bool, daemon: &Daemon) -> Result<(), Failure> {
    let mut reply = daemon.reach()?.status()?;
    if let Some(only) = only {
        reply.profiles.retain(|profile| profile.name == *only);
        if reply.profiles.is_empty() {
            return Err(no_such_profile(only));
        }
    }
    if json { output::json(&reply) } else { output::text(&page(&reply, Paint::for_stdout())) }
}

fn page(reply: &StatusReply, paint: Paint) -> String {
    let daemon = format!("airbyte-tokend {}\n", shown(&reply.version));
    if reply.profiles.is_empty() {
        return daemon + NO_PROFILES;
    }
    let mut table = Table::new(["  PROFILE", "STATE", "TIME LEFT", "NEXT"]);
    for profile in &reply.profiles {
        let left = profile.expires_in.map_or_else(|| "-".to_owned(), lasting);
        let name = starred(&profile.name, reply.default_profile.as_ref());
        table.row([name, profile.state.name().to_owned(), left, next(profile)]);
    }
    let mut lines = table.lines().into_iter();
    let mut page = daemon + &lines.next().unwrap_or_default() + "\n";
    for (line, profile) in lines.zip(&reply.profiles) {
        page += &painted(&line, profile.state, paint);
        page += "\n";
        page += &profile.last_error.as_ref().map(|error| told(error, paint)).unwrap_or_default();
    }
    page
}

/// What the daemon will do next.
fn next(profile: &ProfileStatus) -> String {
    let planned = |what: &str, seconds: u64| format!("{what} in {}", lasting(seconds));
    match profile.state {
        ProfileState::Idle => "renews when asked".to_owned(),
        ProfileState::Refreshing => "renewing".to_owned(),
        ProfileState::Fresh
        | ProfileState::Degraded
        | ProfileState::Expired
        | ProfileState::Blocked
        | ProfileState::VaultTrouble => match (profile.retry_in, profile.refresh_in) {
            (Some(seconds), _) => planned("tries again", seconds),
            (None, Some(seconds)) => planned("renews", seconds),
            (None, None) => "-".to_owned(),
        },
    }
}

fn told(error: &LastError, paint: Paint) -> String {
    let hint = error.hint.as_deref().unwrap_or_else(|| error.code.remedy());
    format!(
        "    {} {} ({})\n    {} {}\n",
        paint.bad("error:"),
        shown(&error.message),
        error.code,
        paint.faint("hint:"),
        shown(hint)
    )
}

fn painted(line: &str, state: ProfileState, paint: Paint) -> String {
    match state {
        ProfileState::Idle => line.to_owned(),
        ProfileState::Fresh | ProfileState::Refreshing => paint.good(line),
        ProfileState::Degraded => paint.warning(line),
        ProfileState::Expired | ProfileState::Blocked | ProfileState::VaultTrouble => paint.bad(line),
    }
}
