//! The table that users read, held against the tests: no row without a test, no test without a row, no word in it that
//! the daemon does not use.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use airbyte_token_local::{ErrorCode, ProfileState};
use airbyte_tokend_tests::table::{quoted, rows, tests_in, tests_under};

const TABLE: &str = include_str!("../../FAULTS.md");

struct Fault {
    number: String,
    seen: String,
    tests: Vec<String>,
}

/// The table's columns are: number, fault, what happens, what users see, tests.
fn faults() -> Vec<Fault> {
    let fault = |cells: Vec<String>| {
        let tests = quoted(&cells[4]).map(str::to_owned).collect();
        Fault { number: cells[0].clone(), seen: cells[3].clone(), tests }
    };
    rows(TABLE, "", 5).into_iter().map(|row| fault(row.cells)).collect()
}

fn manifest() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn names_under(directory: &str) -> impl Iterator<Item = String> {
    tests_under(&manifest().join(directory)).into_iter().map(|test| test.name)
}

fn own_tests() -> Vec<String> {
    let about_the_table: Vec<_> =
        tests_in(include_str!("table.rs")).into_iter().map(|test| test.name).collect();
    names_under("tests/faults").filter(|test| !about_the_table.contains(test)).collect()
}

#[test]
fn every_fault_has_one_row_with_tests_that_exist() {
    let known: BTreeSet<_> = own_tests().into_iter().chain(names_under("../crates/core/tests")).collect();
    let mut numbers = BTreeMap::new();
    for fault in faults() {
        assert!(!fault.tests.is_empty(), "fault {} has no test", fault.number);
        for test in fault.tests {
            assert!(known.contains(&test), "fault {}: there is no test {test}", fault.number);
        }
        *numbers.entry(fault.number).or_insert(0) += 1;
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
    for test in faults().into_iter().flat_map(|fault| fault.tests) {
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
    for fault in faults() {
        for word in quoted(&fault.seen) {
            let is_name = word.chars().all(|c| c.is_ascii_lowercase() || c == '_') && word != "status";
            assert!(
                !is_name || words.contains(word),
                "fault {}: {word} is neither state nor code",
                fault.number
            );
        }
    }
}
