//! `explain`: what happened to a profile, how it stands, and what comes next.

mod next;
mod past;
mod words;

use airbyte_token_core::ProfileName;
use airbyte_token_local::wire::{LastError, TimelineQuery, TimelineReply};

use super::{
    Daemon,
    table::{lasting, painted},
};
use crate::{
    failure::Failure,
    output::{self, shown},
    terminal::Paint,
};

pub(super) fn run(profile: Option<ProfileName>, json: bool, daemon: &Daemon) -> Result<(), Failure> {
    let reply = daemon.reach()?.timeline(&TimelineQuery { profile })?;
    if json {
        return output::json(&reply);
    }
    output::text(&page(&reply, Paint::for_stdout()))
}

fn page(reply: &TimelineReply, paint: Paint) -> String {
    let mut page = headline(reply, paint);
    page += &past::told(reply, paint);
    page += &now(reply, paint);
    page += &format!("next:\n  {}\n", next::told(reply));
    page += &remedy(reply, paint);
    page
}

/// The state in a word and a sentence.
fn headline(reply: &TimelineReply, paint: Paint) -> String {
    let TimelineReply { profile, state, expires_in, .. } = reply;
    let in_a_word = painted(state.name(), *state, expires_in.is_some(), paint);
    format!("{profile} is {in_a_word}: {}\n", state.meaning())
}

fn now(reply: &TimelineReply, paint: Paint) -> String {
    let token = match (&reply.fingerprint, reply.expires_in) {
        (Some(fingerprint), Some(seconds)) => {
            format!("token {fingerprint} lives {} more", lasting(seconds))
        }
        (Some(_) | None, _) => "no token is alive".to_owned(),
    };
    let error = reply.last_error.as_ref().map_or_else(String::new, |LastError { code, message, .. }| {
        let code = if code.name() == reply.state.name() { String::new() } else { format!(" ({code})") };
        format!("  {} {}{code}\n", paint.bad("error:"), shown(message))
    });
    format!("now:\n  {token}\n{error}")
}

/// One thing to do, where there is one.
fn remedy(reply: &TimelineReply, paint: Paint) -> String {
    let of_error = reply.last_error.as_ref().and_then(|error| error.hint.as_deref());
    let remedy = of_error.or_else(|| reply.state.remedy());
    remedy.map_or_else(String::new, |remedy| format!("{} {}\n", paint.faint("hint:"), shown(remedy)))
}
