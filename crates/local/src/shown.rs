//! What others said, made fit to be shown to people.

/// The most characters of a line.
pub const LONGEST: usize = 600;
/// The most lines of a message.
pub const MOST_LINES: usize = 128;

/// One line of it, of at most [`LONGEST`] characters and `...` where it was cut: letters and digits of any script, spaces,
/// and what else ASCII can print. Anything that could move a terminal's cursor, change its colours or turn the text
/// around becomes `?`, a line break too.
#[must_use]
pub fn shown(text: &str) -> String {
    let fit = |c: char| if c.is_ascii_graphic() || c == ' ' || c.is_alphanumeric() { c } else { '?' };
    let cut = if text.chars().nth(LONGEST).is_some() { "..." } else { "" };
    text.chars().take(LONGEST).map(fit).chain(cut.chars()).collect()
}

/// A message whose lines mean something: each as [`shown`] does it, at most [`MOST_LINES`].
#[must_use]
pub fn lines(text: &str) -> String {
    text.lines().take(MOST_LINES).map(shown).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_and_paths_are_shown_as_they_are() {
        let text = "no socket at /run/user/1000/jürgen's dir: mode 0700 (see `--help`)";
        assert_eq!(shown(text), text);
    }

    #[test]
    fn nothing_that_a_terminal_would_obey_is_shown() {
        for text in
            ["\u{1b}]0;owned\u{7}", "a\nb", "a\r\nb", "a\0b", "\u{9b}31m", "\u{202e}cba", "\u{200b}", "a\tb"]
        {
            assert!(shown(text).contains('?'), "{text:?}");
        }
    }

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        assert_eq!(shown(&"x".repeat(LONGEST)).len(), LONGEST);
        assert_eq!(shown(&"x".repeat(LONGEST + 1)), "x".repeat(LONGEST) + "...");
    }

    #[test]
    fn lines_stay_apart_and_are_not_too_many() {
        assert_eq!(lines("one\r\ntwo\u{1b}[2J\nthree\n"), "one\ntwo?[2J\nthree");
        assert_eq!(lines(&"x\n".repeat(MOST_LINES + 1)).lines().count(), MOST_LINES);
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_fit(text in "\\PC{0,700}|[\\s\\S]{0,40}") {
            let is_fit = |c: char| c.is_ascii_graphic() || c == ' ' || c.is_alphanumeric();
            let line = shown(&text);
            prop_assert!(line.chars().all(is_fit));
            prop_assert!(line.chars().count() <= LONGEST + "...".len());
            prop_assert!(line.chars().count() > LONGEST || shown(&line) == line, "it is fit after one time");
        }
    }
}
