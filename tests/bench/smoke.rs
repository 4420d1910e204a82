//! Shows that the benchmark runs to its end, and says what it promises to. No figure is looked at: a test that is timed
//! fails on a busy machine.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

#[test]
fn every_figure_is_measured_beside_a_floor() {
    let bench = Path::new(env!("CARGO_BIN_EXE_airbyte-bench"));
    for program in ["airbyte-token", "airbyte-tokend", "airbyte-sandbox"] {
        let built = bench.with_file_name(program);
        assert!(
            built.exists(),
            "{program} is not there: `cargo build --workspace --bins` first, as `make test` does"
        );
    }
    let place = tempfile::tempdir().unwrap();
    let json = place.path().join("figures.json");

    let ended = Command::new(bench).arg("--quick").arg("--json").arg(&json).output().unwrap();

    let text = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{}\n{text}", String::from_utf8_lossy(&ended.stderr));
    assert!(text.lines().last().unwrap().starts_with("airbyte-token print takes "), "{text}");
    let figures: Value = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    assert!(figures["client_ratio"].as_f64().unwrap() > 0.0);
    for (table, column) in [
        ("client", "median_us"),
        ("server_1", "p99_us"),
        ("server_16", "requests_per_second"),
        ("server_128", "requests_per_second"),
        ("memory", "idle_rss_kib"),
        ("startup", "ready_us"),
        ("idle", "wake_ups_per_minute"),
    ] {
        let rows = figures[table].as_object().unwrap();
        assert!(rows.keys().any(|name| name.contains("the floor")), "{table}: {rows:?}");
        assert!(rows.keys().any(|name| name.contains("airbyte-token")), "{table}: {rows:?}");
        assert!(
            rows.values().all(|row| row[column].as_f64().is_some_and(|figure| figure >= 0.0)),
            "{rows:?}"
        );
    }
}
