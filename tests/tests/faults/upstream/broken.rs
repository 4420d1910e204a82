//! Connections that break, and replies that are not whole.

use std::time::Duration;

use airbyte_sandbox::{Canned, Fault, Reply, Trouble, Wire};

use super::{World, is_told};

/// The first retry comes after up to a second, and two exchanges begin no sooner than that after each other.
const SOON: u64 = 1;
/// What a busy machine may add to it.
const LATE: Duration = Duration::from_secs(5);

fn broken(wire: Wire) -> Fault {
    Fault::new(Trouble::Wire(wire))
}

/// An answer with this content type and this body.
fn body(content_type: &str, body: &str) -> Fault {
    let content = Some((content_type.to_owned(), body.to_owned()));
    Fault::new(Trouble::Reply(Reply::Status { code: 200, content }))
}

/// It breaks once: the exchange is not repeated at once with the secret in hand, but within a second, as the ladder
/// says, on a new connection, and whoever asked for nothing notices nothing.
fn breaks_once(wire: Wire, words: &str) {
    let world = World::warm();
    let before = world.airbyte.counts();
    world.airbyte.add_fault(broken(wire));
    let told = world.fail_to_refresh();
    is_told(&told, "degraded", words);
    let retry_in = told.json()["retry_in"].as_u64();
    assert!(retry_in.is_some_and(|seconds| seconds <= SOON), "{}", told.text());
    world.is_live(&world.http().get("/v1/token?wait=0s"));

    world.airbyte.wait_until(|counts| counts.connections == before.connections + 2);
    world.await_state("fresh");
    world.serves(&world.airbyte.latest_token());
    let exchanges = world.exchanges();
    let ago = |at: usize| exchanges[exchanges.len() - at]["ago"].as_u64().expect("it is a number");
    assert!(Duration::from_secs(ago(2) - ago(1)) <= Duration::from_secs(SOON) + LATE, "{exchanges:?}");
    assert_eq!(exchanges[exchanges.len() - 1]["why"], "retry");
    assert_eq!(
        world.airbyte.counts().connections,
        before.connections + 2,
        "one connection for each exchange"
    );
}

/// Fault 3: a reset before anything was sent.
#[test]
fn a_connection_that_is_reset_at_once_is_tried_anew_within_a_second() {
    breaks_once(Wire::ResetOnAccept, "on the way to http://127.0.0.1:");
}

/// Fault 3: a reset after the request.
#[test]
fn a_connection_that_is_reset_after_the_request_is_tried_anew_within_a_second() {
    breaks_once(Wire::Reset, "connection cut on the way to http://127.0.0.1:");
}

/// Fault 3: a reset half-way through the reply.
#[test]
fn a_connection_that_is_reset_within_the_reply_is_tried_anew_within_a_second() {
    breaks_once(Wire::ResetMidBody, "connection cut on the way to http://127.0.0.1:");
}

/// Fault 3: the other end closes its side without a word.
#[test]
fn a_connection_that_is_closed_without_a_reply_is_tried_anew_within_a_second() {
    breaks_once(Wire::HalfClose, "connection ended too early on the way to http://127.0.0.1:");
}

/// Fault 3: less comes than was announced.
#[test]
fn a_connection_that_is_closed_within_the_reply_is_tried_anew_within_a_second() {
    breaks_once(Wire::TornBody, "connection ended too early on the way to http://127.0.0.1:");
}

/// Fault 3: it breaks for as long as the token lives, and longer.
#[test]
fn connections_that_always_break_cost_no_live_token() {
    World::warm().survives(broken(Wire::Reset), "connection cut on the way to");
}

/// Fault 4: the reply ends in the middle of the token.
#[test]
fn a_reply_that_is_torn_costs_no_live_token() {
    let torn = body("application/json", r#"{"access_token":"eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJ"#);
    World::warm().survives(torn, "the reply is not one whole JSON object");
}

/// Fault 4: 200 with nothing in it.
#[test]
fn an_empty_success_costs_no_live_token() {
    World::warm().survives(Fault::answer(Canned::Empty200), "the reply is not one whole JSON object");
}

/// Fault 4: 204.
#[test]
fn a_success_that_promises_nothing_costs_no_live_token() {
    World::warm().survives(Fault::answer(Canned::NoContent204), "an answer without a token (204)");
}

/// Fault 4: JSON, but another.
#[test]
fn a_success_without_a_token_costs_no_live_token() {
    World::warm().survives(Fault::answer(Canned::NoToken200), "the reply is JSON, but has no access_token");
}

/// Fault 4: JSON that is nested twenty thousand deep.
#[test]
fn json_without_a_bottom_costs_no_live_token() {
    World::warm().survives(Fault::new(Trouble::Reply(Reply::DeepJson)), "the reply");
}

/// Fault 4: a body without an end.
#[test]
fn a_reply_without_an_end_costs_no_live_token() {
    World::warm().survives(broken(Wire::EndlessBody), "the reply is larger than 64 KiB");
}

/// Fault 4: headers without an end.
#[test]
fn headers_without_an_end_cost_no_live_token() {
    World::warm().survives(broken(Wire::EndlessHeaders), "headers");
}

/// Fault 4: 64 MiB of zeros in a few hundred KiB.
#[test]
fn a_reply_that_is_compressed_is_not_unpacked_and_costs_no_live_token() {
    World::warm().survives(Fault::new(Trouble::Reply(Reply::GzipBomb)), "the reply");
}
