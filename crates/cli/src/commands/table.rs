//! Columns for people.

use std::fmt;

use airbyte_token_core::ProfileName;
use airbyte_token_local::{ErrorCode, ProfileState};

use crate::{failure::Failure, output::shown, terminal::Paint};

/// What is said where there is nothing to list.
pub(super) const NO_PROFILES: &str = "no profiles yet; `airbyte-token login` makes one\n";

/// Rows under a heading, each column as wide as its widest cell. Cells are made fit to be shown.
pub(super) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(super) fn new(heading: [&str; N]) -> Self {
        Self { rows: vec![heading.map(str::to_owned)] }
    }

    pub(super) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| shown(&cell)));
    }

    /// The lines, heading first, without line breaks.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut widths = [0; N];
        for (column, width) in widths.iter_mut().enumerate() {
            *width = self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        }
        self.rows.iter().map(|row| line(row, widths)).collect()
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

fn line<const N: usize>(row: &[String; N], widths: [usize; N]) -> String {
    let padded = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// A profile's name, with a star where it is the default one.
pub(super) fn starred(name: &ProfileName, default: Option<&ProfileName>) -> String {
    let star = if default == Some(name) { "*" } else { " " };
    format!("{star} {name}")
}

/// A length of time in its two largest units.
pub(super) fn lasting(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3_600 => format!("{minutes}m {}s", seconds % 60),
        3_600..86_400 => format!("{hours}h {}m", minutes % 60),
        86_400.. => format!("{days}d {}h", hours % 24),
    }
}

/// What is said of a profile in this state, in the colour of how bad it is.
pub(super) fn painted(text: &str, state: ProfileState, is_token_alive: bool, paint: Paint) -> String {
    match (state, state.remedy(), is_token_alive) {
        (ProfileState::Idle, ..) => text.to_owned(),
        (_, None, _) => paint.good(text),
        (_, Some(_), true) => paint.warning(text),
        (_, Some(_), false) => paint.bad(text),
    }
}

/// The daemon would say the same, had it been asked for this one.
pub(super) fn no_such_profile(name: &ProfileName) -> Failure {
    Failure::of_code(ErrorCode::NoSuchProfile, format!("there is no profile `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["A", "LONG"]);
        table.row(["wide".to_owned(), "x".to_owned()]);
        assert_eq!(table.to_string(), "A     LONG\nwide  x\n");
    }

    #[test]
    fn cells_cannot_break_out_of_their_row() {
        let mut table = Table::new(["A"]);
        table.row(["x\n\u{1b}[2J".to_owned()]);
        assert_eq!(table.to_string(), "A\nx??[2J\n");
    }

    #[test]
    fn time_is_told_in_its_two_largest_units() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m 0s"),
            (723, "12m 3s"),
            (3_599, "59m 59s"),
            (3_600, "1h 0m"),
            (86_399, "23h 59m"),
            (90_000, "1d 1h"),
        ] {
            assert_eq!(lasting(seconds), expected);
        }
    }
}
