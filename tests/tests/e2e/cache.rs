//! One exchange at a time, readers that never wait for it, renewal that nobody has to ask for.

use std::{collections::BTreeSet, io::Write as _, thread, time::Duration};

use airbyte_sandbox::{Fault, Settings};
use airbyte_tokend_tests::{Airbyte, Call, Daemon, Home, Http};

fn tokens_of(http: &Http, callers: usize) -> BTreeSet<String> {
    let ask = |_| {
        thread::spawn({
            let http = http.clone();
            move || http.token()
        })
    };
    let callers: Vec<_> = (0..callers).map(ask).collect();
    callers.into_iter().map(|caller| caller.join().expect("it got a token")).collect()
}

fn short_lived(seconds: u64) -> impl FnOnce(&mut Settings) {
    move |settings| settings.token_lifetime = Duration::from_secs(seconds)
}

#[test]
fn two_hundred_cold_callers_cost_one_exchange_and_get_the_same_token() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.add_fault(Fault::delay(Duration::from_millis(300)));
    let tokens = tokens_of(&daemon.http(), 200);
    assert_eq!(tokens, BTreeSet::from([airbyte.latest_token()]));
    assert_eq!(airbyte.exchanges(), 1);
}

#[test]
fn when_the_one_exchange_fails_everybody_is_told_and_it_is_not_repeated_for_each() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.add_fault(Fault::status(503).retry_after("600").forever());
    let http = daemon.http();
    let ask = |_| {
        thread::spawn({
            let http = http.clone();
            move || http.get("/v1/token")
        })
    };
    let callers: Vec<_> = (0..50).map(ask).collect();
    for caller in callers {
        let reply = caller.join().expect("it got an answer");
        assert_eq!((reply.status, reply.code()), (503, "upstream_unavailable".to_owned()));
    }
    assert_eq!(airbyte.exchanges(), 1);
}

#[test]
fn a_caller_that_hangs_up_changes_nothing_for_the_others() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.add_fault(Fault::delay(Duration::from_millis(1500)));
    let mut first = daemon.http().connect().expect("somebody listens");
    first.write_all(&Call::new("GET", "/v1/token").bytes()).expect("it is read");
    airbyte.wait_for_exchanges(1);
    drop(first);
    let tokens = tokens_of(&daemon.http(), 20);
    assert_eq!(tokens, BTreeSet::from([airbyte.latest_token()]));
    assert_eq!(airbyte.exchanges(), 1);
}

#[test]
fn readers_never_wait_while_a_token_is_alive_and_airbyte_hangs() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let alive = airbyte.latest_token();
    airbyte.add_fault(Fault::hang().forever());
    let http = daemon.http();
    let impatient = thread::spawn({
        let http = http.clone();
        move || http.post("/v1/token/refresh?wait=300s")
    });
    airbyte.wait_for_exchanges(2);

    let tokens = tokens_of(&http, 100);

    assert_eq!(tokens, BTreeSet::from([alive]));
    let unanswered = airbyte.requests().iter().filter(|request| request.status.is_none()).count();
    assert_eq!(unanswered, 1, "the readers were answered while the exchange hung");
    assert!(!impatient.is_finished(), "the one who asked for a new token waits, as it should");
    drop(daemon);
    drop(impatient.join());
}

#[test]
fn a_token_is_renewed_before_it_dies_without_anybody_asking() {
    let (home, airbyte) = (Home::new(), Airbyte::start_with(short_lived(70)));
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let first = airbyte.latest_token();
    airbyte.wait_for_exchanges(2);
    assert!(airbyte.is_live(&first), "the first token was renewed in time");
    airbyte.wait_until(|counts| counts.issued == 2);
    let second = airbyte.latest_token();
    daemon.log().wait_for("got a token");
    assert_ne!(first, second);
    assert_eq!(daemon.http().token(), second);
    assert_eq!(airbyte.exchanges(), 2);
}

#[test]
fn a_token_is_printed_while_airbyte_is_down() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let token = airbyte.latest_token();
    drop(airbyte);
    assert_eq!(daemon.http().token(), token);
}

#[test]
fn a_reported_token_is_renewed_once_however_many_report_it() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let http = daemon.http();
    let fingerprint = http.get("/v1/token").json()["fingerprint"].clone();
    let report =
        Call::new("POST", "/v1/token/reject").json(&serde_json::json!({ "fingerprint": fingerprint }));
    let replies: Vec<_> = (0..10).map(|_| http.send(&report)).collect();
    assert_eq!(replies[0].json()["current"], true, "{}", replies[0].text());
    airbyte.wait_until(|counts| counts.issued == 2);
    daemon.log().wait_for("got a token");
    assert_eq!(http.token(), airbyte.latest_token());
    assert_eq!(http.send(&report).json()["current"], false);
    assert_eq!(airbyte.exchanges(), 2);
}
