//! The rules and the oracle, side by side.

use std::{cell::RefCell, collections::BTreeMap, path::Path};

use airbyte_tokend::trust::{Fault, Node, Untrusted, judge};
use proptest::{
    prelude::*,
    test_runner::{Config, FileFailurePersistence, TestRunner},
};

use crate::{
    imagined::{Imagined, SELF, questions, trees},
    oracle::{Leads, Reading, can_be_replaced, resolve},
};

/// Thousands of trees are looked at in a few seconds.
fn runner() -> TestRunner {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/trust/proptest-regressions/promises.txt");
    let failure_persistence: Option<Box<dyn proptest::test_runner::FailurePersistence>> =
        Some(Box::new(FileFailurePersistence::Direct(seeds)));
    TestRunner::new(Config { cases: 6_000, failure_persistence, ..Config::default() })
}

fn verdict(tree: &Imagined, path: &Path) -> Result<Option<Node>, Untrusted> {
    judge(tree, path, SELF)
}

#[test]
fn what_is_accepted_is_what_the_path_leads_to_and_nobody_else_can_replace_it() {
    let accepted = |(tree, path): (Imagined, std::path::PathBuf)| {
        let Ok(found) = verdict(&tree, &path) else { return Ok(()) };
        let leads = resolve(&tree, &path);
        let expected = found.map_or(Leads::Nowhere, |node| Leads::To(node.inode.1 as usize));
        prop_assert_eq!(leads, expected);
        prop_assert!(!can_be_replaced(&tree, &path, Reading::Kernel), "it was replaced");
        Ok(())
    };
    runner().run(&(trees(), questions()), accepted).unwrap();
}

/// A right to write to a directory without the right to search it is refused though nobody can use it: see `judge`.
#[test]
fn what_is_refused_somebody_else_could_replace() {
    let refused = |(tree, path): (Imagined, std::path::PathBuf)| {
        match verdict(&tree, &path).map_err(|untrusted| untrusted.fault) {
            Ok(_) => {}
            Err(Fault::Unseen { .. }) => prop_assert_eq!(resolve(&tree, &path), Leads::Astray),
            Err(Fault::Foreign { .. } | Fault::Writable { .. } | Fault::Shared { .. }) => {
                prop_assert!(can_be_replaced(&tree, &path, Reading::Rules), "nobody can");
            }
            Err(Fault::Swapped) => prop_assert!(false, "no file is open"),
        }
        Ok(())
    };
    runner().run(&(trees(), questions()), refused).unwrap();
}

/// Of a thousand trees, enough are of each kind for the promises above to say something.
#[test]
fn every_verdict_is_met_often() {
    let met = RefCell::new(BTreeMap::new());
    let count = |(tree, path): (Imagined, std::path::PathBuf)| {
        let verdict = match verdict(&tree, &path).map_err(|untrusted| untrusted.fault) {
            Ok(Some(_)) => "accepted",
            Ok(None) => "nothing there",
            Err(Fault::Foreign { .. }) => "foreign",
            Err(Fault::Writable { .. }) => "writable",
            Err(Fault::Shared { .. }) => "shared",
            Err(Fault::Unseen { .. }) => "astray",
            Err(Fault::Swapped) => "swapped",
        };
        *met.borrow_mut().entry(verdict).or_insert(0) += 1;
        Ok(())
    };
    let config = Config { cases: 2_000, failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(&(trees(), questions()), count).unwrap();
    let met = met.into_inner();
    for verdict in ["accepted", "nothing there", "foreign", "writable", "shared", "astray"] {
        assert!(met.get(verdict).is_some_and(|times| *times >= 20), "{verdict}: {met:?}");
    }
}
