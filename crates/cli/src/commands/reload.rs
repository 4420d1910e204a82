//! `reload`.

use airbyte_token_local::{ErrorCode, ExitStatus, client::CallError, wire::ErrorReply};

use super::Daemon;
use crate::{failure::Failure, output};

/// How many mistakes are listed; whoever has made more corrects these first.
const MOST_LISTED: usize = 50;

pub(super) fn run(daemon: &Daemon) -> Result<(), Failure> {
    match daemon.reach_attended()?.reload() {
        Ok(()) => output::text("reloaded: the configuration is in force\n"),
        Err(CallError::Refused(reply)) if reply.code == ErrorCode::ConfigInvalid => Err(mistakes(&reply)),
        Err(error) => Err(error.into()),
    }
}

/// The daemon says each on a line of its own.
fn mistakes(reply: &ErrorReply) -> Failure {
    let what = "the configuration was not reloaded, and the old one stays in force";
    let hint = reply.hint.as_deref().unwrap_or_else(|| reply.code.remedy());
    let mut details: Vec<_> = reply.message.lines().take(MOST_LISTED).map(str::to_owned).collect();
    if reply.message.lines().nth(MOST_LISTED).is_some() {
        details.push("and more".to_owned());
    }
    Failure::new(ExitStatus::Config, what, hint).with_details(details)
}
