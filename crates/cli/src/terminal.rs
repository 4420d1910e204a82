//! The person at the terminal: asked, shown colours, or not there at all.

use std::{
    env,
    fs::File,
    io::{self, IsTerminal as _, Read},
    os::fd::AsFd,
};

use airbyte_token_core::Secret;
use airbyte_token_local::ExitStatus;
use zeroize::Zeroizing;

use crate::{failure::Failure, output};

/// The most bytes of a line that is typed or piped in.
const LONGEST_LINE: usize = 4 * 1024;

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
    let line = first_line(io::stdin())?;
    Ok(line.expose().trim().to_owned())
}

/// The client secret: typed unseen where somebody is there, else the first line of standard input.
pub(crate) fn secret(question: &str) -> Result<Secret, Failure> {
    let secret = if is_attended() {
        Secret::new(rpassword::prompt_password(question).map_err(|error| unread(&error))?)
    } else {
        first_line(io::stdin())?
    };
    if secret.expose().is_empty() {
        return Err(bad_line("the client secret is empty"));
    }
    if secret.expose().chars().any(char::is_control) {
        return Err(bad_line("the client secret has a control character in it"));
    }
    Ok(secret)
}

/// Reads past the standard library's buffer, which nobody would wipe.
fn first_line(input: impl AsFd) -> Result<Secret, Failure> {
    let mut input = input.as_fd().try_clone_to_owned().map(File::from).map_err(|error| unread(&error))?;
    read_line(&mut input)
}

/// The text before the first line break, or before the end. What comes after it is left alone.
fn read_line(input: &mut impl Read) -> Result<Secret, Failure> {
    let mut room = Zeroizing::new(vec![0; LONGEST_LINE + 2]);
    let mut filled = 0;
    let end = loop {
        match input.read(&mut room[filled..]) {
            Ok(0) => break filled,
            Ok(count) => {
                let fresh = filled..filled + count;
                filled = fresh.end;
                if let Some(found) = room[fresh.clone()].iter().position(|&byte| byte == b'\n') {
                    break fresh.start + found;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unread(&error)),
        }
    };
    let line = room[..end].strip_suffix(b"\r").unwrap_or(&room[..end]);
    if line.len() > LONGEST_LINE {
        return Err(bad_line("the line on standard input is longer than 4096 bytes"));
    }
    let text = std::str::from_utf8(line).map_err(|_| bad_line("the line on standard input is not UTF-8"))?;
    Ok(Secret::new(text.to_owned()))
}

fn unread(error: &io::Error) -> Failure {
    bad_line(&format!("cannot read from standard input: {error}"))
}

fn bad_line(what: &str) -> Failure {
    Failure::new(ExitStatus::Usage, what, "type it at the prompt, or pipe exactly the one line in")
}

/// Colours, where they help and nobody has asked for none (<https://no-color.org>).
#[derive(Clone, Copy)]
pub(crate) struct Paint {
    colourful: bool,
}

impl Paint {
    pub(crate) fn for_stderr() -> Self {
        Self::on(io::stderr().is_terminal())
    }

    pub(crate) fn for_stdout() -> Self {
        Self::on(io::stdout().is_terminal())
    }

    fn on(terminal: bool) -> Self {
        let unwanted = || env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = || env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self { colourful: terminal && !unwanted() && !dumb() }
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    pub(crate) fn warning(self, text: &str) -> String {
        self.wrap("33", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// ECMA-48 §8.3.117 (SGR).
    fn wrap(self, code: &str, text: &str) -> String {
        if self.colourful { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(input: &[u8]) -> Result<String, String> {
        let mut input = input;
        read_line(&mut input)
            .map(|secret| secret.expose().to_owned())
            .map_err(|failure| failure.what().to_owned())
    }

    #[test]
    fn the_first_line_is_taken_without_its_break() {
        for input in [&b"s3cret"[..], b"s3cret\n", b"s3cret\r\n", b"s3cret\nmore\n"] {
            assert_eq!(line(input).as_deref(), Ok("s3cret"));
        }
        assert_eq!(line(b" s3 cret ").as_deref(), Ok(" s3 cret "));
        assert_eq!(line(b"").as_deref(), Ok(""));
    }

    #[test]
    fn a_line_may_be_4096_bytes_long_and_no_longer() {
        for (length, fits) in [(LONGEST_LINE, true), (LONGEST_LINE + 1, false), (LONGEST_LINE * 4, false)] {
            for end in ["", "\n", "\r\n"] {
                let input = "x".repeat(length) + end;
                assert_eq!(line(input.as_bytes()).is_ok(), fits, "{length} {end:?}");
            }
        }
    }

    #[test]
    fn a_refused_line_is_not_quoted() {
        let error = line(b"canary\xff\n").unwrap_err();
        assert!(error.contains("not UTF-8") && !error.contains("canary"));
    }

    #[test]
    fn colours_are_for_terminals() {
        assert_eq!(Paint { colourful: false }.bad("x"), "x");
        assert_eq!(Paint { colourful: true }.bad("x"), "\u{1b}[1;31mx\u{1b}[0m");
        assert!(!Paint::on(false).colourful);
    }
}
