//! Tokens that Airbyte takes back early, and callers who say so.

use std::thread;

use airbyte_tokend_tests::{Airbyte, Call, Daemon, Home, PATIENCE, eventually};
use serde_json::{Value, json};

const REPORTERS: usize = 1000;
/// How many report at the same time.
const AT_ONCE: usize = 50;

fn report(fingerprint: &Value) -> Call {
    Call::new("POST", "/v1/token/reject").json(&json!({ "fingerprint": fingerprint }))
}

/// How many were told that it was the current token which they complain of.
fn report_by_many(daemon: &Daemon, fingerprint: &Value) -> usize {
    let reporters: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (http, call) = (daemon.http(), report(fingerprint));
            thread::spawn(move || {
                let replies = (0..REPORTERS / AT_ONCE).map(|_| http.send(&call));
                replies
                    .filter(|reply| {
                        assert_eq!(reply.status, 200, "{}", reply.text());
                        reply.json()["current"] == true
                    })
                    .count()
            })
        })
        .collect();
    reporters.into_iter().map(|reporter| reporter.join().expect("each was answered")).sum()
}

/// Fault 36: a thousand callers see the same 401.
#[test]
fn a_thousand_reports_of_a_revoked_token_cause_one_exchange_and_those_of_an_old_one_none() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let dead = daemon.http().token();
    let fingerprint = daemon.http().status_of("main")["fingerprint"].clone();
    airbyte.revoke_all();
    assert!(report_by_many(&daemon, &fingerprint) > 0, "the first at least was right");
    airbyte.wait_for_exchanges(2);
    eventually("the new token is there", PATIENCE, || (daemon.http().token() != dead).then_some(()));
    let fresh = daemon.http().token();
    assert!(airbyte.is_live(&fresh) && fresh == airbyte.latest_token());

    assert_eq!(report_by_many(&daemon, &fingerprint), 0, "it is an old one by now");
    assert_eq!(report_by_many(&daemon, &json!("0123456789abcdef")), 0, "nobody had this one");
    assert_eq!(airbyte.exchanges(), 2);
    let timeline = daemon.http().get("/v1/timeline?profile=main").json();
    let reasons: Vec<_> = timeline["events"]
        .as_array()
        .expect("it is a list")
        .iter()
        .filter(|event| event["event"] == "exchange")
        .map(|event| event["why"].clone())
        .collect();
    assert_eq!(reasons, ["reported"]);
}
