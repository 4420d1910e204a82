//! What keeps a daemon that cannot start from being started for ever.

use std::fs;

use airbyte_tokend_tests::{Home, Recipe};

const UNIT: &str = include_str!("../../../../systemd/user/airbyte-tokend.service");

/// The value of a directive that stands once in this section of the unit.
fn directive(section: &str, name: &str) -> &'static str {
    let section = UNIT.split_once(&format!("\n[{section}]\n")).expect("there is such a section").1;
    let section = section.split("\n[").next().unwrap_or_default();
    let mut values = section.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let value = values.next();
    assert!(value.is_some(), "{name} is not set");
    assert_eq!(values.next(), None, "{name} is set once");
    value.unwrap_or_default()
}

/// Fault 37: a bad configuration.
#[test]
fn a_bad_configuration_ends_the_daemon_with_a_status_that_systemd_does_not_start_again() {
    let key = "[vault.file]\nkey_file = \"/nowhere/key\"\npath = \"relative\"\n";
    let ca = "[profiles.a]\nservice = \"cloud\"\nclient_id = \"x\"\nvault = \"memory\"\nca_file = \"/nowhere.pem\"\n";
    for broken in ["defualt_profile = 1\n", "[profiles.main\n", key, ca] {
        let home = Home::new();
        home.write_config(broken);
        let ended = Recipe::of(&home).fail();
        assert_eq!(ended.code(), Some(78), "{}", ended.stderr);
        assert!(!home.socket().exists());
        fs::remove_file(home.config_file()).expect("it is ours");
        Recipe::of(&home).start().stop();
    }
    let never_again: Vec<_> = directive("Service", "RestartPreventExitStatus").split(' ').collect();
    assert!(never_again.contains(&"78"), "{never_again:?}");
    assert_eq!(directive("Service", "Restart"), "on-failure");
}

/// Fault 37: a crash for any other reason.
#[test]
fn a_daemon_that_dies_on_every_start_is_started_ten_times_a_minute_at_most() {
    let number = |section, name| -> u32 { directive(section, name).parse().expect("it is a number") };
    let (burst, interval) = (number("Unit", "StartLimitBurst"), number("Unit", "StartLimitIntervalSec"));
    assert!(burst <= 10 && interval >= 60, "{burst} starts in {interval} s");
    let pause = number("Service", "RestartSec");
    assert!(
        burst * pause < interval,
        "the limit is reached, and not undercut by the pause between two starts"
    );
}

/// Fault 39: what systemd allows.
#[test]
fn systemd_allows_the_daemon_eight_times_of_what_it_needs() {
    let limit = directive("Service", "MemoryMax");
    let mebibytes: u64 = limit.strip_suffix('M').and_then(|number| number.parse().ok()).expect("so many MiB");
    assert!(mebibytes >= 8 * 32, "{limit}");
    assert_eq!(directive("Service", "MemorySwapMax"), "0");
    assert!(directive("Service", "WatchdogSec").parse::<u32>().is_ok_and(|seconds| seconds <= 60));
}
