//! The table that users read, held against the tests: no row without a test, no test without a row, no word in it that
//! the daemon does not use.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use airbyte_token_local::{ErrorCode, ProfileState};

const TABLE: &str = include_str!("../../FAULTS.md");
/// How many columns a row has: number, fault, what happens, what users see, tests.
const COLUMNS: usize = 5;

struct Row<'table> {
    number: &'table str,
    seen: &'table str,
    tests: Vec<&'table str>,
}

/// Rows begin with a number; headings and rules do not.
fn rows(table: &str) -> Vec<Row<'_>> {
    let is_row = |line: &&str| line.strip_prefix("| ").is_some_and(|rest| rest.starts_with(char::is_numeric));
    table.lines().filter(is_row).map(row).collect()
}

fn row(line: &str) -> Row<'_> {
    let cells: Vec<_> = line.trim().trim_matches('|').split(" | ").map(str::trim).collect();
    assert_eq!(cells.len(), COLUMNS, "columns of {line}");
    Row { number: cells[0], seen: cells[3], tests: quoted(cells[4]) }
}

/// What stands in backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The names of the tests in this directory's files.
fn tests_under(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("the tests are there");
    let paths = entries.map(|entry| entry.expect("it can be listed").path());
    paths
        .flat_map(|path| match (path.is_dir(), path.extension().is_some_and(|end| end == "rs")) {
            (true, _) => tests_under(&path),
            (false, true) => tests_in(&fs::read_to_string(&path).expect("it can be read")),
            (false, false) => Vec::new(),
        })
        .collect()
}

fn tests_in(source: &str) -> Vec<String> {
    let after_attribute = source.split("\n#[test]\n").skip(1);
    let name = |text: &str| {
        let rest = &text[text.find("fn ").expect("a function") + 3..];
        rest.split('(').next().expect("a name").to_owned()
    };
    after_attribute.map(name).collect()
}

fn manifest() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn own_tests() -> Vec<String> {
    let beside = manifest().join("tests/faults");
    let about_the_table = tests_in(include_str!("table.rs"));
    tests_under(&beside).into_iter().filter(|test| !about_the_table.contains(test)).collect()
}

#[test]
fn every_fault_has_one_row_with_tests_that_exist() {
    let known: BTreeSet<_> =
        own_tests().into_iter().chain(tests_under(&manifest().join("../crates/core/tests"))).collect();
    let mut numbers = BTreeMap::new();
    for row in rows(TABLE) {
        *numbers.entry(row.number).or_insert(0) += 1;
        assert!(!row.tests.is_empty(), "fault {} has no test", row.number);
        for test in row.tests {
            assert!(known.contains(test), "fault {}: there is no test {test}", row.number);
        }
    }
    let expected: Vec<_> = (1..=40).map(|number| number.to_string()).chain(["11b".to_owned()]).collect();
    for number in &expected {
        assert_eq!(numbers.get(number.as_str()), Some(&1), "rows of fault {number}");
    }
    assert_eq!(numbers.len(), expected.len(), "{numbers:?}");
}

#[test]
fn every_test_of_a_fault_has_its_row() {
    let mut named = BTreeMap::new();
    for test in rows(TABLE).into_iter().flat_map(|row| row.tests) {
        *named.entry(test).or_insert(0) += 1;
    }
    for test in own_tests() {
        assert_eq!(named.get(test.as_str()), Some(&1), "rows that name {test}");
    }
}

#[test]
fn the_table_speaks_of_states_and_codes_that_there_are() {
    let words: BTreeSet<_> = ProfileState::ALL
        .map(ProfileState::name)
        .into_iter()
        .chain(ErrorCode::ALL.map(ErrorCode::name))
        .collect();
    for row in rows(TABLE) {
        for word in quoted(row.seen) {
            let is_name = word.chars().all(|c| c.is_ascii_lowercase() || c == '_') && word != "status";
            assert!(
                !is_name || words.contains(word),
                "fault {}: {word} is neither state nor code",
                row.number
            );
        }
    }
}

#[test]
fn a_row_without_a_test_and_a_test_without_a_row_would_be_found() {
    let row = row("| 7 | a | b | `fresh` | `x_y`, `z` |");
    assert_eq!((row.number, row.seen, row.tests), ("7", "`fresh`", vec!["x_y", "z"]));
    assert_eq!(rows("# 1\n| # | a |\n|---|---|\n| 11b | a | b | c | `t` |\n").len(), 1);
    let source =
        "\n/// Fault 1.\n#[test]\nfn one() {}\n\n#[test]\n#[should_panic]\nfn two() {}\nfn three() {}\n";
    assert_eq!(tests_in(source), ["one", "two"]);
}
