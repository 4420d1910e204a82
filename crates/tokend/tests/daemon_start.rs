//! A daemon that cannot serve everybody does not start, and says by its exit status whether another start may help.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fmt::Write as _, fs, process::Command};

/// Starts it with 60 profiles and this many file descriptors, and gives back what it exited with and said.
fn start(descriptors: u32, arguments: &[&str]) -> (Option<i32>, String) {
    let home = tempfile::tempdir().unwrap();
    let mut config = String::new();
    for number in 0..60 {
        let profile =
            "service = \"self-managed\"\nurl = \"http://127.0.0.1:9\"\nclient_id = \"x\"\nvault = \"memory\"";
        writeln!(config, "[profiles.p{number}]\n{profile}").unwrap();
    }
    fs::create_dir_all(home.path().join(".config/airbyte-tokend")).unwrap();
    fs::write(home.path().join(".config/airbyte-tokend/config.toml"), config).unwrap();
    let script = format!("ulimit -n {descriptors}; exec timeout -s KILL 20 \"$0\" \"$@\"");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_airbyte-tokend")]).args(arguments);
    let output = command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", home.path());
    let output = output.env("XDG_RUNTIME_DIR", home.path()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_daemon_with_too_few_descriptors_for_its_profiles_does_not_say_that_it_serves() {
    let (status, said) = start(100, &[]);
    assert_eq!(status, Some(78), "{said}");
    assert!(said.contains("at most 100 files may be open and 220 are needed (profiles: 60)"), "{said}");
    assert!(!said.contains("serving"), "{said}");
    assert_eq!(start(100, &["--check"]).0, Some(0), "the configuration itself is in order");
}
