//! `trace`, with the real binary.

use airbyte_token_local::audit::{Event, Hash, Verb, Who};
use serde_json::Value;

use crate::{
    audit::{FINGERPRINT, after, log, script, token, told, told_with},
    support::TOKEN,
};

/// Two scripts' runs, a local client, and a report of a refusal.
fn events(fingerprint: &str) -> Vec<Event> {
    let client = Who { client: Some("dbt".to_owned()), ..Who::default() };
    let many =
        Event { first: Some(after(61)), times: 12, door: Some("http".to_owned()), ..token(90, client) };
    let reject = Event { issued: None, verb: Verb::Reject, ..token(95, script(44)) };
    let all = [token(1, script(42)), token(30, script(43)), many, reject];
    all.map(|event| Event { fingerprint: Some(fingerprint.to_owned()), ..event }).into()
}

#[test]
fn trace_tells_who_was_given_a_token_when_and_how_often() {
    let log = log(&events(FINGERPRINT));
    let page = told("trace 0123456789ABCDEF", log.path()).done();
    let expected = [
        "token 0123456789abcdef, asked of Airbyte at 2030-06-02 14:20:05, was given to:",
        "  FIRST                LAST                 TIMES  PROFILE  WHO",
        "  2030-06-02 14:20:06  2030-06-02 14:20:35  2      prod     uid 1000: /usr/bin/airbyte-token, started by /usr/bin/bash (deploy.sh) 7",
        "  2030-06-02 14:21:06  2030-06-02 14:21:35  12     prod     local client dbt, by http",
        "what else was asked with it:",
        "  FIRST                LAST                 TIMES  EVENT   WHO",
        "  2030-06-02 14:21:40  2030-06-02 14:21:40  1      reject  uid 1000: /usr/bin/airbyte-token 44, started by /usr/bin/bash (deploy.sh) 7",
    ];
    assert_eq!(page.lines().collect::<Vec<_>>(), expected, "{page}");
}

#[test]
fn trace_takes_the_token_itself_from_standard_input_and_repeats_it_nowhere() {
    let fingerprint = &Hash::of(TOKEN.as_bytes()).to_string()[..16];
    let log = log(&events(fingerprint));
    for input in [
        TOKEN.to_owned(),
        format!("{TOKEN}\n"),
        format!("Authorization: Bearer {TOKEN}\n"),
        format!("Bearer {TOKEN}"),
        fingerprint.to_owned(),
    ] {
        let page = told_with("trace", log.path(), &input).done();
        assert!(
            page.starts_with(&format!("token {fingerprint}, asked of")) && !page.contains(TOKEN),
            "{page}"
        );
    }
    let reply = told_with("trace --json", log.path(), TOKEN).done();
    let reply: Value = serde_json::from_str(&reply).expect("it is JSON");
    assert_eq!(
        (&reply["fingerprint"], &reply["issued"]),
        (&fingerprint.into(), &"2030-06-02T12:20:05.007Z".into())
    );
    assert_eq!(
        (&reply["given"][1]["times"], &reply["given"][1]["who"]["client"]),
        (&12.into(), &"dbt".into())
    );
    assert_eq!(reply["log_begins"], "2030-06-02T12:20:05.007Z");
}

#[test]
fn nobody_is_told_with_how_far_the_log_goes_back() {
    let log = log(&events(FINGERPRINT));
    let page = told("trace fedcba9876543210", log.path()).done();
    let expected =
        "nobody was given token fedcba9876543210, as far as the log goes back: to 2030-06-02 14:20:05\n";
    assert_eq!(page, expected);
}

#[test]
fn a_token_in_an_argument_is_refused_with_why_and_not_repeated() {
    let log = log(&[]);
    let (what, hint) = told(&format!("trace {TOKEN}"), log.path()).failed(2);
    assert!(
        what.starts_with("a token was given as an argument: command lines are seen by every user"),
        "{what}"
    );
    assert!(hint.contains("trace < FILE") && hint.contains("airbyte-token refresh"), "{hint}");
    assert!(!what.contains(TOKEN) && !hint.contains(TOKEN));
    let (what, _) = told("trace 0123", log.path()).failed(2);
    assert_eq!(what, "the value of FINGERPRINT cannot be used: a fingerprint has 16 hex digits");
}

#[test]
fn what_is_no_token_is_not_repeated_either() {
    let log = log(&[]);
    for (input, reason) in
        [("short", "the token has only 5 bytes"), ("canary canary canary", "invalid character")]
    {
        let (what, _) = told_with("trace", log.path(), input).failed(2);
        assert!(what.starts_with("this is no access token: ") && what.contains(reason), "{what}");
        assert!(!what.contains(input), "{what}");
    }
    let (what, _) = told_with("trace", log.path(), "").failed(2);
    assert_eq!(what, "the token is empty");
}
