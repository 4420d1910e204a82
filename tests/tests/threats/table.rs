//! The table that users read, and what is promised beside it, held against the tests: no row without a test, no test
//! without its row, no name of a test that there is not.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use airbyte_tokend_tests::table::{Row, Test, quoted, rows, tests_in, tests_under};

const TABLE: &str = include_str!("../../THREATS.md");
const PROMISES: &str = include_str!("../../../SECURITY.md");
const README: &str = include_str!("../../../README.md");
/// The threats are numbered from one to this.
const THREATS: usize = 20;

/// The table's columns are: number, who does what, the defences, the tests, what stays out of reach.
fn threats(table: &str) -> Vec<Row> {
    rows(table, "T", 5)
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are in the workspace")
}

/// The tests of this suite, without those about the table.
fn own_tests() -> Vec<Test> {
    let about_the_table = tests_in(include_str!("table.rs"));
    let all = tests_under(&workspace().join("tests/tests/threats"));
    all.into_iter().filter(|test| !about_the_table.contains(test)).collect()
}

/// The names of all tests of the workspace.
fn all_tests() -> BTreeSet<String> {
    let crates = ["core", "local", "tokend", "cli", "sandbox"].map(|name| format!("crates/{name}"));
    let places = crates.iter().flat_map(|name| [format!("{name}/src"), format!("{name}/tests")]);
    let places = places.chain(["tests/src", "tests/tests", "tests/fuzz/tests"].map(str::to_owned));
    places.flat_map(|place| tests_under(&workspace().join(place))).map(|test| test.name).collect()
}

/// Each threat has one row with tests, all of which there are.
fn faults_of_rows(table: &str, known: &BTreeSet<String>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut numbers: BTreeMap<String, usize> =
        (1..=THREATS).map(|number| (format!("T{number}"), 0)).collect();
    for Row { cells } in threats(table) {
        *numbers.entry(cells[0].clone()).or_insert(THREATS) += 1;
        faults.extend(
            cells.iter().filter(|cell| cell.is_empty()).map(|_| format!("{}: says nothing", cells[0])),
        );
        if quoted(&cells[3]).next().is_none() {
            faults.push(format!("{}: no test", cells[0]));
        }
        let unknown = quoted(&cells[3]).filter(|name| !known.contains(*name));
        faults.extend(unknown.map(|name| format!("{}: there is no test {name}", cells[0])));
    }
    let uneven = numbers.into_iter().filter(|(_, count)| *count != 1);
    faults.extend(uneven.map(|(number, _)| format!("{number}: not one row")));
    faults
}

/// Each test says which threat it is of, and that threat's row, and no other, names it.
fn faults_of_tests(table: &str, tests: &[Test]) -> Vec<String> {
    let rows = threats(table);
    let naming = |name: &str| {
        let rows = rows.iter().filter(|row| quoted(&row.cells[3]).any(|quoted| quoted == name));
        rows.map(|row| row.cells[0].clone()).collect::<Vec<_>>()
    };
    let fault = |test: &Test| match threat_of(test) {
        None => Some(format!("{}: does not say of which threat it is", test.name)),
        Some(number) if naming(&test.name) != [number] => {
            Some(format!("{}: is of {number}, and in the rows {:?}", test.name, naming(&test.name)))
        }
        Some(_) => None,
    };
    tests.iter().filter_map(fault).collect()
}

fn threat_of(test: &Test) -> Option<&str> {
    let (number, _) = test.says.first()?.split_once(':')?;
    number.strip_prefix('T').filter(|digits| digits.chars().all(|c| c.is_ascii_digit())).map(|_| number)
}

/// Each promise has tests, all of which there are. The columns are: number, promise, tests.
fn faults_of_promises(promises: &str, known: &BTreeSet<String>) -> Vec<String> {
    let rows = rows(promises, "", 3);
    let mut faults: Vec<_> = rows.is_empty().then(|| "nothing is promised".to_owned()).into_iter().collect();
    for Row { cells } in rows {
        if quoted(&cells[2]).next().is_none() {
            faults.push(format!("promise {}: no test", cells[0]));
        }
        let unknown = quoted(&cells[2]).filter(|name| !known.contains(*name));
        faults.extend(unknown.map(|name| format!("promise {}: there is no test {name}", cells[0])));
    }
    faults
}

#[test]
fn every_threat_has_one_row_with_tests_that_exist() {
    assert_eq!(faults_of_rows(TABLE, &all_tests()), [""; 0]);
}

#[test]
fn every_test_of_a_threat_has_its_row() {
    let tests = own_tests();
    assert!(tests.len() > THREATS, "they were found");
    assert_eq!(faults_of_tests(TABLE, &tests), [""; 0]);
}

#[test]
fn every_promise_has_tests_that_exist() {
    assert_eq!(faults_of_promises(PROMISES, &all_tests()), [""; 0]);
}

#[test]
fn the_readme_names_the_promises_and_the_table() {
    for link in ["(SECURITY.md)", "(tests/THREATS.md)"] {
        assert!(README.contains(link), "{link}");
    }
    assert!(PROMISES.contains("(tests/THREATS.md)"));
}

/// A table in which nothing is amiss, about the tests `one` and `two`.
fn sound() -> String {
    let row = |number| format!("| T{number} | a | b | `one` | c |\n");
    let rest: String = (3..=THREATS).map(row).collect();
    format!("| T1 | a | b | `one` | c |\n| T2 | a | b | `two`, `one` | c |\n{rest}")
}

fn test(name: &str, says: &str) -> Test {
    Test { name: name.to_owned(), says: vec![says.to_owned()] }
}

#[test]
fn a_row_that_is_amiss_would_be_found() {
    let known = BTreeSet::from(["one".to_owned(), "two".to_owned()]);
    assert_eq!(faults_of_rows(&sound(), &known), [""; 0]);
    for (what, with, fault) in [
        ("`two`, `one`", "none", "T2: no test"),
        ("`two`", "`three`", "T2: there is no test three"),
        ("| T2 |", "| T1 |", "T1: not one row"),
        ("| T20 |", "| T21 |", "T20: not one row"),
        ("| T20 |", "| T21 |", "T21: not one row"),
        ("| T2 | a |", "| T2 |  |", "T2: says nothing"),
    ] {
        let faults = faults_of_rows(&sound().replace(what, with), &known);
        assert!(faults.iter().any(|found| found == fault), "{fault}: {faults:?}");
    }
}

#[test]
fn a_test_that_is_amiss_would_be_found() {
    assert_eq!(faults_of_tests(&sound(), &[test("two", "T2: it.")]), [""; 0]);
    for amiss in
        [test("two", "T1: it."), test("three", "T3: it."), test("two", "It."), test("one", "T1: it.")]
    {
        assert_eq!(faults_of_tests(&sound(), std::slice::from_ref(&amiss)).len(), 1, "{amiss:?}");
    }
}

#[test]
fn a_promise_that_is_amiss_would_be_found() {
    let known = BTreeSet::from(["one".to_owned()]);
    assert_eq!(faults_of_promises("| 1 | a | `one` |", &known), [""; 0]);
    for (promises, fault) in [
        ("| 1 | a | none |", "promise 1: no test"),
        ("| 1 | a | `two` |", "promise 1: there is no test two"),
        ("", "nothing is promised"),
    ] {
        assert_eq!(faults_of_promises(promises, &known), [fault]);
    }
}
