//! What may be shown to people.

use crate::broken::{Broken, ensure};

/// The most characters of one line for people.
const LONGEST: usize = 200;

/// The most lines of a message.
const MOST_LINES: usize = 128;

/// The most characters where the words are the daemon's own and quote a path or the like.
const LONGEST_TAME: usize = 600 + "...".len();

/// One line of printable ASCII, not empty, of at most 200 characters.
pub(crate) fn line(text: &str) -> Result<(), Broken> {
    let fits = (1..=LONGEST).contains(&text.len());
    ensure!(fits, "a line for people has {} characters: {text:?}", text.len());
    ensure!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "not printable: {text:?}");
    Ok(())
}

/// Not too many such lines as [`tame`] wants.
pub(crate) fn tame_lines(text: &str) -> Result<(), Broken> {
    ensure!(text.lines().count() <= MOST_LINES, "a message of {} lines", text.lines().count());
    text.split('\n').try_for_each(tame)
}

/// One line in any script, of bounded length, that no terminal would obey and that is not turned around.
pub(crate) fn tame(text: &str) -> Result<(), Broken> {
    let length = text.chars().count();
    ensure!(length <= LONGEST_TAME, "a line of {length} characters: {text:?}");
    let is_tame = |c: char| c.is_ascii_graphic() || c == ' ' || c.is_alphanumeric();
    ensure!(text.chars().all(is_tame), "a terminal might obey this: {text:?}");
    Ok(())
}
