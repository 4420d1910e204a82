//! The person at the terminal: asked, shown colours, or not there at all.
#![expect(clippy::disallowed_methods, reason = "asks whether people look on")]

mod hidden;
mod line;
mod paint;

pub(crate) use paint::Paint;

use std::io::{self, IsTerminal as _};

use airbyte_token_core::Secret;
use airbyte_token_local::ExitStatus;
use rustix::process::{Signal, getpid, kill_process};

use crate::{failure::Failure, output};
use hidden::Hidden;
use line::Line;

/// What Ctrl-C sends while the terminal makes no signal of it (`ETX`).
const CTRL_C: u8 = 3;

/// Whether somebody watches standard error.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Whether somebody can answer on standard input.
pub(crate) fn is_attended() -> bool {
    io::stdin().is_terminal()
}

/// Asks for a line that is no secret.
pub(crate) fn ask(question: &str) -> Result<String, Failure> {
    output::prompt(question);
    let line = line::read(io::stdin(), b"\n").map_err(unread)?;
    Ok(line.text.expose().trim().to_owned())
}

/// The client secret: typed unseen where somebody is there, else the first line of standard input.
pub(crate) fn secret(question: &str) -> Result<Secret, Failure> {
    unseen(question, "the client secret")
}

/// A token, in the same way.
pub(crate) fn token(question: &str) -> Result<Secret, Failure> {
    unseen(question, "the token")
}

fn unseen(question: &str, what: &str) -> Result<Secret, Failure> {
    let text = if is_attended() {
        typed_unseen(question)?
    } else {
        line::read(io::stdin(), b"\n").map_err(unread)?.text
    };
    if text.expose().is_empty() {
        return Err(unusable(&format!("{what} is empty")));
    }
    if text.expose().chars().any(char::is_control) {
        return Err(unusable(&format!("{what} has a control character in it")));
    }
    Ok(text)
}

/// The echo is off before the question is asked and on again before anything else happens, Ctrl-C included.
fn typed_unseen(question: &str) -> Result<Secret, Failure> {
    let hidden = Hidden::begin(io::stdin(), CTRL_C).map_err(|errno| unread(errno.into()))?;
    output::prompt(question);
    let typed = line::read(io::stdin(), &[b'\n', CTRL_C]);
    drop(hidden);
    output::prompt("\n");
    let Line { text, end } = typed.map_err(unread)?;
    if end == Some(CTRL_C) {
        drop(text);
        return Err(interrupted());
    }
    Ok(text)
}

/// Ends this process as Ctrl-C would have, so that a script that started it sees why; unless somebody has switched that
/// off, then it is a failure like any other.
fn interrupted() -> Failure {
    kill_process(getpid(), Signal::INT).unwrap_or(());
    unusable("interrupted before there was a secret")
}

fn unread(error: line::Unread) -> Failure {
    unusable(&error.to_string())
}

fn unusable(what: &str) -> Failure {
    Failure::new(ExitStatus::Usage, what, "type it at the prompt, or pipe exactly the one line in")
}
