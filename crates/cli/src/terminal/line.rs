//! One line from standard input, past the standard library's buffer, which nobody would wipe.

use std::{
    fs::File,
    io::{self, Read},
    os::fd::AsFd,
};

use airbyte_token_core::Secret;
use zeroize::Zeroizing;

/// The most bytes that a line may have, its end not counted.
pub(super) const LONGEST: usize = 4 * 1024;

/// A line without its end, and the byte that ended it; none at the end of the input.
pub(super) struct Line {
    pub(super) text: Secret,
    pub(super) end: Option<u8>,
}

/// Why there is no line. Never quotes it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error("cannot read from standard input: {0}")]
    Io(#[from] io::Error),
    #[error("cannot silence the terminal: {0}")]
    Terminal(#[from] rustix::io::Errno),
    #[error("the line on standard input is longer than {LONGEST} bytes")]
    TooLong,
    #[error("the line on standard input is not UTF-8")]
    NotUtf8,
}

/// Reads up to the first of these bytes, or to the end. What comes after it is left alone.
pub(super) fn read(input: impl AsFd, ends: &[u8]) -> Result<Line, Unread> {
    read_from(&mut File::from(input.as_fd().try_clone_to_owned()?), ends)
}

fn read_from(input: &mut impl Read, ends: &[u8]) -> Result<Line, Unread> {
    let mut room = Zeroizing::new(vec![0; LONGEST + 2]);
    let mut filled = 0;
    let end = loop {
        let count = match input.read(&mut room[filled..]) {
            Ok(0) => break None,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        let fresh = &room[filled..filled + count];
        if let Some(found) = fresh.iter().position(|byte| ends.contains(byte)) {
            let end = fresh[found];
            filled += found;
            break Some(end);
        }
        filled += count;
    };
    let line = room[..filled].strip_suffix(b"\r").unwrap_or(&room[..filled]);
    if line.len() > LONGEST {
        return Err(Unread::TooLong);
    }
    let text = std::str::from_utf8(line).map_err(|_| Unread::NotUtf8)?;
    Ok(Line { text: Secret::new(text.to_owned()), end })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(input: &[u8]) -> Result<String, String> {
        let mut input = input;
        let line = read_from(&mut input, b"\n\x03").map_err(|error| error.to_string())?;
        Ok(format!("{}|{:?}", line.text.expose(), line.end))
    }

    #[test]
    fn the_first_line_is_taken_without_its_end() {
        for (input, expected) in [
            (&b"s3cret"[..], "s3cret|None"),
            (b"s3cret\n", "s3cret|Some(10)"),
            (b"s3cret\r\n", "s3cret|Some(10)"),
            (b"s3cret\nmore\n", "s3cret|Some(10)"),
            (b"s3cret\x03more\n", "s3cret|Some(3)"),
            (b" s3 cret ", " s3 cret |None"),
            (b"", "|None"),
        ] {
            assert_eq!(line(input).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_line_may_be_4096_bytes_long_and_no_longer() {
        for (length, fits) in [(LONGEST, true), (LONGEST + 1, false), (LONGEST * 4, false)] {
            for end in ["", "\n", "\r\n"] {
                let input = "x".repeat(length) + end;
                assert_eq!(line(input.as_bytes()).is_ok(), fits, "{length} {end:?}");
            }
        }
    }

    #[test]
    fn a_line_in_pieces_is_one_line() {
        let mut input = (&b"s3"[..]).chain(&b"cr"[..]).chain(&b"et\nmore"[..]);
        assert_eq!(read_from(&mut input, b"\n").unwrap().text.expose(), "s3cret");
    }

    #[test]
    fn a_refused_line_is_not_quoted() {
        let error = line(b"canary\xff\n").unwrap_err();
        assert!(error.contains("not UTF-8") && !error.contains("canary"));
    }
}
