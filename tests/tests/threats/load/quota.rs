//! Airbyte's patience, used up by somebody who may ask the daemon.

use std::{process::Command, time::Duration};

use airbyte_tokend_tests::{Airbyte, Call, Clocks, Daemon, Home, Process, Recipe};
use serde_json::json;

/// The most exchanges within a minute, and within an hour.
const A_MINUTE: usize = 10;
const AN_HOUR: usize = 60;
const SECONDS: i64 = 60 * 60;
/// How far the time goes on between two attacks.
const STEP: i64 = 20;

/// Everything at once that might make an exchange, by somebody who may do all but log in.
fn press_every_button(daemon: &Daemon) {
    let http = daemon.http();
    let fingerprint = http.status_of("main")["fingerprint"].clone();
    let reject = Call::new("POST", "/v1/token/reject").json(&json!({ "fingerprint": fingerprint }));
    for _ in 0..5 {
        for target in ["/v1/token/refresh?wait=0s", "/v1/token/refresh?profile=main&wait=0s"] {
            drop(http.post(target));
        }
        for target in ["/v1/token?min_ttl=899s&wait=0s", "/v1/ready?min_ttl=899s&wait=0s", "/v1/status"] {
            drop(http.get(target));
        }
        drop(http.send(&reject));
    }
}

/// Waits until no exchange is in flight: its answer would be as old as the time that passes.
fn settle(daemon: &Daemon) {
    airbyte_tokend_tests::eventually("the exchange ends", airbyte_tokend_tests::PATIENCE, || {
        let timeline = daemon.http().get("/v1/timeline?profile=main").json();
        let mut exchanges = timeline["events"].as_array().expect("it is a list").iter();
        exchanges.all(|event| event["event"] != "exchange" || event["result"].is_object()).then_some(())
    });
}

/// T17: an hour of somebody who wants Airbyte to be asked as often as possible: it is not asked more often than that, and
/// whoever needs a token gets one throughout. The control: whoever makes its own exchanges makes as many as it likes.
#[test]
fn an_hour_of_pressing_every_button_costs_no_more_than_the_budget_and_nobody_a_token() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let clocks = Clocks::still(&home);
    let daemon = Recipe::of(&home).clocks(&clocks).start();
    daemon.log_in("main", &airbyte, "memory");
    airbyte.forget_requests();
    let mut minutes = Vec::new();
    for passed in (0..SECONDS).step_by(20) {
        press_every_button(&daemon);
        let reply = daemon.http().get("/v1/token?wait=10s");
        assert_eq!(reply.status, 200, "after {passed} s: {}", reply.text());
        settle(&daemon);
        minutes.push(airbyte.exchanges());
        airbyte.change_settings(|settings| settings.clock_skew += STEP);
        clocks.suspend(Duration::from_secs(STEP.unsigned_abs()));
    }
    daemon.stop();
    let all = airbyte.exchanges();
    assert!((4..=AN_HOUR).contains(&all), "{all} exchanges");
    let most = minutes.windows(4).map(|minute| minute[3] - minute[0]).max();
    assert!(most.is_some_and(|most| most <= A_MINUTE), "{minutes:?}");

    for _ in 0..=AN_HOUR {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--data-binary", "@-", "--header", "content-type: application/json"]);
        curl.arg(format!("{}/api/v1/applications/token", airbyte.url()));
        drop(Process::start(&mut curl, airbyte.profile("memory").to_string().as_bytes()).wait());
    }
    assert_eq!(airbyte.exchanges(), all + AN_HOUR + 1);
}
