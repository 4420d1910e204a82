//! Many who want the same at the same time.

use std::{io::Write as _, os::unix::net::UnixStream, time::Duration};

use airbyte_sandbox::Fault;
use airbyte_tokend_tests::{Airbyte, Call, Daemon, Home, Http, Reply, timed};

use super::{answer, open_files};

const CALLERS: usize = 1000;

/// Longer than it takes to ask a thousand times, so that all of them wait at once.
const DELAY: Duration = Duration::from_secs(3);

/// What a daemon without a token and a slow Airbyte are like.
fn cold(home: &Home, fault: Fault) -> (Airbyte, Daemon) {
    open_files(CALLERS as u64 + 200);
    let airbyte = Airbyte::start();
    let daemon = Daemon::start_cold(home, &airbyte);
    airbyte.add_fault(fault.after(DELAY));
    (airbyte, daemon)
}

fn ask(http: &Http) -> UnixStream {
    let mut stream = http.connect().expect("there is a seat");
    stream.write_all(&Call::new("GET", "/v1/token?wait=60s").bytes()).expect("it listens");
    stream
}

fn ask_all(http: &Http) -> Vec<UnixStream> {
    (0..CALLERS).map(|_| ask(http)).collect()
}

fn answers(streams: Vec<UnixStream>) -> Vec<Reply> {
    streams.into_iter().map(answer).collect()
}

fn assert_all_got(replies: &[Reply], token: &str) {
    for reply in replies {
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.json()["access_token"], token);
    }
}

/// Fault 28: a thousand callers at a cold start.
///
/// How long the waiting costs beyond the exchange is held against what the same thousand cost this machine when there is
/// nothing to wait for.
#[test]
fn a_thousand_cold_callers_make_one_exchange_and_get_the_same_token() {
    let home = Home::new().with_file_vault();
    let (airbyte, daemon) = cold(&home, Fault::delay(DELAY));
    let http = daemon.http();
    let (replies, took) = timed(|| answers(ask_all(&http)));
    assert_eq!(airbyte.exchanges(), 1);
    assert_all_got(&replies, &airbyte.latest_token());
    let (warm, floor) = timed(|| answers(ask_all(&http)));
    assert_all_got(&warm, &airbyte.latest_token());
    assert_eq!(airbyte.exchanges(), 1, "the others were served from memory");
    let limit = DELAY + 10 * floor + Duration::from_secs(3);
    assert!(took < limit, "{took:?}, and {floor:?} without an exchange");
}

/// Fault 28: a thousand callers at a cold start, and Airbyte is down.
#[test]
fn a_thousand_cold_callers_hear_the_same_error_after_one_exchange() {
    let home = Home::new().with_file_vault();
    // It asks to be left alone for longer than the callers wait: it is not worth another try for them.
    let (airbyte, daemon) = cold(&home, Fault::status(503).retry_after("300").forever());
    let replies = answers(ask_all(&daemon.http()));
    assert_eq!(airbyte.exchanges(), 1);
    let first = replies[0].json();
    assert_eq!((replies[0].status, first["code"].as_str()), (503, Some("upstream_unavailable")));
    for reply in &replies {
        let error = reply.json();
        assert_eq!((reply.status, &error["code"]), (503, &first["code"]));
        assert_eq!((&error["message"], &error["hint"]), (&first["message"], &first["hint"]));
        assert!(error["retry_in"].as_u64().is_some_and(|seconds| seconds > 200), "{error}");
    }
}

/// Fault 29: the first of a thousand callers leaves.
#[test]
fn the_first_of_a_thousand_leaving_changes_nothing_for_the_others() {
    let home = Home::new().with_file_vault();
    let (airbyte, daemon) = cold(&home, Fault::delay(DELAY));
    let http = daemon.http();
    let first = ask(&http);
    airbyte.wait_for_exchanges(1);
    let others: Vec<_> = (1..CALLERS).map(|_| ask(&http)).collect();
    drop(first);
    let replies = answers(others);
    assert_eq!(replies.len(), CALLERS - 1);
    assert_all_got(&replies, &airbyte.latest_token());
    assert_eq!(airbyte.exchanges(), 1);
}

/// Fault 29: the only caller leaves.
#[test]
fn an_exchange_that_nobody_waits_for_any_more_is_finished() {
    let home = Home::new().with_file_vault();
    let (airbyte, daemon) = cold(&home, Fault::delay(DELAY));
    let only = ask(&daemon.http());
    airbyte.wait_for_exchanges(1);
    drop(only);
    let next = answer(ask(&daemon.http()));
    assert_all_got(&[next], &airbyte.latest_token());
    assert_eq!(airbyte.exchanges(), 1);
}
