//! A terminal that shows nothing of what is typed, for a while.

use std::os::fd::AsFd;

use rustix::{
    io::Result,
    termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr},
};

/// While it lives, the terminal echoes nothing (termios(3)). Lines are still edited by the terminal.
///
/// Ctrl-C makes no signal meanwhile but ends the line: a process that a signal ends switches no echo on again.
pub(super) struct Hidden<T: AsFd> {
    terminal: T,
    before: Termios,
}

impl<T: AsFd> Hidden<T> {
    pub(super) fn begin(terminal: T, ends_line: u8) -> Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG);
        quiet.local_modes.insert(LocalModes::ICANON);
        quiet.special_codes[SpecialCodeIndex::VEOL] = ends_line;
        tcsetattr(&terminal, OptionalActions::Now, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl<T: AsFd> Drop for Hidden<T> {
    fn drop(&mut self) {
        // The terminal may be gone; then there is nothing to restore.
        tcsetattr(&self.terminal, OptionalActions::Now, &self.before).unwrap_or(());
    }
}
