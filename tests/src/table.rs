//! The tables that users read beside the tests, and what there is to hold them against: the tests, as their source
//! shows them.

use std::{fs, path::Path};

/// A row of a table in Markdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is in its columns, without the spaces around.
    pub cells: Vec<String>,
}

/// A test, as its source shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Test {
    /// The name of its function.
    pub name: String,
    /// The documentation above it, line by line.
    pub says: Vec<String>,
}

/// Those rows whose first column begins with a number, after `letters` (`"T"` for `T7`, or nothing).
///
/// # Panics
/// When one of them has not as many columns as this.
#[must_use]
pub fn rows(table: &str, letters: &str, columns: usize) -> Vec<Row> {
    let begins = |line: &&str| line.strip_prefix("| ").is_some_and(|first| is_numbered(first, letters));
    table.lines().filter(begins).map(|line| row(line, columns)).collect()
}

fn is_numbered(cell: &str, letters: &str) -> bool {
    cell.strip_prefix(letters).is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()))
}

fn row(line: &str, columns: usize) -> Row {
    let cells: Vec<_> =
        line.trim().trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    assert_eq!(cells.len(), columns, "columns of {line}");
    Row { cells }
}

/// What stands in backticks.
pub fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The tests in the Rust files of this directory and of those in it.
///
/// # Panics
/// When they cannot be read.
#[must_use]
pub fn tests_under(directory: &Path) -> Vec<Test> {
    let entries = fs::read_dir(directory).expect("the sources are there");
    let paths = entries.map(|entry| entry.expect("it can be listed").path());
    paths
        .flat_map(|path| match (path.is_dir(), path.extension().is_some_and(|end| end == "rs")) {
            (true, _) => tests_under(&path),
            (false, true) => tests_in(&fs::read_to_string(&path).expect("it can be read")),
            (false, false) => Vec::new(),
        })
        .collect()
}

/// The tests in this source: functions marked `#[test]` or `#[tokio::test]`.
///
/// # Panics
/// When such a mark is not followed by a function.
#[must_use]
pub fn tests_in(source: &str) -> Vec<Test> {
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    let marks = lines.iter().enumerate().filter(|(_, line)| is_mark(line));
    marks.map(|(at, _)| Test { name: name_after(&lines[at..]), says: said_before(&lines[..at]) }).collect()
}

fn is_mark(line: &str) -> bool {
    line == "#[test]" || line.starts_with("#[tokio::test")
}

fn name_after(lines: &[&str]) -> String {
    let function =
        lines.iter().find_map(|line| line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn "));
    let name = function.and_then(|rest| rest.split(['(', '<']).next());
    name.expect("a function follows the mark of a test").to_owned()
}

fn said_before(lines: &[&str]) -> Vec<String> {
    let above = lines
        .iter()
        .rev()
        .skip_while(|line| line.starts_with("#["))
        .take_while(|line| line.starts_with("///"));
    let mut says: Vec<_> = above.map(|line| line.trim_start_matches('/').trim().to_owned()).collect();
    says.reverse();
    says
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_begin_with_a_number_and_have_their_columns() {
        let table = "# 1\n| # | a |\n|---|---|\n| 11b | a `x_y`, `z` |\n| T4 | b |\n";
        assert_eq!(rows(table, "", 2), [Row { cells: vec!["11b".into(), "a `x_y`, `z`".into()] }]);
        assert_eq!(rows(table, "T", 2)[0].cells, ["T4", "b"]);
        assert_eq!(quoted("a `x_y`, `z`").collect::<Vec<_>>(), ["x_y", "z"]);
    }

    #[test]
    #[should_panic(expected = "columns of | 1 | a |")]
    fn a_row_that_lacks_a_column_is_told() {
        drop(rows("| 1 | a |\n", "", 3));
    }

    #[test]
    fn tests_are_found_with_what_is_said_of_them() {
        let source = "/// T1: one.\n/// More.\n#[test]\nfn one() {}\n\n    #[test]\n    #[should_panic]\n    fn two() {}\n\
                      fn three() {}\n#[tokio::test(flavor = \"x\")]\nasync fn four() {}\n";
        let found: Vec<_> = tests_in(source).into_iter().map(|test| (test.name, test.says.len())).collect();
        assert_eq!(found, [("one".into(), 2), ("two".into(), 0), ("four".into(), 0)]);
        assert_eq!(tests_in(source)[0].says, ["T1: one.", "More."]);
    }
}
