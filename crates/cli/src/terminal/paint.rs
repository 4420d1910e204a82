//! Colours, where they help and nobody has asked for none (<https://no-color.org>).
#![expect(clippy::disallowed_methods, reason = "asks whether people look on")]

use std::{
    env,
    io::{self, IsTerminal as _},
};

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

    #[test]
    fn colours_are_for_terminals() {
        assert_eq!(Paint { colourful: false }.bad("x"), "x");
        assert_eq!(Paint { colourful: true }.bad("x"), "\u{1b}[1;31mx\u{1b}[0m");
        assert!(!Paint::on(false).colourful);
    }
}
