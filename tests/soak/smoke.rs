//! A short soak, and that a seed given again replays the same script.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

fn soak(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_airbyte-soak"))
        .args(arguments)
        .output()
        .expect("it was built with this test")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_seed_given_again_replays_the_same_script() {
    let [first, again, other] =
        ["7", "7", "8"].map(|seed| text(&soak(&["--script", "--seed", seed, "--minutes", "4"])));
    assert_eq!(first, again);
    let digest =
        |text: &str| text.lines().next().and_then(|line| line.split_once("script ")).unwrap().1.to_owned();
    assert_ne!(digest(&first), digest(&other));
    assert!(first.lines().count() > 500, "the whole script is shown");
}

#[test]
fn a_short_soak_keeps_every_promise() {
    let soak_itself = Path::new(env!("CARGO_BIN_EXE_airbyte-soak"));
    for program in ["airbyte-token", "airbyte-tokend"] {
        assert!(
            soak_itself.with_file_name(program).exists(),
            "{program} is not there: `cargo build --workspace --bins` first, as `make test` does"
        );
    }
    let place = tempfile::tempdir().unwrap();
    let json = place.path().join("figures.json");

    let ended = soak(&["--short", "--json", json.to_str().unwrap()]);

    let said = text(&ended);
    assert!(ended.status.success(), "{said}\n{}", String::from_utf8_lossy(&ended.stderr));
    assert!(said.lines().last().unwrap().starts_with("every promise was kept"), "{said}");
    let figures: Value = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    for promise in [
        "expired_tokens_served",
        "live_tokens_withheld",
        "tokens_of_another_profile",
        "secrets_in_any_output",
    ] {
        assert_eq!(figures[promise], 0, "{promise}");
    }
    for done in ["kills", "troubles_of_the_keyring", "suspends", "reloads", "faults_of_an_Airbyte"] {
        assert!(figures[done].as_u64().unwrap() > 0, "{done}: a soak without it proves little");
    }
}
