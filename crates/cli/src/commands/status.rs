//! `status`.

use airbyte_token_core::ProfileName;
use airbyte_token_local::{
    ProfileState,
    wire::{LastError, ProfileStatus, StatusReply},
};

use super::{
    Daemon,
    table::{NO_PROFILES, Table, lasting, no_such_profile, painted, starred},
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
    let daemon = format!("airbyte-tokend {}\n", shown(&reply.version))
        + &old_configuration(reply, paint)
        + &audit_trouble(reply, paint);
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
        page += &painted(&line, profile.state, profile.expires_in.is_some(), paint);
        page += "\n";
        page += &match &profile.last_error {
            Some(error) => told(error, paint),
            None => advised(profile, paint),
        };
    }
    page
}

/// That what the file says is not in force, if so.
fn old_configuration(reply: &StatusReply, paint: Paint) -> String {
    let told = |problem: &String| {
        let lines = problem.lines().map(|line| format!("  {}\n", shown(line)));
        let what = "the configuration has mistakes, and the old one stays in force:";
        format!("{} {what}\n{}", paint.warning("warning:"), lines.collect::<String>())
    };
    reply.config_problem.as_ref().map(told).unwrap_or_default()
}

/// That who is given tokens is not written down as it should be, if so.
fn audit_trouble(reply: &StatusReply, paint: Paint) -> String {
    let told = |problem: &String| {
        let hint = "make room, or see `airbyte-token audit`; tokens are served all the same";
        format!("{} {}\n{} {hint}\n", paint.warning("warning:"), shown(problem), paint.faint("hint:"))
    };
    reply.audit_problem.as_ref().map(told).unwrap_or_default()
}

/// What the daemon will do next.
fn next(profile: &ProfileStatus) -> String {
    let planned = |what: &str, seconds: u64| format!("{what} in {}", lasting(seconds));
    match (profile.state, profile.retry_in, profile.refresh_in) {
        (ProfileState::Idle, ..) => "renews when asked".to_owned(),
        (ProfileState::Renewing, ..) => "renewing".to_owned(),
        (_, Some(0), _) => "tries again now".to_owned(),
        (state, Some(seconds), _) if waits_for_somebody(state) => planned("looks again", seconds),
        (_, Some(seconds), _) => planned("tries again", seconds),
        (_, None, Some(seconds)) => planned("renews", seconds),
        (_, None, None) => "-".to_owned(),
    }
}

/// Whether it is not time that mends this.
const fn waits_for_somebody(state: ProfileState) -> bool {
    match state {
        ProfileState::Idle
        | ProfileState::Fresh
        | ProfileState::Renewing
        | ProfileState::Degraded
        | ProfileState::Expired
        | ProfileState::Throttled
        | ProfileState::ClockSuspect => false,
        ProfileState::Rejected
        | ProfileState::Misdirected
        | ProfileState::Locked
        | ProfileState::KeyringLocked
        | ProfileState::KeyringMissing
        | ProfileState::KeyringDenied
        | ProfileState::VaultSlow
        | ProfileState::VaultUnreadable
        | ProfileState::VaultDamaged
        | ProfileState::NoSecret
        | ProfileState::LogInAgain => true,
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

/// What there is to do where nothing failed and yet not all is well.
fn advised(profile: &ProfileStatus, paint: Paint) -> String {
    let Some(remedy) = profile.state.remedy() else { return String::new() };
    format!("{}    {} {remedy}\n", told_of_clock(profile, paint), paint.faint("hint:"))
}

fn told_of_clock(profile: &ProfileStatus, paint: Paint) -> String {
    let skew = profile.clock_skew.filter(|_| profile.state == ProfileState::ClockSuspect);
    skew.map_or_else(String::new, |skew| {
        let way = if skew < 0 { "behind" } else { "ahead of" };
        let how_far = lasting(skew.unsigned_abs());
        format!("    {} this machine's clock is {how_far} {way} Airbyte's\n", paint.warning("warning:"))
    })
}
