//! Every check over the committed corpus: what fuzzers found worth keeping, and what was thought of by hand.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod controls;

use std::{
    fs,
    path::{Path, PathBuf},
};

use airbyte_tokend_checks::{config, jwt, request, rogue_server, token_reply, waits};

/// The most bytes of the whole corpus: it is read on every run of the tests.
const LARGEST_CORPUS: u64 = 1024 * 1024;

type Check = fn(&[u8]);

/// The targets as their fuzzers know them.
const TARGETS: [(&str, Check); 6] = [
    ("token_reply", token_reply::check),
    ("jwt", jwt::check),
    ("waits", waits::check),
    ("config", config::check),
    ("request", |bytes| request::check(bytes, tokio::time::pause)),
    ("rogue_server", rogue_server::check),
];

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The seeds of a target in the order of their names, each with its bytes.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = here().join("corpus").join(target);
    let mut seeds: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(Result::unwrap)
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    seeds.sort();
    seeds
}

/// The name of the seed is in the test's output when the check fails.
fn holds(target: &str) {
    let (_, check) = TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
    for (name, bytes) in seeds(target) {
        let outcome = std::panic::catch_unwind(|| check(&bytes));
        assert!(outcome.is_ok(), "tests/fuzz/corpus/{target}/{name}");
    }
}

#[test]
fn token_replies_mean_what_they_must() {
    holds("token_reply");
}

#[test]
fn tokens_never_lengthen_their_lives() {
    holds("jwt");
}

#[test]
fn waits_stay_in_bounds() {
    holds("waits");
}

#[test]
fn configurations_are_whole_or_refused() {
    holds("config");
}

#[test]
fn requests_get_a_token_only_by_the_rules() {
    holds("request");
}

#[test]
fn rogue_servers_bring_one_token_or_an_error() {
    holds("rogue_server");
}

#[test]
fn every_fuzzer_has_a_check_and_a_corpus_of_small_seeds() {
    let manifest = fs::read_to_string(here().join("libfuzzer/Cargo.toml")).unwrap();
    let fuzzers = manifest.lines().filter(|line| line.starts_with("path = \"fuzz_targets/")).count();
    assert_eq!(fuzzers, TARGETS.len());
    let mut size = 0;
    for (target, _) in TARGETS {
        assert!(manifest.contains(&format!("fuzz_targets/{target}.rs")), "{target} has no fuzzer");
        let seeds = seeds(target);
        assert!(seeds.len() >= 20, "{target} has only {} seeds", seeds.len());
        size += seeds.iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>();
    }
    assert!(size <= LARGEST_CORPUS, "the corpus has {size} bytes");
}

/// Otherwise what is fuzzed is not what is shipped.
#[test]
fn fuzzers_are_built_from_the_same_versions_as_the_product() {
    let packages = |path: PathBuf| -> Vec<(String, String)> {
        let lock: toml_edit::DocumentMut = fs::read_to_string(path).unwrap().parse().unwrap();
        let text = |table: &toml_edit::Table, key| table[key].as_str().unwrap().to_owned();
        let packages = lock["package"].as_array_of_tables().unwrap();
        packages.iter().map(|table| (text(table, "name"), text(table, "version"))).collect()
    };
    let shipped = packages(here().join("../../Cargo.lock"));
    for (name, version) in packages(here().join("libfuzzer/Cargo.lock")) {
        let versions: Vec<_> = shipped.iter().filter(|(shipped, _)| *shipped == name).collect();
        let is_shipped = versions.is_empty() || versions.iter().any(|(_, shipped)| *shipped == version);
        assert!(
            is_shipped,
            "{name} {version} is fuzzed; cp Cargo.lock tests/fuzz/libfuzzer and run `make fuzz`"
        );
    }
}
