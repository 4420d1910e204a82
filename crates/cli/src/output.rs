//! The only place that prints.
//!
//! Standard output carries what was asked for, whole or not at all. Standard error speaks to people; what others said
//! is shown there without anything that a terminal would obey.
#![expect(clippy::disallowed_methods, reason = "this is the module that prints")]

use std::io::{self, Write as _};

use airbyte_token_core::AccessToken;
pub(crate) use airbyte_token_local::shown;
use airbyte_token_local::wire;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{
    failure::Failure,
    terminal::{self, Paint},
};

/// Prints the token and a line break.
pub(crate) fn token(token: &AccessToken) -> Result<(), Failure> {
    line("", token)
}

/// Prints the token as a header, ready for `curl -H @-` (RFC 6750 §2.1).
pub(crate) fn header(token: &AccessToken) -> Result<(), Failure> {
    line("Authorization: Bearer ", token)
}

/// Prints lines of which one has a secret in it.
pub(crate) fn secret_lines(lines: &[[&str; 2]]) -> Result<(), Failure> {
    let length = lines.iter().map(|[before, text]| before.len() + text.len() + 1).sum();
    let mut all = Zeroizing::new(Vec::with_capacity(length));
    for [before, text] in lines {
        all.extend_from_slice(before.as_bytes());
        all.extend_from_slice(text.as_bytes());
        all.push(b'\n');
    }
    write_out(&all)
}

/// One buffer and one write: a reader never sees half a token, and what is left behind is wiped.
fn line(before: &str, token: &AccessToken) -> Result<(), Failure> {
    let text = token.expose();
    let mut line = Zeroizing::new(Vec::with_capacity(before.len() + text.len() + 1));
    line.extend_from_slice(before.as_bytes());
    line.extend_from_slice(text.as_bytes());
    line.push(b'\n');
    write_out(&line)
}

/// Prints a value as one line of JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<(), Failure> {
    let mut text = wire::to_json(value).map_err(|error| Failure::unwritten(&io::Error::other(error)))?;
    text.push(b'\n');
    write_out(&text)
}

/// Prints text that was made with [`shown()`] where it holds what others said.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    write_out(text.as_bytes())
}

/// Prints text like [`text`], of which there may be more to come. Whether somebody still reads: one that has read enough,
/// such as `head(1)`, is no failure.
pub(crate) fn stream(text: &str) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::unwritten(&error)),
    }
}

fn write_out(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| Failure::unwritten(&error))
}

/// Tells a person what failed and what to do about it.
pub(crate) fn failure(failure: &Failure) {
    let paint = Paint::for_stderr();
    let what = format!("airbyte-token: {} {}\n", paint.bad("error:"), shown(failure.what()));
    let details: String = failure.details().iter().map(|line| format!("  {}\n", shown(line))).collect();
    let hint = format!("{} {}\n", paint.faint("hint:"), shown(failure.hint()));
    tell(&(what + &details + &hint));
}

/// Tells of something that is wrong, and what was asked for goes on.
pub(crate) fn warning(what: &str) {
    let paint = Paint::for_stderr();
    tell(&format!("airbyte-token: {} {}\n", paint.warning("warning:"), shown(what)));
}

/// Tells a waiting person what is going on; says nothing into a log or a pipe.
pub(crate) fn progress(text: &str) {
    if terminal::is_watched() {
        tell(&format!("{text}\n"));
    }
}

/// Asks a person for something; the answer is typed on the same line.
pub(crate) fn prompt(text: &str) {
    tell(text);
}

/// Where standard error is closed or full, nobody is left to be told.
fn tell(text: &str) {
    let mut err = io::stderr().lock();
    err.write_all(text.as_bytes()).and_then(|()| err.flush()).unwrap_or(());
}
